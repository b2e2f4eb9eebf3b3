//! Commits: stamped with the generation of the moment at which they are sent.

use super::action::{Action, Continuation};
use super::connection::{Ask, Failure};
use super::view::View;
use crate::protocol::{CommittedOffset, Generation, GroupMemberId, Request};
use crate::recipes::Library;
use plimsoll_core::{CommitId, CommitOffset, TopicPartition};
use plimsoll_oracle::ErrorName;
use std::collections::VecDeque;
use std::time::Duration;

/// The commits of a client.
#[derive(Debug)]
pub(super) struct Commits {
    /// `group.instance.id`, of static members only.
    instance: Option<u32>,
    library: Library,
    request_timeout: Duration,
    /// The commits that have no answer yet, each with its partitions.
    outstanding: Vec<(CommitId, Vec<TopicPartition>)>,
    actions: VecDeque<Action>,
}

impl Commits {
    /// Creates the state before any commit.
    pub(super) fn new(instance: Option<u32>, request_timeout: Duration, library: Library) -> Self {
        Self {
            instance,
            library,
            request_timeout,
            outstanding: Vec::new(),
            actions: VecDeque::new(),
        }
    }

    /// Sends a commit, stamped with `identity`, the membership of this moment. Outside of the
    /// group, or without a coordinator, it fails on the spot.
    ///
    /// While a join is in flight the broker looks at it only after the join
    /// (`SocketServer` answers the requests of a connection one by one).
    pub(super) fn commit(
        &mut self,
        view: &View,
        identity: Option<(GroupMemberId, Generation)>,
        commit: CommitId,
        offsets: &[CommitOffset],
    ) {
        let Some(to) = view.coordinator.node() else {
            return self.refuse(commit, ErrorName::CoordinatorNotAvailable);
        };
        let Some((member, generation)) = identity else {
            return self.refuse(commit, ErrorName::UnknownMemberId);
        };
        let carried = offsets.iter().map(|offset| offset.partition);
        self.outstanding.push((commit, carried.collect()));
        let offsets = offsets.iter().filter_map(|offset| {
            Some(CommittedOffset {
                partition: view.topology.index(offset.partition)?,
                next: offset.next,
                metadata: Some(offset.founding_partitions),
            })
        });
        let request = Request::OffsetCommit {
            generation,
            member,
            instance: self.instance,
            offsets: offsets.collect(),
        };
        self.actions.push_back(Action::Ask(Ask {
            to,
            timeout: self.request_timeout,
            request,
            then: Continuation::OffsetCommit(commit),
        }));
        self.actions.push_back(Action::CommitSent);
    }

    /// Handles what became of a commit.
    pub(super) fn handle_answer(&mut self, commit: CommitId, answer: Result<(), Failure>) {
        use ErrorName as E;
        let mut outstanding = self.outstanding.iter();
        let place = outstanding.position(|(id, _)| *id == commit);
        let carried = place.map(|place| self.outstanding.swap_remove(place).1);
        self.actions.push_back(Action::EndCommit(commit, answer));
        if self.library.is_sarama() {
            return self.handle_failure_in_sarama(answer.err());
        }
        match answer {
            Err(Failure::Refused(E::NotCoordinator | E::CoordinatorNotAvailable)) => {
                self.actions.push_back(Action::LoseCoordinator);
            }
            Err(Failure::Refused(E::FencedInstanceId)) => self.actions.push_back(Action::End),
            // A generation that is over is noticed by the heartbeat.
            Err(Failure::Refused(E::UnknownMemberId | E::IllegalGeneration)) => {
                let carried = carried.unwrap_or_default();
                self.actions.push_back(Action::NotAMember(carried));
            }
            _ => {}
        }
    }

    /// Handles an error of a commit as Sarama does (`offsetManager.handleResponse`): upon most of
    /// them it looks for the coordinator, and one that is fenced ends its session.
    fn handle_failure_in_sarama(&mut self, failure: Option<Failure>) {
        use ErrorName as E;
        let action = match failure {
            // "nothing wrong but we didn't commit, we'll get it next time round"
            None | Some(Failure::Refused(E::CoordinatorLoadInProgress)) => return,
            Some(Failure::Refused(E::FencedInstanceId)) => Action::EndSession,
            Some(_) => Action::LoseCoordinator,
        };
        self.actions.push_back(action);
    }

    /// Takes what is to be done next.
    #[inline]
    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn refuse(&mut self, commit: CommitId, error: ErrorName) {
        let refused = Err(Failure::Refused(error));
        self.actions.push_back(Action::EndCommit(commit, refused));
    }
}
