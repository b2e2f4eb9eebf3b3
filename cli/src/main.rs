//! The program `plimsoll`.

mod args;
mod backend;
mod bench;
mod check;
mod conviction;
mod error;
mod exit;
mod interrupt;
mod library;
mod list;
mod output;
mod panics;
mod progress;
mod recorded;
mod regressions;
mod render;
mod replay;
mod report;
mod run;
mod runner;
mod schema;
mod selection;
mod shrink;

use args::{BenchCommand, Cli, Command};
use clap::Parser;
use error::CliError;
use std::process::ExitCode;

/// Workers allocate side by side while they draw plans and shrink.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    if !matches!(cli.command, Command::Member) {
        panics::install_hook();
    }
    let result = panics::catch(|| dispatch(&cli.command))
        .unwrap_or_else(|panic| Err(CliError::Internal(panic.to_string())));
    result.unwrap_or_else(|error| {
        let exit = error.exit();
        error.print();
        exit.into()
    })
}

fn dispatch(command: &Command) -> Result<ExitCode, CliError> {
    let exit = match command {
        Command::Run(args) => run::run(args),
        Command::Replay(args) => replay::replay(args),
        Command::Shrink(args) => shrink::shrink(args),
        Command::Check(args) => check::check(args),
        Command::List(args) => list::list(args),
        Command::Schema => schema::schema(),
        Command::Bench(BenchCommand::CommitInterval(args)) => bench::commit_interval(args),
        // A member is no harness: its exit codes are its own.
        Command::Member => return Ok(plimsoll_chaos::member_main()),
    };
    exit.map(ExitCode::from)
}
