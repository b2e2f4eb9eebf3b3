//! Where to start: what the group committed, and both ends of each partition that was assigned.

use super::application::Callback;
use super::connection::Failure;
use super::process::{Continuation, Process, settings};
use crate::env::Env;
use crate::protocol::{Channel, CommittedOffset, LogEnds, Request};
use crate::topology::PartitionIndex;
use plimsoll_core::{Assignment, Instant};
use plimsoll_oracle::ErrorName;

/// Partitions that were assigned, and of which not everything is known yet.
#[derive(Debug)]
pub struct Starting {
    /// The attempt at membership that gave them.
    id: u32,
    partitions: Vec<(PartitionIndex, Answer<LogEnds>)>,
    committed: Answer<Vec<CommittedOffset>>,
    /// Time at which to ask again for what was refused; [`Instant::FAR_FUTURE`]: nothing was.
    pub(super) retry_at: Instant,
}

/// Something that the client asks for until it gets it.
#[derive(Clone, Copy, Debug)]
enum Answer<T> {
    Missing,
    Asked,
    Known(T),
}

impl Starting {
    /// Creates the start of partitions of which nothing is known.
    pub fn new(id: u32, partitions: Vec<PartitionIndex>) -> Self {
        let partitions = partitions.into_iter();
        Self {
            id,
            partitions: partitions.map(|index| (index, Answer::Missing)).collect(),
            committed: Answer::Missing,
            retry_at: Instant::FAR_FUTURE,
        }
    }
}

impl Process {
    /// Asks for what is missing, where the broker to ask is known.
    pub(super) fn advance_start(&mut self, env: &mut Env<'_>) {
        let Some(starting) = &mut self.starting else {
            return;
        };
        let timeout = settings(env).request_timeout;
        starting.retry_at = Instant::FAR_FUTURE;
        if let (Answer::Missing, Some(node)) = (&starting.committed, self.coordinator.node()) {
            starting.committed = Answer::Asked;
            let (channel, purpose) = (Channel::Coordinator, Continuation::OffsetFetch(starting.id));
            self.requests
                .send(env, node, channel, timeout, purpose, Request::OffsetFetch);
        }
        let mut no_leader = false;
        for (partition, ends) in &mut starting.partitions {
            if !matches!(ends, Answer::Missing) {
                continue;
            }
            let Some((leader, _)) = self.metadata.leader(*partition) else {
                no_leader = true;
                continue;
            };
            *ends = Answer::Asked;
            self.requests.send(
                env,
                leader,
                Channel::Data,
                timeout,
                Continuation::StartOffsets(starting.id, *partition),
                Request::ListOffsets {
                    partition: *partition,
                },
            );
        }
        if no_leader {
            self.refresh_metadata(env);
        }
    }

    /// Takes the group's committed offsets, or asks again later.
    pub(super) fn committed_offsets_answered(
        &mut self,
        env: &mut Env<'_>,
        id: u32,
        result: Result<Vec<CommittedOffset>, Failure>,
    ) {
        use ErrorName as E;
        let retry_at = env.now() + settings(env).retry_backoff;
        let Some(starting) = self.starting.as_mut().filter(|starting| starting.id == id) else {
            return;
        };
        match result {
            Ok(committed) => {
                starting.committed = Answer::Known(committed);
                self.finish_start(env);
            }
            Err(failure) => {
                starting.committed = Answer::Missing;
                starting.retry_at = retry_at;
                if let Failure::Lost
                | Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable) = failure
                {
                    self.coordinator_lost(env);
                }
            }
        }
    }

    /// Takes both ends of a partition, or asks again later.
    pub(super) fn start_offsets_answered(
        &mut self,
        env: &mut Env<'_>,
        id: u32,
        partition: PartitionIndex,
        result: Result<LogEnds, Failure>,
    ) {
        let retry_at = env.now() + settings(env).retry_backoff;
        let Some(starting) = self.starting.as_mut().filter(|starting| starting.id == id) else {
            return;
        };
        let mut entries = starting.partitions.iter_mut();
        let Some((_, ends)) = entries.find(|(index, _)| *index == partition) else {
            return;
        };
        match result {
            Ok(known) => {
                *ends = Answer::Known(known);
                self.finish_start(env);
            }
            Err(_) => {
                *ends = Answer::Missing;
                starting.retry_at = retry_at;
                self.refresh_metadata(env);
            }
        }
    }

    /// Tells the application, once everything is known.
    fn finish_start(&mut self, env: &mut Env<'_>) {
        let Some(starting) = &self.starting else {
            return;
        };
        let Answer::Known(committed) = &starting.committed else {
            return;
        };
        let mut assignments = Vec::with_capacity(starting.partitions.len());
        for (index, ends) in &starting.partitions {
            let Answer::Known(ends) = ends else {
                return;
            };
            let partition = env.topology.partition(*index);
            let own = committed.iter().find(|offset| offset.partition == *index);
            assignments.push(Assignment {
                partition,
                committed: own.map(|offset| offset.next),
                log_start: ends.log_start,
                high_watermark: ends.log_end,
                founding_partitions: founding_partitions(env, committed, partition.topic),
                partitions: self.metadata.partitions_of(&env.topology, partition.topic),
            });
        }
        self.starting = None;
        self.application.call(Callback::Assigned(assignments));
    }
}

/// Returns the number of partitions that the topic had when the group first committed for it. Each
/// commit repeats the number; where they differ, the lowest is the first. A commit without it tells
/// nothing, so that every partition counts as added later and nothing is skipped.
fn founding_partitions(env: &Env<'_>, committed: &[CommittedOffset], topic: u32) -> Option<u32> {
    let of_topic = committed
        .iter()
        .filter(|offset| env.topology.partition(offset.partition).topic == topic);
    of_topic.map(|offset| offset.metadata.unwrap_or(0)).min()
}
