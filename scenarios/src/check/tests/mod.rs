//! The checkers on traces written by hand: traces that break a promise, and traces that hold it.

mod anything;
mod bounds;
mod commits;
mod coverage;
mod dead_letters;
mod losses;
mod order;
mod rest;
mod script;
mod zoo;

use super::Judge;
use crate::scenario::{
    Acks, Cluster, Consumers, Expect, Fault, FaultKind, Handler, Network, Producer, Settings,
    Topic, Trigger,
};
use crate::{FaultId, Judgement, Plan, Property, Trace, Verdict};
use plimsoll_core::{CommitPolicy, InitialPosition, Instant, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// What the scenario asks for, beyond the usual: a commit each 5 s, 3 attempts, dead letters,
/// order by key, 2 partitions, everything from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Latest,
    Unordered,
    NoDeadLetters,
    EveryThree,
    WeakAcks,
}

/// A script, and how often it breaks one property.
struct Trial {
    name: &'static str,
    asks: &'static [Ask],
    script: &'static str,
    expected: Expected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Held,
    Violated(usize),
    NotObserved,
}

use Expected::{Held, NotObserved, Violated};

/// Judges each script, and compares what is said of `property`.
#[track_caller]
fn check(property: Property, trials: &[Trial]) {
    // One judge for all: what it keeps from one run must not show in the next.
    let mut judge = Judge::new();
    for trial in trials {
        let (plan, trace) = (plan(trial.asks), script::trace(trial.script));
        let verdict = judge.judge(&plan, &trace, &[]);
        let judgement = judgement(&verdict, property);
        let actual = match judgement {
            Judgement::Held => Held,
            Judgement::Violated(violation) => Violated(violation.count),
            Judgement::NotObserved(_) => NotObserved,
        };
        assert_eq!(actual, trial.expected, "{}: {judgement:#?}", trial.name);
        assert_evidence(&trace, &verdict);
    }
}

/// Evidence points into the trace, in order, and the sentences name what they speak of.
fn assert_evidence(trace: &Trace, verdict: &Verdict) {
    for (property, violation) in verdict.violations() {
        let evidence = &violation.evidence;
        assert!(!evidence.is_empty(), "{property} shows nothing");
        assert!(evidence.is_sorted_by(|a, b| a < b), "{evidence:?}");
        assert!(*evidence.last().unwrap() < trace.entries().len());
        assert!(violation.count > 0);
        assert!(!violation.summary.contains("4294967295"), "{violation:?}");
    }
}

fn judgement(verdict: &Verdict, property: Property) -> &Judgement {
    let all = verdict.judgements().iter();
    let mut of_property = all.filter(|(judged, _)| *judged == property);
    &of_property.next().expect("every property is judged").1
}

/// The properties that a script breaks.
fn broken(asks: &[Ask], script: &str) -> Vec<Property> {
    let (plan, trace) = (plan(asks), script::trace(script));
    let verdict = Judge::new().judge(&plan, &trace, &[]);
    assert_evidence(&trace, &verdict);
    verdict.violations().map(|(property, _)| property).collect()
}

/// A plan of one topic, `orders`, for tests elsewhere.
pub(crate) fn plan_by_hand() -> Plan {
    plan(&[])
}

fn plan(asks: &[Ask]) -> Plan {
    let asked = |ask| asks.contains(&ask);
    let mut consumers = Consumers::default();
    let config = &mut consumers.config;
    config.retry.attempts = 3;
    config.ordering = Ordering::Key;
    config.dead_letters = !asked(Ask::NoDeadLetters);
    if asked(Ask::Latest) {
        config.initial = InitialPosition::Latest;
    }
    if asked(Ask::Unordered) {
        config.ordering = Ordering::Unordered;
    }
    if asked(Ask::EveryThree) {
        config.commit = CommitPolicy {
            interval: None,
            every: Some(3),
        };
    }
    let mut producer = Producer::default();
    if asked(Ask::WeakAcks) {
        producer.acks = Acks::Leader;
    }
    let settings = Settings {
        name: "by-hand".into(),
        description: String::new(),
        safety: None,
        real_time: false,
        cluster: Cluster::default(),
        topics: vec![Topic {
            name: "orders".into(),
            partitions: 2,
        }],
        producer,
        consumers,
        handler: Handler::default(),
        network: Network::default(),
        expect: Expect::default(),
    };
    Plan {
        seed: 1,
        settings: Arc::new(settings),
        messages: Vec::new(),
        starts: vec![Some(Instant::ZERO); 3],
        faults: vec![Fault {
            id: FaultId(1),
            trigger: Trigger::At(Instant::ZERO),
            kind: FaultKind::Isolate {
                broker: crate::scenario::BrokerTarget::Coordinator,
            },
            duration: Some(Duration::from_secs(5)),
        }],
        heal_at: Instant::ZERO,
    }
}
