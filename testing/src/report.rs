//! What the runs of a trial have shown.

use crate::{Failure, Property};
use plimsoll_oracle::{Judgement, Trace, Verdict};
use std::collections::BTreeSet;

/// The outcome of a trial's runs.
#[derive(Clone, Debug)]
#[must_use = "a report proves nothing unless it is looked at"]
pub struct Report {
    trial: String,
    runs: u64,
    held: BTreeSet<Property>,
    fingerprints: Vec<String>,
    failure: Option<Box<Failure>>,
}

impl Report {
    pub(crate) fn new(trial: String) -> Self {
        Self {
            trial,
            runs: 0,
            held: BTreeSet::new(),
            fingerprints: Vec::new(),
            failure: None,
        }
    }

    /// Takes in a run.
    pub(crate) fn count(&mut self, verdict: &Verdict, trace: &Trace) {
        self.runs += 1;
        let held = verdict.judgements().iter();
        let held = held.filter(|(_, judgement)| *judgement == Judgement::Held);
        self.held.extend(held.map(|(property, _)| *property));
        self.fingerprints.push(trace.fingerprint().to_string());
    }

    /// Takes in the failure that ended the trial.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failure = Some(Box::new(failure));
    }

    /// Asserts that no run broke a promise.
    ///
    /// # Panics
    /// Panics where one did, with all that shows it; and where no run could have shown a loss,
    /// which proves nothing: there was no seed, or no message.
    #[track_caller]
    pub fn assert_held(&self) {
        if let Some(failure) = &self.failure {
            panic!("{failure}");
        }
        assert!(
            self.held.contains(&Property::NoLoss),
            "The trial in {} proves nothing: no message was handled in its {} runs.",
            self.trial,
            self.runs
        );
    }

    /// Asserts that a run broke this promise, and returns what shows it: for tests of tests.
    ///
    /// # Panics
    /// Panics where none did.
    #[track_caller]
    pub fn assert_violated(&self, property: Property) -> &Failure {
        match &self.failure {
            Some(failure) if failure.breaks(property) => failure,
            Some(failure) => {
                panic!("{property} was to be violated, and this happened:\n\n{failure}")
            }
            None => panic!(
                "{property} was to be violated in {}, and all {} runs kept every promise.",
                self.trial, self.runs
            ),
        }
    }

    /// Returns what broke a promise, if one was broken.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_deref()
    }

    /// Returns the number of seeds that ran.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Returns whether some run could have broken this promise, and kept it.
    #[must_use]
    pub fn held(&self, property: Property) -> bool {
        self.held.contains(&property)
    }

    /// Returns the hash of all that was observed in each run: the same each time.
    #[must_use]
    pub fn fingerprints(&self) -> &[String] {
        &self.fingerprints
    }
}
