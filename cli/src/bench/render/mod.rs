//! The report of `plimsoll bench commit-interval`: for people, spreadsheets and programs.

mod csv;
mod human;
mod json;

pub(super) use csv::csv;
pub(super) use human::human;
pub(super) use json::json;

use crate::args::Interval;

/// Names an interval.
pub(super) fn name(interval: Interval) -> String {
    match interval {
        Interval::EveryRecord => "every record".into(),
        Interval::Every(interval) => format!("{interval:?}"),
    }
}

/// Returns the setting of an interval, as a scenario has it.
pub(super) fn setting(interval: Interval) -> String {
    match interval {
        Interval::EveryRecord => "commit = { every = 1 }".into(),
        Interval::Every(interval) => format!("commit = {{ interval = \"{interval:?}\" }}"),
    }
}
