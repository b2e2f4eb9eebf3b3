//! The progress bar: on standard error, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// The time between two drawings of a bar while nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// Shows what is being waited for, until the bar that it returns is finished.
pub(crate) fn waiting(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(TICK);
    spinner
}

/// The progress of a command.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Makes a bar of `total` steps; `unit` is the noun for them, in the plural.
    pub(crate) fn new(total: u64, unit: &str) -> Self {
        let after = format!("{unit}, {{per_sec:.0}}, {{eta}} left  {{msg}}");
        Self::styled(total, &after)
    }

    /// Makes a bar of steps that take many seconds each: it shows the time that they have taken.
    pub(crate) fn in_real_time(total: u64, unit: &str) -> Self {
        let after = format!("{unit}, {{elapsed}}  {{msg}}");
        let progress = Self::styled(total, &after);
        progress.bar.enable_steady_tick(TICK);
        progress
    }

    fn styled(total: u64, after: &str) -> Self {
        // The bar hides itself where standard error is not a terminal.
        let bar = ProgressBar::new(total);
        let template = format!("{{bar:30}} {{pos}}/{{len}} {after}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Counts `steps` more steps as done.
    pub(crate) fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }

    /// Takes `steps` steps that will not be needed off the total.
    pub(crate) fn shorten(&self, steps: u64) {
        let length = self.bar.length().unwrap_or(0);
        self.bar.set_length(length.saturating_sub(steps));
    }

    /// Shows what has been found so far.
    pub(crate) fn say(&self, message: String) {
        self.bar.set_message(message);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
