//! What `plimsoll bench commit-interval` found, before it is put into words.

use super::advice::{self, Advice};
use super::load::{self, Load};
use super::summary::Row;
use crate::exit::Exit;
use crate::report::Timing;

/// The time in seconds by which a group is behind that does not keep up: the model's catching up is
/// a little slower than its handling of records that come one by one.
const BEHIND: f64 = 5.0;

/// What `plimsoll bench commit-interval` found.
#[derive(Debug)]
pub(super) struct Report {
    /// What was measured.
    pub load: Load,
    /// Whether it was measured on real Kafka.
    pub is_real: bool,
    /// What each interval costs, from the shortest.
    pub rows: Vec<Row>,
    /// The number of records that one crash may repeat.
    pub wish: Option<u32>,
    /// The advice that follows from the rows.
    pub advice: Advice,
    /// Whether a signal ended it.
    pub interrupted: bool,
    /// The measurements that depend on the machine.
    pub timing: Timing,
}

impl Report {
    /// Makes the report, with what follows from the rows: nothing, where not all of them are there.
    pub(super) fn new(
        load: Load,
        is_real: bool,
        rows: Vec<Row>,
        wish: Option<u32>,
        interrupted: bool,
        timing: Timing,
    ) -> Self {
        let advice = match interrupted {
            true => Advice::Nothing,
            false => advice::advise(&rows, wish, load::rate(&load.scenario)),
        };
        Self {
            load,
            is_real,
            rows,
            wish,
            advice,
            interrupted,
            timing,
        }
    }

    /// Returns the row of the interval that is recommended.
    pub(super) fn recommended(&self) -> Option<&Row> {
        match self.advice {
            Advice::Take(row) => self.rows.get(row),
            _ => None,
        }
    }

    /// Returns how the program ends. The promises hold at every interval: a row that breaks one is
    /// a failure, not a price. So is a wish that no interval was seen to keep to.
    pub(super) fn exit(&self) -> Exit {
        let unmet = matches!(self.advice, Advice::None(_) | Advice::NoCrash);
        let exit = match unmet || self.rows.iter().any(Row::is_broken) {
            true => Exit::Violated,
            false => Exit::Met,
        };
        exit.or_interrupted(self.interrupted)
    }

    /// Returns the records a second that the group handles at most, where it is still behind for
    /// long when all are produced.
    pub(super) fn overload(&self) -> Option<f64> {
        let scenario = &self.load.scenario;
        let messages = f64::from(load::messages(scenario));
        let handled = self.rows.first().and_then(|row| row.throughput);
        let behind = |handled: f64| messages / handled - messages / load::rate(scenario);
        handled.filter(|handled| !self.is_real && behind(*handled) > BEHIND)
    }
}
