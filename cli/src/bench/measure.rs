//! What a trace says about the price of commits.
//!
//! A record is a duplicate when it takes effect again. It is counted for whatever ended the
//! ownership under which it took effect before: a crash, a graceful stop, or a rebalance.

use plimsoll_core::{Instant, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, MessageId, Property, Trace, TraceEvent, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What many schedules showed.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// How many schedules.
    pub schedules: u64,
    /// How many commits were sent.
    pub commits: u64,
    /// How many messages were acknowledged to the producer.
    pub acknowledged: u64,
    /// From a message's acknowledgement to its first effect; zero where the effect came first.
    pub delays: Vec<Duration>,
    /// From the sending of a commit to its acceptance by the broker.
    pub commit_ways: Vec<Duration>,
    /// Everything that took partitions away from a member.
    pub disruptions: Vec<Disruption>,
    /// Effects repeated under the very ownership that had written them before.
    pub unexplained: u64,
    /// Records that were lost.
    pub lost: u64,
    /// The properties that were violated, each with the lowest seed.
    pub violations: BTreeMap<Property, u64>,
}

/// Something that took partitions away from a member.
#[derive(Clone, Debug, PartialEq)]
pub struct Disruption {
    /// What it was.
    pub cause: Cause,
    /// The member's ownership of each partition that it took.
    pub taken: Vec<Taken>,
    /// How many records took effect again because of it.
    pub duplicates: u64,
}

/// A partition that was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How long the member had owned it.
    pub owned: Duration,
    /// How long before that anybody had last committed for it, or its first record was stored.
    pub unowned: Duration,
}

/// Why a member no longer owned its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its process was killed.
    Crash,
    /// It was asked to stop.
    Stop,
    /// The group gave them to others.
    Rebalance,
}

impl Measured {
    /// Adds the schedule of a seed.
    pub fn add(&mut self, seed: u64, verdict: &Verdict, trace: &Trace) {
        self.schedules += 1;
        for (property, violation) in verdict.violations() {
            self.violations.entry(property).or_insert(seed);
            if property == Property::NoLoss {
                self.lost += violation.count as u64;
            }
        }
        Reader::default().read(trace, self);
    }

    /// Adds the schedules of higher seeds.
    pub fn merge(&mut self, later: Self) {
        self.schedules += later.schedules;
        self.commits += later.commits;
        self.acknowledged += later.acknowledged;
        self.delays.extend(later.delays);
        self.commit_ways.extend(later.commit_ways);
        self.disruptions.extend(later.disruptions);
        self.unexplained += later.unexplained;
        self.lost += later.lost;
        for (property, seed) in later.violations {
            self.violations.entry(property).or_insert(seed);
        }
    }
}

/// One member's ownership of one partition, from assignment to loss.
#[derive(Clone, Copy, Debug)]
struct Ownership {
    since: Instant,
    /// When the partition had last been committed by then, or begun.
    base: Instant,
    /// What ended it.
    end: Option<usize>,
    /// Whether the member has given it up for good.
    over: bool,
}

/// Within this time a member is not told of two rebalances.
const ONE_REBALANCE: Duration = Duration::from_millis(50);

/// Reads one trace.
#[derive(Debug, Default)]
struct Reader {
    ownerships: Vec<Ownership>,
    /// The last ownership of each member and partition.
    latest: BTreeMap<(MemberId, TopicPartition), usize>,
    /// Under which ownership a record last took effect.
    finished: BTreeMap<(TopicPartition, Offset), usize>,
    /// When a partition was last committed, or its first record stored.
    base: BTreeMap<TopicPartition, Instant>,
    stopping: BTreeSet<MemberId>,
    /// When each member sent the commit that is in flight.
    sent: BTreeMap<MemberId, Instant>,
    acknowledged: BTreeMap<MessageId, Instant>,
    /// The first effects of messages that are not acknowledged yet.
    early: BTreeSet<MessageId>,
    effects: BTreeSet<MessageId>,
    /// The revocation that is being told, partition by partition.
    revocation: Option<(MemberId, Instant, usize)>,
}

impl Reader {
    fn read(mut self, trace: &Trace, into: &mut Measured) {
        for entry in trace.entries() {
            self.observe(entry.at, &entry.event, into);
        }
    }

    fn observe(&mut self, at: Instant, event: &TraceEvent, into: &mut Measured) {
        match *event {
            TraceEvent::Stored { partition, .. } => {
                self.base.entry(partition).or_insert(at);
            }
            TraceEvent::Acknowledged { message, .. } => self.acknowledged(at, message, into),
            TraceEvent::Assigned {
                member, partition, ..
            } => self.assigned(at, member, partition),
            TraceEvent::Revoked {
                member, partition, ..
            } => self.revoked(at, member, partition, into),
            TraceEvent::Lost { member, partition } => {
                self.revoked(at, member, partition, into);
                self.over(member, partition);
            }
            TraceEvent::Released { member, partition } => self.over(member, partition),
            TraceEvent::MemberStarted { member } => {
                self.stopping.remove(&member);
            }
            TraceEvent::MemberStopping { member } => {
                self.disrupted(at, member, Cause::Stop, into);
                self.stopping.insert(member);
            }
            TraceEvent::MemberStopped { member } => {
                self.sent.remove(&member);
                self.all_over(member);
            }
            TraceEvent::MemberCrashed { member } => {
                self.sent.remove(&member);
                self.disrupted(at, member, Cause::Crash, into);
                self.all_over(member);
            }
            TraceEvent::CommitSent { member } => {
                into.commits += 1;
                self.sent.insert(member, at);
            }
            TraceEvent::Committed {
                member, partition, ..
            } => {
                self.base.insert(partition, at);
                if let Some(sent) = self.sent.remove(&member) {
                    into.commit_ways.push(at.saturating_since(sent));
                }
            }
            TraceEvent::CommitRefused { member, .. } | TraceEvent::CommitUnknown { member } => {
                self.sent.remove(&member);
            }
            TraceEvent::Effect {
                member,
                partition,
                offset,
                message,
                outcome: Outcome::Ok,
                ..
            } => {
                self.first_effect(at, message, into);
                self.effect(member, partition, offset, into);
            }
            _ => {}
        }
    }

    fn acknowledged(&mut self, at: Instant, message: MessageId, into: &mut Measured) {
        into.acknowledged += 1;
        self.acknowledged.entry(message).or_insert(at);
        if self.early.remove(&message) {
            into.delays.push(Duration::ZERO);
        }
    }

    fn first_effect(&mut self, at: Instant, message: MessageId, into: &mut Measured) {
        if !self.effects.insert(message) {
            return;
        }
        match self.acknowledged.get(&message) {
            Some(acknowledged) => into.delays.push(at.saturating_since(*acknowledged)),
            None => {
                self.early.insert(message);
            }
        }
    }

    fn effect(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
        into: &mut Measured,
    ) {
        let Some(ownership) = self.latest.get(&(member, partition)) else {
            return;
        };
        let Some(before) = self.finished.insert((partition, offset), *ownership) else {
            return;
        };
        match self.ownerships[before].end {
            Some(disruption) => into.disruptions[disruption].duplicates += 1,
            None => into.unexplained += 1,
        }
    }

    fn assigned(&mut self, at: Instant, member: MemberId, partition: TopicPartition) {
        let base = *self.base.entry(partition).or_insert(at);
        self.latest
            .insert((member, partition), self.ownerships.len());
        self.ownerships.push(Ownership {
            since: at,
            base,
            end: None,
            over: false,
        });
    }

    /// Partitions that one rebalance takes from a member are one disruption; in real time it is
    /// told partition by partition.
    fn revoked(
        &mut self,
        at: Instant,
        member: MemberId,
        partition: TopicPartition,
        into: &mut Measured,
    ) {
        let Some(&ownership) = self.latest.get(&(member, partition)) else {
            return;
        };
        if self.stopping.contains(&member) || self.ownerships[ownership].end.is_some() {
            return;
        }
        let disruption = match self.revocation {
            Some((told, when, disruption))
                if told == member && at.saturating_since(when) <= ONE_REBALANCE =>
            {
                disruption
            }
            _ => begin(Cause::Rebalance, into),
        };
        self.revocation = Some((member, at, disruption));
        self.end(at, ownership, disruption, into);
    }

    /// A member that still held partitions is gone, or about to go.
    fn disrupted(&mut self, at: Instant, member: MemberId, cause: Cause, into: &mut Measured) {
        let held: Vec<usize> = self
            .held_by(member)
            .filter(|ownership| !self.ownerships[*ownership].over)
            .collect();
        if held.is_empty() {
            return;
        }
        let disruption = begin(cause, into);
        for ownership in held {
            self.end(at, ownership, disruption, into);
        }
    }

    fn end(&mut self, at: Instant, ownership: usize, disruption: usize, into: &mut Measured) {
        let ownership = &mut self.ownerships[ownership];
        ownership.end = Some(disruption);
        into.disruptions[disruption].taken.push(Taken {
            owned: at.saturating_since(ownership.since),
            unowned: ownership.since.saturating_since(ownership.base),
        });
    }

    fn over(&mut self, member: MemberId, partition: TopicPartition) {
        if let Some(ownership) = self.latest.get(&(member, partition)) {
            self.ownerships[*ownership].over = true;
        }
    }

    fn all_over(&mut self, member: MemberId) {
        let held: Vec<usize> = self.held_by(member).collect();
        for ownership in held {
            self.ownerships[ownership].over = true;
        }
    }

    fn held_by(&self, member: MemberId) -> impl Iterator<Item = usize> {
        self.latest
            .iter()
            .filter(move |((owner, _), _)| *owner == member)
            .map(|(_, ownership)| *ownership)
    }
}

fn begin(cause: Cause, into: &mut Measured) -> usize {
    into.disruptions.push(Disruption {
        cause,
        taken: Vec::new(),
        duplicates: 0,
    });
    into.disruptions.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::{AssignmentEpoch, NextOffset};
    use plimsoll_oracle::Verdict;

    const A: MemberId = MemberId(0);
    const B: MemberId = MemberId(1);
    const P: TopicPartition = TopicPartition::new(0, 0);

    fn measure(events: &[(u64, TraceEvent)]) -> Measured {
        let mut trace = Trace::new();
        for (millis, event) in events {
            trace.push(Instant::from_millis(*millis), *event);
        }
        let mut measured = Measured::default();
        measured.add(0, &Verdict::new(Vec::new()), &trace);
        measured
    }

    fn assigned(member: MemberId) -> TraceEvent {
        TraceEvent::Assigned {
            member,
            partition: P,
            epoch: AssignmentEpoch(1),
            position: NextOffset::ZERO,
            generation: 1,
        }
    }

    fn effect(member: MemberId, offset: u64) -> TraceEvent {
        TraceEvent::Effect {
            member,
            partition: P,
            offset: Offset::new(offset),
            message: MessageId(offset as u32),
            key: None,
            attempt: 1,
            outcome: Outcome::Ok,
        }
    }

    fn acknowledged(offset: u64) -> TraceEvent {
        TraceEvent::Acknowledged {
            message: MessageId(offset as u32),
            partition: P,
            offset: Offset::new(offset),
        }
    }

    fn duplicates(measured: &Measured) -> Vec<(Cause, u64)> {
        let disruptions = measured.disruptions.iter();
        disruptions.map(|d| (d.cause, d.duplicates)).collect()
    }

    #[test]
    fn duplicates_belong_to_what_ended_the_ownership_before() {
        let measured = measure(&[
            (0, assigned(A)),
            (1, effect(A, 0)),
            (2, effect(A, 1)),
            (3, TraceEvent::MemberCrashed { member: A }),
            (10, assigned(B)),
            (11, effect(B, 0)),
            (12, effect(B, 1)),
            (13, effect(B, 2)),
            (
                14,
                TraceEvent::Revoked {
                    member: B,
                    partition: P,
                    in_flight: 0,
                },
            ),
            (
                15,
                TraceEvent::Released {
                    member: B,
                    partition: P,
                },
            ),
            (16, assigned(A)),
            (17, effect(A, 2)),
        ]);
        let expected = [(Cause::Crash, 2), (Cause::Rebalance, 1)];
        assert_eq!(duplicates(&measured), expected);
        assert_eq!(measured.unexplained, 0);
    }

    #[test]
    fn a_crash_before_the_release_takes_the_blame_from_the_rebalance() {
        let measured = measure(&[
            (0, assigned(A)),
            (1, effect(A, 0)),
            (
                2,
                TraceEvent::Revoked {
                    member: A,
                    partition: P,
                    in_flight: 0,
                },
            ),
            (3, TraceEvent::MemberCrashed { member: A }),
            (10, assigned(B)),
            (11, effect(B, 0)),
        ]);
        let expected = [(Cause::Rebalance, 0), (Cause::Crash, 1)];
        assert_eq!(duplicates(&measured), expected);
    }

    #[test]
    fn a_stop_is_one_disruption_and_a_repeat_within_an_ownership_is_unexplained() {
        let measured = measure(&[
            (0, assigned(A)),
            (1, effect(A, 0)),
            (2, effect(A, 0)),
            (3, TraceEvent::MemberStopping { member: A }),
            (
                4,
                TraceEvent::Revoked {
                    member: A,
                    partition: P,
                    in_flight: 0,
                },
            ),
            (5, TraceEvent::MemberStopped { member: A }),
        ]);
        assert_eq!(duplicates(&measured), [(Cause::Stop, 0)]);
        assert_eq!(measured.unexplained, 1);
    }

    #[test]
    fn delays_run_from_acknowledgement_to_the_first_effect() {
        let measured = measure(&[
            (0, assigned(A)),
            (5, acknowledged(0)),
            (9, effect(A, 0)),
            (10, effect(A, 1)),
            (12, acknowledged(1)),
            (13, effect(A, 0)),
        ]);
        let expected = [Duration::from_millis(4), Duration::ZERO];
        assert_eq!(measured.delays, expected);
    }

    #[test]
    fn a_crash_knows_how_long_partitions_were_owned_and_uncommitted() {
        let measured = measure(&[
            (0, assigned(A)),
            (100, TraceEvent::CommitSent { member: A }),
            (
                103,
                TraceEvent::Committed {
                    member: A,
                    partition: P,
                    next: NextOffset::new(1),
                    generation: 1,
                    rebalancing: false,
                },
            ),
            (150, TraceEvent::MemberCrashed { member: A }),
            (203, assigned(B)),
            (210, TraceEvent::MemberCrashed { member: B }),
        ]);
        let taken: Vec<Taken> = measured
            .disruptions
            .iter()
            .flat_map(|d| d.taken.clone())
            .collect();
        let taken_for = |owned, unowned| Taken {
            owned: Duration::from_millis(owned),
            unowned: Duration::from_millis(unowned),
        };
        assert_eq!(taken, [taken_for(150, 0), taken_for(7, 100)]);
        assert_eq!(measured.commit_ways, [Duration::from_millis(3)]);
    }
}
