//! The measure by which one plan is smaller than another.

use super::{ids, settings, times, triggers, values};
use crate::Plan;

/// How much a reader of a plan must read and understand; compared field by field, in this order.
///
/// Every field counts something from 0, so no chain of ever smaller plans goes on for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size {
    faults: usize,
    messages: usize,
    members: usize,
    /// Topics and their partitions.
    partitions: u32,
    /// Brokers, replicas of a partition, and how many of them must be in sync.
    brokers: u32,
    /// Settings that differ from their defaults.
    settings: usize,
    /// Faults that wait for a condition.
    conditions: usize,
    /// Ids of messages and faults that the file must say.
    ids: usize,
    /// How far values are from the plainest ones: a message without a key that is handled at once,
    /// a fault at the first occasion, a constant time.
    values: u64,
    /// Digits of all durations and moments: 10 s reads more easily than 9.734 s.
    digits: u32,
    /// Nanoseconds of all durations and moments together.
    nanos: u128,
}

impl Size {
    pub(super) fn of(plan: &Plan) -> Self {
        let cluster = &plan.settings.cluster;
        let mut digits = 0;
        let mut nanos = 0;
        for time in times::nanos(plan) {
            digits += times::significant_digits(time);
            nanos += u128::from(time);
        }
        Self {
            faults: plan.faults.len(),
            messages: plan.messages.len(),
            members: plan.starts.len(),
            partitions: plan
                .settings
                .topics
                .iter()
                .map(|topic| 1 + topic.partitions)
                .sum(),
            brokers: cluster.brokers + cluster.replication + cluster.min_insync,
            settings: settings::differing(&plan.settings),
            conditions: triggers::conditions(plan),
            ids: ids::stated(plan),
            values: values::weight(plan),
            digits,
            nanos,
        }
    }
}
