//! The memory that buffered records hold: that of a batch, until its last record is finished.

use crate::slab::{Slab, Slot};

/// The batches of which a record is unfinished, or which are being buffered.
///
/// Records that were fetched together may share one buffer, which one of them keeps alone.
#[derive(Debug)]
pub(crate) struct Batches {
    held: Slab<Held>,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    holders: usize,
    bytes: usize,
}

impl Batches {
    pub(crate) const fn new() -> Self {
        Self {
            held: Slab::new(),
            bytes: 0,
        }
    }

    /// Returns the size of all batches that are held.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a batch, which the caller holds until it [lets go](Self::release).
    pub(crate) fn add(&mut self, bytes: usize) -> Slot {
        self.bytes += bytes;
        self.held.insert(Held { holders: 1, bytes })
    }

    /// Notes another holder of a batch.
    #[inline]
    pub(crate) fn hold(&mut self, batch: Slot) {
        if let Some(held) = self.held.get_mut(batch) {
            held.holders += 1;
        }
    }

    /// Notes that a holder lets go of a batch; the last one frees it.
    #[inline]
    pub(crate) fn release(&mut self, batch: Slot) {
        let Some(held) = self.held.get_mut(batch) else {
            return;
        };
        held.holders -= 1;
        if held.holders == 0 {
            self.bytes -= held.bytes;
            self.held.remove(batch);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.held.clear();
        self.bytes = 0;
    }
}
