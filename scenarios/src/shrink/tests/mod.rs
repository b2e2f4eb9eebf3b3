//! The shrinker on made-up failures: what must stay is known, so the smallest plan is too.

mod search;
mod side_by_side;
mod smallest;

use super::{Budget, End, Observed, Runner, Shrunk, shrink};
use crate::scenario::{
    BrokerTarget, Cluster, Condition, Consumers, Direction, Expect, Fate, Fault, FaultKind,
    Handler, MemberTarget, Message, Network, PartitionCount, Producer, Settings, Topic,
    TopicNumber, Trigger,
};
use crate::{Plan, Scenario};
use plimsoll_core::{Config, Instant, TopicPartition};
use plimsoll_oracle::{
    BrokerId, FaultId, Judgement, MemberId, MessageId, Property, RequestKind, Trace, TraceEvent,
    Verdict, Violation,
};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const SOUGHT: Property = Property::NoLoss;

/// A run of a made-up failure: each fault begins, one that waits for a condition after 3 s.
fn run(plan: &Plan, broken: Property, kind: &'static str) -> Observed {
    let violation = Violation {
        at: plan.heal_at,
        kind,
        summary: "made up".into(),
        evidence: vec![],
        count: 1,
    };
    let verdict = Verdict::new(vec![(broken, Judgement::Violated(violation))]);
    Observed::new(verdict, &beginnings(plan, |_| true), 1_000)
}

/// A trace in which the faults begin that take effect.
fn beginnings(plan: &Plan, takes_effect: impl Fn(&Fault) -> bool) -> Trace {
    let begins = |fault: &Fault| match fault.trigger {
        Trigger::At(at) => at,
        Trigger::When { delay, .. } => Instant::from_millis(3_000) + delay,
    };
    let mut faults: Vec<&Fault> = plan.faults.iter().collect();
    faults.retain(|fault| takes_effect(fault));
    faults.sort_by_key(|fault| begins(fault));
    let mut trace = Trace::new();
    for fault in faults {
        trace.push(
            begins(fault),
            TraceEvent::FaultBegan {
                fault: fault.id,
                member: fault.kind.member().map(|_| MemberId(0)),
                broker: None,
            },
        );
    }
    trace
}

struct MadeUp<F>(F);

impl<F: FnMut(&Plan) -> Observed> Runner for MadeUp<F> {
    fn run(&mut self, plan: &Plan) -> Option<Observed> {
        Some((self.0)(plan))
    }
}

const BUDGET: Budget = Budget {
    runs: 2_000,
    events: u64::MAX,
};

/// Shrinks a plan within a budget; each run is of a made-up failure, or breaks another property.
fn shrunk_within(
    budget: Budget,
    plan: &Plan,
    mut fails: impl FnMut(&Plan) -> bool,
) -> Option<Shrunk> {
    let mut runner = MadeUp(|plan: &Plan| {
        let broken = if fails(plan) {
            SOUGHT
        } else {
            Property::Liveness
        };
        run(plan, broken, "committed-past")
    });
    shrink(plan, SOUGHT, budget, &mut runner)
}

fn shrunk(plan: &Plan, fails: impl Fn(&Plan) -> bool) -> Shrunk {
    shrunk_within(BUDGET, plan, fails).expect("the plan fails")
}

/// A plan with something of everything in it.
fn plan() -> Plan {
    let messages = (0..200).map(message).collect();
    let faults = vec![
        fault(
            0,
            FaultKind::Crash {
                member: MemberTarget::Member(MemberId(2)),
            },
        ),
        fault(
            1,
            FaultKind::BrokerCrash {
                broker: BrokerTarget::Broker(BrokerId(2)),
            },
        ),
        fault(
            2,
            FaultKind::LeaderMove {
                partition: TopicPartition::new(1, 3),
            },
        ),
        fault(
            3,
            FaultKind::Partition {
                member: MemberTarget::OwnerOf(TopicPartition::new(0, 4)),
                broker: Some(BrokerTarget::LeaderOf(TopicPartition::new(1, 1))),
                direction: Direction::Responses,
            },
        ),
        fault(
            4,
            FaultKind::Join {
                member: MemberId(3),
            },
        ),
        fault(
            5,
            FaultKind::Undecodable {
                message: MessageId(9),
            },
        ),
        Fault {
            trigger: Trigger::When {
                condition: Condition::Effect,
                count: 10,
                delay: Duration::from_millis(5),
            },
            ..fault(
                6,
                FaultKind::LoseResponse {
                    member: MemberTarget::Triggering,
                    request: RequestKind::OffsetCommit,
                },
            )
        },
        fault(
            7,
            FaultKind::AddPartitions {
                topic: TopicNumber(1),
                count: PartitionCount(2),
            },
        ),
    ];
    let starts = [Some(0), Some(1_234), Some(20_000), None];
    Plan {
        seed: 17,
        settings: Arc::new(settings()),
        messages,
        starts: starts.map(|at| at.map(Instant::from_millis)).to_vec(),
        faults,
        heal_at: Instant::from_millis(60_000),
    }
}

fn message(number: u32) -> Message {
    Message {
        id: MessageId(number),
        at: Instant::from_nanos(u64::from(number) * 123_456_789),
        partition: TopicPartition::new(number % 2, number % 6),
        key: Some(number % 7),
        bytes: 100 + number,
        fate: match number % 5 {
            0 => Fate::Retryable(Fate::ALWAYS),
            1 => Fate::Hang(2),
            _ => Fate::Ok,
        },
    }
}

fn fault(id: u32, kind: FaultKind) -> Fault {
    let lasts = matches!(
        kind,
        FaultKind::Crash { .. } | FaultKind::BrokerCrash { .. } | FaultKind::Partition { .. }
    );
    Fault {
        id: FaultId(id),
        trigger: Trigger::At(Instant::from_millis(10_123 + u64::from(id) * 1_111)),
        kind,
        duration: lasts.then_some(Duration::from_millis(4_321)),
    }
}

fn settings() -> Settings {
    let topic = |name: &str| Topic {
        name: name.into(),
        partitions: 6,
    };
    let starts = [Some(0), Some(1_234), Some(20_000), None];
    Settings {
        name: "made-up".into(),
        description: "Something of everything.".into(),
        safety: None,
        real_time: false,
        cluster: Cluster::default(),
        topics: vec![topic("orders"), topic("bills")],
        producer: Producer {
            idempotence: false,
            ..Producer::default()
        },
        consumers: Consumers {
            starts: starts.map(|at| at.map(Duration::from_millis)).to_vec(),
            session_timeout: Duration::from_secs(6),
            static_ids: true,
            ..Consumers::default()
        },
        handler: Handler::default(),
        network: Network::default(),
        expect: Expect::default(),
    }
}

fn has_message(plan: &Plan, id: u32) -> bool {
    plan.messages
        .iter()
        .any(|message| message.id == MessageId(id))
}

fn has_fault(plan: &Plan, id: u32) -> bool {
    plan.faults.iter().any(|fault| fault.id == FaultId(id))
}

/// The plan can be written as a scenario file, and the file says the same.
fn assert_sound(plan: &Plan) {
    let scenario = plan.to_scenario();
    let text = scenario.to_toml();
    let read = Scenario::parse("made-up.toml", &text).unwrap_or_else(|error| {
        panic!("{:?}\n{text}", miette::Report::new(error));
    });
    assert_eq!(Plan::draw(&read, plan.seed), *plan, "{text}");
    assert!(plan.messages.is_sorted_by_key(|message| message.at));
    let begins = plan.messages.iter().map(|message| message.at);
    let mut begins = begins.chain(plan.starts.iter().flatten().copied());
    assert!(begins.all(|at| at < plan.heal_at));
}
