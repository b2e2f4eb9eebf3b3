//! Does real Kafka lie inside of what the simulator does? Runs the same scenarios on both backends,
//! and compares what the traces say beyond verdicts, as distributions over some seeds.
//!
//! `differences.md`, beside this crate's `src`, says what was found, and the reasons.

mod distribution;
mod metrics;
mod runs;
mod table;

use clap::Parser;
use plimsoll_chaos::{ClusterSource, Declared, Options, Reach, SubjectCommand};
use plimsoll_oracle::Word as _;
use plimsoll_scenarios::{LIBRARY, Scenario, Subject};
use runs::{Named, Real};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};
use table::Table;

/// Some run on real Kafka did what no simulated one did.
const OUTSIDE: u8 = 10;
/// The command line has a mistake.
const USAGE: u8 = 2;
/// The environment lacks something.
const ENVIRONMENT: u8 = 3;

/// Compares real Kafka with the simulator: what the traces of the same scenario say beyond
/// verdicts. Ends with 10 where a run on real Kafka lies outside of what the simulator does.
#[derive(Debug, Parser)]
struct Args {
    /// Scenario files, names of embedded scenarios, or folders of the library, of which those are
    /// taken that are quick enough for real time.
    #[arg(default_value = "quick", value_name = "FILE|NAME")]
    scenarios: Vec<String>,
    /// Number of runs of each scenario on real Kafka.
    #[arg(long, default_value_t = 3)]
    runs: u64,
    /// Number of runs of each scenario in the simulator.
    #[arg(long, default_value_t = 400)]
    seeds: u64,
    /// Number of runs on real Kafka side by side; those that break brokers run alone.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Print the numbers of each scenario too: least, median and most.
    #[arg(long)]
    tables: bool,
    /// Folder of the traces of real Kafka: what is there is read, what is missing is run. Remove a
    /// file to run it again.
    #[arg(long, default_value = "target/compare", value_name = "DIR")]
    traces: PathBuf,
    /// Consumer that the simulator tries instead of Plimsoll's own.
    #[arg(long, value_parser = subject, requires = "command")]
    subject: Option<Subject>,
    /// Program that real Kafka tries instead of Plimsoll's own consumer.
    #[arg(last = true, value_name = "COMMAND", requires = "subject")]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    // The harness starts this program as the members of a group.
    if env::args().nth(1).as_deref() == Some("member") {
        return plimsoll_chaos::member_main();
    }
    let args = Args::parse();
    match compare(&args) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(OUTSIDE),
        Err((code, error)) => {
            eprintln!("{error}");
            ExitCode::from(code)
        }
    }
}

/// Prints where real Kafka lies outside, behind the comparison of each scenario where that is asked
/// for. Returns the number of metrics in which it does.
fn compare(args: &Args) -> Result<usize, (u8, String)> {
    let scenarios = select(&args.scenarios).map_err(|error| (USAGE, error))?;
    let real = Real {
        options: options(args).map_err(|error| (ENVIRONMENT, error))?,
        runs: args.runs,
        jobs: args.jobs.max(1),
        traces: args.traces.clone(),
    };
    let real = real.run(&scenarios);
    let real = real.map_err(|error| (ENVIRONMENT, error.to_string()))?;
    let mut outside = Vec::new();
    let (mut runs, mut compared) = (0, 0);
    for (named, real) in scenarios.iter().zip(real) {
        let simulated = runs::simulate(named, args.seeds, args.subject);
        let table = Table {
            scenario: &named.name,
            real: &real,
            simulated: &simulated,
        };
        if args.tables {
            println!("{table}");
        }
        runs += table.real.len();
        compared += table.compared();
        outside.push((&named.name, table.outside()));
    }
    let count = outside.iter().map(|(_, rows)| rows.len()).sum();
    println!(
        "{} scenarios, {runs} runs on real Kafka, {} in the simulator of each: {count} of {compared} \
         numbers of real Kafka lie outside.",
        scenarios.len(),
        args.seeds,
    );
    for (scenario, rows) in outside.iter().filter(|(_, rows)| !rows.is_empty()) {
        println!("{scenario}");
        rows.iter().for_each(|row| println!("{row}"));
    }
    Ok(count)
}

fn options(args: &Args) -> Result<Options, String> {
    let subject = match args.command.as_slice() {
        [] => {
            let own = env::current_exe();
            SubjectCommand::Own(own.map_err(|error| format!("where is this program? {error}"))?)
        }
        [program, arguments @ ..] => SubjectCommand::External {
            program: program.clone(),
            arguments: arguments.to_vec(),
        },
    };
    Ok(Options {
        source: ClusterSource::Containers,
        reach: Reach::default(),
        subject,
        declared: Declared::default(),
    })
}

fn subject(word: &str) -> Result<Subject, String> {
    Subject::from_word(word).ok_or_else(|| "`plimsoll list --subjects` names them".into())
}

/// Returns the scenarios that the arguments name.
///
/// # Errors
/// Where one names nothing, or is no scenario.
fn select(names: &[String]) -> Result<Vec<Named>, String> {
    let mut selected = Vec::new();
    for argument in names {
        let folder = format!("{argument}/");
        let found: Vec<_> = LIBRARY
            .iter()
            .filter(|(name, _)| name == argument || name.starts_with(&folder))
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        if found.is_empty() {
            let text = fs::read_to_string(argument);
            let text = text.map_err(|error| format!("no scenario `{argument}`: {error}"))?;
            selected.push(parse(argument, &text)?);
            continue;
        }
        for (name, text) in found {
            let named = parse(&name, &text)?;
            let is_wanted = named.name == *argument || named.scenario.settings.real_time;
            selected.extend(is_wanted.then_some(named));
        }
    }
    Ok(selected)
}

fn parse(name: &str, text: &str) -> Result<Named, String> {
    let scenario = Scenario::parse(name, text).map_err(|error| error.to_string())?;
    Ok(Named {
        name: name.to_owned(),
        scenario,
    })
}
