//! The program `plimsoll`.

mod args;
mod backend;
mod bench;
mod check;
mod completions;
mod conviction;
mod error;
mod exit;
mod explain;
mod files;
mod help;
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
mod show;
mod shrink;
mod terminal;
mod trial;

use args::{BenchCommand, Cli, Command};
use clap::Parser;
use error::CliError;
use exit::Exit;
use outcome::Outcome;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use terminal::{Look, TerminalArgs};

/// Workers allocate side by side while they draw plans and shrink.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli { terminal, command } = Cli::parse();
    match command {
        Command::Run(args) => carry_out(terminal, |look| run::run(&args, look)),
        Command::Replay(args) => carry_out(terminal, |look| replay::replay(&args, look)),
        Command::Shrink(args) => carry_out(terminal, |look| shrink::shrink(&args, look)),
        Command::Check(args) => carry_out(terminal, |_| check::check(&args)),
        Command::List(args) => carry_out(terminal, |look| list::list(&args, look)),
        Command::Show(args) => carry_out(terminal, |_| show::show(&args)),
        Command::Init(args) => carry_out(terminal, |_| show::init(&args)),
        Command::Explain(args) => carry_out(terminal, |_| explain::explain(&args)),
        Command::Help(args) => carry_out(terminal, |_| help::help(&args)),
        Command::Schema(args) => carry_out(terminal, |_| Ok(schema::schema(&args))),
        Command::Bench(BenchCommand::CommitInterval(args)) => {
            carry_out(terminal, |_| bench::commit_interval(&args))
        }
        Command::Completions { shell } => {
            carry_out(terminal, |_| Ok(completions::completions(shell)))
        }
        Command::Man(args) => carry_out(terminal, |_| man::man(&args)),
        #[cfg(feature = "kafka")]
        Command::Member => kafka::member(),
    }
}

/// Carries out a command, prints what it says, and returns its exit code.
fn carry_out(
    terminal: TerminalArgs,
    command: impl FnOnce(Look) -> Result<Outcome, CliError>,
) -> ExitCode {
    panics::install_hook();
    let command = || command(terminal.set_up()?);
    let result = panics::catch(command).unwrap_or_else(|panic| Err(panic.into()));
    print(result.unwrap_or_else(Outcome::from)).into()
}

/// Prints what a command says and returns how the program ends.
///
/// Nothing else in the program writes to standard output; to standard error, only the progress bar
/// and the log do. Colours are taken out here, where they are not wanted. A reader that went away (`| head`) is not an error, and where standard error cannot be
/// written there is no place left to say so.
fn print(outcome: Outcome) -> Exit {
    let Outcome {
        stdout,
        mut stderr,
        mut exit,
    } = outcome;
    let mut out = anstream::stdout().lock();
    match out.write_all(stdout.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {error}");
            let error = CliError::Environment(message);
            exit = error.exit();
            stderr += &error.into_report();
        }
        _ => {}
    }
    let _ = anstream::stderr().lock().write_all(stderr.as_bytes());
    exit
}
