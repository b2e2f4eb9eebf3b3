//! The program `plimsoll`.

mod args;
mod backend;
mod bench;
mod check;
mod cluster;
mod compare;
mod completions;
mod config;
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
mod serve;
mod shell;
mod show;
mod shrink;
mod terminal;
mod trial;
mod words;

use args::{BenchCommand, Cli, Command, ConfigArgs};
use clap::Parser;
use config::{Config, Loaded};
use error::CliError;
use exit::Exit;
use outcome::Outcome;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use terminal::{Detail, Look, TerminalArgs};

/// Workers allocate side by side while they draw plans and shrink.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli {
        terminal,
        config,
        command,
    } = Cli::parse();
    match command {
        Command::Run(args) => configured(terminal, &config, |look, config| {
            run::run(&args.or(config), look)
        }),
        Command::Replay(args) => {
            configured(terminal, &config, |look, _| replay::replay(&args, look))
        }
        Command::Shrink(args) => configured(terminal, &config, |look, config| {
            shrink::shrink(&args.or(config), look)
        }),
        Command::Compare(args) => configured(terminal, &config, |look, config| {
            compare::compare(&args.or(config), look)
        }),
        Command::Check(args) => configured(terminal, &config, |_, _| check::check(&args)),
        Command::List(args) => configured(terminal, &config, |look, _| list::list(&args, look)),
        Command::Bench(BenchCommand::CommitInterval(args)) => {
            configured(terminal, &config, |look, config| {
                bench::commit_interval(&args.or(config), look)
            })
        }
        Command::Cluster(command) => carry_out(terminal, |_| cluster::cluster(command)),
        Command::Serve(args) => carry_out(terminal, |_| serve::serve(&args)),
        Command::Show(args) => carry_out(terminal, |_| show::show(&args)),
        Command::Init(args) => carry_out(terminal, |_| show::init(&args)),
        Command::Explain(args) => carry_out(terminal, |_| explain::explain(&args)),
        Command::Help(args) => carry_out(terminal, |_| help::help(&args)),
        Command::Schema(args) => carry_out(terminal, |_| Ok(schema::schema(&args))),
        Command::Completions { shell } => {
            carry_out(terminal, |_| Ok(completions::completions(shell)))
        }
        Command::Man(args) => carry_out(terminal, |_| man::man(&args)),
        #[cfg(all(unix, feature = "librdkafka"))]
        Command::Member => kafka::member(),
    }
}

/// Carries out a command that reads `plimsoll.toml`, and with `-v` says which one that was.
fn configured(
    terminal: TerminalArgs,
    args: &ConfigArgs,
    command: impl FnOnce(Look, Config) -> Result<Outcome, CliError>,
) -> ExitCode {
    finish(|| {
        let loaded = config::load(args);
        let color = loaded.as_ref().ok().and_then(|loaded| loaded.config.color);
        // Before a mistake in the file is told.
        let look = terminal.set_up(color)?;
        let Loaded { config, source } = loaded?;
        let mut outcome = command(look, config).unwrap_or_else(Outcome::from);
        if look.detail == Detail::Verbose {
            outcome.stderr.insert_str(0, &source);
        }
        Ok(outcome)
    })
}

/// Carries out a command that reads no `plimsoll.toml`: it says or writes the same everywhere.
fn carry_out(
    terminal: TerminalArgs,
    command: impl FnOnce(Look) -> Result<Outcome, CliError>,
) -> ExitCode {
    finish(|| command(terminal.set_up(None)?))
}

/// Carries out a command, prints what it says, and returns its exit code.
fn finish(command: impl FnOnce() -> Result<Outcome, CliError>) -> ExitCode {
    panics::install_hook();
    let result = panics::catch(command).unwrap_or_else(|panic| Err(panic.into()));
    print(result.unwrap_or_else(Outcome::from)).into()
}

/// Prints what a command says and returns how the program ends.
///
/// Nothing else in the program writes to standard output, but for `serve`, which says where it
/// listens while it runs; to standard error, only the progress bar and the log do. Colours are taken
/// out here, where they are not wanted. A reader that went away (`| head`) is not an error, and where
/// standard error cannot be written there is no place left to say so.
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
