//! From what a checker finds to its judgement.

use super::history::{Assignment, Attempt, History, NEVER, Record};
use crate::terms::PartitionName;
use crate::{Judgement, MemberId, Terms, Trace, Violation};

/// What every checker reads.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) terms: &'a Terms,
    pub(super) trace: &'a Trace,
    pub(super) history: &'a History,
}

/// What one checker has found so far. Only the first finding is put into words.
#[derive(Default)]
pub(super) struct Findings {
    first: Option<Violation>,
    count: usize,
}

impl Findings {
    /// One more: `tell` says it in a sentence, with the entries that show it.
    pub(super) fn add(
        &mut self,
        case: &Case<'_>,
        entry: u32,
        tell: impl FnOnce() -> (String, Vec<u32>),
    ) {
        self.count += 1;
        let at = super::history::at(case.trace, entry);
        if self.first.as_ref().is_none_or(|first| at < first.at) {
            let (summary, mut evidence) = tell();
            evidence.push(entry);
            evidence.retain(|&entry| (entry as usize) < case.trace.entries().len());
            evidence.sort_unstable();
            evidence.dedup();
            self.first = Some(Violation {
                at,
                summary,
                evidence: evidence.into_iter().map(|entry| entry as usize).collect(),
                count: 0,
            });
        }
    }

    /// Violated, or what the checker says where nothing was found.
    pub(super) fn or_else(self, otherwise: impl FnOnce() -> Judgement) -> Judgement {
        match self.first {
            Some(first) => Judgement::Violated(Violation {
                count: self.count,
                ..first
            }),
            None => otherwise(),
        }
    }

    /// Violated; or held, where there was something to keep.
    pub(super) fn or_held(self, observed: bool, otherwise: &'static str) -> Judgement {
        self.or_else(|| match observed {
            true => Judgement::Held,
            false => Judgement::NotObserved(otherwise),
        })
    }
}

impl<'a> Case<'a> {
    /// `orders-0`.
    pub(super) fn partition_name(&self, slot: u32) -> PartitionName<'a> {
        self.terms.partition_name(self.history.partition(slot).id)
    }

    /// `orders-0@7 (message 12)`.
    pub(super) fn record_name(&self, slot: u32, offset: u32) -> String {
        let record = self.history.record(slot, offset);
        let partition = self.partition_name(slot);
        match record.message {
            NEVER => format!("{partition}@{offset}"),
            message => format!("{partition}@{offset} (message {message})"),
        }
    }

    /// The entries of a record's first and last attempt.
    pub(super) fn attempts_shown(&self, record: &Record) -> Vec<u32> {
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

    /// Who held an assignment.
    pub(super) fn owner(&self, assignment: u32) -> Option<&'a Assignment> {
        self.history.assignment(assignment)
    }
}

/// `consumer-1`, or `nobody`.
pub(super) fn who(member: Option<MemberId>) -> String {
    member.map_or_else(|| "nobody".into(), |member| member.to_string())
}
