//! What scripts have shown, in one line.

use crate::Outcome;
use std::collections::BTreeSet;
use std::fmt;

/// What the scripts have shown that came to their end.
#[derive(Debug, Default)]
pub struct Tally {
    scripts: usize,
    /// The number of scripts without a difference.
    conform: usize,
    steps: usize,
    /// The number of steps that differ.
    differ: usize,
    kinds: BTreeSet<String>,
}

impl Tally {
    /// Creates the tally of no scripts.
    pub const fn new() -> Self {
        Self {
            scripts: 0,
            conform: 0,
            steps: 0,
            differ: 0,
            kinds: BTreeSet::new(),
        }
    }

    /// Adds the end of a script.
    pub fn add(&mut self, outcome: &Outcome) {
        if let Outcome::Ran {
            steps,
            kinds,
            differences,
        } = outcome
        {
            self.scripts += 1;
            self.conform += usize::from(differences.is_empty());
            self.steps += steps;
            self.differ += differences.len();
            self.kinds.extend(kinds.iter().cloned());
        }
    }

    /// Returns whether no script came to its end.
    pub fn is_empty(&self) -> bool {
        self.scripts == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scripts,
            conform,
            steps,
            differ,
            kinds,
        } = self;
        let agree = steps - differ;
        let kinds = kinds.len();
        write!(
            f,
            "{conform} of {scripts} scripts conform, and {agree} of {steps} steps "
        )?;
        write!(f, "over {kinds} kinds of requests; {differ} steps differ")
    }
}
