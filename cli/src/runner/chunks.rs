//! Ranges of seeds, cut into chunks.

use crate::args::SeedRange;

/// Ranges of seeds, cut into chunks, which are computed rather than kept: a range may be huge.
#[derive(Clone, Debug)]
pub(crate) struct Chunks {
    /// Each range, with the number of chunks before its first.
    ranges: Vec<(u64, SeedRange)>,
    /// The number of seeds in a chunk, except in the last one of a range.
    size: u64,
    /// The number of chunks.
    count: u64,
}

impl Chunks {
    /// Cuts the ranges into chunks of at most `size` seeds.
    pub(crate) fn new(ranges: impl IntoIterator<Item = SeedRange>, size: u64) -> Self {
        let mut count = 0u64;
        let ranges = ranges
            .into_iter()
            .map(|range| {
                let before = count;
                count = count.saturating_add(range.len().div_ceil(size));
                (before, range)
            })
            .collect();
        Self {
            ranges,
            size,
            count,
        }
    }

    /// Returns the number of chunks.
    pub(crate) const fn len(&self) -> u64 {
        self.count
    }

    /// Returns a chunk: the index of its range, and its seeds.
    ///
    /// # Panics
    /// Where `index` is not below [`Chunks::len`].
    pub(crate) fn get(&self, index: u64) -> (usize, SeedRange) {
        assert!(index < self.count);
        let range = self.ranges.partition_point(|(before, _)| *before <= index) - 1;
        let (before, seeds) = self.ranges[range];
        let from = seeds.from + (index - before) * self.size;
        let to = seeds.to.min(from.saturating_add(self.size));
        (range, SeedRange { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_of_every_range_is_there_once_in_order() {
        let ranges =
            [(10, 62), (0, 1), (100, 125), (7, 33)].map(|(from, to)| SeedRange { from, to });
        let chunks = Chunks::new(ranges, 25);
        let mut seen = Vec::new();
        for index in 0..chunks.len() {
            let (range, seeds) = chunks.get(index);
            assert!((1..=25).contains(&seeds.len()));
            seen.extend((seeds.from..seeds.to).map(|seed| (range, seed)));
        }
        let all = ranges.iter().enumerate();
        let expected: Vec<(usize, u64)> = all
            .flat_map(|(range, seeds)| (seeds.from..seeds.to).map(move |seed| (range, seed)))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_huge_range_costs_nothing() {
        let all = SeedRange {
            from: 0,
            to: u64::MAX,
        };
        let chunks = Chunks::new([all], 25);
        let (range, seeds) = chunks.get(chunks.len() - 1);
        assert_eq!((range, seeds.to), (0, u64::MAX));
    }
}
