//! The watermark of one partition: below it, every record is finished.
//!
//! Records that finish in order only count up. A record that finishes before an earlier one
//! costs a bit until the earlier one is finished too; a long gap between offsets costs nothing.

use crate::{NextOffset, Offset};
use std::collections::VecDeque;

/// The longest gap between two fetched offsets that is filled with bits; a longer one starts a new
/// segment, as a compacted partition may skip millions of offsets at once.
const LONG_GAP: u64 = 4096;

/// The fetched offsets of a partition, and which of them are finished.
#[derive(Debug)]
pub(crate) struct Watermark {
    /// The segment in which the watermark stands.
    front: Segment,
    /// The segments behind a long gap, in order. Mostly empty.
    later: VecDeque<Segment>,
}

impl Watermark {
    pub(crate) fn new(start: NextOffset) -> Self {
        Self {
            front: Segment::new(start.get()),
            later: VecDeque::new(),
        }
    }

    /// Returns the watermark: every record below it is finished.
    #[inline]
    pub(crate) fn get(&self) -> NextOffset {
        NextOffset::new(self.front.base)
    }

    /// Returns the position: the offset at which the next fetched record is expected.
    #[inline]
    pub(crate) fn position(&self) -> NextOffset {
        NextOffset::new(self.later.back().unwrap_or(&self.front).end)
    }

    /// Returns the distance from the watermark to the position, in offsets.
    #[inline]
    pub(crate) fn span(&self) -> u64 {
        self.position().get() - self.front.base
    }

    /// Notes a fetched record; returns `false` where it was fetched before.
    ///
    /// The offsets between the position and the record do not exist, and count as finished.
    #[inline]
    pub(crate) fn fetched(&mut self, offset: Offset) -> bool {
        let offset = offset.get();
        let position = self.position().get();
        if offset < position {
            return false;
        }
        if offset > position {
            self.skip_to(NextOffset::new(offset));
        }
        self.later.back_mut().unwrap_or(&mut self.front).end = offset + 1;
        true
    }

    /// Moves the position to `to`, as no record will be fetched in between. The watermark follows
    /// once every record before is finished.
    pub(crate) fn skip_to(&mut self, to: NextOffset) {
        let to = to.get();
        let last = self.later.back_mut().unwrap_or(&mut self.front);
        if to <= last.end {
            return;
        }
        if last.is_complete() {
            last.restart(to);
        } else if to - last.end <= LONG_GAP {
            last.fill(last.end, to);
            last.end = to;
        } else {
            self.later.push_back(Segment::new(to));
        }
    }

    /// Notes that a fetched record is finished; returns whether the watermark moved.
    #[inline]
    pub(crate) fn finish(&mut self, offset: Offset) -> bool {
        let offset = offset.get();
        if offset < self.front.end {
            let moved = self.front.finish(offset);
            if moved && self.front.is_complete() {
                self.leave_completed();
            }
            return moved;
        }
        let index = self.later.partition_point(|s| s.end <= offset);
        if let Some(segment) = self.later.get_mut(index) {
            segment.finish(offset);
        }
        false
    }

    /// Forgets everything, and starts again at `position`, even if that is further back.
    pub(crate) fn reset(&mut self, position: NextOffset) {
        *self = Self::new(position);
    }

    fn leave_completed(&mut self) {
        while self.front.is_complete()
            && let Some(next) = self.later.pop_front()
        {
            self.front = next;
        }
    }
}

/// A stretch of offsets without a long gap, with a watermark of its own.
#[derive(Debug)]
struct Segment {
    /// The offset below which all of the segment is finished.
    base: u64,
    /// The offset after the last fetched one.
    end: u64,
    /// The number of the first word; word `n` holds the offsets from `64 * n`.
    first: u64,
    /// The finished offsets above `base`, a bit each; what lies beyond the last word is unfinished.
    /// Empty as long as records finish in order.
    words: VecDeque<u64>,
}

impl Segment {
    fn new(start: u64) -> Self {
        Self {
            base: start,
            end: start,
            first: 0,
            words: VecDeque::new(),
        }
    }

    #[inline]
    fn is_complete(&self) -> bool {
        self.base == self.end
    }

    /// Moves a complete segment to `start`, keeping the memory of its ring.
    fn restart(&mut self, start: u64) {
        debug_assert!(self.is_complete());
        self.words.clear();
        self.base = start;
        self.end = start;
    }

    #[inline]
    fn finish(&mut self, offset: u64) -> bool {
        debug_assert!((self.base..self.end).contains(&offset));
        if offset != self.base {
            self.fill(offset, offset + 1);
            return false;
        }
        if self.words.is_empty() {
            self.base += 1;
        } else {
            self.fill(offset, offset + 1);
            self.advance();
        }
        true
    }

    /// Sets the bits of `from..to`.
    fn fill(&mut self, from: u64, to: u64) {
        if self.words.is_empty() {
            self.first = self.base / 64;
        }
        let last = to_index((to - 1) / 64 - self.first);
        if last >= self.words.len() {
            self.words.resize(last + 1, 0);
        }
        let mut at = from;
        while at < to {
            let stop = to.min((at / 64 + 1) * 64);
            let ones = u64::MAX >> (64 - (stop - at));
            self.words[to_index(at / 64 - self.first)] |= ones << (at % 64);
            at = stop;
        }
    }

    /// Moves the base over the finished offsets that follow it.
    fn advance(&mut self) {
        while let Some(&word) = self.words.front() {
            let rest = word >> (self.base % 64);
            self.base += u64::from(rest.trailing_ones());
            if self.base / 64 == self.first {
                break;
            }
            self.words.pop_front();
            self.first += 1;
        }
        // Back to plain counting once nothing is finished ahead of the base.
        if self.words.len() == 1 && self.words[0] >> (self.base % 64) == 0 {
            self.words.clear();
        }
    }
}

fn to_index(word: u64) -> usize {
    usize::try_from(word).expect("the ring is bounded by the span of fetched offsets")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn at(watermark: &Watermark) -> u64 {
        watermark.get().get()
    }

    fn fetched(start: u64, offsets: impl IntoIterator<Item = u64>) -> Watermark {
        let mut watermark = Watermark::new(NextOffset::new(start));
        for offset in offsets {
            assert!(watermark.fetched(Offset::new(offset)));
        }
        watermark
    }

    #[test]
    fn follows_records_that_finish_in_order_without_a_bit() {
        let mut watermark = fetched(10, 10..200);
        for offset in 10..200 {
            assert!(watermark.finish(Offset::new(offset)));
            assert_eq!(at(&watermark), offset + 1);
        }
        assert_eq!(watermark.front.words.capacity(), 0);
    }

    #[test]
    fn stands_at_the_first_unfinished_record() {
        let mut watermark = fetched(0, 0..300);
        for offset in (1..300).rev() {
            assert!(!watermark.finish(Offset::new(offset)));
        }
        assert_eq!(at(&watermark), 0);
        assert!(watermark.finish(Offset::new(0)));
        assert_eq!(at(&watermark), 300);
        assert!(watermark.front.words.is_empty());
    }

    #[test]
    fn a_gap_is_finished_once_everything_before_it_is() {
        let mut watermark = fetched(0, [0, 5, 6, 100_000_000, 100_000_002]);
        assert_eq!(watermark.span(), 100_000_003);
        for (offset, expected) in [
            (100_000_002, 0),
            (5, 0),
            (0, 6),
            (6, 100_000_000),
            (100_000_000, 100_000_003),
        ] {
            watermark.finish(Offset::new(offset));
            assert_eq!(at(&watermark), expected, "after {offset}");
        }
        assert!(watermark.later.is_empty());
    }

    #[test]
    fn a_gap_before_anything_unfinished_moves_the_watermark_at_once() {
        let watermark = fetched(3, [1_000_000_000_000]);
        assert_eq!(at(&watermark), 1_000_000_000_000);
        assert_eq!(watermark.span(), 1);
    }

    #[test]
    fn what_was_fetched_before_is_refused() {
        let mut watermark = fetched(5, [5, 9]);
        for offset in 0..10 {
            assert!(!watermark.fetched(Offset::new(offset)));
        }
        assert_eq!(watermark.position(), NextOffset::new(10));
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_a_set(
            start in 0_u64..200,
            gaps in proptest::collection::vec(
                proptest::prop_oneof![
                    8 => proptest::strategy::Just(0_u64),
                    2 => 1_u64..200,
                    1 => 4_000_u64..20_000,
                ],
                1..400,
            ),
            order in proptest::collection::vec(0_usize..400, 0..600),
        ) {
            let mut next = start;
            let offsets: Vec<u64> = gaps
                .iter()
                .map(|gap| {
                    let offset = next + gap;
                    next = offset + 1;
                    offset
                })
                .collect();
            let mut watermark = fetched(start, offsets.iter().copied());
            let mut unfinished: BTreeSet<u64> = offsets.iter().copied().collect();
            for index in order {
                let Some(&offset) = offsets.get(index) else { continue };
                if unfinished.remove(&offset) {
                    watermark.finish(Offset::new(offset));
                }
                let expected = unfinished.first().copied().unwrap_or(next);
                proptest::prop_assert_eq!(at(&watermark), expected);
            }
        }
    }
}
