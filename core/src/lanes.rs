//! Ordering: which records of a partition may run next.
//!
//! A lane holds records that must be handled one after the other. Only its first record may run;
//! the next one follows when the first is finished. Each step costs the same however many lanes
//! and records there are.

use crate::hash::LookupMap;
use crate::slab::Slot;
use crate::{KeyHash, Ordering};
use std::collections::VecDeque;

/// The end of a lane.
const NONE: Slot = Slot::MAX;

/// The waiting records of one partition, by their slots.
#[derive(Debug)]
pub(crate) struct Lanes {
    ordering: Ordering,
    /// The last record of each lane that holds any; a record that shares no lane is not here.
    tails: LookupMap<u64, Slot>,
    /// The last record of the only lane of [`Ordering::Partition`].
    tail: Slot,
    /// The next record in the lane, by slot.
    following: Vec<Slot>,
    /// The records that are the first of their lane and do not run.
    runnable: VecDeque<Slot>,
}

impl Lanes {
    pub(crate) fn new(ordering: Ordering) -> Self {
        Self {
            ordering,
            tails: LookupMap::default(),
            tail: NONE,
            following: Vec::new(),
            runnable: VecDeque::new(),
        }
    }

    #[inline]
    pub(crate) fn has_runnable(&self) -> bool {
        !self.runnable.is_empty()
    }

    /// Adds a new record to the end of its lane.
    #[inline]
    pub(crate) fn join(&mut self, slot: Slot, key: Option<KeyHash>) {
        let index = slot as usize;
        if index >= self.following.len() {
            self.following.resize(index + 1, NONE);
        }
        self.following[index] = NONE;
        let before = match (self.ordering, key) {
            (Ordering::Partition, _) => std::mem::replace(&mut self.tail, slot),
            (Ordering::Key, Some(key)) => self.tails.insert(key.0, slot).unwrap_or(NONE),
            (Ordering::Key, None) | (Ordering::Unordered, _) => NONE,
        };
        if before == NONE {
            self.runnable.push_back(slot);
        } else {
            self.following[before as usize] = slot;
        }
    }

    /// Removes the first record of a lane, which is finished: the one behind it may run.
    #[inline]
    pub(crate) fn leave(&mut self, slot: Slot, key: Option<KeyHash>) {
        let next = std::mem::replace(&mut self.following[slot as usize], NONE);
        if next != NONE {
            self.runnable.push_back(next);
            return;
        }
        match (self.ordering, key) {
            (Ordering::Partition, _) => self.tail = NONE,
            (Ordering::Key, Some(key)) => {
                self.tails.remove(&key.0);
            }
            (Ordering::Key, None) | (Ordering::Unordered, _) => {}
        }
    }

    /// Lets a record that ran run again, before those that never ran: it holds up the watermark.
    pub(crate) fn rejoin(&mut self, slot: Slot) {
        self.runnable.push_front(slot);
    }

    /// Takes the next record to run.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Slot> {
        self.runnable.pop_front()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.ordering);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Option<KeyHash> = Some(KeyHash(1));
    const B: Option<KeyHash> = Some(KeyHash(2));

    fn runnable(lanes: &mut Lanes) -> Vec<Slot> {
        std::iter::from_fn(|| lanes.take()).collect()
    }

    fn joined(ordering: Ordering, keys: &[Option<KeyHash>]) -> Lanes {
        let mut lanes = Lanes::new(ordering);
        for (slot, key) in (0..).zip(keys) {
            lanes.join(slot, *key);
        }
        lanes
    }

    #[test]
    fn by_partition_one_record_runs() {
        let mut lanes = joined(Ordering::Partition, &[A, B, None]);
        for slot in 0..3 {
            assert_eq!(runnable(&mut lanes), [slot]);
            lanes.leave(slot, None);
        }
        lanes.join(0, A);
        assert_eq!(runnable(&mut lanes), [0]);
    }

    #[test]
    fn by_key_one_record_of_each_key_runs_and_all_without_a_key() {
        let mut lanes = joined(Ordering::Key, &[A, B, A, None, None, A]);
        assert_eq!(runnable(&mut lanes), [0, 1, 3, 4]);
        lanes.leave(1, B);
        assert_eq!(runnable(&mut lanes), []);
        lanes.leave(0, A);
        assert_eq!(runnable(&mut lanes), [2]);
        lanes.join(1, A);
        lanes.leave(2, A);
        assert_eq!(runnable(&mut lanes), [5]);
        lanes.leave(5, A);
        assert_eq!(runnable(&mut lanes), [1]);
        lanes.leave(1, A);
        assert!(
            lanes.tails.is_empty(),
            "a lane costs nothing once it is empty"
        );
    }

    #[test]
    fn unordered_everything_runs() {
        let mut lanes = joined(Ordering::Unordered, &[A, A, A]);
        assert_eq!(runnable(&mut lanes), [0, 1, 2]);
    }

    #[test]
    fn a_retry_runs_before_what_never_ran() {
        let mut lanes = joined(Ordering::Unordered, &[A, A, A]);
        assert_eq!(lanes.take(), Some(0));
        lanes.rejoin(0);
        assert_eq!(runnable(&mut lanes), [0, 1, 2]);
    }
}
