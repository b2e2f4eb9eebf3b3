//! A message that was fetched, and its parts.

use rdkafka::bindings::{
    rd_kafka_header_get_all, rd_kafka_headers_t, rd_kafka_message_headers,
    rd_kafka_message_leader_epoch, rd_kafka_message_t, rd_kafka_message_timestamp,
    rd_kafka_timestamp_type_t, rd_kafka_version,
};
use rdkafka::types::RDKafkaRespErr;
use std::ffi::{CStr, c_int, c_uint, c_void};
use std::ptr::{self, NonNull};

/// A message that was fetched, as long as it is looked at.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The place of the message, of which librdkafka keeps more than it shows.
    raw: NonNull<rd_kafka_message_t>,
    shown: &'a rd_kafka_message_t,
}

impl<'a> Message<'a> {
    /// Wraps a message of librdkafka, without an error.
    ///
    /// # Safety
    /// librdkafka must have given it to a consumer, and it must live, unchanged, during `'a`.
    pub(crate) const unsafe fn new(raw: NonNull<rd_kafka_message_t>) -> Self {
        // SAFETY: the caller promises it.
        let shown = unsafe { raw.as_ref() };
        Self { raw, shown }
    }

    /// Returns the offset.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.shown.offset
    }

    /// Returns the key, if there is one.
    #[must_use]
    pub fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: the message has `key_len` bytes there, and lives as long as the reference to it.
        unsafe { bytes(self.shown.key, self.shown.key_len) }
    }

    /// Returns the value; `None` for a tombstone.
    #[must_use]
    pub fn payload(&self) -> Option<&'a [u8]> {
        // SAFETY: the message has `len` bytes there, and lives as long as the reference to it.
        unsafe { bytes(self.shown.payload, self.shown.len) }
    }

    /// Returns the time of the message, in milliseconds since 1970, if it has one.
    #[must_use]
    pub fn timestamp(&self) -> Option<i64> {
        let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: both pointers are good.
        let timestamp = unsafe { rd_kafka_message_timestamp(self.raw.as_ptr(), &raw mut kind) };
        let has_none = kind == rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        (!has_none && timestamp >= 0).then_some(timestamp)
    }

    /// Returns the leader epoch under which the message was written, if the broker told it.
    #[must_use]
    pub fn leader_epoch(&self) -> Option<i32> {
        // SAFETY: the pointer is good.
        let epoch = unsafe { rd_kafka_message_leader_epoch(self.raw.as_ptr()) };
        (epoch >= 0).then_some(epoch)
    }

    /// Returns the headers, in their order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let mut headers = ptr::null_mut();
        let has_some = !self.has_no_headers() && {
            // SAFETY: both pointers are good. librdkafka parses the headers into the message, which
            // owns them from then on, and which is used by this thread alone.
            let error = unsafe { rd_kafka_message_headers(self.raw.as_ptr(), &raw mut headers) };
            error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
        };
        let message = *self;
        let count = if has_some { usize::MAX } else { 0 };
        (0..count).map_while(move |index| message.header(headers, index))
    }

    /// Returns whether it is known, without a question to librdkafka, that there are no headers.
    ///
    /// To find none, `rd_kafka_message_headers` allocates a buffer for its parser twice, which costs
    /// more than to copy a short message.
    fn has_no_headers(&self) -> bool {
        if !is_known_version() {
            return false;
        }
        // SAFETY: in this version, each message that a consumer gets is the beginning of such a
        // struct (`rd_kafka_op_new_fetch_msg`, `rd_kafka_message_get`).
        let all = unsafe { self.raw.cast::<Whole>().as_ref() };
        // None in the old formats of messages; else their number is in front, as a varint.
        // SAFETY: there are that many bytes, which live as long as the message.
        all.raw_headers_length <= 0 || unsafe { *all.raw_headers } == 0
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

/// The version of librdkafka whose messages are known to be like [`Whole`]: 2.12.1. With others, each
/// message is asked for its headers.
const KNOWN_VERSION: c_int = 0x020c_01ff;

/// Returns whether the librdkafka that is linked is of that version.
fn is_known_version() -> bool {
    // SAFETY: it takes nothing, and may be called at any time.
    unsafe { rd_kafka_version() == KNOWN_VERSION }
}

/// A message as librdkafka keeps it (`rd_kafka_msg_t` in `rdkafka_msg.h`), as far as the headers that
/// were not parsed yet (`rkm_u.consumer.binhdrs`).
#[repr(C)]
struct Whole {
    _message: rd_kafka_message_t,
    _link: [*mut c_void; 2],
    _flags: c_int,
    _timestamp_type: rd_kafka_timestamp_type_t,
    _timestamp: i64,
    _headers: *mut rd_kafka_headers_t,
    _status: c_uint,
    _broker: i32,
    raw_headers_length: i32,
    raw_headers: *const u8,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PartitionQueue;
    use rdkafka::config::FromClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    use rdkafka::message::{Header as Sent, OwnedHeaders};
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
    use rdkafka::{ClientConfig, Offset, TopicPartitionList};
    use std::ops::ControlFlow;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    const WITHIN: Duration = Duration::from_secs(30);

    fn client<C: FromClientConfig>(brokers: &str) -> C {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers);
        config.set("group.id", "headers").create().unwrap()
    }

    /// Shows all messages of a partition to a function.
    fn read_all(brokers: &str, mut count: usize, mut look: impl FnMut(Message<'_>)) {
        let consumer: Arc<BaseConsumer> = Arc::new(client(brokers));
        let mut queue = PartitionQueue::new(&consumer, "headers", 0, || {}).unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset("headers", 0, Offset::Beginning)
            .unwrap();
        consumer.assign(&list).unwrap();
        let end = Instant::now() + WITHIN;
        while count > 0 {
            assert!(Instant::now() < end, "{count} messages did not come");
            consumer.poll(Duration::from_millis(10));
            count -= queue.read(count, |message| {
                look(message.unwrap());
                ControlFlow::Continue(())
            });
        }
    }

    #[test]
    fn whether_there_are_headers_is_known_as_librdkafka_says_it() {
        assert!(
            is_known_version(),
            "compare `Whole` with `rdkafka_msg.h` of this version"
        );
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("headers", 1, 1).unwrap();
        let brokers = cluster.bootstrap_servers();
        let producer: BaseProducer = client(&brokers);
        let values = [None, Some(&b""[..]), Some(b"\0"), Some(b"value")];
        let headers = [
            vec![],
            vec![("", None)],
            vec![("a", Some(&b"1"[..])), ("a", Some(b""))],
        ];
        let cases: Vec<_> = values
            .iter()
            .flat_map(|value| headers.iter().map(move |headers| (*value, headers)))
            .collect();
        for (value, sent) in &cases {
            let mut record = BaseRecord::<[u8], [u8]>::to("headers").partition(0);
            record.payload = *value;
            if !sent.is_empty() {
                let empty = OwnedHeaders::new();
                let all = sent
                    .iter()
                    .fold(empty, |all, &(key, value)| all.insert(Sent { key, value }));
                record = record.headers(all);
            }
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(WITHIN).unwrap();
        let mut expected = cases.iter();
        read_all(&brokers, cases.len(), |message| {
            let (value, sent) = expected.next().unwrap();
            assert_eq!(message.payload(), *value);
            assert_eq!(message.has_no_headers(), sent.is_empty());
            let found: Vec<_> = message.headers().map(|h| (h.name, h.value)).collect();
            let sent: Vec<_> = sent.iter().map(|(n, v)| (n.as_bytes(), *v)).collect();
            assert_eq!(found, sent);
        });
    }
}
