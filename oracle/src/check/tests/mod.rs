//! The checkers on traces written by hand: traces that break a promise, and traces that hold it.

mod acked_is_durable;
mod anything;
mod bounded_duplicates;
mod bounded_redelivery;
mod clean_handover;
mod clean_shutdown;
mod commit_covers_only_finished;
mod coverage;
mod dead_letter_exact;
mod exactly_once;
mod hindered;
mod judge;
mod key_order;
mod liveness;
mod no_exit;
mod no_loss;
mod no_rewind;
mod no_zombie;
mod obstacles;
mod pace;
mod progress;
mod script;
mod sentences;
mod unknown;
mod within_limits;
mod zoo;

use super::Judge;
use crate::{
    FaultId, FaultTerms, Hindrance, Judgement, Property, RequestKind, Setting, Terms, TopicTerms,
    Trace, Verdict,
};
use plimsoll_core::{CommitPolicy, Config, InitialPosition, Ordering, OutOfRangePolicy};
use std::time::Duration;

/// What the scenario asks for, beyond the usual: a commit each 5 s, 3 attempts, dead letters,
/// order by key, 2 partitions, everything from the start, no pause before the first retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Latest,
    Unordered,
    ByPartition,
    NoDeadLetters,
    EveryThree,
    WeakAcks,
    /// Members may end by themselves.
    Exits,
    /// Members may repeat what went well beside a failure.
    Repeats,
    /// A handler's deadline of 80 ms.
    ShortDeadline,
    TwoAtOnce,
    /// A pause of 1 s before the first retry, or less by a quarter.
    Backoff,
    NoJitter,
    HaltOutOfRange,
    Static,
    /// A handler that starts within a second of a revocation may have begun before it.
    Crossing,
    /// It is not known how the subject is set.
    Unknown(Setting),
}

/// A script, and the number of times that it breaks one property.
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
    let mut wrong = Vec::new();
    for trial in trials {
        let (terms, trace) = (terms(trial.asks), script::trace(trial.script));
        let verdict = judge.judge(&terms, &trace, &[]);
        let judgement = judgement(&verdict, property);
        let actual = match judgement {
            Judgement::Held => Held,
            Judgement::Violated(violation) => Violated(violation.count),
            Judgement::NotObserved(_) => NotObserved,
        };
        if actual != trial.expected {
            let (name, expected) = (trial.name, trial.expected);
            wrong.push(format!("{name}: {expected:?} expected, not {judgement:#?}"));
        }
        assert_evidence(&trace, &verdict);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Asserts that evidence points into the trace, in order, and that sentences name what they speak
/// of.
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

/// Returns the properties that a script breaks.
fn broken(asks: &[Ask], script: &str) -> Vec<Property> {
    let (terms, trace) = (terms(asks), script::trace(script));
    let verdict = Judge::new().judge(&terms, &trace, &[]);
    assert_evidence(&trace, &verdict);
    verdict.violations().map(|(property, _)| property).collect()
}

/// Returns terms with one topic, `orders`, for tests elsewhere.
pub(crate) fn terms_by_hand() -> Terms {
    terms(&[])
}

/// Returns the settings of the consumers.
fn config(asks: &[Ask]) -> Config {
    let asked = |ask| asks.contains(&ask);
    let mut config = Config {
        ordering: Ordering::Key,
        dead_letters: !asked(Ask::NoDeadLetters),
        ..Config::default()
    };
    config.retry.attempts = 3;
    config.retry.backoff = Duration::ZERO;
    if asked(Ask::Backoff) {
        config.retry.backoff = Duration::from_secs(1);
        config.retry.jitter = if asked(Ask::NoJitter) { 0.0 } else { 0.25 };
    }
    if asked(Ask::TwoAtOnce) {
        config.max_in_flight = 2;
    }
    if asked(Ask::Latest) {
        config.initial = InitialPosition::Latest;
    }
    if asked(Ask::HaltOutOfRange) {
        config.out_of_range = OutOfRangePolicy::Halt;
    }
    if asked(Ask::Unordered) {
        config.ordering = Ordering::Unordered;
    }
    if asked(Ask::ShortDeadline) {
        config.handler_deadline = Some(Duration::from_millis(80));
    }
    if asked(Ask::ByPartition) {
        config.ordering = Ordering::Partition;
    }
    if asked(Ask::EveryThree) {
        config.commit = CommitPolicy {
            interval: None,
            every: Some(3),
        };
    }
    config
}

fn terms(asks: &[Ask]) -> Terms {
    let asked = |ask| asks.contains(&ask);
    let mut terms = Terms {
        topics: vec![TopicTerms {
            name: "orders".into(),
            partitions: 2,
        }],
        config: config(asks),
        acks_all: !asked(Ask::WeakAcks),
        settling: Duration::from_secs(13),
        crossing: match asked(Ask::Crossing) {
            true => Duration::from_secs(1),
            false => Duration::ZERO,
        },
        liveness_within: Duration::from_secs(60),
        may_orphan: asked(Ask::Static),
        duplicates_slack: Duration::from_secs(2),
        repeats_after_failure: asked(Ask::Repeats),
        shutdown_within: Duration::from_secs(40),
        exits_allowed: asked(Ask::Exits),
        progress_within: Duration::from_secs(25),
        undecodable: Vec::new(),
        faults: vec![
            FaultTerms {
                id: FaultId(1),
                word: "isolate",
                hindrance: Hindrance::WhileItLasts,
                request: None,
            },
            FaultTerms {
                id: FaultId(2),
                word: "error",
                hindrance: Hindrance::WhileItLasts,
                request: Some(RequestKind::OffsetCommit),
            },
        ],
        unknown: Vec::new(),
    };
    for ask in asks {
        if let Ask::Unknown(setting) = ask {
            terms.forget(*setting);
        }
    }
    terms
}
