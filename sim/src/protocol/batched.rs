//! A dialect for tests whose batches hold any number of records, as on a network.

use super::{Batch, Dialect, ProducerStamp, Protocols};

/// A dialect for tests whose batches hold any number of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batched;

impl Dialect for Batched {
    type Batch = Records;
    type Subscription = Opaque;
    type Assignment = Vec<u8>;
    type CommitMetadata = String;
}

/// A batch of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Records {
    pub offsets: u32,
    pub producer: Option<ProducerStamp>,
}

impl Records {
    /// Creates a batch of a producer that is not idempotent.
    pub(crate) fn plain(offsets: u32) -> Self {
        Self {
            offsets,
            producer: None,
        }
    }

    /// Creates a batch of an idempotent producer.
    pub(crate) fn stamped(offsets: u32, id: u64, epoch: u16, sequence: u32) -> Self {
        let producer = Some(ProducerStamp {
            id,
            epoch,
            sequence,
        });
        Self { offsets, producer }
    }
}

impl Batch for Records {
    fn offsets(&self) -> u32 {
        self.offsets
    }

    fn producer(&self) -> Option<ProducerStamp> {
        self.producer
    }
}

/// A subscription as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opaque(pub Vec<u8>);

impl Protocols for Opaque {
    fn agree(&self, _other: &Self) -> bool {
        true
    }
}
