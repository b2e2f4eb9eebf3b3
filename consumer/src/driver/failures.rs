//! The last errors of records, for their next attempts and their dead letters.

use super::handlers::Call;
use crate::{HandlerError, Message};
use plimsoll_core::{AssignmentEpoch, Consumer, NextOffset, Offset, Outcome, TopicPartition};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest text of an error that is kept, in bytes: it becomes a header.
const MAX_TEXT: usize = 2_000;

/// The last error of each record that failed and is not finished. Mostly empty.
#[derive(Debug, Default)]
pub(super) struct Failures {
    errors: BTreeMap<(TopicPartition, AssignmentEpoch, Offset), Arc<str>>,
}

impl Failures {
    /// Returns the last error of the record of a call.
    #[inline]
    pub(super) fn get(&self, call: &Call) -> Option<Arc<str>> {
        self.last(call.partition, call.epoch, call.offset)
    }

    /// Returns the last error of a record.
    #[inline]
    pub(super) fn last(
        &self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offset: Offset,
    ) -> Option<Arc<str>> {
        if self.errors.is_empty() {
            return None;
        }
        self.errors.get(&(partition, epoch, offset)).cloned()
    }

    /// Keeps the error of a call, or forgets earlier ones where it succeeded.
    #[inline]
    pub(super) fn note<'a>(
        &mut self,
        call: &Call,
        topic: impl FnOnce() -> Option<&'a str>,
        result: Result<(), HandlerError>,
    ) -> Outcome {
        match result {
            Ok(()) => {
                self.forget(call.partition, call.epoch, call.offset);
                Outcome::Ok
            }
            Err(error) => self.failed(call, topic(), &error),
        }
    }

    /// Keeps, as the last error of a record, that its handler took too long: in this attempt, or
    /// in an earlier one, for whose end this one waited.
    pub(super) fn timed_out(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offset: Offset,
        had_begun: bool,
    ) {
        let error = match had_begun {
            true => "the handler was stopped at its deadline",
            false => "the handler was stopped at its deadline, and does not end",
        };
        self.errors.insert((partition, epoch, offset), error.into());
    }

    /// Forgets a record that is finished.
    #[inline]
    pub(super) fn forget(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offset: Offset,
    ) {
        if !self.errors.is_empty() {
            self.errors.remove(&(partition, epoch, offset));
        }
    }

    /// Forgets the records from a position on: reading goes on there, and where the log was cut,
    /// other records come to stand at their offsets.
    pub(super) fn forget_from(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        position: NextOffset,
    ) {
        self.errors.retain(|(of, under, offset), _| {
            (*of, *under) != (partition, epoch) || position.covers(*offset)
        });
    }

    /// Forgets the records of partitions that were given up, and those below a watermark.
    pub(super) fn prune(&mut self, consumer: &Consumer<Message>) {
        self.errors.retain(|(partition, epoch, offset), _| {
            consumer
                .partition(*partition)
                .is_some_and(|p| p.epoch == *epoch && !p.watermark.covers(*offset))
        });
    }

    fn failed(&mut self, call: &Call, topic: Option<&str>, error: &HandlerError) -> Outcome {
        let Call {
            partition,
            epoch,
            offset,
            attempt,
            ..
        } = *call;
        let mut text = error.to_string();
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        tracing::warn!(
            topic,
            partition = partition.partition,
            offset = offset.get(),
            attempt,
            permanent = error.is_permanent(),
            error = text,
            "a handler failed"
        );
        self.errors.insert((partition, epoch, offset), text.into());
        error.outcome()
    }
}
