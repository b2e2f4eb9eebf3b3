//! The message that a handler gets: a record of a topic, cheap to clone.

use crate::Cancellation;
use crate::attempt::Attempt;
use plimsoll_core::{KeyHash, Offset, Record};
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;
use tokio::time::Instant;

/// A record of a topic, as a handler gets it.
///
/// It is cheap to clone: records that were fetched together share one buffer, which lives as long
/// as one of them.
#[derive(Clone)]
pub struct Message {
    batch: Arc<Batch>,
    index: u32,
    attempt: u32,
    last_error: Option<Arc<str>>,
    /// What a handler is told of its attempt.
    running: Option<Arc<Attempt>>,
}

impl Message {
    /// Creates a message, for tests of handlers. A [`Batch`] can have headers and a time, too.
    ///
    /// ```
    /// let message = plimsoll::Message::new("orders", 0, 7, Some(b"apple"), Some(b"2 kg"));
    /// assert_eq!(message.payload(), Some(&b"2 kg"[..]));
    /// ```
    #[must_use]
    pub fn new(
        topic: &str,
        partition: u32,
        offset: u64,
        key: Option<&[u8]>,
        payload: Option<&[u8]>,
    ) -> Self {
        let mut batch = Batch::new(topic.into(), partition);
        batch.push(Offset::new(offset), key, payload, None);
        Self {
            batch: Arc::new(batch),
            index: 0,
            attempt: 1,
            last_error: None,
            running: None,
        }
    }

    /// Returns the name of the topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.batch.topic
    }

    /// Returns the number of the partition.
    #[must_use]
    pub fn partition(&self) -> u32 {
        self.batch.partition
    }

    /// Returns the offset in the partition.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.place().offset.get()
    }

    /// Returns the key, if there is one.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        Some(self.batch.slice(self.place().key?))
    }

    /// Returns the value; `None` for a tombstone.
    #[must_use]
    pub fn payload(&self) -> Option<&[u8]> {
        Some(self.batch.slice(self.place().payload?))
    }

    /// Returns the headers, in their order. A name may occur more than once.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        let Place {
            first_header,
            headers,
            ..
        } = *self.place();
        let first = first_header as usize;
        let places = &self.batch.headers[first..first + headers as usize];
        places.iter().map(|place| Header {
            name: &place.name,
            value: place.value.map(|span| self.batch.slice(span)),
        })
    }

    /// Returns the time at which the message was produced, or appended to the log, as the topic is
    /// configured: milliseconds since 1970. `None` where the record has no time.
    #[must_use]
    pub fn timestamp(&self) -> Option<i64> {
        self.place().timestamp
    }

    /// Returns the number of the attempt. It counts from 1 each time that the partition is assigned
    /// to this process.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the error of the last attempt, if there was one.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// Returns the moment at which this attempt is stopped, if its handler has a
    /// [deadline](crate::Config::handler_deadline). It is stopped before that where the partition
    /// goes to another member, or the consumer stops, and it does not end in time.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.running.as_ref()?.deadline()
    }

    /// Returns what tells that this attempt was stopped: at its deadline, or because the partition
    /// goes to another member, or the consumer stops.
    ///
    /// A handler that has asked for it before the stop is not dropped at once: it has three seconds
    /// to end by itself. Whatever it returns then does not count.
    #[must_use]
    pub fn cancellation(&self) -> Cancellation {
        match &self.running {
            Some(attempt) => attempt.cancellation(),
            None => Cancellation::never(),
        }
    }

    /// Returns the headers that a dead letter has behind those of the message, for clients: where it
    /// comes from, and why it could not be handled.
    #[must_use]
    pub fn dead_letter_headers(&self) -> [(&'static str, String); 5] {
        [
            ("plimsoll-topic", self.topic().to_owned()),
            ("plimsoll-partition", self.partition().to_string()),
            ("plimsoll-offset", self.offset().to_string()),
            (
                "plimsoll-error",
                self.last_error().unwrap_or("unknown").to_owned(),
            ),
            ("plimsoll-attempts", self.attempt().to_string()),
        ]
    }

    /// Returns the message as another attempt gets it.
    #[inline]
    pub(crate) fn for_attempt(mut self, attempt: u32, last_error: Option<Arc<str>>) -> Self {
        self.attempt = attempt;
        self.last_error = last_error;
        self
    }

    /// Returns the message as the handler gets it in this attempt.
    #[inline]
    pub(crate) fn in_attempt(mut self, attempt: Arc<Attempt>) -> Self {
        self.running = Some(attempt);
        self
    }

    #[inline]
    fn place(&self) -> &Place {
        &self.batch.places[self.index as usize]
    }
}

/// Equal where the attempt and the record are the same.
impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let parts = |m: &Self| (m.partition(), m.offset(), m.attempt);
        parts(self) == parts(other)
            && (self.topic(), self.key(), self.payload())
                == (other.topic(), other.key(), other.payload())
    }
}

impl Eq for Message {}

/// Shows where the message stands, and not its content, which may be large, or secret.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic())
            .field("partition", &self.partition())
            .field("offset", &self.offset())
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// A header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name.
    pub name: &'a str,
    /// The value; Kafka has headers without one.
    pub value: Option<&'a [u8]>,
}

/// Records of one partition that were fetched together, in one buffer. A client fills it.
#[derive(Debug)]
pub struct Batch {
    topic: Arc<str>,
    partition: u32,
    bytes: Vec<u8>,
    places: Vec<Place>,
    headers: Vec<HeaderPlace>,
}

/// The parts of a record, and where in the buffer they are.
#[derive(Debug)]
struct Place {
    offset: Offset,
    timestamp: Option<i64>,
    key: Option<Span>,
    payload: Option<Span>,
    first_header: u32,
    headers: u32,
}

#[derive(Debug)]
struct HeaderPlace {
    name: Box<str>,
    value: Option<Span>,
}

/// A part of the buffer. Kafka counts the bytes of a record in 31 bits, and a batch is closed long
/// before it is full.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    length: u32,
}

impl Batch {
    /// Creates an empty batch.
    #[must_use]
    pub fn new(topic: Arc<str>, partition: u32) -> Self {
        Self::with_capacity(topic, partition, 0, 0)
    }

    /// Creates an empty batch with room for `records` records of `bytes` bytes in total.
    #[must_use]
    pub fn with_capacity(topic: Arc<str>, partition: u32, records: usize, bytes: usize) -> Self {
        Self {
            topic,
            partition,
            bytes: Vec::with_capacity(bytes),
            places: Vec::with_capacity(records),
            headers: Vec::new(),
        }
    }

    /// Copies a record into the batch. Its offset must be higher than that of the last one.
    pub fn push(
        &mut self,
        offset: Offset,
        key: Option<&[u8]>,
        payload: Option<&[u8]>,
        timestamp: Option<i64>,
    ) {
        let place = Place {
            offset,
            timestamp,
            key: key.map(|key| self.copy(key)),
            payload: payload.map(|payload| self.copy(payload)),
            first_header: u32::try_from(self.headers.len()).unwrap_or(u32::MAX),
            headers: 0,
        };
        self.places.push(place);
    }

    /// Adds a header to the record that was pushed last.
    pub fn push_header(&mut self, name: &str, value: Option<&[u8]>) {
        let value = value.map(|value| self.copy(value));
        if let Some(place) = self.places.last_mut() {
            place.headers += 1;
            self.headers.push(HeaderPlace {
                name: name.into(),
                value,
            });
        }
    }

    /// Returns the number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns the size of the records, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the records, for [`Event::Fetched`](plimsoll_core::Event).
    #[must_use]
    pub fn into_records(self) -> Vec<Record<Message>> {
        let batch = Arc::new(self);
        let records = batch.places.iter().zip(0..).map(|(place, index)| Record {
            offset: place.offset,
            key: place.key.map(|key| hash(batch.slice(key))),
            bytes: place.bytes(),
            payload: Message {
                batch: Arc::clone(&batch),
                index,
                attempt: 0,
                last_error: None,
                running: None,
            },
        });
        records.collect()
    }

    fn copy(&mut self, bytes: &[u8]) -> Span {
        let span = Span {
            start: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
            length: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        self.bytes.extend_from_slice(bytes);
        span
    }

    fn slice(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        &self.bytes[start..start + span.length as usize]
    }
}

impl Place {
    /// Returns the size that counts against the limit of buffered bytes: an empty record takes
    /// memory too.
    fn bytes(&self) -> u32 {
        let length = |span: Option<Span>| span.map_or(0, |span| span.length);
        let data = length(self.key).saturating_add(length(self.payload));
        data.saturating_add(size_of::<Self>() as u32)
    }
}

/// Hashes a key. Records of equal hash are handled in order, so two keys that collide only wait for
/// each other.
fn hash(key: &[u8]) -> KeyHash {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    KeyHash(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_share_a_buffer_and_keep_their_parts() {
        let mut batch = Batch::new("orders".into(), 3);
        batch.push(Offset::new(7), Some(b"k"), Some(b"apple"), Some(12));
        batch.push_header("trace", Some(b"1"));
        batch.push_header("empty", None);
        batch.push(Offset::new(9), None, None, None);
        batch.push(Offset::new(10), Some(b"k"), Some(b""), None);
        batch.push_header("trace", Some(b"2"));
        assert_eq!((batch.len(), batch.bytes()), (3, 9));

        let records = batch.into_records();
        assert_eq!(records[0].key, records[2].key);
        assert_eq!(records[1].key, None);
        let [first, tombstone, last] = [0, 1, 2].map(|i| records[i].payload.clone());
        assert_eq!((first.topic(), first.partition()), ("orders", 3));
        assert_eq!((first.offset(), first.timestamp()), (7, Some(12)));
        assert_eq!(first.key(), Some(&b"k"[..]));
        assert_eq!(first.payload(), Some(&b"apple"[..]));
        let headers: Vec<_> = first.headers().map(|h| (h.name, h.value)).collect();
        assert_eq!(headers, [("trace", Some(&b"1"[..])), ("empty", None)]);
        assert_eq!((tombstone.key(), tombstone.payload()), (None, None));
        assert_eq!(tombstone.headers().count(), 0);
        assert_eq!(last.payload(), Some(&b""[..]));
        assert_eq!(last.headers().next().unwrap().value, Some(&b"2"[..]));
    }
}
