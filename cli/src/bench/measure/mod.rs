//! What a trace says about the price of commits.
//!
//! One reader for each thing that is measured; each sees every entry of the trace.

mod commits;
mod delays;
mod outages;
pub(super) mod ownership;

use commits::Commits;
use delays::Delays;
use ownership::{Disruption, Ownerships};
use plimsoll_oracle::{Property, Trace, Verdict};
use std::collections::BTreeMap;
use std::time::Duration;

/// What many schedules showed.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    /// The number of schedules.
    pub schedules: u64,
    /// The number of commits that were sent.
    pub commits: u64,
    /// The number of messages that were acknowledged to the producer.
    pub acknowledged: u64,
    /// The simulated or real time that the schedules took.
    pub time: Duration,
    /// The times from a message's acknowledgement to its first effect, in seconds, of messages that
    /// waited in healthy time. There are millions.
    pub healthy: Vec<f32>,
    /// The same of messages that waited through an outage.
    pub outage: Vec<f32>,
    /// The times from the sending of a commit to its acceptance by the broker.
    pub commit_ways: Vec<Duration>,
    /// Everything that took partitions away from a member.
    pub disruptions: Vec<Disruption>,
    /// The number of effects that were repeated under the very ownership that had written them.
    pub unexplained: u64,
    /// The number of records that were lost.
    pub lost: u64,
    /// The properties that were violated, each with the lowest seed.
    pub violations: BTreeMap<Property, u64>,
}

impl Measured {
    /// Adds the schedule of a seed.
    pub(super) fn add(&mut self, seed: u64, verdict: &Verdict, trace: &Trace) {
        self.schedules += 1;
        for (property, violation) in verdict.violations() {
            self.violations.entry(property).or_insert(seed);
            if property == Property::NoLoss {
                self.lost += violation.count as u64;
            }
        }
        let mut commits = Commits::default();
        let mut delays = Delays::default();
        let mut ownerships = Ownerships::default();
        for entry in trace.entries() {
            commits.observe(entry.at, &entry.event);
            delays.observe(entry.at, &entry.event);
            ownerships.observe(entry.at, &entry.event);
        }
        self.commits += commits.sent;
        self.commit_ways.extend(commits.ways);
        self.acknowledged += delays.acknowledged;
        self.healthy.extend(delays.healthy);
        self.outage.extend(delays.outage);
        let last = trace.entries().last();
        self.time += last.map_or(Duration::ZERO, |entry| entry.at.since_start());
        self.disruptions.extend(ownerships.disruptions);
        self.unexplained += ownerships.unexplained;
    }

    /// Adds the schedules of higher seeds.
    pub(super) fn merge(&mut self, later: Self) {
        self.schedules += later.schedules;
        self.commits += later.commits;
        self.acknowledged += later.acknowledged;
        self.time += later.time;
        self.healthy.extend(later.healthy);
        self.outage.extend(later.outage);
        self.commit_ways.extend(later.commit_ways);
        self.disruptions.extend(later.disruptions);
        self.unexplained += later.unexplained;
        self.lost += later.lost;
        for (property, seed) in later.violations {
            self.violations.entry(property).or_insert(seed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ownership::{Cause, Taken};
    use super::*;
    use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, Outcome, TopicPartition};
    use plimsoll_oracle::{FaultId, MemberId, MessageId, TraceEvent};

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

    fn millis(seconds: &[f32]) -> Vec<u32> {
        let millis = seconds.iter().map(|seconds| (seconds * 1e3).round() as u32);
        millis.collect()
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
        assert_eq!(millis(&measured.healthy), [4, 0]);
        assert!(measured.outage.is_empty());
    }

    fn started(member: MemberId, offset: u64) -> TraceEvent {
        TraceEvent::HandlerStarted {
            member,
            partition: P,
            offset: Offset::new(offset),
            message: MessageId(offset as u32),
            attempt: 1,
        }
    }

    /// The message that waits when the member crashes, the one that is acknowledged before the next
    /// owner, and the one behind them waited through the outage; the one that comes when they have
    /// reached a handler did not.
    #[test]
    fn an_outage_lasts_until_what_it_left_has_reached_a_handler() {
        let measured = measure(&[
            (0, assigned(A)),
            (10, acknowledged(0)),
            (11, started(A, 0)),
            (12, effect(A, 0)),
            (20, acknowledged(1)),
            (21, TraceEvent::MemberCrashed { member: A }),
            (30, acknowledged(2)),
            (50, assigned(B)),
            (51, started(B, 1)),
            (52, acknowledged(3)),
            (60, effect(B, 1)),
            (61, started(B, 2)),
            (70, effect(B, 2)),
            (71, started(B, 3)),
            (72, acknowledged(4)),
            (80, effect(B, 3)),
            (81, started(B, 4)),
            (90, effect(B, 4)),
        ]);
        assert_eq!(millis(&measured.outage), [40, 40, 28]);
        assert_eq!(millis(&measured.healthy), [2, 18]);
    }

    #[test]
    fn a_fault_is_an_outage_until_it_ends() {
        let fault = FaultId(0);
        let measured = measure(&[
            (0, assigned(A)),
            (10, acknowledged(0)),
            (
                11,
                TraceEvent::FaultBegan {
                    fault,
                    member: None,
                    broker: None,
                },
            ),
            (12, effect(A, 0)),
            (13, acknowledged(1)),
            (14, started(A, 1)),
            (15, TraceEvent::FaultEnded { fault }),
            (16, acknowledged(2)),
            (20, effect(A, 1)),
            (21, effect(A, 2)),
        ]);
        assert_eq!(millis(&measured.outage), [2, 7]);
        assert_eq!(millis(&measured.healthy), [5]);
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
