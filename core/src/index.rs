//! The slots of a partition's unfinished records, by offset.

use crate::Offset;
use crate::slab::Slot;
use std::collections::VecDeque;

/// The number of holes that are kept in any case: removing a few is not worth the trouble.
const FEW: usize = 32;

/// A map from offsets to slots, for offsets that are added in rising order.
///
/// Offsets are nearly dense, so the distance from the first one is nearly the place, and a look-up
/// is mostly one comparison. A removal leaves a hole, and holes are removed when there are more of
/// them than of the others: each operation takes constant time on average.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The offsets with their slots, rising. The first one is not a hole.
    places: VecDeque<Place>,
    /// The number of places whose record was removed.
    holes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    slot: Option<Slot>,
}

impl Index {
    /// Adds an offset above all that were added before.
    #[inline]
    pub(crate) fn push(&mut self, offset: Offset, slot: Slot) {
        let offset = offset.get();
        debug_assert!(self.places.back().is_none_or(|last| last.offset < offset));
        self.places.push_back(Place {
            offset,
            slot: Some(slot),
        });
    }

    #[inline]
    pub(crate) fn get(&self, offset: Offset) -> Option<Slot> {
        self.places[self.find(offset)?].slot
    }

    #[inline]
    pub(crate) fn remove(&mut self, offset: Offset) {
        let Some(place) = self.find(offset) else {
            return;
        };
        if place == 0 {
            self.places.pop_front();
        } else if self.places[place].slot.take().is_some() {
            self.holes += 1;
        }
        if self.holes > 0 {
            self.fill_holes();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.holes = 0;
    }

    fn fill_holes(&mut self) {
        while self.places.front().is_some_and(|p| p.slot.is_none()) {
            self.places.pop_front();
            self.holes -= 1;
        }
        if self.holes > self.places.len() / 2 + FEW {
            self.places.retain(|p| p.slot.is_some());
            self.holes = 0;
        }
    }

    #[inline]
    fn find(&self, offset: Offset) -> Option<usize> {
        let offset = offset.get();
        let distance = offset.checked_sub(self.places.front()?.offset)?;
        if distance == 0 {
            return Some(0);
        }
        // The place is no further from either end than the offset is from the offset there, as each
        // offset has at most one place. Where nothing is missing in between, it is that far.
        let end = self.places.len() - 1;
        let to_end = self.places[end].offset.checked_sub(offset)?;
        let first = end.saturating_sub(usize::try_from(to_end).unwrap_or(end));
        if self.places[first].offset == offset {
            return Some(first);
        }
        let last = usize::try_from(distance).map_or(end, |d| d.min(end));
        if self.places[last].offset == offset {
            return Some(last);
        }
        self.search(first, last, offset)
    }

    fn search(&self, mut low: usize, mut high: usize, offset: u64) -> Option<usize> {
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.places[middle].offset < offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (self.places[low].offset == offset).then_some(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn holes_do_not_pile_up_behind_an_old_record() {
        let mut index = Index::default();
        for offset in 0..100_000 {
            index.push(Offset::new(offset), 1);
            if offset > 0 && offset % 100 != 0 {
                index.remove(Offset::new(offset));
            }
            if offset > 200 && offset % 100 == 50 {
                index.remove(Offset::new(offset - 150));
            }
        }
        assert!(index.places.len() < 200, "{}", index.places.len());
        assert_eq!(index.get(Offset::new(0)), Some(1));
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_a_map(
            steps in proptest::collection::vec((0_u64..4, proptest::prelude::any::<u16>()), 1..800),
        ) {
            let mut index = Index::default();
            let mut map = BTreeMap::new();
            let mut next = 10;
            for (step, number) in steps {
                if step < 2 {
                    next += if number % 50 == 0 { 1000 } else { 1 };
                    index.push(Offset::new(next), u32::from(number));
                    map.insert(next, u32::from(number));
                } else {
                    let removed = map.keys().nth(usize::from(number) % (map.len() + 1)).copied();
                    let removed = removed.unwrap_or_else(|| u64::from(number));
                    map.remove(&removed);
                    index.remove(Offset::new(removed));
                }
                let asked = u64::from(number) % (next + 2);
                proptest::prop_assert_eq!(index.get(Offset::new(asked)), map.get(&asked).copied());
                for (offset, slot) in map.iter().take(5).chain(map.iter().rev().take(5)) {
                    proptest::prop_assert_eq!(index.get(Offset::new(*offset)), Some(*slot));
                }
            }
        }
    }
}
