//! The production consumer keeps every promise of the library on a simulated network; what is
//! refused, is so for one of two reasons.

mod running;

use plimsoll_oracle::{Trace, TraceEvent};
use plimsoll_scenarios::{Backend as _, LIBRARY, Plan, Scenario, Subject};
use plimsoll_turmoil::Turmoil;

const SEEDS: u64 = 2;

fn scenarios() -> impl Iterator<Item = (&'static str, Scenario)> {
    LIBRARY.iter().map(|(label, text)| {
        let scenario = Scenario::parse(label, text).expect("the library has no mistakes");
        (*label, scenario)
    })
}

fn effects(trace: &Trace) -> usize {
    let entries = trace.entries().iter();
    let effects = entries.filter(|entry| matches!(entry.event, TraceEvent::Effect { .. }));
    effects.count()
}

#[test]
fn the_library_holds() {
    let mut wrong = Vec::new();
    for (label, mut scenario) in scenarios() {
        scenario.settings.consumers.subject = Subject::PlimsollDriver;
        for seed in 0..SEEDS {
            let plan = Plan::draw(&scenario, seed);
            let Some((trace, verdict)) = running::judged(Turmoil::new(), &plan) else {
                continue;
            };
            for (property, violation) in verdict.violations() {
                let summary = &violation.summary;
                wrong.push(format!("{label}, seed {seed}: {property}: {summary}"));
            }
            if effects(&trace) < plan.messages.len() / 2 {
                wrong.push(format!("{label}, seed {seed}: little was done"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_refused_says_why() {
    for (label, scenario) in scenarios() {
        let plan = Plan::draw(&scenario, 0);
        let subject = plan.settings.consumers.subject;
        let is_ours = matches!(subject, Subject::Plimsoll | Subject::PlimsollDriver);
        let Some(refusal) = Turmoil::new().refuses(&plan) else {
            assert!(is_ours, "{label} has a recipe");
            continue;
        };
        let is_known = !is_ours || refusal.reason.contains("revoked-buffered");
        assert!(is_known, "{label}: {}", refusal.reason);
    }
}
