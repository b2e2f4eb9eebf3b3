//! What brokers carry, as the bytes of Kafka's protocol.

use crate::aborted::{Aborted, Part};
use crate::record::{Head, heads};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use plimsoll_protocol::{Batch, CommitMetadata, Dialect, ProducerStamp, Protocols};

/// The dialect of clients from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire;

impl Dialect for Wire {
    type Batch = RecordBatch;
    type Subscription = Supported;
    type Assignment = Bytes;
    type Client = Client;
    type Topic = StrBytes;
    type CommitMetadata = Metadata;
}

/// A batch of records in Kafka's format 2, not looked into (`DefaultRecordBatch`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordBatch {
    bytes: Bytes,
    is_shown: bool,
}

/// The reason why bytes are not taken for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// They are not one batch of format 2 (`ProduceRequest.validateRecords`).
    Unfit,
    /// They are cut within the head.
    Corrupt,
}

/// Places in the head of a batch.
const LENGTH: usize = 8;
const LEADER_EPOCH: usize = 12;
const MAGIC: usize = 16;
const CHECKSUM: usize = 17;
const ATTRIBUTES: usize = 21;
const LAST_OFFSET_DELTA: usize = 23;
const BASE_TIMESTAMP: usize = 27;
const MAX_TIMESTAMP: usize = 35;
const PRODUCER_ID: usize = 43;
const PRODUCER_EPOCH: usize = 51;
const BASE_SEQUENCE: usize = 53;
const COUNT: usize = 57;
const HEAD: usize = 61;

/// The attributes that say how records are compressed; 0: not at all.
const COMPRESSION: u16 = 0b111;

/// The attribute of records whose timestamp is that of their append.
const APPEND_TIME: u8 = 0b1000;

/// The attribute of batches that are part of a transaction.
const TRANSACTIONAL: u8 = 0b1_0000;

/// The attribute of batches that are not for applications.
const CONTROL: u8 = 0b10_0000;

impl RecordBatch {
    fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            is_shown: true,
        }
    }

    /// Takes the one batch of a produce request, which is not looked into yet.
    pub fn read(bytes: Bytes) -> Result<Self, Malformed> {
        if bytes.is_empty() {
            return Err(Malformed::Unfit);
        }
        if bytes.len() < HEAD {
            return Err(Malformed::Corrupt);
        }
        let length = (&bytes[LENGTH..]).get_i32();
        match bytes[MAGIC] == 2 && usize::try_from(length) == Ok(bytes.len() - LENGTH - 4) {
            true => Ok(Self::new(bytes)),
            false => Err(Malformed::Unfit),
        }
    }

    /// Returns whether its checksum is right (`DefaultRecordBatch.isValid`).
    pub fn is_intact(&self) -> bool {
        crc32c::crc32c(&self.bytes[ATTRIBUTES..]) == (&self.bytes[CHECKSUM..]).get_u32()
    }

    /// Returns the number of its records, one at least, where its head agrees about it
    /// (`LogValidator.validateBatch`).
    pub fn count(&self) -> Option<u32> {
        let count = (&self.bytes[COUNT..]).get_i32();
        let last = (&self.bytes[LAST_OFFSET_DELTA..]).get_i32();
        (count > 0 && last == count - 1).then_some(count as u32)
    }

    /// Returns what can be seen of its records; `None`: they are compressed.
    pub fn heads(&self) -> Option<impl Iterator<Item = Head>> {
        let base = (&self.bytes[BASE_TIMESTAMP..]).get_i64();
        let is_plain = (&self.bytes[ATTRIBUTES..]).get_u16() & COMPRESSION == 0;
        is_plain.then(|| heads(&self.bytes[HEAD..], base))
    }

    /// Returns the bytes of its records, compressed as they are.
    pub fn records(&self) -> Bytes {
        self.bytes.slice(HEAD..)
    }

    /// Returns how its records are compressed, by Kafka's number (`CompressionType`); 0: not at
    /// all.
    pub fn compression(&self) -> u8 {
        self.bytes[ATTRIBUTES + 1] & COMPRESSION as u8
    }

    /// Returns the number of its records, as its head says.
    pub fn declared(&self) -> u32 {
        (&self.bytes[COUNT..]).get_i32().max(0) as u32
    }

    /// Returns the time from which those of its records count.
    pub fn base_timestamp(&self) -> i64 {
        (&self.bytes[BASE_TIMESTAMP..]).get_i64()
    }

    /// Returns the time of its append, where its records have that.
    pub fn append_time(&self) -> Option<i64> {
        let has = self.bytes[ATTRIBUTES + 1] & APPEND_TIME != 0;
        has.then(|| (&self.bytes[MAX_TIMESTAMP..]).get_i64())
    }

    /// Returns whether consumers see its records, as far as the answer to a fetch says: not where
    /// it was part of a transaction that was taken back, or is the end of one.
    pub fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// Returns a batch as the answer to a fetch has it, in which it comes at this offset.
    pub(crate) fn fetched(mut self, offset: u64, aborted: &mut Aborted) -> Self {
        let attributes = self.bytes[ATTRIBUTES + 1];
        self.is_shown = aborted.shows_part(Part {
            next: offset.saturating_add(u64::from(self.offsets())) as i64,
            producer: (&self.bytes[PRODUCER_ID..]).get_i64(),
            is_transactional: attributes & TRANSACTIONAL != 0,
            is_control: attributes & CONTROL != 0,
        });
        self
    }

    /// Creates the batch of one record, which is written already, of a producer that is not
    /// idempotent.
    #[cfg(feature = "records")]
    pub(crate) fn of_one(record: &[u8], timestamp: i64) -> Self {
        let mut bytes = BytesMut::with_capacity(HEAD + record.len());
        bytes.put_u64(0);
        bytes.put_i32((HEAD - LEADER_EPOCH + record.len()) as i32);
        bytes.put_i32(-1);
        bytes.put_u8(2);
        // The checksum, the attributes, and the last offset behind the first.
        bytes.put_bytes(0, BASE_TIMESTAMP - CHECKSUM);
        bytes.put_i64(timestamp);
        bytes.put_i64(timestamp);
        bytes.put_i64(-1);
        bytes.put_i16(-1);
        bytes.put_i32(-1);
        bytes.put_i32(1);
        bytes.put_slice(record);
        Self::new(with_checksum(bytes))
    }

    /// Gives all its records the time of their append (`DefaultRecordBatch.setMaxTimestamp`).
    pub fn appended_at(&self, time: i64) -> Self {
        let mut bytes = BytesMut::from(&self.bytes[..]);
        // The attributes have two bytes, this one in the lower.
        bytes[ATTRIBUTES + 1] |= APPEND_TIME;
        bytes[MAX_TIMESTAMP..PRODUCER_ID].copy_from_slice(&time.to_be_bytes());
        Self::new(with_checksum(bytes))
    }

    /// Takes batches as they come out of a log, each with its first offset and its leader epoch; a
    /// last one may be cut off (`DefaultRecordBatch`); `None`: there is something else.
    ///
    /// Checksums are for what reads the records: one batch that is damaged says nothing of others.
    pub fn split(mut bytes: Bytes) -> Option<Vec<(u64, u32, Self)>> {
        let mut batches = Vec::new();
        while bytes.len() >= HEAD {
            let length = usize::try_from((&bytes[LENGTH..]).get_i32()).ok()?;
            let Some(end) = length
                .checked_add(LENGTH + 4)
                .filter(|end| *end <= bytes.len())
            else {
                break;
            };
            let batch = Self::read(bytes.split_to(end)).ok()?;
            let offset = u64::try_from((&batch.bytes[..]).get_i64()).ok()?;
            let leader_epoch = (&batch.bytes[LEADER_EPOCH..]).get_u32();
            batches.push((offset, leader_epoch, batch));
        }
        Some(batches)
    }

    /// Returns it as its producer sends it.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Writes it as it lies in a log. Neither field is a part of what the checksum covers.
    pub fn write(&self, offset: u64, leader_epoch: u32, into: &mut BytesMut) {
        into.put_u64(offset);
        into.put_slice(&self.bytes[LENGTH..LENGTH + 4]);
        into.put_u32(leader_epoch);
        into.put_slice(&self.bytes[MAGIC..]);
    }
}

/// Puts the checksum of a batch in its place.
fn with_checksum(mut bytes: BytesMut) -> Bytes {
    let checksum = crc32c::crc32c(&bytes[ATTRIBUTES..]);
    bytes[CHECKSUM..ATTRIBUTES].copy_from_slice(&checksum.to_be_bytes());
    bytes.freeze()
}

impl Batch for RecordBatch {
    fn offsets(&self) -> u32 {
        (&self.bytes[LAST_OFFSET_DELTA..]).get_u32() + 1
    }

    fn size(&self) -> u32 {
        self.bytes.len() as u32
    }

    fn max_timestamp(&self) -> Option<i64> {
        let timestamp = (&self.bytes[MAX_TIMESTAMP..]).get_i64();
        (timestamp >= 0).then_some(timestamp)
    }

    /// Looks for a record. Compressed records are not looked at: of these, one that is early enough
    /// is returned.
    fn first_since(&self, timestamp: i64, from: u32) -> Option<(u32, i64)> {
        if self.bytes[ATTRIBUTES + 1] & APPEND_TIME != 0 {
            return Some((from, self.max_timestamp()?));
        }
        let base = (&self.bytes[BASE_TIMESTAMP..]).get_i64();
        match self.heads() {
            Some(mut heads) => heads
                .find(|head| head.timestamp >= timestamp && head.number >= from)
                .map(|head| (head.number, head.timestamp)),
            None if base >= timestamp && from == 0 => Some((0, base)),
            None => Some((from, self.max_timestamp()?)),
        }
    }

    fn producer(&self) -> Option<ProducerStamp> {
        Some(ProducerStamp {
            id: u64::try_from((&self.bytes[PRODUCER_ID..]).get_i64()).ok()?,
            epoch: u16::try_from((&self.bytes[PRODUCER_EPOCH..]).get_i16()).ok()?,
            sequence: u32::try_from((&self.bytes[BASE_SEQUENCE..]).get_i32()).ok()?,
        })
    }
}

/// The protocols that a member supports, with what it says of itself under each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supported(pub Vec<(StrBytes, Bytes)>);

impl Supported {
    /// Returns what the member says under the first protocol.
    pub fn first(&self) -> Bytes {
        self.0
            .first()
            .map(|(_, bytes)| bytes.clone())
            .unwrap_or_default()
    }
}

impl Protocols for Supported {
    type Name = StrBytes;
    type Topic = StrBytes;

    fn names(&self) -> impl Iterator<Item = &StrBytes> {
        self.0.iter().map(|(name, _)| name)
    }

    fn under(&self, name: &StrBytes) -> Self {
        let own = self.0.iter().filter(|(own, _)| own == name);
        Self(own.cloned().collect())
    }

    fn subscribes(&self, topic: &StrBytes) -> bool {
        let mut all = self.0.iter();
        all.any(|(_, bytes)| topics(bytes).is_none_or(|topics| topics.contains(&&topic[..])))
    }
}

/// Reads the topics of a consumer's subscription (`ConsumerProtocolSubscription`).
fn topics(mut bytes: &[u8]) -> Option<Vec<&str>> {
    bytes.try_get_i16().ok()?;
    let count = bytes.try_get_i32().ok()?;
    let mut topics = Vec::new();
    for _ in 0..count {
        let length = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
        let (topic, rest) = bytes.split_at_checked(length)?;
        topics.push(std::str::from_utf8(topic).ok()?);
        bytes = rest;
    }
    Some(topics)
}

/// What a member's process is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its name for itself.
    pub id: StrBytes,
    /// The host from which it is connected.
    pub host: StrBytes,
}

/// What a member attaches to a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The text, of any content.
    pub text: StrBytes,
    /// The leader epoch of the last record that the commit covers; -1: none.
    pub leader_epoch: i32,
    /// The offset itself where it is below zero, which no log has: nothing checks it
    /// (`OffsetMetadataManager.commitOffset`), and nothing but its group reads it.
    pub negative: Option<i64>,
}

impl CommitMetadata for Metadata {
    fn length(&self) -> usize {
        self.text.encode_utf16().count()
    }
}
