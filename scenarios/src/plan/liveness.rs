//! The bounds of `liveness` and `progress`, and the liveness phase: what is produced after the
//! healing.
//!
//! A consumer whose last commit failed commits again with the next record that it finishes, and a
//! partition that nothing is written to shows nothing of its owner. So every partition gets a few
//! more messages after the healing. They follow from what a plan says anyway: no file lists them,
//! and a plan that became smaller has fewer of them.

use super::Plan;
use crate::scenario::{Fate, Message, Trigger};
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::MessageId;
use std::time::Duration;

/// The time from the healing to the first probes.
const FIRST: Duration = Duration::from_millis(500);

/// The number of probes of a partition that are produced in any case.
const ROUNDS: usize = 2;

/// The time for which a partition may stand still, beyond that in which everything settles.
const STALL_SLACK: Duration = Duration::from_secs(5);

/// The number of heartbeats without a rebalance after which a group counts as stable. More would
/// cost time in every run.
const CALM_HEARTBEATS: u32 = 2;

/// The size of a probe.
const BYTES: u32 = 100;

/// The messages after the healing: ordinary ones without a key, whose handlers succeed.
#[derive(Clone, Debug, PartialEq)]
pub struct Probes {
    /// All of them, by time, each later than the messages that the plan lists.
    pub messages: Vec<Message>,
    /// The number of them that are produced in any case; the others are produced as long as the
    /// group is not at rest.
    pub always: usize,
}

impl Plan {
    /// Returns the messages after the healing.
    ///
    /// Two follow it soon. Those of the later rounds come when everything has settled, so that one
    /// of them follows whatever came to nothing before; and between two of them there is the time
    /// for which the settings let the last finished record stand uncommitted, so that a consumer
    /// that keeps its settings comes to rest.
    pub fn probes(&self) -> Probes {
        let from = self.last_phase();
        let consumers = &self.settings.consumers;
        let settled = self
            .calm()
            .max(consumers.request_timeout + consumers.heartbeat);
        let soon = [FIRST, FIRST + consumers.heartbeat];
        let within = self.settings.expect.liveness_within;
        let apart = settled + consumers.config.commit.longest_tail();
        let later = (0..).map(|round| settled * 2 + apart * round);
        let later = later.take_while(|&after| after <= within);
        let partitions = self.partitions_at_last();
        let highest = self.messages.iter().map(|message| message.id.0).max();
        let mut id = highest.unwrap_or(0);
        let mut messages = Vec::with_capacity(partitions.len() * (ROUNDS + 2));
        for after in soon.into_iter().chain(later) {
            messages.extend(partitions.iter().map(|&partition| {
                id = id.saturating_add(1);
                Message {
                    id: MessageId(id),
                    at: from + after,
                    partition,
                    key: None,
                    bytes: BYTES,
                    fate: Fate::Ok,
                }
            }));
        }
        Probes {
            messages,
            always: partitions.len() * ROUNDS,
        }
    }

    /// Returns the time for which a group must have stayed without a rebalance to count as stable:
    /// members learn of one by their heartbeats.
    pub fn calm(&self) -> Duration {
        self.settings.consumers.heartbeat * CALM_HEARTBEATS
    }

    /// Returns the time from the healing within which the group must be at rest, and must have
    /// stayed so: the stated time, in which it catches up; the time for which the settings let the
    /// last finished record stand uncommitted; and the calm.
    pub fn liveness_within(&self) -> Duration {
        let tail = self.settings.consumers.config.commit.longest_tail();
        let waits = self.last_phase() - self.heal_at;
        waits + self.settings.expect.liveness_within + tail + self.calm()
    }

    /// Returns the time for which a partition may stand still although nothing hinders it.
    pub fn progress_within(&self) -> Duration {
        let consumers = &self.settings.consumers;
        let usual = consumers.request_timeout + consumers.heartbeat + STALL_SLACK;
        self.settings.expect.progress_within.unwrap_or(usual)
    }

    /// Returns the latest moment at which the run may end.
    pub fn deadline(&self) -> Instant {
        self.heal_at + self.liveness_within() + Duration::from_secs(1)
    }

    /// Returns when everything is healed and all listed messages are produced.
    fn last_phase(&self) -> Instant {
        let last = self.messages.last().map(|message| message.at);
        last.unwrap_or_default().max(self.heal_at)
    }

    /// Returns the partitions that there are at the healing.
    fn partitions_at_last(&self) -> Vec<TopicPartition> {
        let topics = self.settings.topics.iter();
        let mut counts: Vec<u32> = topics.map(|topic| topic.partitions).collect();
        for fault in &self.faults {
            if let Trigger::At(at) = fault.trigger
                && at < self.heal_at
                && let Some((topic, count)) = fault.kind.added_partitions()
            {
                counts[topic.0 as usize] += count.0;
            }
        }
        let counts = (0u32..).zip(counts);
        let partitions = counts.flat_map(|(topic, count)| {
            (0..count).map(move |partition| TopicPartition::new(topic, partition))
        });
        partitions.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scenario;

    fn plan(text: &str) -> Plan {
        let scenario = Scenario::parse("probes.toml", text).expect("it parses");
        Plan::draw(&scenario, 1)
    }

    #[test]
    fn every_partition_gets_two_probes_soon_and_more_as_long_as_it_is_not_at_rest() {
        let plan = plan(
            "duration = \"20s\"\n[[topics]]\nname = \"orders\"\npartitions = 2\n\
             [workload]\nmessages = 5\n\
             [[faults]]\nat = \"3s\"\ndo = \"add-partitions\"\ntopic = \"orders\"\ncount = 1\n",
        );
        let probes = plan.probes();
        assert_eq!(probes.always, 6);
        let mut seconds: Vec<u64> = probes
            .messages
            .iter()
            .map(|probe| probe.at.as_nanos() / 1_000_000_000)
            .collect();
        seconds.dedup();
        assert_eq!(seconds, [20, 23, 46, 64]);
        let ids = probes.messages.iter().map(|probe| probe.id.0);
        assert!(ids.eq(6..=17));
        assert!(probes.messages.iter().all(|probe| probe.fate == Fate::Ok));
    }

    #[test]
    fn a_long_interval_is_waited_for() {
        let usual = plan("[workload]\nmessages = 5\n");
        assert_eq!(usual.liveness_within(), Duration::from_secs(60 + 5 + 6));
        let long = plan("[workload]\nmessages = 5\n[consumers]\ncommit = { interval = \"2m\" }\n");
        assert_eq!(long.liveness_within(), Duration::from_secs(60 + 120 + 6));
        let count = plan("[workload]\nmessages = 5\n[consumers]\ncommit = { every = 5 }\n");
        assert_eq!(count.liveness_within(), Duration::from_secs(60 + 5 + 6));
    }
}
