//! What happened so far, as far as it shows where clients are served.

use plimsoll_core::Instant;
use serde::{Serialize, Serializer};
use std::collections::VecDeque;
use std::fmt;

/// The number of entries that are kept: of a cluster that is served for days, the last ones.
const KEPT: usize = 100_000;

/// The topic in which coordinators keep what groups commit.
const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, from 0; the oldest entries are forgotten.
    pub number: u64,
    /// The time since the cluster is served.
    #[serde(rename = "at_ns", serialize_with = "nanos")]
    pub at: Instant,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

fn nanos<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(at.as_nanos())
}

/// What can happen. Brokers go by their Kafka ids, faults by the scenario's own line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case"
)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Event {
    /// A broker accepts connections.
    BrokerUp { broker: u32 },
    /// A broker accepts none any more.
    BrokerDown { broker: u32 },
    /// Another broker leads a partition; of `__consumer_offsets`, it coordinates the groups there.
    LeaderChanged {
        topic: String,
        partition: i32,
        leader: u32,
        epoch: u32,
    },
    /// A member was told that it is one of this generation of its group.
    Joined {
        group: String,
        member: String,
        generation: i32,
    },
    /// Members left a group.
    Left { group: String, members: usize },
    /// A commit of one partition was accepted.
    Committed {
        group: String,
        topic: String,
        partition: i32,
        next: i64,
        /// The group's generation in the request; -1 outside of a generation.
        generation: i32,
    },
    /// A commit of one partition was refused.
    CommitRefused {
        group: String,
        topic: String,
        partition: i32,
        next: i64,
        error: String,
    },
    /// A request was applied, and a fault lost its answer.
    ResponseLost { request: String },
    /// A fault was asked for over HTTP, and done.
    Asked { fault: String },
    /// A fault of the scenario began.
    FaultBegan { fault: String, broker: Option<u32> },
    /// A fault of the scenario ended.
    FaultEnded { fault: String },
    /// A fault of the scenario did not take effect, and will not any more.
    FaultMissed { fault: String, reason: String },
    /// A fault of the scenario is not played.
    FaultNotPlayed { fault: String, reason: String },
    /// All messages of the scenario are produced, but for the number that failed.
    Produced { messages: usize, failed: usize },
    /// The time of the scenario's faults is over, and all of them are ended.
    Healed {},
}

impl Event {
    /// Returns whether it is one of the few that are worth a line on a screen: the others are commits,
    /// and leaders of partitions of `__consumer_offsets`.
    pub fn is_rare(&self) -> bool {
        match self {
            Self::Committed { .. } | Self::CommitRefused { .. } => false,
            Self::LeaderChanged { topic, .. } => topic != OFFSETS_TOPIC,
            _ => true,
        }
    }
}

/// A sentence for people.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokerUp { broker } => write!(f, "broker {broker} is up"),
            Self::BrokerDown { broker } => write!(f, "broker {broker} is down"),
            Self::LeaderChanged {
                topic,
                partition,
                leader,
                epoch,
            } => write!(
                f,
                "broker {leader} leads {topic}-{partition} (epoch {epoch})"
            ),
            Self::Joined {
                group,
                member,
                generation,
            } => write!(f, "{member} joined generation {generation} of {group}"),
            Self::Left { group, members } => write!(f, "{members} left {group}"),
            Self::Committed {
                group,
                topic,
                partition,
                next,
                ..
            } => write!(f, "{group} committed {next} of {topic}-{partition}"),
            Self::CommitRefused {
                group,
                topic,
                partition,
                next,
                error,
            } => write!(
                f,
                "{group} could not commit {next} of {topic}-{partition}: {error}"
            ),
            Self::ResponseLost { request } => write!(f, "the answer to a {request} is lost"),
            Self::Asked { fault } => write!(f, "asked for: {fault}"),
            Self::FaultBegan {
                fault,
                broker: Some(broker),
            } => write!(f, "began at broker {broker}: {fault}"),
            Self::FaultBegan { fault, .. } => write!(f, "began: {fault}"),
            Self::FaultEnded { fault } => write!(f, "ended: {fault}"),
            Self::FaultMissed { fault, reason } => write!(f, "missed ({reason}): {fault}"),
            Self::FaultNotPlayed { fault, reason } => write!(f, "not played: {fault}: {reason}"),
            Self::Produced {
                messages,
                failed: 0,
            } => write!(f, "all {messages} messages are produced"),
            Self::Produced { messages, failed } => {
                write!(
                    f,
                    "{messages} messages are produced, but for {failed} that failed"
                )
            }
            Self::Healed {} => write!(f, "healed: the scenario's faults are over"),
        }
    }
}

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    entries: VecDeque<Entry>,
    /// The number of the next entry.
    next: u64,
}

impl Trace {
    /// Notes what happened.
    pub(crate) fn push(&mut self, at: Instant, event: Event) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        let number = self.next;
        self.next += 1;
        self.entries.push_back(Entry { number, at, event });
    }

    /// Returns the entries from this number on that are kept.
    pub(crate) fn since(&self, number: u64) -> impl Iterator<Item = &Entry> {
        let first = self.next - self.entries.len() as u64;
        let skipped = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_are_forgotten_and_the_others_keep_their_numbers() {
        let mut trace = Trace::default();
        let up = |broker| Event::BrokerUp { broker };
        for broker in 0..KEPT as u32 + 5 {
            trace.push(Instant::ZERO, up(broker));
        }
        let numbers = |from| -> Vec<u64> { trace.since(from).map(|entry| entry.number).collect() };
        assert_eq!(numbers(0).len(), KEPT);
        assert_eq!(numbers(0)[0], 5);
        let last = KEPT as u64 + 4;
        assert_eq!(numbers(last), [last]);
        assert!(numbers(last + 1).is_empty());
        assert!(numbers(u64::MAX).is_empty());
    }

    #[test]
    fn an_entry_is_one_flat_object() {
        let entry = Entry {
            number: 3,
            at: Instant::from_millis(1),
            event: Event::FaultBegan {
                fault: "do = \"broker-crash\"".into(),
                broker: Some(2),
            },
        };
        let json = serde_json::to_value(entry).expect("it is written");
        let expected = serde_json::json!({
            "number": 3,
            "at_ns": 1_000_000,
            "event": "fault-began",
            "fault": "do = \"broker-crash\"",
            "broker": 2,
        });
        assert_eq!(json, expected);
    }
}
