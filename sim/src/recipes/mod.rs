//! Subjects: the core, and well-known ways to consume, behind the trait that the core implements.

mod auto_commit;
mod plimsoll;
mod sarama;
#[cfg(test)]
mod tests;

use crate::protocol::Sharing;
use plimsoll_core::{Config, Machine};
use plimsoll_oracle::MessageId;
use plimsoll_scenarios::Subject;

/// What the simulated handler gets.
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
}

/// The client library under a subject: what a client does with the answers of brokers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// librdkafka 2.12.1.
    Librdkafka,
    /// Sarama up to 1.60: a session ends when the coordinator moves.
    Sarama160,
    /// Sarama from 1.61.1 on: a session survives it.
    Sarama161,
}

impl Library {
    /// Returns whether it is Sarama, of any version.
    #[inline]
    pub(crate) const fn is_sarama(self) -> bool {
        !matches!(self, Self::Librdkafka)
    }

    /// Returns which requests of a client share a connection with a broker.
    pub(crate) const fn sharing(self) -> Sharing {
        match self {
            Self::Librdkafka => Sharing::GroupApart,
            Self::Sarama160 | Self::Sarama161 => Sharing::All,
        }
    }
}

/// How a subject is built and driven.
#[derive(Clone, Copy, Debug)]
pub struct SubjectSpec {
    /// Builder of a new process's consumer.
    pub build: fn(&Config) -> Box<dyn Machine<Payload>>,
    /// When its application polls.
    pub polling: Polling,
    /// Whether its client requires stable offsets when it asks where to start.
    ///
    /// librdkafka does with `isolation.level=read_committed`, its default
    /// (`rd_kafka_assignment_serve_pending`); Java's clients always do
    /// (`ConsumerCoordinator.sendOffsetFetchRequest`). Sarama never does up to 1.60, and since 1.61
    /// with `Consumer.IsolationLevel = ReadCommitted`, which is not its default
    /// (`offsetManager.fetchInitialOffset`).
    pub require_stable: bool,
    /// Whether a static member ends that still has partitions and learns, by the number of the
    /// generation that it gets into, that it did not get into the one before: others may have had
    /// its partitions meanwhile. librdkafka tells a static cooperative member nothing of it.
    pub checks_generations: bool,
    /// The client library that it runs on.
    pub library: Library,
}

impl SubjectSpec {
    /// Returns how a subject is built and driven. `None`: it comes from outside of the simulator
    /// ([`Simulator::with_specs`](crate::Simulator::with_specs)).
    pub fn of(subject: Subject) -> Option<Self> {
        let sarama = |build, library| Self {
            build,
            polling: Polling::Always,
            require_stable: false,
            checks_generations: false,
            library,
        };
        Some(match subject {
            Subject::PlimsollDriver => return None,
            Subject::Plimsoll => Self {
                build: plimsoll::build,
                polling: Polling::Always,
                require_stable: true,
                checks_generations: true,
                library: Library::Librdkafka,
            },
            Subject::SaramaManualMark => sarama(sarama::build_manual_mark, Library::Sarama161),
            Subject::SaramaAutoMark => sarama(sarama::build_auto_mark, Library::Sarama161),
            Subject::Sarama160ManualMark => sarama(sarama::build_manual_mark, Library::Sarama160),
            Subject::Sarama160AutoMark => sarama(sarama::build_auto_mark, Library::Sarama160),
            Subject::AutoCommit => Self {
                build: auto_commit::build,
                polling: Polling::Inline,
                require_stable: true,
                checks_generations: false,
                library: Library::Librdkafka,
            },
        })
    }
}
