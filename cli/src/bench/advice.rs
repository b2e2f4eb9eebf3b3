//! What follows from the rows: the interval to take, or what else to change.
//!
//! An interval keeps to a wish where no crash that was measured repeated more, and the formula
//! predicts no more for any of them. The worst counts, not a percentile: a crash is rare, and a
//! team that names a number means the crash that it will have.

use super::summary::Row;
use crate::args::Interval;
use std::time::Duration;

/// The share of the commits of the shortest interval that is left where it no longer pays to send
/// fewer.
const FEW: f64 = 0.05;

/// The advice that follows from the rows, which are told by their indices.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Advice {
    /// The longest interval that keeps to the wish.
    Take(usize),
    /// No interval keeps to the wish.
    None(Change),
    /// No member crashed, so that the wish cannot be judged.
    NoCrash,
    /// Without a wish: the interval beyond which few commits are left to save.
    Knee(usize),
    /// Without a wish: nothing that the rows bear out.
    Nothing,
}

/// The changes that help where no interval keeps to the wish, as far as the formula can tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Change {
    /// An interval that is shorter than all that were measured.
    pub interval: Option<Duration>,
    /// The number of finished records after which to commit.
    pub every: Option<u32>,
    /// The number of members that share the load, and at least as many partitions.
    pub members: Option<u32>,
}

/// Finds what follows from the rows, which begin with the shortest interval.
pub(super) fn advise(rows: &[Row], wish: Option<u32>, rate: f64) -> Advice {
    let crashes = rows.iter().any(|row| row.crash.count > 0);
    match wish {
        Some(_) if !crashes => Advice::NoCrash,
        Some(most) => match longest_kept(rows, most) {
            Some(row) => Advice::Take(row),
            None => Advice::None(change(&rows[0], most, rate)),
        },
        None if crashes => knee(rows),
        None => Advice::Nothing,
    }
}

/// Tells whether an interval keeps to a wish.
pub(super) fn keeps(row: &Row, most: u32) -> bool {
    row.worst() <= f64::from(most) && !row.is_broken()
}

/// Returns the longest interval that keeps to the wish, and up to which all do.
fn longest_kept(rows: &[Row], most: u32) -> Option<usize> {
    let first = rows.iter().position(|row| keeps(row, most))?;
    let kept = rows[first..].iter().take_while(|row| keeps(row, most));
    Some(first + kept.count() - 1)
}

/// Returns an interval between the longest that keeps to the wish and the next one, of one digit,
/// which keeps to it if the worst case grows in proportion.
pub(super) fn between(rows: &[Row], most: u32) -> Option<Duration> {
    let kept = longest_kept(rows, most)?;
    let (below, above) = (rows.get(kept)?, rows.get(kept + 1)?);
    let (low, high) = (below.interval.time(), above.interval.time());
    let share = (f64::from(most) - below.worst()) / (above.worst() - below.worst());
    if !(0.0..1.0).contains(&share) {
        return None;
    }
    let interval = round_down(low + (high - low).mul_f64(share))?;
    (interval > low && interval < high).then_some(interval)
}

/// Says what to change where even the shortest interval does not keep to the wish. It repeats at
/// most `1 + R * (T + c)`, by the formula; a commit after `n` records at most `n + R * c`.
fn change(shortest: &Row, most: u32, rate: f64) -> Change {
    let most = f64::from(most);
    let on_the_way = shortest.member_rate * shortest.commit_way;
    if shortest.interval == Interval::EveryRecord {
        let is_predicted = shortest.predicted.max > most && most > 1.0;
        let members = (rate * shortest.commit_way / (most - 1.0)).ceil();
        return Change {
            members: is_predicted.then_some(members as u32),
            ..Change::default()
        };
    }
    let seconds = (most - 1.0) / shortest.member_rate - shortest.commit_way;
    let interval = Duration::try_from_secs_f64(seconds).ok();
    let interval = interval.and_then(round_down);
    let every = (most - on_the_way).floor();
    Change {
        interval: interval.filter(|interval| *interval < shortest.interval.time()),
        every: (every >= 1.0).then_some(every as u32),
        members: None,
    }
}

/// Returns the greatest duration of one digit that is not longer; none below 1 ms.
fn round_down(time: Duration) -> Option<Duration> {
    let millis = u64::try_from(time.as_millis()).ok()?;
    let unit = 10u64.pow(millis.checked_ilog10()?);
    Some(Duration::from_millis(millis / unit * unit))
}

/// Finds the first interval with few of the shortest one's commits, where a longer one was
/// measured, and repeats more.
fn knee(rows: &[Row]) -> Advice {
    let (Some(shortest), Some(longest)) = (rows.first(), rows.last()) else {
        return Advice::Nothing;
    };
    let has_few = |row: &Row| row.commits <= FEW * shortest.commits;
    match rows.iter().position(has_few) {
        Some(row) if rows[row].crash.mean < longest.crash.mean => Advice::Knee(row),
        _ => Advice::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::super::formula::Prediction;
    use super::super::summary::Spread;
    use super::*;
    use std::collections::BTreeMap;

    /// Makes the row of an interval in milliseconds, in which a crash repeats at most `worst`.
    fn row(millis: u64, commits: f64, worst: f64) -> Row {
        let spread = |max: f64| Spread {
            count: 10,
            mean: max / 2.0,
            p99: max,
            max,
        };
        Row {
            interval: match millis {
                0 => Interval::EveryRecord,
                millis => Interval::Every(Duration::from_millis(millis)),
            },
            schedules: 10,
            commits_per_message: 0.0,
            commits,
            commits_per_second: 0.0,
            healthy: Spread::default(),
            outage: Spread::default(),
            crash: spread(worst),
            stop: Spread::default(),
            rebalance: Spread::default(),
            predicted: Prediction {
                mean: worst / 2.0,
                max: worst,
            },
            member_rate: 100.0,
            commit_way: 0.01,
            throughput: None,
            unexplained: 0,
            lost: 0,
            violations: BTreeMap::new(),
        }
    }

    fn rows() -> Vec<Row> {
        vec![
            row(0, 1000.0, 2.0),
            row(1_000, 90.0, 102.0),
            row(5_000, 20.0, 502.0),
            row(15_000, 7.0, 1_502.0),
        ]
    }

    #[test]
    fn the_longest_interval_that_keeps_to_the_wish_is_taken() {
        let rows = rows();
        assert_eq!(advise(&rows, Some(502), 300.0), Advice::Take(2));
        assert_eq!(advise(&rows, Some(9_000), 300.0), Advice::Take(3));
        assert_eq!(between(&rows, 501), Some(Duration::from_secs(4)));
        assert_eq!(between(&rows, 9_000), None, "there is no longer one");
    }

    #[test]
    fn an_interval_that_breaks_a_promise_keeps_to_no_wish() {
        let mut rows = rows();
        rows[2].lost = 1;
        assert_eq!(advise(&rows, Some(9_000), 300.0), Advice::Take(1));
    }

    #[test]
    fn the_worst_is_what_was_measured_or_what_is_predicted() {
        let mut rows = rows();
        rows[2].predicted.max = 600.0;
        assert_eq!(advise(&rows, Some(502), 300.0), Advice::Take(1));
        rows[1].crash.max = 503.0;
        assert_eq!(advise(&rows, Some(502), 300.0), Advice::Take(0));
    }

    #[test]
    fn where_no_interval_keeps_to_it_the_formula_says_what_does() {
        let shorter = Change {
            interval: Some(Duration::from_millis(400)),
            every: Some(49),
            members: None,
        };
        let rows = rows();
        let none = |rows: &[Row], most| advise(rows, Some(most), 300.0);
        assert_eq!(none(&rows[1..], 50), Advice::None(shorter));
        let mut rows = rows;
        rows[0].predicted.max = 5.0;
        let members = Change {
            members: Some(2),
            ..Change::default()
        };
        assert_eq!(none(&rows, 3), Advice::None(members));
        assert_eq!(none(&rows, 0), Advice::None(Change::default()));
    }

    #[test]
    fn without_a_wish_the_knee_is_told_or_nothing() {
        let rows = rows();
        assert_eq!(advise(&rows, None, 300.0), Advice::Knee(2));
        assert_eq!(advise(&rows[..2], None, 300.0), Advice::Nothing);
        let calm: Vec<Row> = rows
            .iter()
            .cloned()
            .map(|row| Row {
                crash: Spread::default(),
                ..row
            })
            .collect();
        assert_eq!(advise(&calm, None, 300.0), Advice::Nothing);
        assert_eq!(advise(&calm, Some(5), 300.0), Advice::NoCrash);
    }
}
