//! The shrinker on made-up failures: what must stay is known, so the smallest plan is too.

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

#[test]
fn two_messages_and_a_fault_stay_and_nothing_else() {
    let fails = |plan: &Plan| has_message(plan, 7) && has_message(plan, 13) && has_fault(plan, 2);
    let Shrunk {
        plan,
        verdict,
        runs,
        end,
    } = shrunk(&plan(), fails);
    assert!(verdict.violates(SOUGHT));
    assert!(runs < 600, "{runs} runs");
    assert_eq!(end, End::Smallest);
    assert_sound(&plan);

    let ids: Vec<u32> = plan.messages.iter().map(|message| message.id.0).collect();
    assert_eq!(ids, [7, 13]);
    let plain = |message: &Message| {
        message.at == Instant::ZERO
            && message.key.is_none()
            && message.fate == Fate::Ok
            && message.bytes == 100
            && message.partition == TopicPartition::new(0, 0)
    };
    assert!(plan.messages.iter().all(plain), "{:?}", plan.messages);
    assert_eq!(
        plan.faults,
        [Fault {
            id: FaultId(2),
            trigger: Trigger::At(Instant::ZERO),
            kind: FaultKind::LeaderMove {
                partition: TopicPartition::new(0, 0)
            },
            duration: None,
        }]
    );
    assert_eq!(plan.starts, [Some(Instant::ZERO)]);
    assert_eq!(plan.heal_at, Instant::from_millis(1_000));
    let settings = &plan.settings;
    assert_eq!(settings.topics.len(), 1);
    assert_eq!(settings.topics[0].partitions, 1);
    assert_eq!(settings.cluster.brokers, 1);
    assert_eq!(settings.consumers.session_timeout, Duration::from_secs(10));
    assert!(!settings.consumers.static_ids);
    assert!(settings.producer.idempotence);
    assert_eq!(settings.handler, Handler::default());
    assert_eq!(settings.network, Network::default());
    assert_eq!(settings.consumers.group, Consumers::default().group);
}

#[test]
fn what_the_failure_needs_is_kept() {
    let needed = |message: &Message| {
        matches!(message.fate, Fate::Hang(_))
            && message.key.is_some()
            && message.at > Instant::from_millis(5_200)
    };
    let fails = |plan: &Plan| {
        plan.messages.iter().any(needed)
            && plan.starts.len() >= 3
            && plan.settings.consumers.static_ids
            && plan.settings.topics.len() == 2
            && plan.settings.cluster.replication >= 2
    };
    let plan = shrunk(&plan(), fails).plan;
    assert!(fails(&plan));
    assert_sound(&plan);
    assert!(plan.faults.is_empty());
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(plan.messages[0].at, Instant::from_millis(6_000));
    assert_eq!(plan.messages[0].fate, Fate::Hang(1));
    assert_eq!(plan.messages[0].key, Some(0));
    assert_eq!(plan.starts.len(), 3);
    let cluster = &plan.settings.cluster;
    assert_eq!(
        (cluster.brokers, cluster.replication, cluster.min_insync),
        (2, 2, 1)
    );
}

#[test]
fn members_hand_their_faults_over() {
    let crash = |fault: &Fault| {
        matches!(
            fault.kind,
            FaultKind::Crash {
                member: MemberTarget::Member(_)
            }
        )
    };
    let plan = shrunk(&plan(), |plan| plan.faults.iter().any(crash)).plan;
    assert_sound(&plan);
    assert_eq!(plan.starts.len(), 1);
    assert_eq!(
        plan.faults[0].kind,
        FaultKind::Crash {
            member: MemberTarget::Member(MemberId(0))
        }
    );
}

#[test]
fn a_member_that_joins_starts_by_itself() {
    let joined = |plan: &Plan| {
        has_fault(plan, 4)
            || plan
                .starts
                .iter()
                .flatten()
                .any(|at| at.as_nanos() > 14_000_000_000)
    };
    let mut start = plan();
    start.starts[2] = Some(Instant::ZERO);
    let plan = shrunk(&start, |plan| joined(plan) && plan.starts.len() > 1).plan;
    assert_sound(&plan);
    assert!(plan.faults.is_empty());
    assert_eq!(plan.starts.len(), 2);
}

#[test]
fn added_partitions_stay_behind_the_first_ones() {
    let added = |plan: &Plan| {
        plan.messages.iter().any(|message| {
            let topic = &plan.settings.topics[message.partition.topic as usize];
            message.partition.partition >= topic.partitions
        })
    };
    let mut start = plan();
    start.messages[51].partition = TopicPartition::new(1, 6);
    let fails = |plan: &Plan| has_fault(plan, 7) && added(plan);
    let plan = shrunk(&start, fails).plan;
    assert_sound(&plan);
    assert_eq!(plan.messages.len(), 1);
    let single = |topic: &Topic| topic.partitions == 1;
    assert!(plan.settings.topics.iter().all(single));
}

#[test]
fn triggers_and_budgets_become_small() {
    let fails = |plan: &Plan| {
        let triggered = |fault: &Fault| {
            matches!(fault.trigger, Trigger::When { count, delay, .. }
                if count >= 3 && delay > Duration::from_millis(1))
        };
        let failing = |message: &Message| matches!(message.fate, Fate::Retryable(n) if n >= 4);
        plan.faults.iter().any(triggered) && plan.messages.iter().any(failing)
    };
    let plan = shrunk(&plan(), fails).plan;
    assert_sound(&plan);
    assert_eq!(plan.messages[0].fate, Fate::Retryable(5));
    let retry = plan.settings.consumers.config.retry;
    assert_eq!(retry.attempts, Config::default().retry.attempts);
    let Trigger::When { count, delay, .. } = plan.faults[0].trigger else {
        panic!("a trigger became a time");
    };
    assert_eq!((count, delay), (3, Duration::from_millis(2)));
}

#[test]
fn another_property_is_not_the_one_sought() {
    assert!(shrunk_within(BUDGET, &plan(), |_| false).is_none());
}

#[test]
fn another_kind_is_not_the_one_sought() {
    let mut runner = MadeUp(|plan: &Plan| {
        let kind = if has_message(plan, 7) {
            "early"
        } else {
            "past"
        };
        run(plan, SOUGHT, kind)
    });
    let shrunk = shrink(&plan(), SOUGHT, BUDGET, &mut runner).expect("the plan fails");
    assert_eq!(shrunk.plan.messages.len(), 1);
    assert!(has_message(&shrunk.plan, 7));
}

#[test]
fn the_budget_is_kept() {
    for runs in [1, 2, 10] {
        let mut count = 0;
        let budget = Budget { runs, ..BUDGET };
        let shrunk = shrunk_within(budget, &plan(), |plan| {
            count += 1;
            has_message(plan, 7) && has_fault(plan, 2)
        });
        let shrunk = shrunk.expect("the plan fails");
        assert_eq!((shrunk.runs, count, shrunk.end), (runs, runs, End::Runs));
        assert!(has_message(&shrunk.plan, 7) && has_fault(&shrunk.plan, 2));
    }
    let events = Budget {
        events: 4_500,
        ..BUDGET
    };
    let shrunk = shrunk_within(events, &plan(), |_| true).expect("the plan fails");
    assert_eq!((shrunk.runs, shrunk.end), (5, End::Events));
}

#[test]
fn a_runner_ends_the_search() {
    struct Ends(u32);
    impl Runner for Ends {
        fn run(&mut self, plan: &Plan) -> Option<Observed> {
            self.0 = self.0.checked_sub(1)?;
            Some(run(plan, SOUGHT, "past"))
        }
    }
    assert!(shrink(&plan(), SOUGHT, BUDGET, &mut Ends(0)).is_none());
    let shrunk = shrink(&plan(), SOUGHT, BUDGET, &mut Ends(3)).expect("the plan fails");
    assert_eq!((shrunk.runs, shrunk.end), (3, End::Stopped));
}

#[test]
fn only_smaller_plans_are_run() {
    let whole = super::Size::of(&plan());
    let mut first = true;
    shrunk_within(BUDGET, &plan(), |plan| {
        assert!(super::Size::of(plan) < whole || std::mem::take(&mut first));
        has_message(plan, 50) && has_fault(plan, 6)
    });
}

#[test]
fn faults_that_do_not_take_effect_are_left_out() {
    let late = |fault: &Fault| matches!(fault.trigger, Trigger::At(at) if at > Instant::from_millis(12_000));
    let mut runner = MadeUp(|plan: &Plan| {
        let verdict = run(plan, SOUGHT, "past").verdict;
        Observed::new(verdict, &beginnings(plan, |fault| !late(fault)), 1_000)
    });
    let budget = Budget { runs: 2, ..BUDGET };
    let shrunk = shrink(&plan(), SOUGHT, budget, &mut runner).expect("the plan fails");
    assert!(!shrunk.plan.faults.iter().any(late));
    assert!(has_fault(&shrunk.plan, 0) && has_fault(&shrunk.plan, 1) && has_fault(&shrunk.plan, 6));
}

#[test]
fn a_condition_becomes_the_time_at_which_it_came_true() {
    let crashes = |plan: &Plan| {
        plan.faults
            .iter()
            .any(|fault| matches!(fault.kind, FaultKind::LoseResponse { .. }))
    };
    let plan = shrunk(&plan(), crashes).plan;
    assert_sound(&plan);
    assert_eq!(plan.faults[0].trigger, Trigger::At(Instant::ZERO));
    assert_eq!(plan.faults[0].id, FaultId(1));
}

#[test]
fn ids_are_numbered_anew_where_nothing_depends_on_them() {
    let keyed = |plan: &Plan| {
        plan.messages
            .iter()
            .filter(|message| message.key == Some(3))
            .count()
            > 1
    };
    let plan = shrunk(&plan(), keyed).plan;
    let ids: Vec<u32> = plan.messages.iter().map(|message| message.id.0).collect();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn a_slow_handler_does_what_many_messages_did() {
    let busy = |plan: &Plan| {
        let time = plan.settings.handler.time.max;
        time * plan.messages.len() as u32 >= Duration::from_millis(1_500)
    };
    let plan = shrunk(&plan(), busy).plan;
    assert_sound(&plan);
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(plan.settings.handler.time.max, Duration::from_secs(2));
}

#[test]
fn equal_input_gives_equal_output() {
    let fails = |plan: &Plan| has_message(plan, 150) && has_fault(plan, 3);
    let (first, second) = (shrunk(&plan(), fails), shrunk(&plan(), fails));
    assert_eq!((first.plan, first.runs), (second.plan, second.runs));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the failure needs, the result still fails, is possible, and holds nothing that
    /// could be left out by itself.
    #[test]
    fn the_result_fails_and_is_minimal(
        messages in proptest::collection::btree_set(0u32..200, 1..5),
        faults in proptest::sample::subsequence(vec![0u32, 1, 2, 3, 4, 6, 7], 0..4),
        members in 1usize..=4,
        brokers in 1u32..=3,
        at_millis in 0u64..5_000,
    ) {
        let fails = |plan: &Plan| {
            let late = |id| plan.messages.iter().any(|message: &Message| {
                message.id == MessageId(id)
                    && (id < 60 || message.at >= Instant::from_millis(at_millis))
            });
            messages.iter().all(|&id| late(id))
                && faults.iter().all(|&id| has_fault(plan, id))
                && plan.starts.len() >= members
                && plan.settings.cluster.brokers >= brokers
        };
        let start = plan();
        prop_assume!(fails(&start));
        let result = shrunk(&start, fails);
        assert_sound(&result.plan);
        prop_assert!(fails(&result.plan));
        prop_assert!(super::Size::of(&result.plan) <= super::Size::of(&start));
        prop_assert_eq!(result.plan.messages.len(), messages.len());
        prop_assert_eq!(result.plan.faults.len(), faults.len());
        let joins = if faults.contains(&4) { 1.max(members) } else { members };
        prop_assert_eq!(result.plan.starts.len(), joins);
        prop_assert_eq!(result.plan.settings.cluster.brokers, brokers);
        prop_assert!(result.runs <= 2_000);
    }
}
