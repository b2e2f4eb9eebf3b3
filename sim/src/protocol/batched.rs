//! A dialect for tests in which batches hold any number of records, and members say more of
//! themselves than in the simulator's, as on a network.

use super::{Batch, CommitMetadata, Dialect, ProducerStamp, Protocols};

/// A dialect for tests in which batches hold any number of records, and members support several
/// protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batched;

impl Dialect for Batched {
    type Batch = Records;
    type Subscription = Supports;
    type Assignment = &'static str;
    type Client = &'static str;
    type Topic = u32;
    type CommitMetadata = Text;
}

/// A batch of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Records {
    pub offsets: u32,
    /// Number of its bytes.
    pub size: u32,
    pub producer: Option<ProducerStamp>,
    /// The timestamps of its records, where they have any.
    pub timestamps: &'static [i64],
}

impl Records {
    /// Creates a batch of a producer that is not idempotent: a byte a record.
    pub(crate) fn plain(offsets: u32) -> Self {
        Self {
            offsets,
            size: offsets,
            producer: None,
            timestamps: &[],
        }
    }

    /// Creates a batch of one record with this number of bytes.
    pub(crate) fn sized(size: u32) -> Self {
        Self {
            size,
            ..Self::plain(1)
        }
    }

    /// Creates a batch of records with timestamps.
    pub(crate) fn timed(timestamps: &'static [i64]) -> Self {
        Self {
            timestamps,
            ..Self::plain(timestamps.len() as u32)
        }
    }

    /// Creates a batch of an idempotent producer.
    pub(crate) fn stamped(offsets: u32, id: u64, epoch: u16, sequence: u32) -> Self {
        let producer = Some(ProducerStamp {
            id,
            epoch,
            sequence,
        });
        Self {
            producer,
            ..Self::plain(offsets)
        }
    }
}

impl Batch for Records {
    fn offsets(&self) -> u32 {
        self.offsets
    }

    fn size(&self) -> u32 {
        self.size
    }

    fn max_timestamp(&self) -> Option<i64> {
        self.timestamps.iter().copied().max()
    }

    fn first_since(&self, timestamp: i64, from: u32) -> Option<(u32, i64)> {
        let records = (0..).zip(self.timestamps.iter().copied());
        let mut records = records.skip(from as usize);
        records.find(|(_, at)| *at >= timestamp)
    }

    fn producer(&self) -> Option<ProducerStamp> {
        self.producer
    }
}

/// Protocols, the preferred one first, and what the member says under each: the topic to which it
/// has subscribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Supports(pub Vec<(&'static str, u32)>);

impl Protocols for Supports {
    type Name = &'static str;
    type Topic = u32;

    fn names(&self) -> impl Iterator<Item = &&'static str> {
        self.0.iter().map(|(name, _)| name)
    }

    fn under(&self, name: &&'static str) -> Self {
        let own = self.0.iter().filter(|(own, _)| own == name);
        Self(own.copied().collect())
    }

    fn subscribes(&self, topic: &u32) -> bool {
        self.0.iter().any(|(_, of)| of == topic)
    }
}

/// A text that members attach to commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub String);

impl CommitMetadata for Text {
    fn length(&self) -> usize {
        self.0.chars().count()
    }
}
