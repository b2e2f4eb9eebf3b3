//! From what a checker finds to its judgement.

use super::history::{Assignment, Attempt, History, Record};
use super::ids::{EntryIndex, NEVER, RecordId, Slot};
use crate::{Judgement, MessageId, PartitionName, Terms, Trace, Violation};
use plimsoll_core::Instant;
use std::time::Duration;

/// The time within which an answer and a handler's deadline may cross.
pub(super) const CROSSING: Duration = Duration::from_millis(100);

/// What every checker reads.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) terms: &'a Terms,
    pub(super) trace: &'a Trace,
    pub(super) history: &'a History,
}

/// One finding in words.
pub(super) struct Finding {
    kind: &'static str,
    summary: String,
    evidence: Vec<EntryIndex>,
}

impl Finding {
    /// Makes a finding of a word for the way in which the property is broken, a sentence, and the
    /// entries that show it.
    pub(super) fn new(kind: &'static str, summary: String, evidence: Vec<EntryIndex>) -> Self {
        Self {
            kind,
            summary,
            evidence,
        }
    }
}

/// What one checker has found so far. Only the earliest finding is put into words.
#[derive(Default)]
pub(super) struct Findings {
    first: Option<Violation>,
    count: usize,
}

impl Findings {
    /// Adds the finding that an entry completes; `tell` puts it into words.
    pub(super) fn add(
        &mut self,
        case: &Case<'_>,
        entry: EntryIndex,
        tell: impl FnOnce() -> Finding,
    ) {
        self.count += 1;
        let at = case.at(entry);
        if self.first.as_ref().is_none_or(|first| at < first.at) {
            let Finding {
                kind,
                summary,
                mut evidence,
            } = tell();
            evidence.push(entry);
            evidence.sort_unstable();
            evidence.dedup();
            evidence.retain(|&entry| entry != NEVER);
            self.first = Some(Violation {
                at,
                kind,
                summary,
                evidence: evidence.into_iter().map(EntryIndex::get).collect(),
                count: 0,
            });
        }
    }

    /// Returns the violation, or what the checker says where nothing was found.
    pub(super) fn or_else(self, otherwise: impl FnOnce() -> Judgement) -> Judgement {
        match self.first {
            Some(first) => Judgement::Violated(Violation {
                count: self.count,
                ..first
            }),
            None => otherwise(),
        }
    }

    /// Returns the violation; or held, where there was something to keep.
    pub(super) fn or_held(self, observed: bool, otherwise: &'static str) -> Judgement {
        self.or_else(|| match observed {
            true => Judgement::Held,
            false => Judgement::NotObserved(otherwise),
        })
    }
}

impl<'a> Case<'a> {
    /// Returns the moment of an entry; the end of time for [`NEVER`].
    pub(super) fn at(&self, entry: EntryIndex) -> Instant {
        let entry = self.trace.entries().get(entry.get());
        entry.map_or(Instant::FAR_FUTURE, |entry| entry.at)
    }

    /// Returns the first entry that is not earlier than a moment.
    pub(super) fn first_entry_from(&self, at: Instant) -> EntryIndex {
        let entries = self.trace.entries();
        EntryIndex::new(entries.partition_point(|entry| entry.at < at))
    }

    /// Returns whether a handler's deadline had run out when an entry was written.
    pub(super) fn outlasted(&self, attempt: &Attempt, at: EntryIndex) -> bool {
        let deadline = self.terms.config.handler_deadline;
        let ran = self.at(at) - self.at(attempt.entry);
        deadline.is_some_and(|deadline| ran + crossing(deadline) >= deadline)
    }

    /// Returns the earliest moment at which the consumer may have taken an attempt for failed: its
    /// end, or its deadline where the sink saw the end later than that.
    pub(super) fn failed_at(&self, attempt: &Attempt) -> Instant {
        let ended = self.at(attempt.ended);
        let deadline = self.terms.config.handler_deadline;
        deadline.map_or(ended, |deadline| {
            ended.min(self.at(attempt.entry) + (deadline - crossing(deadline)))
        })
    }

    /// Returns whether the consumer took the sink's answer for the outcome: where its process
    /// learned of it when the handler's deadline ran out, or later, it may have counted as a
    /// failure.
    pub(super) fn was_told(&self, attempt: &Attempt) -> bool {
        !self.outlasted(attempt, attempt.told)
    }

    /// Returns whether the owner of an assignment had moved its position back to a record under it,
    /// so that the record comes to it again.
    pub(super) fn moved_back(&self, id: RecordId, owner: &Assignment, until: EntryIndex) -> bool {
        self.history.seeks.iter().any(|seek| {
            seek.slot == id.slot
                && seek.member == owner.member
                && !seek.to.covers(id.offset)
                && (owner.entry..until).contains(&seek.entry)
        })
    }

    /// Returns a partition's name, such as `orders-0`.
    pub(super) fn partition_name(&self, slot: Slot) -> PartitionName<'a> {
        self.terms.partition_name(self.history.partitions[slot].id)
    }

    /// Returns a record's name, such as `orders-0@7 (message 12)`.
    pub(super) fn record_name(&self, id: RecordId) -> String {
        let (partition, offset) = (self.partition_name(id.slot), id.offset);
        match self.history.record(id).message {
            None => format!("{partition}@{offset}"),
            Some(MessageId(message)) => format!("{partition}@{offset} (message {message})"),
        }
    }

    /// Returns the entries of a record's first and last attempt.
    pub(super) fn attempts_shown(&self, record: &Record) -> Vec<EntryIndex> {
        let mut shown = Vec::new();
        let mut attempts = self.history.attempts_at(record);
        let mut show = |attempt: &Attempt| shown.extend([attempt.entry, attempt.ended]);
        if let Some(last) = attempts.next() {
            show(last);
        }
        if let Some(first) = attempts.last() {
            show(first);
        }
        shown
    }
}

/// Returns the time before a handler's deadline within which its answer may cross it: half of the
/// deadline, where that is short.
fn crossing(deadline: Duration) -> Duration {
    CROSSING.min(deadline / 2)
}
