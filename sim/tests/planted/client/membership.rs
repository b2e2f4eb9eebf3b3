//! Bugs of a client that is a member of a group.

use super::failure_of;
use plimsoll_client::{
    Action, AnswerOf, AskOf, Callback, Continuation, Failure, Parts, Seams, Speaker,
};
use plimsoll_core::RebalanceId;
use plimsoll_protocol::{Dialect, ErrorName, Node, PartitionIndex, Request, Response};

/// kafka_ex#547, racecar#208: the coordinator that was found first is asked for ever.
#[derive(Default)]
pub(crate) struct StaleCoordinator;

impl<S: Speaker> Seams<S> for StaleCoordinator {
    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        !matches!(action, Action::LoseCoordinator)
    }
}

/// A heartbeat is answered that the group rebalances, and nothing follows.
#[derive(Default)]
pub(crate) struct IgnoresRebalances;

impl<S: Speaker> Seams<S> for IgnoresRebalances {
    fn answer(
        &mut self,
        _: &mut Parts<'_, S>,
        _: Node,
        then: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        ignore(then, answer, &[ErrorName::RebalanceInProgress]);
        true
    }
}

/// librdkafka#947: a group that has let its member go goes unnoticed, also where it refuses
/// commits.
#[derive(Default)]
pub(crate) struct IgnoresItsEnd;

impl<S: Speaker> Seams<S> for IgnoresItsEnd {
    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        !matches!(action, Action::NotAMember(..))
    }

    fn answer(
        &mut self,
        _: &mut Parts<'_, S>,
        _: Node,
        then: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        use ErrorName::{IllegalGeneration, UnknownMemberId};
        ignore(then, answer, &[UnknownMemberId, IllegalGeneration]);
        true
    }
}

/// After the first rebalance, nothing sends heartbeats any more.
#[derive(Default)]
pub(crate) struct HeartbeatsEnd {
    assignments: u32,
}

impl<S: Speaker> Seams<S> for HeartbeatsEnd {
    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        self.assignments += u32::from(matches!(action, Action::Assign(..)));
        true
    }

    fn request(&mut self, _: &mut Parts<'_, S>, ask: &mut AskOf<S>) -> bool {
        self.assignments < 2 || !matches!(ask.request, Request::Heartbeat(_))
    }
}

/// librdkafka#1019: the application is not told that it is to give partitions up.
#[derive(Default)]
pub(crate) struct RevocationIsNotTold;

impl<S: Speaker> Seams<S> for RevocationIsNotTold {
    fn callback(
        &mut self,
        parts: &mut Parts<'_, S>,
        rebalance: RebalanceId,
        callback: &mut Callback,
    ) -> bool {
        let is_kept_back = matches!(callback, Callback::Revoked(_));
        if is_kept_back {
            keep_back(parts, rebalance, callback);
        }
        !is_kept_back
    }
}

/// The client joins while the application still gives partitions up.
#[derive(Default)]
pub(crate) struct JoinsBeforeTheAnswer;

impl<S: Speaker> Seams<S> for JoinsBeforeTheAnswer {
    fn callback(
        &mut self,
        parts: &mut Parts<'_, S>,
        rebalance: RebalanceId,
        callback: &mut Callback,
    ) -> bool {
        if matches!(callback, Callback::Revoked(_)) {
            answer_at_once(parts, rebalance, callback);
        }
        true
    }
}

/// The application is not told that its partitions are gone.
#[derive(Default)]
pub(crate) struct LossIsNotTold;

impl<S: Speaker> Seams<S> for LossIsNotTold {
    fn callback(
        &mut self,
        parts: &mut Parts<'_, S>,
        rebalance: RebalanceId,
        callback: &mut Callback,
    ) -> bool {
        let is_kept_back = matches!(callback, Callback::Lost(_));
        if is_kept_back {
            keep_back(parts, rebalance, callback);
        }
        !is_kept_back
    }
}

/// Carries out a rebalance of which the application is not told.
fn keep_back<S: Speaker>(parts: &mut Parts<'_, S>, rebalance: RebalanceId, callback: &Callback) {
    for index in answer_at_once(parts, rebalance, callback) {
        parts.fetcher.unassign(index);
        parts.fetcher.release(index);
    }
}

/// Answers a rebalance in the application's place. Returns the partitions that it is about.
fn answer_at_once<S: Speaker>(
    parts: &mut Parts<'_, S>,
    rebalance: RebalanceId,
    callback: &Callback,
) -> Vec<PartitionIndex> {
    parts.group.handle_revoke_answer(rebalance);
    if parts.commits.is_settled() {
        parts.group.handle_settled(parts.now, parts.view);
    }
    match callback {
        Callback::Revoked(partitions) | Callback::Lost(partitions) => partitions.clone(),
        Callback::Assigned(_) => Vec::new(),
    }
}

/// Takes a heartbeat for a good one that was refused for one of these reasons.
fn ignore<D: Dialect>(
    then: Continuation,
    answer: &mut Result<Response<D>, Failure>,
    errors: &[ErrorName],
) {
    if matches!(then, Continuation::Heartbeat(_))
        && let Some(Failure::Refused(error)) = failure_of(answer)
        && errors.contains(&error)
    {
        *answer = Ok(Response::Heartbeat(Ok(())));
    }
}
