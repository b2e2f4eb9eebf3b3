//! Ids that a file need not write: what has none gets the lowest that is free.

use std::collections::BTreeSet;

/// Returns every id, in order; from 1.
pub(super) fn complete(given: &[Option<u32>]) -> Vec<u32> {
    let taken: BTreeSet<u32> = given.iter().flatten().copied().collect();
    let mut free = (1..=u32::MAX).filter(|id| !taken.contains(id));
    given
        .iter()
        .map(|id| id.unwrap_or_else(|| free.next().unwrap_or(u32::MAX)))
        .collect()
}

/// Returns which ids a file must write so that [`complete`] gives these, which all differ.
///
/// Those left out get the lowest numbers that are free, in order: so they must rise, and no number
/// below them may be unused.
pub(crate) fn needed(ids: &[u32]) -> Vec<bool> {
    let used: BTreeSet<u32> = ids.iter().copied().collect();
    let without_gap = (1..=u32::MAX).take_while(|id| used.contains(id)).count();
    let mut last = 0;
    ids.iter()
        .map(|&id| {
            let left_out = id > last && id as usize <= without_gap;
            if left_out {
                last = id;
            }
            !left_out
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_follow_are_not_written() {
        assert_eq!(needed(&[1, 2, 3]), [false; 3]);
        assert_eq!(needed(&[1, 7, 2]), [false, true, false]);
        assert_eq!(needed(&[0]), [true]);
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for ids in [&[3, 1, 2][..], &[2, 3], &[5, 1, 9, 2], &[1, 3, 2, 4]] {
            let given: Vec<_> = ids
                .iter()
                .zip(needed(ids))
                .map(|(id, needed)| needed.then_some(*id))
                .collect();
            assert_eq!(complete(&given), ids);
        }
    }
}
