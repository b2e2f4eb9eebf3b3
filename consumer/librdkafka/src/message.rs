//! A message that was fetched, and its parts.

use rdkafka::bindings::{
    rd_kafka_header_get_all, rd_kafka_headers_t, rd_kafka_message_headers,
    rd_kafka_message_leader_epoch, rd_kafka_message_t, rd_kafka_message_timestamp,
    rd_kafka_timestamp_type_t,
};
use rdkafka::types::RDKafkaRespErr;
use std::ffi::{CStr, c_void};
use std::ptr;

/// A message that was fetched, as long as it is looked at.
#[derive(Clone, Copy)]
pub struct Message<'a>(&'a rd_kafka_message_t);

impl<'a> Message<'a> {
    /// Wraps a message of librdkafka, without an error, which lives as long as the reference.
    pub(crate) const fn new(raw: &'a rd_kafka_message_t) -> Self {
        Self(raw)
    }

    /// Returns the offset.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.0.offset
    }

    /// Returns the key, if there is one.
    #[must_use]
    pub fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: the message has `key_len` bytes there, and lives as long as the reference to it.
        unsafe { bytes(self.0.key, self.0.key_len) }
    }

    /// Returns the value; `None` for a tombstone.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        // SAFETY: the message has `len` bytes there, and lives as long as the reference to it.
        unsafe { bytes(self.0.payload, self.0.len) }
    }

    /// Returns the time of the message, in milliseconds since 1970, if it has one.
    #[must_use]
    pub fn timestamp(&self) -> Option<i64> {
        let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: both pointers are good.
        let timestamp = unsafe { rd_kafka_message_timestamp(self.0, &raw mut kind) };
        let has_none = kind == rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        (!has_none && timestamp >= 0).then_some(timestamp)
    }

    /// Returns the leader epoch under which the message was written, if the broker told it.
    #[must_use]
    pub fn leader_epoch(&self) -> Option<i32> {
        // SAFETY: the pointer is good.
        let epoch = unsafe { rd_kafka_message_leader_epoch(self.0) };
        (epoch >= 0).then_some(epoch)
    }

    /// Returns the headers, in their order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let mut headers = ptr::null_mut();
        // SAFETY: both pointers are good. librdkafka parses the headers into the message, which
        // owns them from then on, and which is used by this thread alone.
        let error = unsafe { rd_kafka_message_headers(self.0, &raw mut headers) };
        let has_some = error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
        let message = *self;
        let count = if has_some { usize::MAX } else { 0 };
        (0..count).map_while(move |index| message.header(headers, index))
    }

    /// Returns a header, if there are that many. The headers are those of this message.
    fn header(&self, headers: *const rd_kafka_headers_t, index: usize) -> Option<Header<'a>> {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the message has parsed these headers, and owns them; the others are places for
        // the results.
        let error = unsafe {
            rd_kafka_header_get_all(headers, index, &raw mut name, &raw mut value, &raw mut size)
        };
        if error != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return None;
        }
        // SAFETY: librdkafka ends a name with a zero, and the message owns it.
        let name = unsafe { CStr::from_ptr(name) }.to_bytes();
        // SAFETY: the value has `size` bytes, and the message owns them.
        let value = unsafe { bytes(value, size) };
        Some(Header { name, value })
    }
}

/// A header of a message.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// The name, which is UTF-8 where its producer kept to that.
    pub name: &'a [u8],
    /// The value; Kafka has headers without one.
    pub value: Option<&'a [u8]>,
}

/// Returns the bytes at a pointer, unless it is null.
///
/// # Safety
/// There must be `length` bytes at it, which nothing changes during `'a`.
const unsafe fn bytes<'a>(start: *const c_void, length: usize) -> Option<&'a [u8]> {
    if start.is_null() {
        return None;
    }
    // SAFETY: the caller promises it.
    Some(unsafe { std::slice::from_raw_parts(start.cast(), length) })
}
