//! The report as JUnit XML, which CI servers show: a suite for each scenario, a case for everything
//! that it must show.
//!
//! There is no standard. <https://github.com/testmoapp/junitxml> describes what is common; Jenkins
//! reads it (<https://plugins.jenkins.io/junit/>), and so does GitLab, which shows of a failure its
//! text and nothing else (<https://docs.gitlab.com/ci/testing/unit_test_reports/>): so the text
//! says all. No case has a time: a case is many schedules, and no two runs of them take the same.

use super::{counted, human, plain};
use crate::conviction::{Conviction, Evidence, NotShrunk, Sighting};
use crate::missing;
use crate::report::{Failure, Report, ScenarioReport};
use crate::runner::Count;
use crate::trial::Expectation;
use plimsoll_oracle::{Property, Word};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

/// Renders the report as a JUnit document.
pub(crate) fn report(report: &Report) -> String {
    let mut document = quick_junit::Report::new("plimsoll");
    for scenario in &report.scenarios {
        document.add_test_suite(suite(report, scenario));
    }
    let is_run = |label: &str| report.scenarios.iter().any(|one| one.trial.label == label);
    for entry in &report.not_executed {
        if !is_run(&entry.label) {
            let mut suite = TestSuite::new(entry.label.as_str());
            suite.add_test_case(not_executed(&entry.label, &entry.to_string()));
            document.add_test_suite(suite);
        }
    }
    document.to_string().expect("a text takes all")
}

fn suite(report: &Report, scenario: &ScenarioReport) -> TestSuite {
    let trial = &scenario.trial;
    let label = trial.label.as_str();
    let mut suite = TestSuite::new(label);
    suite.add_property(("subject", trial.subject.as_str()));
    suite.add_property(("backend", report.backend.word()));
    let seeds = format!("{}..{}", trial.seeds.from, trial.seeds.to);
    suite.add_property(("seeds", seeds.as_str()));
    suite.add_test_case(schedules(report, scenario));
    suite.add_test_cases(
        Property::ALL
            .iter()
            .map(|property| judged(scenario, *property)),
    );
    suite.add_test_cases(sometimes(scenario));
    suite.add_test_cases(faults(scenario));
    suite.add_test_cases(trace(scenario));
    let refused = report.not_executed.iter().filter(|one| one.label == label);
    suite.add_test_cases(refused.map(|entry| not_executed(label, &entry.to_string())));
    suite
}

/// Makes a case; its class is the scenario, its folders as the packages of Java are written.
fn case(label: &str, name: impl AsRef<str>, status: TestCaseStatus) -> TestCase {
    let class = label.strip_suffix(".toml").unwrap_or(label);
    let parts = class
        .split('/')
        .filter(|part| !part.is_empty() && *part != "." && *part != "..");
    let class: Vec<String> = parts.map(|part| part.replace('.', "_")).collect();
    let mut case = TestCase::new(name.as_ref(), status);
    case.set_classname(class.join("."));
    case
}

fn skipped(reason: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(reason);
    status
}

fn failed(kind: &str, message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status
        .set_type(kind)
        .set_message(message)
        .set_description(text);
    status
}

/// Makes the case of the schedules: that each has a verdict.
fn schedules(report: &Report, scenario: &ScenarioReport) -> TestCase {
    let ScenarioReport {
        trial,
        tally,
        failures,
        ..
    } = scenario;
    let broken = failures
        .iter()
        .find(|failure| matches!(failure, Failure::Broken { .. }));
    let ran = counted(tally.schedules, "schedule");
    let status = if let Some(failure) = broken {
        let said = human::in_words(scenario, failure);
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        let text = match failure {
            Failure::Broken { again, .. } => format!("{said}\nAgain with: {again}"),
            _ => said.clone(),
        };
        status
            .set_type("broken")
            .set_message(said)
            .set_description(text);
        status
    } else if report.interrupted && scenario.is_cut_short() {
        skipped(&format!("interrupted after {ran} of {}", trial.schedules()))
    } else {
        TestCaseStatus::success()
    };
    let mut case = case(&trial.label, "every schedule has a verdict", status);
    let again = match tally.disturbed() {
        0 => String::new(),
        disturbed => format!(
            " {} a second time: the machine had disturbed the first.",
            counted(disturbed, "schedule")
        ),
    };
    case.set_system_out(format!("{ran} ran.{again}"));
    case
}

/// Makes the case of a property.
fn judged(scenario: &ScenarioReport, property: Property) -> TestCase {
    let ScenarioReport {
        trial,
        tally,
        failures,
        ..
    } = scenario;
    let count = tally.count(property);
    let remark = human::remark(property, count, tally, &trial.expectation);
    let failure = failures.iter().find(|failure| match failure {
        Failure::Violated(conviction) => conviction.property == property,
        Failure::NotViolated(expected) => *expected == property,
        _ => false,
    });
    let status = match (failure, count) {
        (Some(Failure::Violated(conviction)), _) => violated(scenario, conviction),
        (Some(failure), _) => {
            let said = human::in_words(scenario, failure);
            failed("not-violated", &said, &said)
        }
        _ if tally.schedules == 0 => skipped("not run"),
        (
            None,
            Count {
                held: 0,
                violated: 0,
                ..
            },
        ) => skipped(&remark),
        (None, _) => TestCaseStatus::success(),
    };
    let tells = matches!(status, TestCaseStatus::Success { .. }) && !remark.is_empty();
    let mut case = case(&trial.label, property.word(), status);
    if tells {
        case.set_system_out(remark);
    } else if let Some(Failure::Violated(conviction)) = failure
        && let Evidence::Seen(sighting) = &conviction.evidence
    {
        case.set_system_out(attachments(conviction, sighting));
    }
    case
}

/// Names the files of a run as GitLab and Jenkins read them in what a test prints
/// (<https://docs.gitlab.com/ci/testing/unit_test_reports/#view-junit-screenshots-on-gitlab>,
/// <https://plugins.jenkins.io/junit-attachments/>). The text of the failure has their paths too.
fn attachments(conviction: &Conviction, sighting: &Sighting) -> String {
    let plan = conviction.regression.iter().flatten();
    let files = plan.chain(&sighting.trace).chain(&sighting.logs);
    let lines = files.map(|path| format!("[[ATTACHMENT|{}]]\n", path.display()));
    lines.collect()
}

fn violated(scenario: &ScenarioReport, conviction: &Conviction) -> TestCaseStatus {
    let message = match &conviction.evidence {
        Evidence::Shrunk(shrunk) => format!("{}.", shrunk.story.broke),
        Evidence::Seen(sighting) => format!("{}.", sighting.story.broke),
        Evidence::NotShrunk(NotShrunk::Interrupted) => "violated; not shrunk: interrupted".into(),
        Evidence::NotShrunk(NotShrunk::Broken(error)) => format!("violated; not shrunk: {error}"),
    };
    let text = plain(|page| human::conviction(page, scenario, conviction));
    failed("violated", &message, &text)
}

/// Makes a case for each rare thing that the scenario names.
fn sometimes(scenario: &ScenarioReport) -> impl Iterator<Item = TestCase> {
    let expected = scenario.trial.scenario.settings.expect.sometimes.iter();
    expected.map(|rare| {
        let is_it =
            |failure: &&Failure| matches!(failure, Failure::NeverHappened(one) if one == rare);
        let mut counts = scenario.tally.coverage.counts();
        let happened = counts.any(|(one, count)| one == *rare && count > 0);
        let name = format!("sometimes {}", rare.word());
        happening(scenario, &name, is_it, happened)
    })
}

/// Makes a case for each fault that the scenario writes.
fn faults(scenario: &ScenarioReport) -> impl Iterator<Item = TestCase> {
    let topics = &scenario.trial.scenario.settings.topics;
    missing::written(&scenario.trial).map(move |written| {
        let line = written.in_one_line(topics);
        let is_it = |failure: &&Failure| {
            matches!(failure, Failure::NeverTookEffect { fault, .. } if *fault == line)
        };
        let took = missing::effect(written, &scenario.tally).took;
        happening(scenario, &format!("fault {line}"), is_it, took > 0)
    })
}

/// Makes the case of something that the scenario names and that some run must show.
fn happening(
    scenario: &ScenarioReport,
    name: &str,
    is_it: impl Fn(&&Failure) -> bool,
    happened: bool,
) -> TestCase {
    let ScenarioReport {
        trial,
        tally,
        failures,
        untried,
    } = scenario;
    let status = if let Some(failure) = failures.iter().find(&is_it) {
        let said = human::in_words(scenario, failure);
        let text = match failure {
            Failure::NeverTookEffect { fault, .. } => format!("{said}\n{fault}"),
            _ => said.clone(),
        };
        failed("never-happened", said.trim_end_matches(':'), &text)
    } else if happened {
        TestCaseStatus::success()
    } else if let Some(failure) = untried.iter().find(&is_it) {
        let said = human::in_words(scenario, failure);
        let said = said.trim_end_matches([':', '.']);
        skipped(&format!("{said}. Too few to fail for it; --strict does."))
    } else {
        skipped(&format!(
            "did not happen in {}",
            counted(tally.schedules, "schedule")
        ))
    };
    case(&trial.label, name, status)
}

/// Makes the case of a regression's trace: that it is the recorded one.
fn trace(scenario: &ScenarioReport) -> Option<TestCase> {
    let ScenarioReport {
        trial, failures, ..
    } = scenario;
    trial.scenario.settings.expect.trace.as_ref()?;
    // A regression whose verdict differs is another run, so its trace says nothing.
    let differs = failures
        .iter()
        .find(|one| matches!(one, Failure::TraceDiffers { .. }));
    let status = match differs {
        Some(failure @ Failure::TraceDiffers { recorded, found }) => {
            let said = human::in_words(scenario, failure);
            let text = format!("{said}\nrecorded: {recorded}\nfound:    {found}");
            failed("trace-differs", &said, &text)
        }
        Some(_) => return None,
        None if !failures.is_empty() || trial.expectation == Expectation::Open => return None,
        None => TestCaseStatus::success(),
    };
    Some(case(&trial.label, "the trace is the recorded one", status))
}

fn not_executed(label: &str, reason: &str) -> TestCase {
    case(label, "every schedule can be executed", skipped(reason))
}
