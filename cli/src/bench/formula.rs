//! A prediction of the number of records that a crash repeats.
//!
//! A crash repeats what the member had finished and not yet committed. Records finish at the rate
//! `R` at which they are produced to the member's partitions. The first record that no commit
//! covers starts a timer of `T`; meanwhile `R * T` more finish; then the watermark is sent, takes a
//! moment `c` to the broker, and the next record starts the timer again. So a cycle takes
//! `T + 1/R`; for the time `T` of it there are between 1 and `1 + R * T` records to lose, in the
//! mean `1 + R * T / 2`; and a crash at a random moment repeats in the mean
//!
//! ```text
//! R * T * (1 + R * T / 2) / (1 + R * T)  +  R * c
//! ```
//!
//! which is about `R * T / 2` once `R * T` is large, and at most `1 + R * (T + c)`. A crash before
//! the member has had a partition for `T` finds everything uncommitted that was produced since the
//! partition's last commit, which an owner before it sent: `r * w`, where `r` is the rate of the
//! partition and `w` the time since that commit. Committing after every record is `T = 0`.
//!
//! The session timeout is not part of it: while the group waits for the dead member, no member
//! handles its records, so waiting longer delays the duplicates and adds none.

use super::measure::ownership::Disruption;
use std::time::Duration;

/// The formula, as reports state it.
pub(super) const STATEMENT: &str = "\
a member to which R records a second are produced repeats, when it crashes, R*T * (1 + \
R*T/2) / (1 + R*T) + R*c records in the mean, about R*T/2 for long intervals, and at most 1 + R * (T \
+ c), where T is the commit interval and c the commit's way to the broker. Where it has owned a \
partition for less than T: all that was produced there since the last commit. The session timeout \
delays the duplicates and adds none.";

/// The parameters of the formula, which are the same for every crash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters {
    /// The records a second that are produced to one partition.
    pub rate: f64,
    /// The commit interval; zero stands for a commit after every record.
    pub interval: Duration,
    /// The mean time that a commit takes to the broker.
    pub commit_way: Duration,
}

/// The number of records that a crash repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Prediction {
    /// The mean number.
    pub mean: f64,
    /// The greatest number.
    pub max: f64,
}

impl Prediction {
    /// Returns the greatest number of records, which is whole. What floating point took off is
    /// added first.
    pub(super) fn most(self) -> f64 {
        (self.max + 1e-6).floor()
    }
}

/// Predicts the number of records that one crash repeats.
pub(super) fn predict(parameters: Parameters, crash: &Disruption) -> Prediction {
    let interval = parameters.interval.as_secs_f64();
    let way = parameters.commit_way.as_secs_f64();
    let partitions = crash.taken.len() as f64;
    let rate = parameters.rate * partitions;
    let cycle = rate * interval;
    let mean = cycle * (1.0 + cycle / 2.0) / (1.0 + cycle) + rate * way;
    let max = 1.0 + rate * (interval + way);
    let mut prediction = Prediction::default();
    for taken in &crash.taken {
        if taken.owned < parameters.interval {
            let uncommitted = parameters.rate * (taken.owned + taken.unowned).as_secs_f64();
            prediction.mean += uncommitted;
            prediction.max += uncommitted;
        } else {
            prediction.mean += mean / partitions;
            prediction.max += max / partitions;
        }
    }
    prediction
}

#[cfg(test)]
mod tests {
    use super::super::measure::ownership::{Cause, Taken};
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

    const fn parameters(interval: u64, commit_way: u64) -> Parameters {
        Parameters {
            rate: 2.0,
            interval: Duration::from_secs(interval),
            commit_way: Duration::from_millis(commit_way),
        }
    }

    #[test]
    fn a_crash_repeats_about_half_an_interval_in_the_mean() {
        let Prediction { mean, max } = predict(parameters(5, 500), &crash(20, 4));
        // R = 4: 20 * 11 / 21 + 2, and 1 + 4 * 5.5.
        assert!((mean - (220.0 / 21.0 + 2.0)).abs() < 1e-9, "{mean}");
        assert!((max - 23.0).abs() < 1e-9, "{max}");
    }

    #[test]
    fn committing_every_record_leaves_the_way_of_the_commit() {
        let Prediction { mean, max } = predict(parameters(0, 500), &crash(20, 4));
        assert!((mean - 2.0).abs() < 1e-9, "{mean}");
        assert!((max - 3.0).abs() < 1e-9, "{max}");
    }

    #[test]
    fn a_crash_before_the_first_commit_repeats_everything() {
        let early = predict(parameters(90, 0), &crash(20, 4));
        let all = 2.0 * 2.0 * 24.0;
        assert_eq!(
            early,
            Prediction {
                mean: all,
                max: all
            }
        );
    }
}
