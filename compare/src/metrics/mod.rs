//! What is compared: numbers that are read from the trace of one run, beyond its verdict.

#[cfg(test)]
mod tests;

use plimsoll_core::{Instant, Outcome, TopicPartition};
use plimsoll_oracle::{ErrorName, MemberId, MessageId, Trace, TraceEvent, Word};
use std::collections::{BTreeMap, BTreeSet};

plimsoll_oracle::words! {
    /// A number that a run has.
    pub(crate) enum Metric: "metric" {
        /// Generations of the group under which partitions were assigned.
        Generations = "generations",
        /// Assignments of partitions.
        Assignments = "assignments",
        /// Partitions that members were asked to give up, and not because they stop.
        Revocations = "partitions revoked",
        /// Partitions that members found to be gone.
        Lost = "partitions lost",
        /// Changes of the group's coordinator.
        Coordinators = "coordinator changes",
        /// Commits that members sent.
        CommitsSent = "commits sent",
        /// Commits that a broker accepted while the group was rebalancing, by partition.
        CommitsInRebalance = "commits in a rebalance",
        /// Commits that were refused because their member was of an older generation, or of none.
        CommitsFenced = "commits fenced",
        /// Commits that were refused for another reason.
        CommitsRefused = "commits refused otherwise",
        /// Commits whose members live and never learned what became of them.
        CommitsUnknown = "commits unknown",
        /// Commits that arrived on a connection that its member had closed, by partition.
        CommitsLate = "commits late",
        /// Records that were given to handlers, again or for the first time.
        Deliveries = "deliveries",
        /// Handlers that were stopped before they came back.
        HandlersStopped = "handlers stopped",
        /// Records that were finished again.
        Duplicates = "duplicates",
        /// The longest time that a partition was without a member that could work on it, until its
        /// next assignment.
        Reassigned = "longest reassignment",
        /// The longest time between two effects of the group that began before the healing.
        Pause = "longest pause of effects",
        /// The time from the healing to lag zero and stable membership.
        Rest = "healing to rest",
    }
}

/// The time that a process on real Kafka may take for what takes the simulator none.
const PROCESSOR: u64 = 300;

/// The time from an assignment to the first fetch, by which it is seen on the wire: librdkafka's
/// thread for a broker sleeps up to a second (`rd_kafka_broker_serve` with `rd_kafka_max_block_ms`),
/// and nothing wakes it where it knew the partition before.
const FIRST_FETCH: u64 = 1_000;

impl Metric {
    /// Returns whether it is a time, in milliseconds, and not a count.
    pub(crate) const fn is_time(self) -> bool {
        matches!(self, Self::Reassigned | Self::Pause | Self::Rest)
    }

    /// Returns by how much real Kafka may differ from the simulator without meaning anything.
    pub(crate) const fn leeway(self) -> u64 {
        match self {
            Self::Reassigned | Self::Rest => FIRST_FETCH + PROCESSOR,
            Self::Pause => PROCESSOR,
            _ => 0,
        }
    }
}

/// The numbers of one run: counts, and times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metrics([u64; Metric::ALL.len()]);

impl Metrics {
    /// Reads the numbers from a trace.
    pub(crate) fn of(trace: &Trace) -> Self {
        let mut scan = Scan::default();
        for entry in trace.entries() {
            scan.observe(entry.at, &entry.event);
        }
        scan.metrics.0[Metric::Generations as usize] = scan.generations.len() as u64;
        scan.metrics
    }

    pub(crate) const fn get(&self, metric: Metric) -> u64 {
        self.0[metric as usize]
    }

    const fn count(&mut self, metric: Metric) {
        self.0[metric as usize] += 1;
    }

    /// Takes in a time of which the longest counts.
    fn time(&mut self, metric: Metric, from: Instant, to: Instant) {
        let millis = to.saturating_since(from).as_millis();
        let longest = &mut self.0[metric as usize];
        *longest = (*longest).max(u64::try_from(millis).unwrap_or(u64::MAX));
    }
}

/// What must be remembered from one entry to the next.
#[derive(Default)]
struct Scan {
    metrics: Metrics,
    generations: BTreeSet<i32>,
    /// The members that were asked to stop, or died, and have not started since.
    leaving: BTreeSet<MemberId>,
    partitions: BTreeMap<TopicPartition, Held>,
    finished: BTreeSet<MessageId>,
    last_effect: Option<Instant>,
    healed: Option<Instant>,
}

/// A partition's last assignment.
struct Held {
    owner: MemberId,
    /// The moment since which the owner cannot work on it any more.
    idle_since: Option<Instant>,
}

impl Scan {
    fn observe(&mut self, at: Instant, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::Assigned {
                member,
                partition,
                generation,
                ..
            } => {
                self.generations.insert(generation);
                self.assigned(at, member, partition);
            }
            E::Released { member, partition } => self.gone(at, member, partition),
            E::Lost { member, partition } => {
                self.metrics.count(Metric::Lost);
                self.gone(at, member, partition);
            }
            E::MemberStarted { member } => _ = self.leaving.remove(&member),
            E::MemberStopping { member } => _ = self.leaving.insert(member),
            E::MemberCrashed { member } => {
                self.leaving.insert(member);
                self.stands_still(at, member);
            }
            E::MemberStopped { member }
            | E::MemberExited { member, .. }
            | E::MemberPaused { member } => self.stands_still(at, member),
            E::Revoked { member, .. } if !self.leaving.contains(&member) => {
                self.metrics.count(Metric::Revocations);
            }
            E::CommitUnknown { member } if !self.leaving.contains(&member) => {
                self.metrics.count(Metric::CommitsUnknown);
            }
            E::MemberResumed { member } => self.goes_on(member),
            E::Effect {
                message, outcome, ..
            } => self.effect(at, message, outcome),
            E::Healed => self.healed = Some(at),
            E::Quiet => {
                if let Some(healed) = self.healed {
                    self.metrics.time(Metric::Rest, healed, at);
                }
            }
            _ => {}
        }
        if let Some(metric) = counted(event) {
            self.metrics.count(metric);
        }
    }

    fn assigned(&mut self, at: Instant, member: MemberId, partition: TopicPartition) {
        self.metrics.count(Metric::Assignments);
        let held = Held {
            owner: member,
            idle_since: None,
        };
        let before = self.partitions.insert(partition, held);
        if let Some(since) = before.and_then(|before| before.idle_since) {
            self.metrics.time(Metric::Reassigned, since, at);
        }
    }

    fn gone(&mut self, at: Instant, member: MemberId, partition: TopicPartition) {
        let held = self.partitions.get_mut(&partition);
        if let Some(held) = held.filter(|held| held.owner == member) {
            held.idle_since.get_or_insert(at);
        }
    }

    fn stands_still(&mut self, at: Instant, member: MemberId) {
        for held in self.partitions.values_mut() {
            if held.owner == member {
                held.idle_since.get_or_insert(at);
            }
        }
    }

    /// A process that wakes up works on what it still believes to have.
    fn goes_on(&mut self, member: MemberId) {
        for held in self.partitions.values_mut() {
            if held.owner == member {
                held.idle_since = None;
            }
        }
    }

    fn effect(&mut self, at: Instant, message: MessageId, outcome: Outcome) {
        let last = self.last_effect.replace(at);
        if let Some(last) = last.filter(|last| self.healed.is_none_or(|healed| *last < healed)) {
            self.metrics.time(Metric::Pause, last, at);
        }
        if outcome == Outcome::Ok && !self.finished.insert(message) {
            self.metrics.count(Metric::Duplicates);
        }
    }
}

/// Returns the metric that an event adds one to by itself.
const fn counted(event: &TraceEvent) -> Option<Metric> {
    use TraceEvent as E;
    Some(match event {
        E::CoordinatorChanged { .. } => Metric::Coordinators,
        E::CommitSent { .. } => Metric::CommitsSent,
        E::Committed {
            rebalancing: true, ..
        } => Metric::CommitsInRebalance,
        E::CommitRefused { error, .. } => match error {
            ErrorName::IllegalGeneration
            | ErrorName::UnknownMemberId
            | ErrorName::FencedInstanceId => Metric::CommitsFenced,
            _ => Metric::CommitsRefused,
        },
        E::LateCommit { .. } => Metric::CommitsLate,
        E::HandlerStarted { .. } => Metric::Deliveries,
        E::HandlerStopped { .. } => Metric::HandlersStopped,
        _ => return None,
    })
}
