//! The time between a process that ends and the one that takes its place.

use super::Plan;
use crate::schedule::ProcessId;
use crate::{Purpose, Rng};
use std::time::Duration;

/// The time that a member's process takes to end once its client has left the group: 0.1 s to 0.2 s
/// with librdkafka, whose threads end one after the other, and 0.8 s in one of nine. The others
/// hear of the leave before the next process joins, and often rebalance without it.
const EXIT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(200));
const SLOW_EXIT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(1_000));

/// The time that a broker takes to start again. Apache Kafka 4.3.1 was ready 3.7 s after it was
/// started as a plain process, and in our containers, on a machine with much else to do, after 4 s to
/// 7 s.
const BROKER_RESTART: (Duration, Duration) =
    (Duration::from_millis(3_500), Duration::from_millis(7_000));

impl Plan {
    /// Draws the time from the end of what a process does until the one is there that follows it at
    /// once. `number` tells the absences of a process apart.
    pub fn absence(&self, process: ProcessId, number: u32) -> Duration {
        let (kind, id) = match process {
            ProcessId::Member(member) => (0, member.0),
            ProcessId::Broker(broker) => (1, broker.0),
        };
        let id = kind << 63 | u64::from(id) << 32 | u64::from(number);
        let mut rng = Rng::substream(self.seed, Purpose::Absence, id);
        let (shortest, longest) = match (process, rng.below(8)) {
            (ProcessId::Member(_), 0) => SLOW_EXIT,
            (ProcessId::Member(_), _) => EXIT,
            (ProcessId::Broker(_), _) => BROKER_RESTART,
        };
        rng.between(shortest, longest)
    }
}
