//! Where to start: what the group committed, and both ends of the log of each partition that was
//! assigned.

use crate::group::{METADATA_BACKOFF, METADATA_RETRIES};
use crate::resend::{is_retriable, pause_after};
use crate::{Action, Ask, Continuation, Failure, Settings, Speaker, StartRetries, View};
use plimsoll_core::{Assignment, Instant, NextOffset};
use plimsoll_protocol::{
    CommittedOffset, Dialect, ErrorName, NO_EPOCH, Node, OffsetsRequest, PartitionIndex, Request,
    Wanted as Place,
};
use std::collections::VecDeque;
use std::time::Duration;

/// Finds where assigned partitions start.
#[derive(Debug)]
pub struct Start<S: Speaker> {
    settings: Settings,
    /// Partitions that were assigned, and of which not everything is known yet.
    starting: Option<Starting<S>>,
    actions: VecDeque<Action<S>>,
}

#[derive(Debug)]
struct Starting<S: Speaker> {
    /// The attempt at membership that gave the partitions.
    id: u32,
    /// The partitions, in order, with the ends of their logs.
    partitions: Vec<(PartitionIndex, Wanted<(NextOffset, NextOffset)>)>,
    /// Number of partitions whose ends are not known.
    unknown: usize,
    committed: Wanted<Vec<CommittedOffset<S::Dialect>>>,
    /// Number of times that the committed offsets were asked for again.
    resends: u32,
    /// Earliest time at which they are asked for, while they are missing.
    committed_at: Instant,
    /// Time at which the application is told of what is known by then.
    tell_by: Instant,
    /// Whether it was.
    is_told_in_part: bool,
    /// Time at which to ask again for ends that were refused; [`Instant::FAR_FUTURE`]: none were.
    ends_at: Instant,
}

/// Something that the client asks for until it gets it.
#[derive(Clone, Copy, Debug)]
enum Wanted<T> {
    Missing,
    Asked,
    /// A question that was refused, and is not asked again.
    Refused,
    Known(T),
}

impl<S: Speaker> Start<S> {
    /// Creates the state without assigned partitions.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            starting: None,
            actions: VecDeque::new(),
        }
    }

    /// Begins with partitions that the attempt `id` at membership gave, and with those of earlier ones
    /// that are not given up.
    pub fn begin(
        &mut self,
        now: Instant,
        view: &View<S>,
        id: u32,
        partitions: Vec<PartitionIndex>,
    ) {
        let earlier = self.starting.take();
        let mut sought = earlier.map_or_else(Vec::new, |earlier| earlier.partitions);
        for (_, ends) in &mut sought {
            // The answer is awaited no more.
            if matches!(ends, Wanted::Asked) {
                *ends = Wanted::Missing;
            }
        }
        sought.extend(partitions.into_iter().map(|index| (index, Wanted::Missing)));
        sought.sort_unstable_by_key(|(index, _)| *index);
        let within = self.settings.behaviour.assigns_within;
        let mut starting = Starting {
            id,
            unknown: 0,
            partitions: sought,
            committed: Wanted::Missing,
            resends: 0,
            committed_at: now,
            tell_by: within.map_or(Instant::FAR_FUTURE, |within| now + within),
            is_told_in_part: false,
            ends_at: Instant::FAR_FUTURE,
        };
        starting.count_unknown();
        self.starting = Some(starting);
        self.advance(now, view);
    }

    /// Forgets of what has not started yet what is given up.
    pub fn give_up(&mut self, view: &View<S>, given_up: &[PartitionIndex]) {
        let Some(starting) = &mut self.starting else {
            return;
        };
        let partitions = &mut starting.partitions;
        partitions.retain(|(index, _)| !given_up.contains(index));
        starting.count_unknown();
        self.finish(view);
    }

    /// Forgets what has not started yet: it was never the application's.
    pub fn forget(&mut self) {
        self.starting = None;
    }

    /// Asks for what is missing, where the broker to ask is known.
    pub fn advance(&mut self, now: Instant, view: &View<S>) {
        self.tell_in_part(now, view);
        let Some(starting) = &mut self.starting else {
            return;
        };
        let timeout = self.settings.request_timeout;
        let mut ask = |to: Node, request, then| {
            let ask = Ask {
                to,
                timeout,
                request,
                then,
            };
            self.actions.push_back(Action::Ask(ask));
        };
        if starting.committed_at <= now
            && let (Wanted::Missing, Some(node)) = (&starting.committed, view.coordinator.node())
        {
            starting.committed = Wanted::Asked;
            let then = Continuation::OffsetFetch(starting.id);
            let request = Request::OffsetFetch {
                group: self.settings.group,
                partitions: None,
                require_stable: self.settings.behaviour.require_stable,
            };
            ask(node, request, then);
        }
        starting.ends_at = Instant::FAR_FUTURE;
        if !starting.asks_for_ends(&self.settings) {
            return;
        }
        let mut no_leader = false;
        for (partition, ends) in &mut starting.partitions {
            if !matches!(ends, Wanted::Missing) {
                continue;
            }
            let Some((leader, _)) = view.metadata.leader(*partition) else {
                no_leader = true;
                continue;
            };
            *ends = Wanted::Asked;
            let then = Continuation::StartOffsets(starting.id, *partition, None);
            ask(leader, end_of(*partition, None), then);
        }
        if no_leader {
            self.actions.push_back(Action::RefreshMetadata);
        }
    }

    /// Takes the group's committed offsets, or asks again later, where the client does.
    pub fn handle_committed(
        &mut self,
        now: Instant,
        view: &View<S>,
        id: u32,
        answer: Result<Vec<CommittedOffset<S::Dialect>>, Failure>,
    ) {
        let Some(starting) = self.starting.as_mut().filter(|starting| starting.id == id) else {
            return;
        };
        match answer {
            Ok(mut committed) => {
                committed.sort_unstable_by_key(|offset| offset.partition);
                starting.committed = Wanted::Known(committed);
                self.advance(now, view);
                self.finish(view);
            }
            Err(failure) => {
                let pause = pause_before(starting.resends, failure, &self.settings);
                starting.resends += 1;
                if self.settings.behaviour.assigns_within.is_none() {
                    starting.forget_ends();
                }
                starting.committed = Wanted::Refused;
                if let Some(pause) = pause {
                    starting.committed = Wanted::Missing;
                    starting.committed_at = now + pause;
                } else if self.settings.behaviour.is_looped() {
                    self.actions.push_back(Action::EndSession);
                }
                if failure.loses_coordinator() {
                    self.actions.push_back(Action::LoseCoordinator);
                }
            }
        }
    }

    /// Takes one end of a partition's log, and asks for the other one, or for both again later.
    pub fn handle_end(
        &mut self,
        now: Instant,
        view: &View<S>,
        (id, partition, log_start): (u32, PartitionIndex, Option<NextOffset>),
        answer: Result<NextOffset, Failure>,
    ) {
        let Some(starting) = self.starting.as_mut().filter(|starting| starting.id == id) else {
            return;
        };
        let place = starting
            .partitions
            .binary_search_by_key(&partition, |(index, _)| *index);
        let Ok(place) = place else {
            return;
        };
        let (_, ends) = &mut starting.partitions[place];
        if !matches!(ends, Wanted::Asked) {
            return;
        }
        match (answer, log_start, view.metadata.leader(partition)) {
            (Ok(log_end), Some(log_start), _) => {
                *ends = Wanted::Known((log_start, log_end));
                starting.unknown -= 1;
                self.finish(view);
            }
            (Ok(log_start), None, Some((leader, _))) => {
                self.actions.push_back(Action::Ask(Ask {
                    to: leader,
                    timeout: self.settings.request_timeout,
                    request: end_of(partition, Some(log_start)),
                    then: Continuation::StartOffsets(id, partition, Some(log_start)),
                }));
            }
            (Ok(_), None, None) => {
                *ends = Wanted::Missing;
                self.actions.push_back(Action::RefreshMetadata);
            }
            (Err(failure), ..) => {
                *ends = Wanted::Missing;
                starting.ends_at = now + self.settings.retry_backoff;
                if asks_for_the_leader(failure) {
                    self.actions.push_back(Action::RefreshMetadata);
                }
            }
        }
    }

    /// Takes what is to be done next.
    #[inline]
    pub fn poll_action(&mut self) -> Option<Action<S>> {
        self.actions.pop_front()
    }

    /// Returns when to ask again for what was refused.
    #[inline]
    pub fn poll_timeout(&self, view: &View<S>) -> Instant {
        let Some(starting) = &self.starting else {
            return Instant::FAR_FUTURE;
        };
        let asks_at = match (&starting.committed, view.coordinator.node()) {
            (Wanted::Missing, Some(_)) => starting.committed_at.min(starting.ends_at),
            _ => starting.ends_at,
        };
        asks_at.min(starting.tell_by)
    }

    /// Lets the application have the partitions of which everything is known, once that is so of
    /// all, or it was told of some.
    fn finish(&mut self, view: &View<S>) {
        let Some(starting) = &mut self.starting else {
            return;
        };
        let Wanted::Known(committed) = &starting.committed else {
            return;
        };
        if starting.unknown > 0 && !starting.is_told_in_part {
            return;
        }
        let partitions = std::mem::take(&mut starting.partitions);
        let mut assignments = Vec::with_capacity(partitions.len());
        let mut epochs = Vec::with_capacity(partitions.len());
        let mut topic: Option<(u32, Option<u32>, u32)> = None;
        for (index, ends) in partitions {
            let Wanted::Known((log_start, high_watermark)) = ends else {
                starting.partitions.push((index, ends));
                continue;
            };
            let partition = view.topology.partition(index);
            // The partitions are in order, so that each topic is looked at once.
            let facts = match topic {
                Some(facts) if facts.0 == partition.topic => facts,
                _ => topic_facts(view, committed, partition.topic),
            };
            topic = Some(facts);
            let (_, founding_partitions, partitions) = facts;
            let own = committed.binary_search_by_key(&index, |offset| offset.partition);
            let own = own.ok().map(|place| &committed[place]);
            epochs.push(own.and_then(|own| view.speaker.leader_epoch(&own.metadata)));
            assignments.push(Assignment {
                partition,
                committed: own.map(|own| own.next),
                log_start,
                high_watermark,
                founding_partitions,
                partitions,
            });
        }
        if starting.unknown == 0 {
            self.starting = None;
        }
        if !assignments.is_empty() {
            self.actions.push_back(Action::Assign(assignments, epochs));
        }
    }

    /// Lets the application have what is known, once an assignment has waited for long enough. What
    /// comes later is an assignment of its own.
    fn tell_in_part(&mut self, now: Instant, view: &View<S>) {
        let is_due = |starting: &&mut Starting<S>| starting.tell_by <= now;
        let Some(starting) = self.starting.as_mut().filter(is_due) else {
            return;
        };
        starting.tell_by = Instant::FAR_FUTURE;
        starting.is_told_in_part = true;
        self.finish(view);
    }
}

impl<S: Speaker> Starting<S> {
    /// Returns whether the ends of logs are asked for. librdkafka and Sarama do so once they know
    /// what was committed, so that a group that begins at the end begins where that is then
    /// (`rd_kafka_toppar_fetch_start`, which resets the offset; `newConsumerGroupClaim` after
    /// `offsetManager.ManagePartition`). Here both are asked for at once, as long as that is a
    /// matter of one round trip.
    const fn asks_for_ends(&self, settings: &Settings) -> bool {
        let knows = matches!(self.committed, Wanted::Known(_));
        settings.behaviour.assigns_within.is_some() || self.resends == 0 || knows
    }

    /// Counts the partitions of which the ends are not known.
    fn count_unknown(&mut self) {
        let ends = self.partitions.iter().map(|(_, ends)| ends);
        self.unknown = ends
            .filter(|ends| !matches!(ends, Wanted::Known(_)))
            .count();
    }

    /// Forgets the ends of logs, which will be others when they are needed.
    fn forget_ends(&mut self) {
        self.unknown = self.partitions.len();
        for (_, ends) in &mut self.partitions {
            *ends = Wanted::Missing;
        }
    }
}

/// Returns the question for the start of a partition's log, or, once that is known, for its end.
/// For both a client needs two requests, since brokers refuse a partition that one names twice
/// (`ReplicaManager.fetchOffset`): `rd_kafka_query_watermark_offsets` sends them, and so do two
/// calls of `rd_kafka_offsets_for_times`, which Plimsoll's consumer makes one after the other; in
/// Sarama `partitionConsumer.chooseStartingOffset`, which asks for the end first.
pub fn end_of<D: Dialect>(partition: PartitionIndex, log_start: Option<NextOffset>) -> Request<D> {
    Request::Offsets(OffsetsRequest {
        partition,
        leader_epoch: NO_EPOCH,
        wanted: match log_start {
            None => Place::Earliest,
            Some(_) => Place::Latest,
        },
    })
}

/// Returns the pause before committed offsets are asked for again; `None`: they are not. librdkafka
/// sends the same bytes without an end (`rd_kafka_OffsetFetchRequest`:
/// `RD_KAFKA_REQUEST_MAX_RETRIES`), also for offsets that are unstable (`retry_unstable` in
/// `rd_kafka_handle_OffsetFetch`); Java asks anew, with pauses of the same length
/// (`ConsumerCoordinator.fetchCommittedOffsets`); Sarama waits for a coordinator that loads, and
/// for no other reason.
fn pause_before(resends: u32, failure: Failure, settings: &Settings) -> Option<Duration> {
    use ErrorName as E;
    let growing = pause_after(resends, settings.retry_backoff);
    match settings.behaviour.start_retries {
        StartRetries::Always => Some(growing),
        StartRetries::SameBytes => {
            let is_unstable = failure == Failure::Refused(E::UnstableOffsetCommit);
            (is_retriable(failure) || is_unstable).then_some(growing)
        }
        StartRetries::Few => match failure {
            _ if resends >= METADATA_RETRIES => None,
            Failure::Refused(E::CoordinatorLoadInProgress) => Some(METADATA_BACKOFF),
            _ => failure.loses_coordinator().then_some(Duration::ZERO),
        },
    }
}

/// Returns whether a client asks for the leaders again when it was not told a partition's ends:
/// upon every error but one (`rd_kafka_handle_ListOffsets`).
pub(crate) fn asks_for_the_leader(failure: Failure) -> bool {
    failure != Failure::Refused(ErrorName::UnknownTopicOrPartition)
}

/// Returns what is the same for all partitions of a topic: the topic, the number of partitions that
/// it had when the group first committed for it, and the number that it has.
fn topic_facts<S: Speaker>(
    view: &View<S>,
    committed: &[CommittedOffset<S::Dialect>],
    topic: u32,
) -> (u32, Option<u32>, u32) {
    let founding = founding_partitions(view, committed, topic);
    let partitions = view.metadata.partitions_of(&view.topology, topic);
    (topic, founding, partitions)
}

/// Returns the number of partitions that the topic had when the group first committed for it. Each
/// commit repeats the number; where they differ, the lowest is the first. A commit without it tells
/// nothing, so that every partition counts as added later and nothing is skipped.
fn founding_partitions<S: Speaker>(
    view: &View<S>,
    committed: &[CommittedOffset<S::Dialect>],
    topic: u32,
) -> Option<u32> {
    let of_topic = committed
        .iter()
        .filter(|offset| view.topology.partition(offset.partition).topic == topic);
    let founding = of_topic.map(|offset| view.speaker.founding_partitions(&offset.metadata));
    founding.map(|number| number.unwrap_or(0)).min()
}
