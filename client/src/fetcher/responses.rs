//! Answers to fetches, and what follows from them.

use super::{Fetcher, UNREADABLE_BACKOFF};
use crate::start::{asks_for_the_leader, end_of};
use crate::{Action, Ask, Continuation, Failure, Speaker, View};
use plimsoll_core::{Event, Instant, NextOffset};
use plimsoll_protocol::{Channel, ErrorName, FetchResponse, LogEntry, Node, PartitionIndex};

impl<S: Speaker> Fetcher<S> {
    /// Handles a broker's answer: the next poll goes out, and the records wait for the application.
    pub fn handle_fetched(
        &mut self,
        now: Instant,
        view: &View<S>,
        from: Node,
        response: &mut FetchResponse<S::Dialect>,
    ) {
        let poll = &mut self.polls[usize::from(from.0)];
        poll.in_flight = false;
        std::mem::swap(&mut poll.positions, &mut response.asked);
        let mut entries = response.entries.as_slice();
        let mut failed = false;
        for answer in &response.partitions {
            let (own, rest) = entries.split_at(answer.entries as usize);
            entries = rest;
            let index = answer.partition;
            if !self.partitions[usize::from(index.0)].awaits(from) {
                continue;
            }
            match answer.error {
                None => self.enqueue(now, view, from, (index, own)),
                Some(ErrorName::OffsetOutOfRange) => self.ask_range(now, view, index),
                // All others are the same news: the leader is to be asked for again, and the
                // partition waits (`rd_kafka_fetch_reply_handle_partition_error`).
                Some(_) => {
                    self.retry(index, now + self.backoff());
                    failed = true;
                }
            }
        }
        if failed {
            self.actions.push_back(Action::RefreshMetadata);
        }
        self.fetch_from(now, view, from);
    }

    /// Handles a broker's refusal. One for all partitions is the same news as one for each of them.
    pub fn handle_refused(&mut self, now: Instant, view: &View<S>, from: Node, error: ErrorName) {
        if error != ErrorName::OffsetOutOfRange {
            return self.handle_failed(now, view, from);
        }
        for index in self.end_poll(from) {
            self.ask_range(now, view, index);
        }
        self.fetch_from(now, view, from);
    }

    /// Handles a poll that came to nothing.
    pub fn handle_failed(&mut self, now: Instant, view: &View<S>, from: Node) {
        let soon = now + self.backoff();
        let reconnect = view.connections.backs_off(from, Channel::Fetch, now);
        let at = reconnect.map_or(soon, |reconnect| reconnect.max(soon));
        for index in self.end_poll(from) {
            self.retry(index, at);
        }
        self.actions.push_back(Action::RefreshMetadata);
    }

    /// Handles news of the cluster. Partitions that wait for a dead leader wait no longer where
    /// there is news of another one; where there is none, more news is wanted soon.
    pub fn handle_metadata(&mut self, now: Instant, view: &View<S>) {
        let soon = now + self.backoff();
        let mut waits = false;
        self.changes += 1;
        for index in &self.assigned {
            let partition = &mut self.partitions[usize::from(index.0)];
            if partition.retry_at <= soon {
                continue;
            }
            let leader = view.metadata.leader(*index);
            let backs_off = |leader| view.connections.backs_off(leader, Channel::Fetch, now);
            if leader.is_some_and(|(leader, _)| backs_off(leader).is_none()) {
                partition.retry_at = now;
            } else {
                waits = true;
            }
        }
        if waits {
            self.actions.push_back(Action::WantMetadata);
        }
        self.fetch_all(now, view);
    }

    /// Tells the application the range of a partition whose position is out of it, once both ends
    /// are known: it decides.
    pub fn handle_range(
        &mut self,
        now: Instant,
        view: &View<S>,
        (index, version, log_start): (PartitionIndex, u32, Option<NextOffset>),
        answer: Result<NextOffset, Failure>,
    ) {
        let partition = &mut self.partitions[usize::from(index.0)];
        if !partition.assigned || partition.version != version {
            return;
        }
        match (answer, log_start) {
            (Ok(mut high_watermark), Some(log_start)) => {
                let position = NextOffset::new(partition.position);
                if std::mem::take(&mut partition.is_cut) && position > log_start {
                    // The log may have grown past the position again, with other records: an end
                    // above the position would say that the position is good.
                    high_watermark = high_watermark.min(NextOffset::new(position.get() - 1));
                    partition.epochs.forget();
                }
                self.actions.push_back(Action::Tell(Event::OutOfRange {
                    partition: view.topology.partition(index),
                    epoch: partition.epoch,
                    position,
                    log_start,
                    high_watermark,
                }));
            }
            (Ok(log_start), None) => self.ask_end(now, view, index, Some(log_start)),
            (Err(failure), _) => {
                // Fetching again will say again that it is out of range.
                partition.halted = false;
                self.retry(index, now + self.backoff());
                if asks_for_the_leader(failure) {
                    self.actions.push_back(Action::RefreshMetadata);
                }
            }
        }
    }

    /// Asks for the range of a partition whose position is out of it.
    pub(super) fn ask_range(&mut self, now: Instant, view: &View<S>, index: PartitionIndex) {
        if view.metadata.leader(index).is_none() {
            return self.retry(index, now + self.backoff());
        }
        let partition = self.change(index);
        partition.halted = true;
        let position = NextOffset::new(partition.position);
        self.actions.push_back(Action::OutOfRange(index, position));
        if self.settings.behaviour.out_of_range_ends_session {
            // The claim ends, and with it the session (`brokerConsumer.handleResponses`: "shut it
            // down and force the user to choose what to do"; `ErrSessionConsumeClaimExited`).
            return self.actions.push_back(Action::EndSession);
        }
        self.ask_end(now, view, index, None);
    }

    /// Asks for the start of the log of a partition that is halted, or, once that is known, for its
    /// end.
    fn ask_end(
        &mut self,
        now: Instant,
        view: &View<S>,
        index: PartitionIndex,
        log_start: Option<NextOffset>,
    ) {
        let partition = &mut self.partitions[usize::from(index.0)];
        let Some((leader, _)) = view.metadata.leader(index) else {
            partition.halted = false;
            return self.retry(index, now + self.settings.retry_backoff);
        };
        let then = Continuation::ResetOffsets(index, partition.version, log_start);
        self.actions.push_back(Action::Ask(Ask {
            to: leader,
            timeout: self.settings.request_timeout,
            request: end_of(index, log_start),
            then,
        }));
    }

    /// Ends a poll without an answer. Returns the partitions that still await one.
    fn end_poll(&mut self, from: Node) -> Vec<PartitionIndex> {
        self.polls[usize::from(from.0)].in_flight = false;
        let mut awaiting = Vec::new();
        for index in &self.assigned {
            let partition = &mut self.partitions[usize::from(index.0)];
            if partition.awaits(from) {
                awaiting.push(*index);
            }
            partition.end_poll(from);
        }
        awaiting
    }

    /// Queues records for the application; the next poll of the broker goes on behind them. What
    /// cannot be read is fetched again after a pause.
    fn enqueue(
        &mut self,
        now: Instant,
        view: &View<S>,
        from: Node,
        (index, stored): (PartitionIndex, &[LogEntry<S::Dialect>]),
    ) {
        let partition = &mut self.partitions[usize::from(index.0)];
        let part = (index, self.settings.records_at_once.max(1));
        partition.enqueue(&view.speaker, part, stored, &mut self.queue);
        if partition.failing {
            return self.retry(index, now + UNREADABLE_BACKOFF);
        }
        if partition.has_enough(&self.settings) {
            self.changes += 1;
        }
        let poll = &mut self.polls[usize::from(from.0)];
        if let Some(position) = poll.positions.get_mut(index) {
            position.offset = partition.position;
        }
    }
}
