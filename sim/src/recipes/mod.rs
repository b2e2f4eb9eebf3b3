//! Subjects: the core, and well-known ways to consume, behind the trait that the core implements.

mod auto_commit;
mod java;
mod plimsoll;
mod sarama;
#[cfg(test)]
mod tests;

pub use crate::client::LeanSpeaker;
pub use plimsoll_client::Behaviour;

use plimsoll_client::Seams;
use plimsoll_core::{Command, CommitId, CommitOffset, Config, Machine, NextOffset, TopicPartition};
use plimsoll_oracle::MessageId;
use plimsoll_scenarios::Subject;

/// The payload that the simulated handler gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// The message.
    pub message: MessageId,
    /// Its key's number.
    pub key: Option<u32>,
}

/// When a subject's application polls its client: a poll deadline counts from the last poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polling {
    /// All the time, whatever handlers do, and also while a rebalance is not answered: Plimsoll's
    /// consumer has a thread for it. Sarama knows no poll deadline (its heartbeats never stop).
    Always,
    /// Only while no handler runs and no rebalance waits for its answer: both are called in the
    /// poll loop.
    Inline,
    /// The same, with the records of many messages in one poll, as in Java: the next one follows
    /// when the loop is through with all of them.
    Batches {
        /// Whether it waits for its commits, too (`commitSync`).
        awaits_commits: bool,
    },
}

/// Makes what stands at the seams of a new process's client.
pub type NewSeams = fn() -> Box<dyn Seams<LeanSpeaker>>;

/// A subject: how it is built and driven.
#[derive(Clone, Copy, Debug)]
pub struct SubjectSpec {
    /// Builder of a new process's consumer.
    pub build: fn(&Config) -> Box<dyn Machine<Payload>>,
    /// When its application polls.
    pub polling: Polling,
    /// The real client under it.
    pub behaviour: Behaviour,
    /// What stands at the seams of a new process's client; `None`: nothing does.
    pub seams: Option<NewSeams>,
}

impl SubjectSpec {
    /// Returns how a subject is built and driven. `None`: it comes from outside of the simulator
    /// ([`Simulator::with_specs`](crate::Simulator::with_specs)).
    pub fn of(subject: Subject) -> Option<Self> {
        let sarama = |build, behaviour| Self {
            build,
            polling: Polling::Always,
            behaviour,
            seams: None,
        };
        let java = |build, awaits_commits| Self {
            build,
            polling: Polling::Batches { awaits_commits },
            behaviour: Behaviour::JAVA,
            seams: None,
        };
        Some(match subject {
            Subject::PlimsollDriver => return None,
            Subject::Plimsoll => Self {
                build: plimsoll::build,
                polling: Polling::Always,
                behaviour: Behaviour::PLIMSOLL,
                seams: None,
            },
            Subject::SaramaManualMark => sarama(sarama::build_manual_mark, Behaviour::SARAMA_1_61),
            Subject::SaramaAutoMark => sarama(sarama::build_auto_mark, Behaviour::SARAMA_1_61),
            Subject::Sarama160ManualMark => {
                sarama(sarama::build_manual_mark, Behaviour::SARAMA_1_60)
            }
            Subject::Sarama160AutoMark => sarama(sarama::build_auto_mark, Behaviour::SARAMA_1_60),
            Subject::JavaAutoCommit => java(java::build_auto_commit, false),
            Subject::JavaCommitSync => java(java::build_commit_sync, true),
            Subject::AutoCommit => Self {
                build: auto_commit::build,
                polling: Polling::Inline,
                behaviour: Behaviour::LIBRDKAFKA,
                seams: None,
            },
        })
    }
}

/// Returns the command that commits these positions, and says nothing else.
fn commit_of(
    commit: CommitId,
    positions: impl Iterator<Item = (TopicPartition, NextOffset)>,
) -> Command<Payload> {
    let offsets = positions.map(|(partition, next)| CommitOffset {
        partition,
        next,
        founding_partitions: 0,
    });
    Command::Commit {
        commit,
        offsets: offsets.collect(),
    }
}
