//! What the terminal is asked for: colours, width, how much is said, and the log.

use crate::error::CliError;
use anstream::ColorChoice;
use clap::{ArgAction, Args, ValueEnum};
use miette::MietteHandlerOpts;
use std::env;
use std::io;
use terminal_size::{Width, terminal_size};
use textwrap::{WordSeparator, WordSplitter};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The variable that says what the log shows, as `RUST_LOG` does elsewhere.
const LOG: &str = "PLIMSOLL_LOG";

/// The width of a report that goes to no terminal, in columns.
const WIDTH: usize = 80;

/// The widths between which a report is set, in columns: wider lines are hard to read.
const WIDTHS: (usize, usize) = (40, 100);

/// The arguments that all commands have.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct TerminalArgs {
    /// When to use colours. `auto` heeds NO_COLOR, CLICOLOR and CLICOLOR_FORCE. [default: auto]
    #[arg(long, global = true, value_name = "WHEN", value_enum)]
    pub color: Option<When>,
    /// Tell more: every property and fault of every scenario, and the log of the backend; twice
    /// for a longer log. PLIMSOLL_LOG selects what is logged, as in `plimsoll_chaos=debug`.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Tell less: only what failed, and how it ended.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// When something is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// Where the output is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a report looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// The number of columns; absent where the output is no terminal and `COLUMNS` is not set.
    columns: Option<usize>,
    /// How much is said.
    pub detail: Detail,
}

/// How much a report says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What failed, and how it ended.
    Quiet,
    /// An overview as well.
    Normal,
    /// Every property and fault of every scenario as well.
    Verbose,
}

impl Look {
    /// Makes that of a test's terminal.
    #[cfg(test)]
    pub(crate) const fn of(columns: usize, detail: Detail) -> Self {
        Self {
            columns: Some(columns),
            detail,
        }
    }

    /// Returns the width of running text, in columns.
    pub(crate) fn width(self) -> usize {
        let (least, most) = WIDTHS;
        self.columns.unwrap_or(WIDTH).clamp(least, most)
    }

    /// Returns the width of a list: without end where a program reads it, a line an entry.
    pub(crate) fn list_width(self) -> usize {
        self.columns.unwrap_or(usize::MAX).max(WIDTHS.0)
    }
}

impl TerminalArgs {
    /// Sets colours and log up, and returns how reports look. The configuration may say when to use
    /// colours.
    ///
    /// # Errors
    /// Where `PLIMSOLL_LOG` makes no sense.
    pub(crate) fn set_up(self, configured: Option<When>) -> Result<Look, CliError> {
        let columns = env::var("COLUMNS").ok();
        let columns = columns.and_then(|columns| columns.parse().ok());
        let terminal = || terminal_size().map(|(Width(columns), _)| columns.into());
        let columns = columns.or_else(terminal);
        let detail = match self {
            Self { quiet: true, .. } => Detail::Quiet,
            Self { verbose: 0, .. } => Detail::Normal,
            Self { .. } => Detail::Verbose,
        };
        let look = Look { columns, detail };
        let when = self.color.or(configured).unwrap_or(When::Auto);
        set_colours(when, look.width());
        self.start_log()?;
        Ok(look)
    }

    /// Sends what the crates below log to standard error: the warnings of the harness always, for
    /// they bear on the verdict, and more where it is asked for.
    fn start_log(self) -> Result<(), CliError> {
        let filter = match (env::var(LOG), self.verbose) {
            (Ok(filter), _) => filter,
            (Err(_), 0) => "plimsoll_chaos=warn".into(),
            (Err(_), 1) => "warn,plimsoll_chaos=info".into(),
            (Err(_), _) => "info,plimsoll_chaos=debug".into(),
        };
        let targets = filter.parse::<Targets>().map_err(|error| {
            CliError::usage(
                format!("{LOG} is set to `{filter}`, which is no filter: {error}"),
                "Name a level, or a level for each target: `plimsoll_chaos=debug,warn`.",
            )
        })?;
        let log = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(io::stderr);
        tracing_subscriber::registry()
            .with(log)
            .with(targets)
            .init();
        Ok(())
    }
}

/// Sets the colours of all output, and how mistakes are set.
fn set_colours(when: When, width: usize) {
    let choice = match when {
        When::Auto => ColorChoice::Auto,
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
    };
    choice.write_global();
    let hook = miette::set_hook(Box::new(move |_| {
        // Words with hyphens are names here.
        let options = MietteHandlerOpts::new()
            .width(width)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        Box::new(match choice {
            ColorChoice::Always => options.color(true).build(),
            ColorChoice::Never => options.color(false).build(),
            _ => options.build(),
        })
    }));
    debug_assert!(hook.is_ok(), "it is set once");
}
