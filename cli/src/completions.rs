//! `plimsoll completions`: what a shell needs to complete command lines.

use crate::args::Cli;
use crate::exit::Exit;
use crate::outcome::Outcome;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Runs `plimsoll completions`.
pub(crate) fn completions(shell: Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "plimsoll", &mut script);
    Outcome::new(String::from_utf8_lossy(&script).into_owned(), Exit::Met)
}
