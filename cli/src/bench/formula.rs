//! How many records a crash repeats, predicted.
//!
//! A crash repeats what the member had finished and not yet committed. Records of one partition
//! finish at the rate `r` at which they are produced. The watermark is sent `T` after the first
//! record that it does not cover, and takes effect a moment `c` later (the commit's way to the
//! broker). So a crash at a random moment, later than `T` after the member got the partition,
//! finds between 0 and `r * (T + c)` records uncommitted, in the mean `r * (T / 2 + c)`. A crash
//! before that finds everything uncommitted that was produced since the partition was last
//! committed, by whoever owned it before: `r * w`. Committing after every record is `T = 0`.
//!
//! The session timeout is not part of it: while the group waits for the dead member, nobody
//! handles its records, so waiting longer delays the duplicates and adds none.

use super::measure::Disruption;
use std::time::Duration;

/// The formula, as reports state it.
pub const STATEMENT: &str = "\
Predicted: a partition to which r records a second are produced repeats, when its owner crashes,
r * (T/2 + c) records in the mean and at most r * (T + c), where T is the commit interval and c
the commit's way to the broker; r * w, where the owner had it for less than T and w is the time
since its last commit. The session timeout delays the duplicates and adds none.";

/// What the formula is about, but for the single crash.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
    /// Records a second that are produced to one partition.
    pub rate: f64,
    /// The commit interval.
    pub interval: Duration,
    /// The mean way of a commit to the broker.
    pub commit_way: Duration,
}

/// Records that a crash repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prediction {
    /// In the mean.
    pub mean: f64,
    /// At most.
    pub max: f64,
}

/// What the formula says about one crash.
pub fn predict(parameters: Parameters, crash: &Disruption) -> Prediction {
    let Parameters {
        rate,
        interval,
        commit_way,
    } = parameters;
    let (interval, commit_way) = (interval.as_secs_f64(), commit_way.as_secs_f64());
    let mut prediction = Prediction::default();
    for taken in &crash.taken {
        let owned = taken.owned.as_secs_f64();
        let (mean, max) = if owned < interval {
            let uncommitted = owned + taken.unowned.as_secs_f64();
            (uncommitted, uncommitted)
        } else {
            (interval / 2.0 + commit_way, interval + commit_way)
        };
        prediction.mean += rate * mean;
        prediction.max += rate * max;
    }
    prediction
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Cause, Taken};
    use super::*;

    fn crash(owned: u64, unowned: u64) -> Disruption {
        let taken = Taken {
            owned: Duration::from_secs(owned),
            unowned: Duration::from_secs(unowned),
        };
        Disruption {
            cause: Cause::Crash,
            taken: vec![taken, taken],
            duplicates: 0,
        }
    }

    #[test]
    fn a_late_crash_repeats_half_an_interval_in_the_mean() {
        let parameters = Parameters {
            rate: 2.0,
            interval: Duration::from_secs(5),
            commit_way: Duration::from_millis(500),
        };
        let late = predict(parameters, &crash(20, 4));
        assert_eq!(
            late,
            Prediction {
                mean: 12.0,
                max: 22.0
            }
        );
    }

    #[test]
    fn a_crash_before_the_first_commit_repeats_everything() {
        let parameters = Parameters {
            rate: 2.0,
            interval: Duration::from_secs(90),
            commit_way: Duration::ZERO,
        };
        let early = predict(parameters, &crash(20, 4));
        assert_eq!(
            early,
            Prediction {
                mean: 96.0,
                max: 96.0
            }
        );
    }
}
