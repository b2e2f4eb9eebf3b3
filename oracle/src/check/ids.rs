//! What a history calls its parts: a type for each, so that none is taken for another.

use super::table::Id;
use crate::MemberId;
use plimsoll_core::{Offset, TopicPartition};
use std::num::NonZeroU32;

/// The index of an entry in the trace: logical time, in which `<` means "before".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryIndex(u32);

/// Later than every entry: it did not happen. So "not finished before this commit" is one
/// comparison.
pub(super) const NEVER: EntryIndex = EntryIndex(u32::MAX);

impl EntryIndex {
    /// The first entry, before which there is none.
    pub(super) const START: Self = Self(0);

    pub(super) const fn new(index: usize) -> Self {
        Self(index as u32)
    }

    pub(super) const fn get(self) -> usize {
        self.0 as usize
    }
}

/// [`NEVER`]: nothing has happened yet.
impl Default for EntryIndex {
    fn default() -> Self {
        NEVER
    }
}

macro_rules! ids {
    ($($(#[doc = $text:literal])+ $id:ident)+) => {
        $(
            $(#[doc = $text])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
            pub(super) struct $id(NonZeroU32);

            /// One more than the index is kept, so that an `Option` takes no more room.
            impl Id for $id {
                #[inline]
                fn from_index(index: usize) -> Self {
                    Self(NonZeroU32::MIN.saturating_add(index as u32))
                }

                #[inline]
                fn index(self) -> usize {
                    self.0.get() as usize - 1
                }
            }
        )+
    };
}

ids! {
    /// A partition, by its place in a table of those that a trace names.
    Slot
    /// One partition given to one member; `<` means that it was given before.
    AssignmentId
    /// One call of a handler.
    AttemptId
}

/// The slots of partitions, by topic and partition.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<Vec<Option<Slot>>>);

impl Slots {
    pub(super) fn get(&self, id: TopicPartition) -> Option<Slot> {
        *self.0.get(id.topic as usize)?.get(id.partition as usize)?
    }

    pub(super) fn set(&mut self, id: TopicPartition, slot: Slot) {
        let (topic, partition) = (id.topic as usize, id.partition as usize);
        if self.0.len() <= topic {
            self.0.resize_with(topic + 1, Vec::new);
        }
        let row = &mut self.0[topic];
        if row.len() <= partition {
            row.resize(partition + 1, None);
        }
        row[partition] = Some(slot);
    }

    pub(super) fn clear(&mut self) {
        for row in &mut self.0 {
            row.fill(None);
        }
    }
}

/// A record, by its place in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecordId {
    pub(super) slot: Slot,
    pub(super) offset: Offset,
}

/// Offsets begin at 0, because the harness makes its topics.
impl Id for Offset {
    #[inline]
    fn from_index(index: usize) -> Self {
        Self::new(index as u64)
    }

    #[inline]
    fn index(self) -> usize {
        self.get() as usize
    }
}

impl Id for MemberId {
    #[inline]
    fn from_index(index: usize) -> Self {
        Self(index as u32)
    }

    #[inline]
    fn index(self) -> usize {
        self.0 as usize
    }
}
