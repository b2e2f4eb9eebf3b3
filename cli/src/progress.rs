//! The progress bar: on standard error, and only where that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// How far a command has come.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar of `total` steps, each of which is one of `unit` (in the plural).
    pub fn new(total: u64, unit: &str) -> Self {
        // Hides itself where standard error is not a terminal.
        let bar = ProgressBar::new(total);
        let template =
            format!("{{bar:30}} {{pos}}/{{len}} {unit}, {{per_sec:.0}}, {{eta}} left  {{msg}}");
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
