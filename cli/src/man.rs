//! `plimsoll man`: the manual pages.

use crate::args::{Cli, ManArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::files;
use crate::outcome::Outcome;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

/// Runs `plimsoll man`.
///
/// # Errors
/// Where the pages cannot be written.
pub(crate) fn man(args: &ManArgs) -> Result<Outcome, CliError> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let Some(folder) = &args.folder else {
        return Ok(Outcome::new(page(program), Exit::Met));
    };
    let mut written = String::new();
    for command in with_subcommands(program) {
        let path = folder.join(Man::new(command.clone()).get_filename());
        files::write(&path, &page(command))?;
        written += &format!("{}\n", path.display());
    }
    Ok(Outcome::new(written, Exit::Met))
}

/// Returns a command and all that users see below it.
fn with_subcommands(command: Command) -> Vec<Command> {
    let seen = command
        .get_subcommands()
        .filter(|below| !below.is_hide_set());
    let below: Vec<Command> = seen.cloned().flat_map(with_subcommands).collect();
    [vec![command], below].concat()
}

fn page(command: Command) -> String {
    let mut page = Vec::new();
    let rendered = Man::new(command).render(&mut page);
    rendered.expect("writing to memory");
    String::from_utf8_lossy(&page).into_owned()
}
