//! `plimsoll replay`: a regression runs again, and must show what it recorded.

use crate::args::ReplayArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::files;
use crate::library::{self, Loaded};
use crate::outcome::Outcome;
use crate::render::human;
use crate::runner::{Run, Tally, Worker, draw};
use crate::trial::Expectation;
use plimsoll_oracle::{Property, Timeline, Trace, Word};

/// Runs `plimsoll replay`.
///
/// # Errors
/// Where the file is no regression, or its schedule breaks off.
pub(crate) fn replay(args: &ReplayArgs) -> Result<Outcome, CliError> {
    let Loaded {
        label, scenario, ..
    } = library::load_one(&args.file)?;
    let Some(seed) = scenario.seed else {
        return Err(CliError::usage(
            format!("{label} is no regression: it has no seed"),
            format!("`plimsoll run {label}` runs it over many seeds."),
        ));
    };
    let mut worker = Worker::default();
    let in_schedule = |error: CliError| error.in_schedule(&label, seed);
    let plan = draw(&scenario, seed).map_err(in_schedule)?;
    let run = worker.run(&plan).map_err(in_schedule)?;
    if let Some(path) = &args.trace {
        files::write_trace(path, worker.trace())?;
    }
    let expect = &scenario.settings.expect;
    let expectation = Expectation::Stated(expect.verdict.clone());
    let comparison = compare(&expectation, expect.trace.as_deref(), &run, worker.trace());
    let mut text = format!("{label}, seed {seed}\n\n");
    text += &Timeline::new(&plan.terms(), worker.trace()).to_string();
    for (property, violation) in run.verdict.violations() {
        text += &format!("\n{property} violated: {}\n", violation.summary);
    }
    let mut tally = Tally::default();
    tally.add(seed, &run, worker.trace(), false);
    text += &format!("\n{}\n", human::judgements(&tally, &expectation));
    text += &conclusion(&comparison, &expectation);
    Ok(Outcome::new(text, comparison.exit()))
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

fn conclusion(comparison: &Comparison, expectation: &Expectation) -> String {
    match comparison {
        Comparison::Same => match expectation.named() {
            [] => "Replayed as recorded: every property held.\n".into(),
            named => format!("Replayed as recorded. Violated: {}.\n", names(named)),
        },
        Comparison::VerdictDiffers {
            unexpected,
            missing,
        } => {
            let mut text = String::from("The verdict is not the recorded one.\n");
            if !unexpected.is_empty() {
                text += &format!("  Violated, and not recorded: {}.\n", names(unexpected));
            }
            if !missing.is_empty() {
                text += &format!("  Recorded, and not violated: {}.\n", names(missing));
            }
            text
        }
        Comparison::TraceDiffers { recorded, found } => format!(
            "The verdict is the recorded one, but the trace differs: this version of Plimsoll \
             behaves\notherwise than the one that wrote the file.\n  recorded: {recorded}\n  \
             found:    {found}\n"
        ),
    }
}

fn names(properties: &[Property]) -> String {
    let names: Vec<&str> = properties.iter().map(|property| property.word()).collect();
    names.join(", ")
}
