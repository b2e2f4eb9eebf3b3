//! Warnings that are worth saying once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The warnings that were logged already.
#[derive(Debug)]
pub(super) struct Once<T>(Mutex<BTreeSet<T>>);

impl<T: Ord> Once<T> {
    /// Returns whether a warning is new, and remembers it.
    pub(super) fn is_new(&self, what: T) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.insert(what)
    }
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
