//! The event queue: simulated time, and the order of what happens at the same time.

use plimsoll_core::Instant;
use plimsoll_scenarios::{Purpose, Rng};

/// Number of keys at the end of the queue among which the place of a new one is looked for first.
const NEAR: usize = 8;

/// Events by time; simultaneous ones in an order that the seed decides.
///
/// The keys are sorted. What is pushed is nearly always a message, due in milliseconds, and what
/// waits are deadlines, due in seconds: the place of a new key is near the end, and to look for it
/// there takes a fraction of the steps of a heap.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    now: Instant,
    /// The earliest key is the last.
    keys: Vec<Key>,
    /// The events, which lie still while their keys move.
    slots: Vec<Option<E>>,
    free: Vec<u32>,
    ties: Rng,
    popped: u64,
}

/// Sixteen bytes: the time, then the tie-break and the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

impl Key {
    #[inline]
    fn new(at: Instant, tie: u32, slot: u32) -> Self {
        Self(u128::from(at.as_nanos()) << 64 | u128::from(tie) << 32 | u128::from(slot))
    }

    #[inline]
    fn at(self) -> Instant {
        Instant::from_nanos((self.0 >> 64) as u64)
    }

    #[inline]
    fn slot(self) -> u32 {
        self.0 as u32
    }
}

impl<E> Queue<E> {
    /// Creates an empty queue at time zero.
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::ZERO,
            keys: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            ties: Rng::substream(0, Purpose::Ties, 0),
            popped: 0,
        }
    }

    /// Empties the queue for a run under `seed`, and keeps its memory.
    pub(crate) fn reset(&mut self, seed: u64) {
        self.now = Instant::ZERO;
        self.keys.clear();
        self.slots.clear();
        self.free.clear();
        self.ties = Rng::substream(seed, Purpose::Ties, 0);
    }

    /// Returns the time of the event that was popped last.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Returns the time of the earliest event.
    #[cfg(feature = "wire")]
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.keys.last().map(|key| key.at())
    }

    /// Returns the number of events popped since the queue was made.
    pub(crate) fn popped(&self) -> u64 {
        self.popped
    }

    /// Adds an event; one in the past happens now.
    #[inline(always)]
    pub(crate) fn push(&mut self, at: Instant, event: E) {
        let slot = self.reserve(at);
        *slot = Some(event);
    }

    /// Gives an event its place in time, and returns the empty slot for it. The caller makes the
    /// event there: it need not be moved through this function.
    #[inline(never)]
    pub(crate) fn reserve(&mut self, at: Instant) -> &mut Option<E> {
        let slot = self.free.pop().unwrap_or_else(|| self.add_slot());
        let tie = self.ties.next_u64() as u32;
        self.insert(Key::new(at.max(self.now), tie, slot));
        &mut self.slots[slot as usize]
    }

    #[cold]
    fn add_slot(&mut self) -> u32 {
        self.slots.push(None);
        (self.slots.len() - 1) as u32
    }

    /// Puts a key behind all that are later.
    #[inline]
    fn insert(&mut self, key: Key) {
        let end = self.keys.len();
        self.keys.push(key);
        // An array: its places need no checks.
        if let Some(near) = self.keys.last_chunk_mut::<{ NEAR + 1 }>() {
            for place in (0..NEAR).rev() {
                if near[place] > key {
                    near[place + 1] = key;
                    return;
                }
                near[place + 1] = near[place];
            }
        }
        let gap = if end < NEAR { end } else { end - NEAR };
        self.insert_before(gap, key);
    }

    /// Puts a key where it belongs among those before a gap.
    #[inline(never)]
    fn insert_before(&mut self, gap: usize, key: Key) {
        let place = self.keys[..gap].partition_point(|other| *other > key);
        self.keys.copy_within(place..gap, place + 1);
        self.keys[place] = key;
    }

    /// Takes the earliest event, and moves the time to it.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<E> {
        let key = self.keys.pop()?;
        self.now = key.at();
        self.popped += 1;
        self.free.push(key.slot());
        self.slots[key.slot() as usize].take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_ties_by_seed() {
        let order = |seed| {
            let mut queue = Queue::new();
            queue.reset(seed);
            queue.push(Instant::from_millis(5), 100);
            for event in 0..20 {
                queue.push(Instant::from_millis(3), event);
            }
            std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>()
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        assert_eq!(order(1).last(), Some(&100));
    }

    #[test]
    fn an_event_finds_its_place_among_near_and_far_ones() {
        let mut queue = Queue::new();
        let times: Vec<u64> = (0..100).map(|n| n * 37 % 101).collect();
        for at in &times {
            queue.push(Instant::from_millis(*at), *at);
        }
        let popped: Vec<u64> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(popped.len(), times.len());
        assert!(popped.is_sorted(), "{popped:?}");
    }

    #[test]
    fn time_never_goes_back() {
        let mut queue = Queue::new();
        queue.push(Instant::from_millis(5), 'a');
        queue.pop();
        queue.push(Instant::from_millis(1), 'b');
        queue.pop();
        assert_eq!(queue.now(), Instant::from_millis(5));
    }
}
