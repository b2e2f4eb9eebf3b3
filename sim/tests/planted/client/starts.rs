//! Bugs of a client that asks where to start.

use super::failure_of;
use plimsoll_client::{Action, AnswerOf, Continuation, Parts, Seams, Speaker};
use plimsoll_core::{NextOffset, TopicPartition};
use plimsoll_protocol::{Node, Response};
use std::collections::BTreeMap;

/// librdkafka#5586: committed offsets are asked for once, and not again where that fails.
#[derive(Default)]
pub(crate) struct AsksOffsetsOnce;

impl<S: Speaker> Seams<S> for AsksOffsetsOnce {
    fn answer(
        &mut self,
        _: &mut Parts<'_, S>,
        _: Node,
        then: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        !matches!(then, Continuation::OffsetFetch(_)) || failure_of(answer).is_none()
    }
}

/// librdkafka#296: the ends of logs are asked for once, and not again where that fails.
#[derive(Default)]
pub(crate) struct AsksEndsOnce;

impl<S: Speaker> Seams<S> for AsksEndsOnce {
    fn answer(
        &mut self,
        _: &mut Parts<'_, S>,
        _: Node,
        then: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        !matches!(then, Continuation::StartOffsets(..)) || failure_of(answer).is_none()
    }
}

/// kafka-python#2629: where it is not told what the group has committed, that is nothing.
#[derive(Default)]
pub(crate) struct RefusedMeansUncommitted;

impl<S: Speaker> Seams<S> for RefusedMeansUncommitted {
    fn answer(
        &mut self,
        _: &mut Parts<'_, S>,
        _: Node,
        then: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        if matches!(then, Continuation::OffsetFetch(_)) && failure_of(answer).is_some() {
            *answer = Ok(Response::OffsetFetch(Ok(Vec::new())));
        }
        true
    }
}

/// librdkafka#1767, sentry#10897: a partition that comes back begins where it began first.
#[derive(Default)]
pub(crate) struct RemembersOffsets {
    committed: BTreeMap<TopicPartition, Option<NextOffset>>,
}

impl<S: Speaker> Seams<S> for RemembersOffsets {
    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        if let Action::Assign(assignments, _) = action {
            for assigned in assignments {
                let first = self.committed.entry(assigned.partition);
                assigned.committed = *first.or_insert(assigned.committed);
            }
        }
        true
    }
}

/// brod#660: a partition for which nothing is committed begins at its end.
#[derive(Default)]
pub(crate) struct UncommittedMeansLatest;

impl<S: Speaker> Seams<S> for UncommittedMeansLatest {
    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        if let Action::Assign(assignments, _) = action {
            for assigned in assignments {
                assigned.committed.get_or_insert(assigned.high_watermark);
            }
        }
        true
    }
}
