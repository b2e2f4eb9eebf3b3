//! The handlers that run, in the order of their deadlines.

use crate::slab::Slot;
use crate::{Instant, Offset, TopicPartition};

const NONE: Slot = Slot::MAX;

/// The handlers that run.
///
/// Time never goes backwards and every handler gets the same time, so the order in which they
/// started is the order of their deadlines: a linked list does without a heap, and a handler that
/// ends leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Flights {
    nodes: Vec<Flight>,
    oldest: Slot,
    newest: Slot,
    /// The first of the unused nodes, linked by `newer`.
    free: Slot,
    running: usize,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    partition: TopicPartition,
    offset: Offset,
    deadline: Instant,
    older: Slot,
    newer: Slot,
}

impl Flights {
    pub(crate) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            oldest: NONE,
            newest: NONE,
            free: NONE,
            running: 0,
        }
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.running
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let oldest = self.nodes.get(self.oldest as usize)?;
        (oldest.deadline != Instant::FAR_FUTURE).then_some(oldest.deadline)
    }

    #[inline]
    pub(crate) fn start(
        &mut self,
        partition: TopicPartition,
        offset: Offset,
        deadline: Instant,
    ) -> Slot {
        let flight = Flight {
            partition,
            offset,
            deadline,
            older: self.newest,
            newer: NONE,
        };
        let slot = self.free;
        let slot = if slot == NONE {
            self.nodes.push(flight);
            Slot::try_from(self.nodes.len() - 1).expect("fewer than 2^32 handlers")
        } else {
            self.free = self.nodes[slot as usize].newer;
            self.nodes[slot as usize] = flight;
            slot
        };
        match self.nodes.get_mut(self.newest as usize) {
            Some(newest) => newest.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
        self.running += 1;
        slot
    }

    /// Removes a handler that [started](Self::start): it ended, or is no longer waited for.
    #[inline]
    pub(crate) fn end(&mut self, slot: Slot) {
        let Flight { older, newer, .. } = self.nodes[slot as usize];
        match self.nodes.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.nodes.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
        self.nodes[slot as usize].newer = self.free;
        self.free = slot;
        self.running -= 1;
    }

    /// Ends the oldest handler if its deadline has passed.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<(TopicPartition, Offset)> {
        if self.next_deadline()? > now {
            return None;
        }
        let Flight {
            partition, offset, ..
        } = self.nodes[self.oldest as usize];
        self.end(self.oldest);
        Some((partition, offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: TopicPartition = TopicPartition::new(0, 0);

    #[test]
    fn expire_in_the_order_of_their_start_without_those_that_ended() {
        let mut flights = Flights::new();
        let slots: Vec<Slot> = (0..4)
            .map(|n| flights.start(P, Offset::new(n), Instant::from_millis(10 + n)))
            .collect();
        flights.end(slots[0]);
        flights.end(slots[2]);
        assert_eq!(flights.next_deadline(), Some(Instant::from_millis(11)));
        assert_eq!(flights.take_expired(Instant::from_millis(10)), None);
        let late = Instant::from_millis(100);
        assert_eq!(flights.take_expired(late), Some((P, Offset::new(1))));
        assert_eq!(flights.take_expired(late), Some((P, Offset::new(3))));
        assert_eq!(flights.take_expired(late), None);
        assert_eq!((flights.len(), flights.next_deadline()), (0, None));
    }

    #[test]
    fn nodes_are_used_again() {
        let mut flights = Flights::new();
        for n in 0..100 {
            let slot = flights.start(P, Offset::new(n), Instant::FAR_FUTURE);
            assert_eq!(flights.next_deadline(), None);
            flights.end(slot);
        }
        assert_eq!(flights.nodes.len(), 1);
    }
}
