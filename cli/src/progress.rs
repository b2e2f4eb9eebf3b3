//! The progress bar: on standard error, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How often a bar is drawn while nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// Says what is being waited for, until it is finished.
pub fn waiting(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(TICK);
    spinner
}

/// How far a command has come.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar of `total` steps, each of which is one of `unit` (in the plural).
    pub fn new(total: u64, unit: &str) -> Self {
        let after = format!("{unit}, {{per_sec:.0}}, {{eta}} left  {{msg}}");
        Self::styled(total, &after)
    }

    /// A bar of steps that take many seconds each: it says how long they have taken.
    pub fn in_real_time(total: u64, unit: &str) -> Self {
        let after = format!("{unit}, {{elapsed}}  {{msg}}");
        let progress = Self::styled(total, &after);
        progress.bar.enable_steady_tick(TICK);
        progress
    }

    fn styled(total: u64, after: &str) -> Self {
        // Hides itself where standard error is not a terminal.
        let bar = ProgressBar::new(total);
        let template = format!("{{bar:30}} {{pos}}/{{len}} {after}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// So many steps more are done.
    pub fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }

    /// So many steps will not be needed.
    pub fn shorten(&self, steps: u64) {
        let length = self.bar.length().unwrap_or(0);
        self.bar.set_length(length.saturating_sub(steps));
    }

    /// Says what has been found so far.
    pub fn say(&self, message: String) {
        self.bar.set_message(message);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
