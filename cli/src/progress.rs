//! The progress bar: on standard error, and only where that is a terminal.

use crate::render::{per_second, thousands};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing_subscriber::filter::LevelFilter;

/// The time between two drawings of a bar while nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// Shows what is being waited for, until the bar that it returns is finished.
pub(crate) fn waiting(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    hide_behind_log(&spinner);
    spinner.enable_steady_tick(TICK);
    spinner
}

/// Hides a bar where a log is written to standard error: each would overwrite the other.
fn hide_behind_log(bar: &ProgressBar) {
    if LevelFilter::current() != LevelFilter::OFF {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
}

/// The progress of a command.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    lines: Option<Lines>,
}

impl Progress {
    /// Makes a bar of `total` steps; `unit` is the noun for them, in the plural.
    pub(crate) fn new(total: u64, unit: &str) -> Self {
        let after = format!("{unit}, {{rate}}/s, {{eta}} left  {{wide_msg}}");
        Self::styled(total, &after)
    }

    /// Writes a line now and then where standard error is no terminal, and so has no bar.
    pub(crate) fn or_lines(self) -> Self {
        let lines = (!io::stderr().is_terminal()).then(|| Lines::from(Instant::now()));
        Self { lines, ..self }
    }

    /// Makes a bar of steps that take many seconds each: it shows the time that they have taken.
    pub(crate) fn in_real_time(total: u64, unit: &str) -> Self {
        let after = format!("{unit}, {{elapsed}}  {{wide_msg}}");
        let progress = Self::styled(total, &after);
        hide_behind_log(&progress.bar);
        progress.bar.enable_steady_tick(TICK);
        progress
    }

    fn styled(total: u64, after: &str) -> Self {
        // The bar hides itself where standard error is not a terminal.
        let bar = ProgressBar::new(total);
        if let Ok(style) =
            ProgressStyle::with_template(&format!("{{bar:12}} {{pos}}/{{len}} {after}"))
        {
            bar.set_style(style.with_key("rate", rate));
        }
        Self { bar, lines: None }
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

    /// Shows what is being done, or what has been found so far.
    pub(crate) fn say(&self, message: String) {
        if let Some(lines) = &self.lines
            && let Some(after) = lines.due(Instant::now())
        {
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
            let line = format!("{done} of {all} after {} s: {message}\n", after.as_secs());
            // Where it cannot be written, nothing can be said there.
            let _ = io::stderr().write_all(line.as_bytes());
        }
        self.bar.set_message(message);
    }

    /// Writes a line that stays, above the bar if there is one.
    pub(crate) fn note(&self, line: &str) {
        // Where it cannot be written, nothing can be said there.
        let write = || io::stderr().write_all(format!("{line}\n").as_bytes());
        let _ = self.bar.suspend(write);
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// When lines stand in for a bar.
#[derive(Debug)]
struct Lines {
    begun: Instant,
    last: Mutex<Instant>,
}

impl Lines {
    /// The time between two lines.
    const APART: Duration = Duration::from_secs(15);

    fn from(begun: Instant) -> Self {
        Self {
            begun,
            last: Mutex::new(begun),
        }
    }

    /// Returns the time since the beginning, if it is time for another line.
    fn due(&self, now: Instant) -> Option<Duration> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = now.duration_since(*last) >= Self::APART;
        is_due.then(|| {
            *last = now;
            now.duration_since(self.begun)
        })
    }
}

/// Writes the steps a second, from the beginning on.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    let rate = per_second(state.pos(), state.elapsed());
    // Where a terminal cannot be written, nothing can be said of it there.
    let _ = out.write_str(&thousands(rate as u64));
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;
    use std::sync::Arc;

    /// A terminal of 80 columns that keeps what is written.
    #[derive(Clone, Debug, Default)]
    struct Kept(Arc<Mutex<String>>);

    impl Kept {
        fn write(&self, text: &str) -> io::Result<()> {
            let mut kept = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
            kept.push_str(text);
            Ok(())
        }
    }

    impl TermLike for Kept {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.write(text)
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_comes_now_and_then() {
        let begun = Instant::now();
        let lines = Lines::from(begun);
        let after = |seconds| lines.due(begun + Duration::from_secs(seconds));
        assert_eq!(after(14), None);
        assert_eq!(after(20), Some(Duration::from_secs(20)));
        assert_eq!(after(34), None);
        assert_eq!(after(35), Some(Duration::from_secs(35)));
    }

    #[test]
    fn the_bar_has_the_scenario_and_a_rate_in_the_colour_of_text() {
        let progress = Progress::new(1_000, "schedules");
        let terminal = Kept::default();
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        progress.bar.set_draw_target(target);
        progress.say("crash/consumer-killed".into());
        progress.advance(10);
        progress.bar.tick();
        let drawn = terminal.0.lock().expect("not poisoned").clone();
        assert!(drawn.contains("10/1000 schedules, "), "{drawn:?}");
        assert!(drawn.contains("/s, "), "{drawn:?}");
        assert!(drawn.contains("crash/consumer-killed"), "{drawn:?}");
        assert!(!drawn.contains('\u{1b}'), "{drawn:?}");
    }
}
