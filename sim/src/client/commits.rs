//! Commits: stamped with the generation of the moment at which they are sent.

use super::connection::Failure;
use super::process::{Continuation, Process, settings};
use crate::env::Env;
use crate::protocol::{CommittedOffset, Request};
use plimsoll_core::{CommitId, CommitOffset, CommitOutcome};
use plimsoll_oracle::{ErrorName, TraceEvent};

impl Process {
    /// Sends a commit. Outside of the group, or without a coordinator, it fails on the spot.
    ///
    /// While a join is in flight the broker looks at it only after the join
    /// (`SocketServer` answers the requests of a connection one by one).
    pub(super) fn commit(
        &mut self,
        env: &mut Env<'_>,
        commit: CommitId,
        offsets: Vec<CommitOffset>,
    ) {
        let topology = &env.topology;
        let offsets = offsets.into_iter().filter_map(|offset| {
            Some(CommittedOffset {
                partition: topology.index(offset.partition)?,
                next: offset.next,
                metadata: Some(offset.founding_partitions),
            })
        });
        let offsets: Vec<CommittedOffset> = offsets.collect();
        if self.coordinator.node().is_none() {
            return self.refuse_commit(env, commit, ErrorName::CoordinatorNotAvailable);
        }
        let Some((member, generation)) = self.group.identity() else {
            return self.refuse_commit(env, commit, ErrorName::UnknownMemberId);
        };
        let request = Request::OffsetCommit {
            generation,
            member,
            instance: self.instance(env),
            offsets,
        };
        let timeout = settings(env).request_timeout;
        self.ask_coordinator(env, timeout, Continuation::OffsetCommit(commit), request);
        env.observe(TraceEvent::CommitSent { member: self.id });
    }

    /// Handles what became of a commit.
    pub(super) fn commit_answered(
        &mut self,
        env: &mut Env<'_>,
        commit: CommitId,
        result: Result<(), Failure>,
    ) {
        use ErrorName as E;
        match result {
            Ok(()) => self.application.commit_finished(commit, CommitOutcome::Ok),
            Err(Failure::Lost) => {
                env.observe(TraceEvent::CommitUnknown { member: self.id });
                self.application
                    .commit_finished(commit, CommitOutcome::Unknown);
            }
            Err(Failure::Refused(error)) => {
                self.refuse_commit(env, commit, error);
                match error {
                    E::NotCoordinator | E::CoordinatorNotAvailable => self.coordinator_lost(env),
                    E::FencedInstanceId => self.end(env),
                    // A generation that is over is noticed by the heartbeat.
                    _ => {}
                }
            }
        }
    }

    fn refuse_commit(&mut self, env: &mut Env<'_>, commit: CommitId, error: ErrorName) {
        env.observe(TraceEvent::CommitRefused {
            member: self.id,
            error,
        });
        self.application
            .commit_finished(commit, CommitOutcome::Failed);
    }
}
