//! The program `plimsoll`.

mod args;
mod backend;
mod bench;
mod check;
mod completions;
mod conviction;
mod error;
mod exit;
mod files;
mod interrupt;
mod kafka;
mod library;
mod list;
mod man;
mod missing;
mod outcome;
mod panics;
mod progress;
mod regressions;
mod render;
mod replay;
mod report;
mod run;
mod runner;
mod schema;
mod selection;
mod shell;
mod shrink;
mod trial;

use args::{BenchCommand, Cli, Command};
use clap::Parser;
use error::CliError;
use exit::Exit;
use outcome::Outcome;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Workers allocate side by side while they draw plans and shrink.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => carry_out(|| run::run(&args)),
        Command::Replay(args) => carry_out(|| replay::replay(&args)),
        Command::Shrink(args) => carry_out(|| shrink::shrink(&args)),
        Command::Check(args) => carry_out(|| check::check(&args)),
        Command::List(args) => carry_out(|| list::list(&args)),
        Command::Schema => carry_out(|| Ok(schema::schema())),
        Command::Bench(BenchCommand::CommitInterval(args)) => {
            carry_out(|| bench::commit_interval(&args))
        }
        Command::Completions { shell } => carry_out(|| Ok(completions::completions(shell))),
        Command::Man(args) => carry_out(|| man::man(&args)),
        #[cfg(feature = "kafka")]
        Command::Member => kafka::member(),
    }
}

/// Carries out a command, prints what it says, and returns its exit code.
fn carry_out(command: impl FnOnce() -> Result<Outcome, CliError>) -> ExitCode {
    panics::install_hook();
    let result = panics::catch(command).unwrap_or_else(|panic| Err(panic.into()));
    print(result.unwrap_or_else(Outcome::from)).into()
}

/// Prints what a command says and returns how the program ends.
///
/// Nothing else in the program writes to standard output; to standard error, only the progress bar
/// does. A reader that went away (`| head`) is not an error, and where standard error cannot be
/// written there is no place left to say so.
fn print(outcome: Outcome) -> Exit {
    let Outcome {
        stdout,
        mut stderr,
        mut exit,
    } = outcome;
    let mut out = io::stdout().lock();
    match out.write_all(stdout.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {error}");
            let error = CliError::Environment(message);
            exit = error.exit();
            stderr += &error.into_report();
        }
        _ => {}
    }
    let _ = io::stderr().lock().write_all(stderr.as_bytes());
    exit
}
