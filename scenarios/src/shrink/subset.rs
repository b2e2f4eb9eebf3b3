//! Delta debugging: which entries of a list can be left out.

/// Leaves out as many of `count` entries as `attempt` accepts, halves first, then single ones.
///
/// `attempt` gets the entries to keep, as indices into the list as it was at the start, and says
/// whether that is enough; what it accepts, it has accepted for good. Later entries go first,
/// because without them everything before stays as it was.
pub(super) fn minimise(count: usize, mut attempt: impl FnMut(&[usize]) -> bool) {
    let mut kept: Vec<usize> = (0..count).collect();
    let mut chunk = kept.len();
    while chunk > 0 {
        let removed = remove_chunks(&mut kept, chunk, &mut attempt);
        if !removed || chunk > 1 {
            chunk = (chunk / 2).min(kept.len());
        }
    }
}

/// Tries to leave out each run of `chunk` entries, from the end; whether one could be.
fn remove_chunks(
    kept: &mut Vec<usize>,
    chunk: usize,
    attempt: &mut impl FnMut(&[usize]) -> bool,
) -> bool {
    let mut removed = false;
    let mut end = kept.len();
    while end > 0 {
        let start = end.saturating_sub(chunk);
        let rest = [&kept[..start], &kept[end..]].concat();
        if attempt(&rest) {
            *kept = rest;
            removed = true;
        }
        end = start;
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::minimise;

    /// Minimises a list of `count` entries of which `needed` must stay; counts the attempts.
    fn minimised(count: usize, needed: &[usize]) -> (Vec<usize>, u32) {
        let mut best: Vec<usize> = (0..count).collect();
        let mut attempts = 0;
        minimise(count, |kept| {
            attempts += 1;
            let enough = needed.iter().all(|entry| kept.contains(entry));
            if enough {
                best = kept.to_vec();
            }
            enough
        });
        (best, attempts)
    }

    #[test]
    fn keeps_what_is_needed() {
        assert_eq!(minimised(200, &[7, 13]).0, [7, 13]);
        assert_eq!(minimised(3, &[0, 1, 2]).0, [0, 1, 2]);
        assert_eq!(minimised(5, &[4]).0, [4]);
        assert_eq!(minimised(0, &[]).0, [0usize; 0]);
    }

    #[test]
    fn one_attempt_drops_all_where_nothing_is_needed() {
        assert_eq!(minimised(200, &[]), (vec![], 1));
    }

    #[test]
    fn big_cuts_come_first() {
        let (_, attempts) = minimised(200, &[7, 13]);
        assert!(attempts < 50, "{attempts} attempts");
    }

    /// Entry 1 can go only after entry 0 has gone, and is tried first.
    #[test]
    fn goes_on_while_single_entries_go() {
        let mut best = vec![0, 1, 2];
        minimise(3, |kept| {
            let enough = kept.contains(&2) && (!kept.contains(&0) || kept.contains(&1));
            if enough {
                best = kept.to_vec();
            }
            enough
        });
        assert_eq!(best, [2]);
    }
}
