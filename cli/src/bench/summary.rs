//! From measurements to the row of a table.

use super::formula::{Parameters, Prediction, predict};
use super::measure::Measured;
use super::measure::ownership::Cause;
use crate::args::Interval;
use plimsoll_scenarios::Property;
use plimsoll_scenarios::scenario::{Message, Scenario, Workload};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What one interval costs.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which.
    pub interval: Interval,
    /// How many schedules were run.
    pub schedules: u64,
    /// Commits sent, for each message that was produced.
    pub commits_per_message: f64,
    /// Commits sent in one schedule, in the mean.
    pub commits: f64,
    /// From a message's acknowledgement to its first effect, in seconds.
    pub delay: Spread,
    /// Duplicates after each crash.
    pub crash: Spread,
    /// Duplicates after each graceful stop.
    pub stop: Spread,
    /// Duplicates after each rebalance.
    pub rebalance: Spread,
    /// Duplicates after a crash, as the formula predicts them.
    pub predicted: Prediction,
    /// Records a second of a consumer that catches up, where that was measured.
    pub throughput: Option<f64>,
    /// Effects repeated under the ownership that had written them.
    pub unexplained: u64,
    /// Records lost.
    pub lost: u64,
    /// Properties violated, each with the lowest seed.
    pub violations: BTreeMap<Property, u64>,
}

/// How numbers spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The number of numbers.
    pub count: usize,
    /// The mean; 0 where there are no numbers.
    pub mean: f64,
    /// The smallest number that 99 % do not exceed.
    pub p99: f64,
    /// The largest number.
    pub max: f64,
}

impl Row {
    /// The row of an interval.
    pub fn of(interval: Interval, scenario: &Scenario, measured: Measured) -> Self {
        let duplicates = |cause: Cause| {
            let of_cause = measured.disruptions.iter().filter(|d| d.cause == cause);
            Spread::of(of_cause.map(|d| d.duplicates as f64).collect())
        };
        let schedules = measured.schedules.max(1) as f64;
        Self {
            interval,
            schedules: measured.schedules,
            commits_per_message: measured.commits as f64 / measured.acknowledged.max(1) as f64,
            commits: measured.commits as f64 / schedules,
            delay: Spread::of(measured.delays.iter().map(Duration::as_secs_f64).collect()),
            crash: duplicates(Cause::Crash),
            stop: duplicates(Cause::Stop),
            rebalance: duplicates(Cause::Rebalance),
            predicted: predicted(interval, scenario, &measured),
            throughput: None,
            unexplained: measured.unexplained,
            lost: measured.lost,
            violations: measured.violations,
        }
    }
}

/// The mean over all crashes of what the formula predicts, and the largest.
fn predicted(interval: Interval, scenario: &Scenario, measured: &Measured) -> Prediction {
    let ways: Duration = measured.commit_ways.iter().sum();
    let parameters = Parameters {
        rate: rate_of_a_partition(scenario),
        interval: match interval {
            Interval::EveryRecord => Duration::ZERO,
            Interval::Every(interval) => interval,
        },
        commit_way: ways
            .checked_div(measured.commit_ways.len() as u32)
            .unwrap_or_default(),
    };
    let crashes = measured
        .disruptions
        .iter()
        .filter(|d| d.cause == Cause::Crash);
    let each: Vec<Prediction> = crashes.map(|crash| predict(parameters, crash)).collect();
    Prediction {
        mean: Spread::of(each.iter().map(|crash| crash.mean).collect()).mean,
        max: Spread::of(each.iter().map(|crash| crash.max).collect()).max,
    }
}

/// Records a second that the workload gives to one partition: it spreads them evenly.
fn rate_of_a_partition(scenario: &Scenario) -> f64 {
    let topics = &scenario.settings.topics;
    let partitions: u32 = topics.iter().map(|topic| topic.partitions).sum();
    let rate = match &scenario.workload {
        Workload::Drawn(traffic) => traffic.rate,
        Workload::Explicit(messages) => rate(messages),
    };
    rate / f64::from(partitions.max(1))
}

fn rate(messages: &[Message]) -> f64 {
    let times = || messages.iter().map(|message| message.at);
    match (times().min(), times().max()) {
        (Some(first), Some(last)) if first < last => {
            messages.len() as f64 / last.saturating_since(first).as_secs_f64()
        }
        _ => 0.0,
    }
}

impl Spread {
    /// The spread of these numbers.
    pub fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let count = numbers.len();
        let Some(max) = numbers.last() else {
            return Self::default();
        };
        // The nearest rank: the smallest number with at least 99 % of all at or below it.
        let rank = (count * 99).div_ceil(100);
        Self {
            count,
            mean: numbers.iter().sum::<f64>() / count as f64,
            p99: numbers[rank - 1],
            max: *max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_of_a_hundred_numbers() {
        let numbers = (1..=100).rev().map(f64::from).collect();
        let expected = Spread {
            count: 100,
            mean: 50.5,
            p99: 99.0,
            max: 100.0,
        };
        assert_eq!(Spread::of(numbers), expected);
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }
}
