//! Regressions: what a failure is written as, and that it is read as the same run.

use plimsoll_core::Instant;
use plimsoll_oracle::{Fingerprint, Judgement, Property, Sometimes, Verdict, Violation};
use plimsoll_scenarios::scenario::Expected;
use plimsoll_scenarios::{Plan, Regression, Scenario, Subject};
use std::path::Path;

const SCENARIO: &str = r#"
name = "night shift"
description = "A consumer is killed."
duration = "4s"
real_time = true
seed = 17

[consumers]
members = 1

[[messages]]
at = "1s"

[[faults]]
at = "2s"
do = "crash"
member = "consumer-1"
for = "1s"

[expect]
sometimes = ["duplicate"]
"#;

/// Returns a plan, and its regression, which was shrunk from a scenario that broke `found`.
fn regression(found: &[Property]) -> (Plan, Regression) {
    let scenario = Scenario::parse("night-shift.toml", SCENARIO).expect("it is a scenario");
    assert_eq!(scenario.settings.expect.sometimes, [Sometimes::Duplicate]);
    let plan = Plan::draw(&scenario, 17);
    let violated = |property, summary: &str| {
        let violation = Violation {
            at: Instant::from_millis(3_000),
            kind: "committed-past",
            summary: summary.into(),
            evidence: vec![],
            count: 1,
        };
        (property, Judgement::Violated(violation))
    };
    let verdict = Verdict::new(vec![
        violated(
            Property::NoLoss,
            "orders-0/0 is lost:\u{7} nobody finished it",
        ),
        (Property::KeyOrder, Judgement::Held),
        violated(Property::Liveness, "the group never became quiet"),
    ]);
    let regression = Regression::from_plan(
        &plan,
        Property::Liveness,
        found,
        &verdict,
        Fingerprint(0xabc),
        Subject::AutoCommit,
    );
    (plan, regression)
}

#[test]
fn a_regression_says_what_broke_and_how_to_see_it_again() {
    let (_, regression) = regression(&[Property::NoLoss, Property::Liveness]);
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        r#"# no-loss: orders-0/0 is lost: nobody finished it
# liveness: the group never became quiet
#
# Found by the scenario night shift with subject auto-commit and seed 17, and shrunk by Plimsoll
# {version}. To see it again:
#
#     plimsoll replay regressions/lost.toml

name = "lost"
description = "One member, one message. A member's process dies at once."
seed = 17

[consumers]
members = 1
subject = "auto-commit"

[[messages]]
at = "1s"

[[faults]]
at = "2s"
do = "crash"
member = "consumer-1"
for = "1s"

[expect]
violated = ["no-loss", "liveness"]
trace = "00000000000000000000000000000abc"
"#
    );
    assert_eq!(
        regression.to_toml(Path::new("regressions/lost.toml")),
        expected
    );
}

/// The smaller schedule may break what the scenario kept: that must be recorded, but was not found.
#[test]
fn what_only_the_shrunk_schedule_breaks_is_not_told_as_a_finding() {
    let (_, regression) = regression(&[Property::Liveness]);
    let text = regression.to_toml(Path::new("lost.toml"));
    assert!(text.starts_with("# liveness: "), "{text}");
    assert!(!text.contains("# no-loss"), "{text}");
    assert!(
        text.contains(r#"violated = ["no-loss", "liveness"]"#),
        "{text}"
    );
}

#[test]
fn a_regression_is_read_as_the_same_run() {
    let (plan, regression) = regression(&[Property::NoLoss, Property::Liveness]);
    let path = Path::new("lost.toml");
    let read = Scenario::parse("lost.toml", &regression.to_toml(path)).expect("it parses");
    assert_eq!(read.seed, Some(17));
    let expect = &read.settings.expect;
    let violated = vec![Property::NoLoss, Property::Liveness];
    assert_eq!(expect.verdict, Expected::Violated(violated));
    assert_eq!(
        expect.trace.as_deref(),
        Some("00000000000000000000000000000abc")
    );
    assert_eq!(expect.sometimes, []);
    assert_eq!(read.settings.consumers.subject, Subject::AutoCommit);

    let again = Plan::draw(&read, 17);
    assert_eq!(again.messages, plan.messages);
    assert_eq!(again.faults, plan.faults);
    assert_eq!((again.starts, again.heal_at), (plan.starts, plan.heal_at));
}
