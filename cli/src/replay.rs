//! `plimsoll replay`: a regression runs again, and must show what it recorded.

use crate::args::{BackendName, ReplayArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::files;
use crate::library::{self, Loaded};
use crate::outcome::Outcome;
use crate::render::human;
use crate::render::page::Page;
use crate::runner::{Run, Tally, Worker, draw};
use crate::terminal::{Detail, Look};
use crate::trial::Expectation;
use plimsoll_oracle::story::{Cause, moments};
use plimsoll_oracle::{Header, Property, Terms, Trace, Word};

/// Runs `plimsoll replay`.
///
/// # Errors
/// Where the file is no regression, or its schedule breaks off.
pub(crate) fn replay(args: &ReplayArgs, look: Look) -> Result<Outcome, CliError> {
    let Loaded {
        label, scenario, ..
    } = library::load_one(&args.file)?;
    let Some(seed) = scenario.seed else {
        return Err(CliError::usage(
            format!("{label} is no regression: it has no seed"),
            format!("`plimsoll run {label}` runs it over many seeds."),
        ));
    };
    files::check_trace(args.trace.as_deref(), [label.as_str()].into_iter())?;
    let mut worker = Worker::default();
    let in_schedule = |error: CliError| error.in_schedule(&label, seed);
    let plan = draw(&scenario, seed).map_err(in_schedule)?;
    let run = worker.run(&plan).map_err(in_schedule)?;
    if let Some(path) = &args.trace {
        let subject = scenario.settings.consumers.subject.to_string();
        let backend = BackendName::Sim.word();
        let header = Header::new(&label, seed, &subject, backend, plan.names());
        files::write_trace(path, &header, worker.trace())?;
    }
    let expect = &scenario.settings.expect;
    let expectation = Expectation::Stated(expect.verdict.clone());
    let comparison = compare(&expectation, expect.trace.as_deref(), &run, worker.trace());
    let mut page = Page::new(look.width());
    page.paragraph("", &format!("{label}, seed {seed}"));
    page.gap();
    if look.detail != Detail::Quiet {
        timeline(&mut page, &plan.terms(), worker.trace(), &run);
    }
    for (property, violation) in run.verdict.violations() {
        page.gap();
        page.paragraph("", &format!("{property} violated: {}.", violation.summary));
        let cause = Cause::read(&plan.terms(), worker.trace(), violation);
        page.paragraph("", &format!("Cause: {}", cause));
    }
    let mut tally = Tally::default();
    tally.add(seed, &run, worker.trace(), false);
    page.gap();
    human::judgements(&mut page, &tally, &expectation);
    page.gap();
    conclusion(&mut page, &comparison, &expectation);
    Ok(Outcome::new(page.into_text(), comparison.exit()))
}

/// How a run compares with what the file records.
#[derive(Debug, PartialEq, Eq)]
enum Comparison {
    /// The recorded verdict and the recorded trace.
    Same,
    /// Another verdict.
    VerdictDiffers {
        /// The properties that were violated and are not recorded.
        unexpected: Vec<Property>,
        /// The properties that are recorded and were not violated.
        missing: Vec<Property>,
    },
    /// The recorded verdict, and another trace.
    TraceDiffers {
        /// The hash in the file.
        recorded: String,
        /// The hash of the run.
        found: String,
    },
}

impl Comparison {
    const fn exit(&self) -> Exit {
        match self {
            Self::Same => Exit::Met,
            Self::VerdictDiffers { .. } => Exit::Violated,
            Self::TraceDiffers { .. } => Exit::Internal,
        }
    }
}

fn compare(
    expectation: &Expectation,
    recorded: Option<&str>,
    run: &Run,
    trace: &Trace,
) -> Comparison {
    let violated: Vec<Property> = run
        .verdict
        .violations()
        .map(|(property, _)| property)
        .collect();
    let mut unexpected = violated.clone();
    unexpected.retain(|property| !expectation.names(*property));
    let mut missing = expectation.named().to_vec();
    missing.retain(|property| !violated.contains(property));
    if !unexpected.is_empty() || !missing.is_empty() {
        return Comparison::VerdictDiffers {
            unexpected,
            missing,
        };
    }
    let found = trace.fingerprint().to_string();
    match recorded {
        Some(recorded) if recorded != found => Comparison::TraceDiffers {
            recorded: recorded.to_owned(),
            found,
        },
        _ => Comparison::Same,
    }
}

/// Adds every event of the run; those that show a violation are marked.
fn timeline(page: &mut Page, terms: &Terms, trace: &Trace, run: &Run) {
    let all: Vec<usize> = (0..trace.entries().len()).collect();
    let violations = run.verdict.violations();
    let evidence: Vec<usize> = violations
        .flat_map(|(_, violation)| violation.evidence.iter().copied())
        .collect();
    human::timeline(page, &moments(terms, trace, &all, &evidence));
}

fn conclusion(page: &mut Page, comparison: &Comparison, expectation: &Expectation) {
    match comparison {
        Comparison::Same => match expectation.named() {
            [] => page.line("Replayed as recorded: every property held."),
            named => page.paragraph("Replayed as recorded. Violated: ", &names(named)),
        },
        Comparison::VerdictDiffers {
            unexpected,
            missing,
        } => {
            page.line("The verdict is not the recorded one.");
            if !unexpected.is_empty() {
                page.paragraph("  Violated, and not recorded: ", &names(unexpected));
            }
            if !missing.is_empty() {
                page.paragraph("  Recorded, and not violated: ", &names(missing));
            }
        }
        Comparison::TraceDiffers { recorded, found } => {
            page.paragraph(
                "",
                "The verdict is the recorded one, but the trace differs: this version of Plimsoll \
                 behaves otherwise than the one that wrote the file.",
            );
            page.line(&format!("  recorded: {recorded}"));
            page.line(&format!("  found:    {found}"));
        }
    }
}

fn names(properties: &[Property]) -> String {
    let names: Vec<&str> = properties.iter().map(|property| property.word()).collect();
    names.join(", ") + "."
}
