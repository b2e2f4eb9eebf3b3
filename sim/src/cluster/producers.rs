//! What a log knows of its idempotent producers (`ProducerStateManager`): it takes each batch of a
//! producer once, and in order.

use crate::protocol::ProducerStamp;
use plimsoll_oracle::ErrorName;
use std::collections::VecDeque;

/// Number of a producer's batches that a log remembers (`ProducerStateEntry.NUM_BATCHES_TO_RETAIN`).
const REMEMBERED_BATCHES: usize = 5;

/// The greatest sequence number, upon which 0 follows (`DefaultRecordBatch.incrementSequence`).
const LAST_SEQUENCE: u32 = i32::MAX as u32;

/// The idempotent producers of a log, in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Producers(Vec<Producer>);

/// A producer (`ProducerStateEntry`).
#[derive(Debug)]
struct Producer {
    id: u64,
    epoch: u16,
    /// Its latest batches in this epoch, the newest last.
    batches: VecDeque<Remembered>,
}

/// A batch that the log has (`BatchMetadata`).
#[derive(Clone, Copy, Debug)]
struct Remembered {
    /// Sequence numbers of its first and its last record.
    sequences: (u32, u32),
    /// Offset of its first record.
    offset: u64,
}

/// What is told of a producer (`ProducerStateManager.activeProducers`).
#[cfg(feature = "wire")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProducerState {
    pub(crate) id: u64,
    pub(crate) epoch: u16,
    /// The sequence number of its last record.
    pub(crate) last_sequence: u32,
    /// The offset of its last batch.
    pub(crate) last_batch: u64,
}

impl Producers {
    /// Returns the producers, by their ids.
    #[cfg(feature = "wire")]
    pub(super) fn iter(&self) -> impl Iterator<Item = ProducerState> {
        self.0.iter().filter_map(|producer| {
            let newest = producer.batches.back()?;
            Some(ProducerState {
                id: producer.id,
                epoch: producer.epoch,
                last_sequence: newest.sequences.1,
                last_batch: newest.offset,
            })
        })
    }

    /// Checks whether a batch may be appended. Returns the offset at which the log has it already
    /// (`ProducerStateEntry.findDuplicateBatch`), or `None` where it is new.
    #[inline]
    pub(super) fn check(
        &self,
        stamp: ProducerStamp,
        records: u32,
    ) -> Result<Option<u64>, ErrorName> {
        match self.find(stamp.id) {
            Ok(index) => self.0[index].check(stamp, records),
            // A producer that the log does not know may begin anywhere: its records may have been
            // removed (`ProducerAppendInfo.checkSequence`).
            Err(_) => Ok(None),
        }
    }

    /// Notes a batch that was appended, as leader or as follower.
    #[inline]
    pub(super) fn note(&mut self, stamp: ProducerStamp, records: u32, offset: u64) {
        let index = self.find(stamp.id).unwrap_or_else(|index| {
            let producer = Producer {
                id: stamp.id,
                epoch: stamp.epoch,
                batches: VecDeque::with_capacity(REMEMBERED_BATCHES),
            };
            self.0.insert(index, producer);
            index
        });
        self.0[index].note(stamp, records, offset);
    }

    /// Forgets all producers.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    fn find(&self, id: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |producer| producer.id)
    }
}

impl Producer {
    fn check(&self, stamp: ProducerStamp, records: u32) -> Result<Option<u64>, ErrorName> {
        if stamp.epoch < self.epoch {
            return Err(ErrorName::InvalidProducerEpoch);
        }
        if stamp.epoch > self.epoch {
            return in_order(stamp.sequence == 0);
        }
        let sequences = (stamp.sequence, last_sequence(stamp, records));
        let mut batches = self.batches.iter();
        if let Some(batch) = batches.find(|batch| batch.sequences == sequences) {
            return Ok(Some(batch.offset));
        }
        let newest = self.batches.back();
        in_order(newest.is_none_or(|newest| stamp.sequence == following(newest.sequences.1, 1)))
    }

    /// Notes a batch: of another epoch, it is all that is remembered
    /// (`ProducerStateEntry.maybeUpdateProducerEpoch`).
    fn note(&mut self, stamp: ProducerStamp, records: u32, offset: u64) {
        if stamp.epoch != self.epoch {
            self.epoch = stamp.epoch;
            self.batches.clear();
        }
        if self.batches.len() == REMEMBERED_BATCHES {
            self.batches.pop_front();
        }
        self.batches.push_back(Remembered {
            sequences: (stamp.sequence, last_sequence(stamp, records)),
            offset,
        });
    }
}

fn in_order(is_next: bool) -> Result<Option<u64>, ErrorName> {
    match is_next {
        true => Ok(None),
        false => Err(ErrorName::OutOfOrderSequenceNumber),
    }
}

fn last_sequence(stamp: ProducerStamp, records: u32) -> u32 {
    following(stamp.sequence, records - 1)
}

fn following(sequence: u32, by: u32) -> u32 {
    sequence.wrapping_add(by) & LAST_SEQUENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(id: u64, epoch: u16, sequence: u32) -> ProducerStamp {
        ProducerStamp {
            id,
            epoch,
            sequence,
        }
    }

    /// Creates a log's producers: number 4 wrote batches of two records from offset 100 on.
    fn producers(batches: u32) -> Producers {
        let mut producers = Producers::default();
        for batch in 0..batches {
            let offset = 100 + u64::from(batch * 2);
            producers.note(stamp(4, 1, batch * 2), 2, offset);
        }
        producers
    }

    const OUT_OF_ORDER: Result<Option<u64>, ErrorName> = Err(ErrorName::OutOfOrderSequenceNumber);

    #[test]
    fn the_last_five_batches_are_known_as_duplicates() {
        let producers = producers(7);
        let check = |sequence| producers.check(stamp(4, 1, sequence), 2);
        assert_eq!(check(14), Ok(None));
        assert_eq!(check(16), OUT_OF_ORDER);
        assert_eq!([check(12), check(4)], [Ok(Some(112)), Ok(Some(104))]);
        assert_eq!(check(2), OUT_OF_ORDER, "it is forgotten");
        let other_bounds = producers.check(stamp(4, 1, 12), 1);
        assert_eq!(other_bounds, OUT_OF_ORDER, "no batch has these bounds");
    }

    #[test]
    fn an_older_epoch_is_fenced_and_a_newer_one_begins_at_zero() {
        let mut producers = producers(2);
        let fenced = Err(ErrorName::InvalidProducerEpoch);
        assert_eq!(producers.check(stamp(4, 0, 4), 1), fenced);
        assert_eq!(producers.check(stamp(4, 2, 4), 1), OUT_OF_ORDER);
        assert_eq!(producers.check(stamp(4, 2, 0), 1), Ok(None));
        producers.note(stamp(4, 2, 0), 1, 104);
        assert_eq!(producers.check(stamp(4, 1, 4), 2), fenced);
        assert_eq!(producers.check(stamp(4, 2, 1), 1), Ok(None));
    }

    #[test]
    fn producers_do_not_concern_each_other() {
        let mut producers = producers(2);
        assert_eq!(producers.check(stamp(3, 0, 77), 1), Ok(None));
        producers.note(stamp(3, 0, 77), 1, 104);
        assert_eq!(producers.check(stamp(3, 0, 78), 1), Ok(None));
        assert_eq!(producers.check(stamp(4, 1, 4), 1), Ok(None));
    }

    #[test]
    fn sequences_begin_again_after_the_greatest() {
        let mut producers = Producers::default();
        producers.note(stamp(4, 1, LAST_SEQUENCE - 1), 4, 9);
        assert_eq!(producers.check(stamp(4, 1, 2), 1), Ok(None));
        assert_eq!(
            producers.check(stamp(4, 1, LAST_SEQUENCE - 1), 4),
            Ok(Some(9))
        );
    }
}
