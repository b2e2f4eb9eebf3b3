//! From measurements to the row of a table.

use super::formula::{Parameters, Prediction, predict};
use super::measure::Measured;
use super::measure::ownership::Cause;
use crate::args::Interval;
use plimsoll_oracle::Property;
use plimsoll_scenarios::scenario::{Message, Scenario, Workload};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What one interval costs.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The interval.
    pub interval: Interval,
    /// The number of schedules.
    pub schedules: u64,
    /// The number of commits sent for each message that was acknowledged to the producer.
    pub commits_per_message: f64,
    /// The mean number of commits sent in a schedule.
    pub commits: f64,
    /// The time from a message's acknowledgement to its first effect, in seconds.
    pub delay: Spread,
    /// The number of duplicates after each crash.
    pub crash: Spread,
    /// The number of duplicates after each graceful stop.
    pub stop: Spread,
    /// The number of duplicates after each rebalance.
    pub rebalance: Spread,
    /// The number of duplicates after a crash that the formula predicts.
    pub predicted: Prediction,
    /// The records a second of a consumer that catches up, where that was measured.
    pub throughput: Option<f64>,
    /// The number of effects that were repeated under the ownership that had written them.
    pub unexplained: u64,
    /// The number of records that were lost.
    pub lost: u64,
    /// The properties that were violated, each with the lowest seed.
    pub violations: BTreeMap<Property, u64>,
}

/// How numbers spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    /// The number of values.
    pub count: usize,
    /// Their mean; 0 where there are none.
    pub mean: f64,
    /// The smallest value that 99 % of them do not exceed.
    pub p99: f64,
    /// The greatest value.
    pub max: f64,
}

impl Row {
    /// Summarises what was measured with an interval.
    pub(super) fn of(interval: Interval, scenario: &Scenario, measured: Measured) -> Self {
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

/// Predicts each crash by the formula, and returns the mean over all crashes and the greatest.
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

/// Returns the records a second that the workload produces to one partition: it spreads them
/// evenly.
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
    /// Computes the spread of these numbers.
    pub(super) fn of(mut numbers: Vec<f64>) -> Self {
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
