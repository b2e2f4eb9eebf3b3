//! Reports as text: for people, and for programs.

pub(crate) mod compare;
pub(crate) mod files;
pub(crate) mod html;
pub(crate) mod human;
pub(crate) mod json;
mod junit;
pub(crate) mod markdown;
pub(crate) mod page;
mod perfetto;
mod table;

pub(crate) use plimsoll_oracle::story::seconds;
pub(crate) use table::Table;

use page::Page;
use std::time::Duration;

/// The width of text in files, in columns.
const WIDTH: usize = 100;

/// Returns what is added to a page as text without colours and without the page's margin, for
/// files.
fn plain(add: impl FnOnce(&mut Page)) -> String {
    let mut page = Page::new(WIDTH);
    add(&mut page);
    let text = page.into_text();
    textwrap::dedent(&anstream::adapter::strip_str(&text).to_string())
}

/// Writes a number with its thousands apart, as in `24,000`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a number with as many digits as say something, as in `0`, `0.04`, `3.5` and `1,200`.
pub(crate) fn number(number: f64) -> String {
    match number {
        0.0 => "0".into(),
        ..0.095 => format!("{number:.2}"),
        ..99.95 => format!("{number:.1}"),
        _ => thousands(number.round() as u64),
    }
}

/// Writes a number and its noun, as in `1 fault` and `2 faults`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// Writes a number and its noun, as in `no fault`, `1 fault` and `2 faults`.
pub(crate) fn counted_or_no(number: u64, noun: &str) -> String {
    match number {
        0 => format!("no {noun}"),
        _ => counted(number, noun),
    }
}

/// Converts a time to hours.
pub(crate) fn hours(time: Duration) -> f64 {
    time.as_secs_f64() / 3600.0
}

/// Returns the rate of `count` things in `time`, a second; 0 where no time has passed.
pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests;
