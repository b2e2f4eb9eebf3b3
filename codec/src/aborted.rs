//! Transactions that were taken back.

use kafka_protocol::messages::fetch_response::AbortedTransaction;
use std::collections::BTreeSet;

/// The transactions in an answer to a fetch that were taken back (`CompletedFetch`).
#[derive(Debug)]
pub struct Aborted {
    later: Vec<AbortedTransaction>,
    /// The producers in whose transaction the batches are now.
    producers: BTreeSet<i64>,
}

/// What is looked at of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The offset after its last one.
    pub(crate) next: i64,
    /// Its producer; -1: none that has an id.
    pub(crate) producer: i64,
    /// Whether it is part of a transaction.
    pub(crate) is_transactional: bool,
    /// Whether it ends a transaction, or is else not for applications.
    pub(crate) is_control: bool,
}

impl Aborted {
    /// Creates the list of those that an answer names.
    pub fn new(transactions: Vec<AbortedTransaction>) -> Self {
        Self {
            later: transactions,
            producers: BTreeSet::new(),
        }
    }

    /// Returns whether consumers see the records of the next batch: it is part of no such
    /// transaction, and is not the end of any.
    pub(crate) fn shows_part(&mut self, part: Part) -> bool {
        let producers = &mut self.producers;
        self.later.retain(|transaction| {
            let has_begun = transaction.first_offset < part.next;
            has_begun.then(|| producers.insert(transaction.producer_id.0));
            !has_begun
        });
        if part.is_control {
            producers.remove(&part.producer);
            return false;
        }
        !part.is_transactional || !producers.contains(&part.producer)
    }
}
