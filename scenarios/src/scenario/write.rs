//! Scenario files, written: only what differs from the defaults.

use super::units;
use plimsoll_oracle::Word;
use std::fmt::{Display, Write as _};
use std::time::Duration;

/// One table of a file, line by line.
#[derive(Debug)]
pub(super) struct Section {
    header: &'static str,
    lines: String,
}

impl Section {
    /// Begins a table under this header line; empty for the top of the file.
    pub(super) fn new(header: &'static str) -> Self {
        Self {
            header,
            lines: String::new(),
        }
    }

    /// Adds a line, its value as TOML has it.
    pub(super) fn line(&mut self, key: &str, value: impl Display) {
        writeln!(self.lines, "{key} = {value}").expect(INFALLIBLE);
    }

    /// Adds a line whose value is text.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.line(key, quoted(value));
    }

    /// Adds a line, unless the value is the default one.
    pub(super) fn differing<T: PartialEq>(
        &mut self,
        key: &str,
        (value, default): (T, T),
        write: impl FnOnce(T) -> String,
    ) {
        if value != default {
            self.line(key, write(value));
        }
    }

    /// Appends the table to a file; without any line only if it `must` stand.
    pub(super) fn finish(self, file: &mut String, must: bool) {
        if self.lines.is_empty() && !must {
            return;
        }
        if !file.is_empty() {
            file.push('\n');
        }
        if !self.header.is_empty() {
            file.push_str(self.header);
            file.push('\n');
        }
        file.push_str(&self.lines);
    }
}

/// Quotes a text as TOML does.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

/// Writes a duration, quoted.
pub(super) fn time(value: Duration) -> String {
    format!("\"{}\"", units::duration(value))
}

/// Writes a word, quoted.
pub(super) fn word(value: impl Word) -> String {
    format!("\"{}\"", value.word())
}

/// Writes words as an array.
pub(super) fn words<T: Word>(values: &[T]) -> String {
    list(values.iter().map(|value| word(*value)))
}

/// Writes an array; a long one has a line for each value.
pub(super) fn list(values: impl IntoIterator<Item = String>) -> String {
    let values: Vec<_> = values.into_iter().collect();
    let short = values.join(", ");
    if short.len() <= SHORT {
        return format!("[{short}]");
    }
    format!("[\n    {},\n]", values.join(",\n    "))
}

/// What fits on a line behind its key.
pub(super) const SHORT: usize = 80;

pub(super) const INFALLIBLE: &str = "writing to a string";
