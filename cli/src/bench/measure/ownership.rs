//! The ownerships of one trace, what ended them, and the duplicates that followed.
//!
//! A record is a duplicate when it takes effect again. It is counted for whatever ended the
//! ownership under which it took effect before: a crash, a graceful stop, or a rebalance.

use plimsoll_core::{Instant, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, TraceEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Something that took partitions away from a member.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Disruption {
    /// What took them.
    pub cause: Cause,
    /// The member's ownership of each partition that it lost.
    pub taken: Vec<Taken>,
    /// The number of records that took effect again because of it.
    pub duplicates: u64,
}

/// A partition that was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The time that the member had owned it.
    pub owned: Duration,
    /// The time before that in which no member committed for it, from its last commit or its first
    /// record on.
    pub unowned: Duration,
}

/// Why a member no longer owned its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its process was killed.
    Crash,
    /// It was told to stop gracefully.
    Stop,
    /// The group gave them to other members.
    Rebalance,
}

/// The ownerships of one trace.
#[derive(Debug, Default)]
pub(crate) struct Ownerships {
    /// Everything that took partitions away from a member.
    pub disruptions: Vec<Disruption>,
    /// The number of effects that were repeated under the very ownership that had written them.
    pub unexplained: u64,
    all: Vec<Ownership>,
    /// The last ownership of each member and partition.
    latest: BTreeMap<(MemberId, TopicPartition), usize>,
    /// The ownership under which each record last took effect.
    finished: BTreeMap<(TopicPartition, Offset), usize>,
    /// When each partition was last committed, or its first record stored.
    base: BTreeMap<TopicPartition, Instant>,
    /// The members that were told to stop gracefully.
    stopping: BTreeSet<MemberId>,
    /// The member that was told of a revocation last, when, and the disruption that it belongs to.
    revocation: Option<(MemberId, Instant, usize)>,
}

/// One member's ownership of one partition, from assignment to loss.
#[derive(Clone, Copy, Debug)]
struct Ownership {
    since: Instant,
    /// When the partition had last been committed by then, or its first record stored.
    base: Instant,
    /// The disruption that ended it.
    end: Option<usize>,
    /// Whether the member has given it up for good.
    over: bool,
}

/// The time within which a member is not told of two rebalances.
const ONE_REBALANCE: Duration = Duration::from_millis(50);

impl Ownerships {
    /// Reads an entry of the trace.
    pub(crate) fn observe(&mut self, at: Instant, event: &TraceEvent) {
        match *event {
            TraceEvent::Stored { partition, .. } => {
                self.base.entry(partition).or_insert(at);
            }
            TraceEvent::Committed { partition, .. } => {
                self.base.insert(partition, at);
            }
            TraceEvent::Assigned {
                member, partition, ..
            } => self.assigned(at, member, partition),
            TraceEvent::Effect {
                member,
                partition,
                offset,
                outcome: Outcome::Ok,
                ..
            } => self.effect(member, partition, offset),
            TraceEvent::Revoked {
                member, partition, ..
            } => self.revoked(at, member, partition),
            TraceEvent::Lost { member, partition } => {
                self.revoked(at, member, partition);
                self.over(member, partition);
            }
            TraceEvent::Released { member, partition } => self.over(member, partition),
            TraceEvent::MemberStarted { member } => {
                self.stopping.remove(&member);
            }
            TraceEvent::MemberStopping { member } => {
                self.disrupted(at, member, Cause::Stop);
                self.stopping.insert(member);
            }
            TraceEvent::MemberStopped { member } | TraceEvent::MemberExited { member, .. } => {
                self.all_over(member);
            }
            TraceEvent::MemberCrashed { member } => {
                self.disrupted(at, member, Cause::Crash);
                self.all_over(member);
            }
            _ => {}
        }
    }

    fn assigned(&mut self, at: Instant, member: MemberId, partition: TopicPartition) {
        let base = *self.base.entry(partition).or_insert(at);
        self.latest.insert((member, partition), self.all.len());
        self.all.push(Ownership {
            since: at,
            base,
            end: None,
            over: false,
        });
    }

    fn effect(&mut self, member: MemberId, partition: TopicPartition, offset: Offset) {
        let Some(ownership) = self.latest.get(&(member, partition)) else {
            return;
        };
        let Some(before) = self.finished.insert((partition, offset), *ownership) else {
            return;
        };
        match self.all[before].end {
            Some(disruption) => self.disruptions[disruption].duplicates += 1,
            None => self.unexplained += 1,
        }
    }

    /// Ends an ownership by a rebalance, unless something else has ended it. Partitions that one
    /// rebalance takes from a member are one disruption; in real time it is told partition by
    /// partition.
    fn revoked(&mut self, at: Instant, member: MemberId, partition: TopicPartition) {
        let Some(&ownership) = self.latest.get(&(member, partition)) else {
            return;
        };
        if self.stopping.contains(&member) || self.all[ownership].end.is_some() {
            return;
        }
        let disruption = match self.revocation {
            Some((told, when, disruption))
                if told == member && at.saturating_since(when) <= ONE_REBALANCE =>
            {
                disruption
            }
            _ => self.begin(Cause::Rebalance),
        };
        self.revocation = Some((member, at, disruption));
        self.end(at, ownership, disruption);
    }

    /// Ends every ownership of a member that is gone, or about to go.
    fn disrupted(&mut self, at: Instant, member: MemberId, cause: Cause) {
        let held: Vec<usize> = self
            .held_by(member)
            .filter(|ownership| !self.all[*ownership].over)
            .collect();
        if held.is_empty() {
            return;
        }
        let disruption = self.begin(cause);
        for ownership in held {
            self.end(at, ownership, disruption);
        }
    }

    /// Begins a disruption and returns its index.
    fn begin(&mut self, cause: Cause) -> usize {
        self.disruptions.push(Disruption {
            cause,
            taken: Vec::new(),
            duplicates: 0,
        });
        self.disruptions.len() - 1
    }

    fn end(&mut self, at: Instant, ownership: usize, disruption: usize) {
        let ownership = &mut self.all[ownership];
        ownership.end = Some(disruption);
        self.disruptions[disruption].taken.push(Taken {
            owned: at.saturating_since(ownership.since),
            unowned: ownership.since.saturating_since(ownership.base),
        });
    }

    fn over(&mut self, member: MemberId, partition: TopicPartition) {
        if let Some(ownership) = self.latest.get(&(member, partition)) {
            self.all[*ownership].over = true;
        }
    }

    fn all_over(&mut self, member: MemberId) {
        let held: Vec<usize> = self.held_by(member).collect();
        for ownership in held {
            self.all[ownership].over = true;
        }
    }

    fn held_by(&self, member: MemberId) -> impl Iterator<Item = usize> {
        self.latest
            .iter()
            .filter(move |((owner, _), _)| *owner == member)
            .map(|(_, ownership)| *ownership)
    }
}
