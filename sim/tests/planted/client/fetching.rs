//! Bugs of a client that fetches.

use plimsoll_client::{Action, AnswerOf, AskOf, Continuation, Failure, Parts, Seams, Speaker};
use plimsoll_core::{AssignmentEpoch, Command, CommitOutcome, Event, NextOffset, TopicPartition};
use plimsoll_protocol::{Dialect, ErrorName, Node, PartitionIndex, Request, Response};
use std::collections::{BTreeMap, BTreeSet};

/// kafka-python#3131, confluent-kafka-python#970: after a rebalance, one partition is fetched no
/// more.
#[derive(Default)]
pub(crate) struct ForgetsAPartition {
    assignments: u32,
    forgets: bool,
}

impl<S: Speaker> Seams<S> for ForgetsAPartition {
    fn action(&mut self, parts: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        match action {
            Action::Assign(..) => {
                self.forgets = self.assignments > 0;
                self.assignments += 1;
            }
            Action::Poll(_) if std::mem::take(&mut self.forgets) => {
                if let Some(first) = parts.fetcher.assigned().first().copied() {
                    parts.fetcher.unassign(first);
                }
            }
            _ => {}
        }
        true
    }
}

/// confluent-kafka-dotnet#672: a pause drops what was fetched, and a resume goes on behind that.
#[derive(Default)]
pub(crate) struct ResumeSkips {
    epochs: Epochs,
    /// The offset behind what was fetched last, by partition.
    ends: BTreeMap<PartitionIndex, u64>,
}

impl<S: Speaker> Seams<S> for ResumeSkips {
    fn command(&mut self, parts: &mut Parts<'_, S>, command: &mut Command<S::Payload>) -> bool {
        self.epochs.note(command);
        if let Command::Resume { partition } = command
            && let Some(index) = parts.view.topology.index(*partition)
            && let Some(end) = self.ends.get(&index)
        {
            self.epochs.seek(parts, index, *end);
        }
        true
    }

    fn answer(
        &mut self,
        _: &mut Parts<'_, S>,
        _: Node,
        _: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        self.ends.extend(ends_of(answer));
        true
    }
}

/// librdkafka#1307: what was paused, also by the client itself during a rebalance, goes on where
/// its assignment began.
#[derive(Default)]
pub(crate) struct ResumeRewinds {
    epochs: Epochs,
}

impl<S: Speaker> Seams<S> for ResumeRewinds {
    fn command(&mut self, parts: &mut Parts<'_, S>, command: &mut Command<S::Payload>) -> bool {
        self.epochs.note(command);
        if let Command::Resume { partition } = command
            && let Some(index) = parts.view.topology.index(*partition)
        {
            self.epochs.rewind(parts, index);
        }
        true
    }

    fn action(&mut self, parts: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        if let Action::Hold(false) = action {
            for index in parts.fetcher.assigned().to_vec() {
                self.epochs.rewind(parts, index);
            }
        }
        true
    }
}

/// kafkajs#367, KAFKA-2342: what was asked for before a pause, a seek or another assignment counts
/// when it is answered: fetching goes on behind it.
#[derive(Default)]
pub(crate) struct TakesLateFetches {
    epochs: Epochs,
    /// The partitions that each broker was asked for last.
    asked: BTreeMap<Node, Vec<PartitionIndex>>,
    /// Those that are not to be answered any more.
    late: BTreeSet<(Node, PartitionIndex)>,
}

impl TakesLateFetches {
    /// Notes that some partitions are not to be answered any more.
    fn restart(&mut self, is_meant: impl Fn(PartitionIndex) -> bool) {
        for (broker, partitions) in &self.asked {
            let meant = partitions.iter().filter(|index| is_meant(**index));
            self.late.extend(meant.map(|index| (*broker, *index)));
        }
    }
}

impl<S: Speaker> Seams<S> for TakesLateFetches {
    fn command(&mut self, parts: &mut Parts<'_, S>, command: &mut Command<S::Payload>) -> bool {
        self.epochs.note(command);
        if let Command::Pause { partition } | Command::Seek { partition, .. } = command {
            let meant = parts.view.topology.index(*partition);
            self.restart(|index| Some(index) == meant);
        }
        true
    }

    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        if let Action::Hold(true) = action {
            self.restart(|_| true);
        }
        true
    }

    fn request(&mut self, _: &mut Parts<'_, S>, ask: &mut AskOf<S>) -> bool {
        if let Request::Fetch(fetch) = &ask.request {
            let partitions = fetch.positions.iter().map(|position| position.partition);
            self.asked.insert(ask.to, partitions.collect());
        }
        true
    }

    fn answer(
        &mut self,
        parts: &mut Parts<'_, S>,
        from: Node,
        then: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        if then == Continuation::Fetch {
            self.asked.remove(&from);
            for (index, end) in ends_of(answer) {
                if self.late.contains(&(from, index)) {
                    self.epochs.seek(parts, index, end);
                }
            }
            self.late.retain(|(broker, _)| *broker != from);
        }
        true
    }
}

/// librdkafka#3080: any error of a partition resets its position, to the end.
#[derive(Default)]
pub(crate) struct ErrorsResetToTheEnd {
    epochs: Epochs,
}

impl<S: Speaker> Seams<S> for ErrorsResetToTheEnd {
    fn command(&mut self, _: &mut Parts<'_, S>, command: &mut Command<S::Payload>) -> bool {
        self.epochs.note(command);
        true
    }

    fn action(&mut self, parts: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        if let Action::Tell(Event::OutOfRange {
            partition,
            high_watermark,
            ..
        }) = action
            && let Some(index) = parts.view.topology.index(*partition)
        {
            self.epochs.seek(parts, index, high_watermark.get());
            return false;
        }
        true
    }

    fn answer(
        &mut self,
        _: &mut Parts<'_, S>,
        _: Node,
        _: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        if let Ok(Response::Fetch(fetched)) = answer {
            for partition in &mut fetched.partitions {
                let reset = |_| ErrorName::OffsetOutOfRange;
                partition.error = partition.error.map(reset);
            }
        }
        true
    }
}

/// optiopay/kafka#62: a partition whose leader has moved is asked for at the old one, until metadata
/// happens to be renewed.
#[derive(Default)]
pub(crate) struct StaleLeaders;

impl<S: Speaker> Seams<S> for StaleLeaders {
    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        !matches!(action, Action::RefreshMetadata | Action::WantMetadata)
    }
}

/// librdkafka#1608: a fetch that is lost with its connection is awaited for ever.
#[derive(Default)]
pub(crate) struct AwaitsLostFetches;

impl<S: Speaker> Seams<S> for AwaitsLostFetches {
    fn answer(
        &mut self,
        _: &mut Parts<'_, S>,
        _: Node,
        then: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        then != Continuation::Fetch || answer.is_ok()
    }
}

/// librdkafka#2933: what waits for a commit before it is fetched stands still where that fails.
#[derive(Default)]
pub(crate) struct FailedCommitHoldsBack {
    waiting: Vec<PartitionIndex>,
}

impl<S: Speaker> Seams<S> for FailedCommitHoldsBack {
    fn command(&mut self, parts: &mut Parts<'_, S>, command: &mut Command<S::Payload>) -> bool {
        if let Command::CompleteAssign { starts, .. } = command
            && !parts.commits.is_settled()
        {
            let starts = starts.iter();
            let waiting = starts.filter_map(|start| parts.view.topology.index(start.partition));
            self.waiting.extend(waiting);
        }
        true
    }

    fn action(&mut self, parts: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        if let Action::EndCommit(_, outcome) = action {
            for index in std::mem::take(&mut self.waiting) {
                if *outcome != CommitOutcome::Ok {
                    parts.fetcher.pause(index);
                }
            }
        }
        true
    }
}

/// The assignments of partitions, as the application has answered them.
#[derive(Default)]
struct Epochs(BTreeMap<TopicPartition, (AssignmentEpoch, NextOffset)>);

impl Epochs {
    fn note<P>(&mut self, command: &Command<P>) {
        if let Command::CompleteAssign { starts, .. } = command {
            let starts = starts.iter();
            self.0
                .extend(starts.map(|start| (start.partition, (start.epoch, start.position))));
        }
    }

    /// Moves a partition, as nothing has asked for.
    fn seek<S: Speaker>(&self, parts: &mut Parts<'_, S>, index: PartitionIndex, to: u64) {
        if let Some((epoch, _)) = self.0.get(&parts.view.topology.partition(index)) {
            let (of, to) = ((index, *epoch), NextOffset::new(to));
            parts.fetcher.seek(parts.now, parts.view, of, to);
        }
    }

    /// Moves a partition to where its assignment began.
    fn rewind<S: Speaker>(&self, parts: &mut Parts<'_, S>, index: PartitionIndex) {
        if let Some((_, start)) = self.0.get(&parts.view.topology.partition(index)) {
            self.seek(parts, index, start.get());
        }
    }
}

/// Returns the offset behind what was fetched of each partition.
fn ends_of<D: Dialect>(answer: &Result<Response<D>, Failure>) -> Vec<(PartitionIndex, u64)> {
    let mut ends = Vec::new();
    if let Ok(Response::Fetch(fetched)) = answer {
        let mut entries = fetched.entries.as_slice();
        for partition in &fetched.partitions {
            let (own, rest) = entries.split_at(partition.entries as usize);
            entries = rest;
            ends.extend(own.last().map(|last| (partition.partition, last.end())));
        }
    }
    ends
}
