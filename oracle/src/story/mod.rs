//! What a violation's report tells: what broke, why, what it would cost, and the events around it.

mod cause;
mod sentence;

pub use cause::{Attempt, Cause, Disruption, Fact, Fault, partition_of};

use crate::{Property, Terms, Timeline, Trace, TraceEvent, Violation};
use plimsoll_core::{Instant, TopicPartition};
use std::collections::BTreeSet;

/// The number of events beyond which those that only surround a violation are left out.
const MANY: usize = 30;

/// The content of a violation's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The broken promise, in one sentence.
    pub broke: String,
    /// The events that led to it.
    pub cause: Cause,
    /// The loss that a death of the member at that moment would bring, where nothing was lost yet.
    pub at_stake: Option<AtStake>,
    /// The events that show it and those around it, in order.
    pub moments: Vec<Moment>,
    /// The number of events around it that are left out, from the beginning.
    pub left_out: usize,
}

/// The loss that a death would bring: the group would go on behind a record that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtStake {
    /// The member that would die.
    pub member: String,
    /// The record that would be lost.
    pub record: String,
    /// The offset from which the group would go on.
    pub next: String,
}

/// An event of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its entry in the trace.
    pub entry: usize,
    /// The moment.
    pub at: Instant,
    /// The name of the member, the broker or another part of the run.
    pub actor: String,
    /// The event, in words.
    pub what: String,
    /// Whether it is one of those that show the violation.
    pub shows: bool,
}

impl Story {
    /// Tells a violation of a run from its trace.
    pub fn of(terms: &Terms, trace: &Trace, property: Property, violation: &Violation) -> Self {
        let cause = Cause::read(terms, trace, violation);
        let (chosen, left_out) = choose(trace, violation, &cause);
        Self {
            broke: violation.summary.clone(),
            at_stake: at_stake(property, violation, &cause),
            moments: moments(terms, trace, &chosen, &violation.evidence),
            left_out,
            cause,
        }
    }
}

/// Returns the events of these entries.
pub fn moments(terms: &Terms, trace: &Trace, chosen: &[usize], evidence: &[usize]) -> Vec<Moment> {
    let timeline = Timeline::of(terms, trace, chosen);
    let lines = timeline.lines().zip(chosen);
    lines
        .map(|((at, actor, what), entry)| Moment {
            entry: *entry,
            at,
            actor,
            what,
            shows: evidence.contains(entry),
        })
        .collect()
}

/// Tells whether a commit was early: it covers a record that is finished later all the same.
pub fn is_early(property: Property, violation: &Violation) -> bool {
    property == Property::CommitCoversOnlyFinished && violation.kind == "early"
}

/// Returns what is at stake where a commit covers a record that is finished later all the same.
fn at_stake(property: Property, violation: &Violation, cause: &Cause) -> Option<AtStake> {
    let committed = cause.committed.filter(|_| is_early(property, violation))?;
    Some(AtStake {
        member: committed.member.to_string(),
        record: cause.record.clone()?,
        next: committed.what.to_string(),
    })
}

/// Writes a moment as seconds since the run began, as in `8.014s`.
pub fn seconds(at: Instant) -> String {
    format!("{:.3}s", at.since_start().as_secs_f64())
}

/// Chooses the entries of a violation's timeline: its evidence and its cause; every fault, death
/// and start before its last entry; and what happened to the ownership of its partitions. Returns
/// the number of those around it that are left out as well.
fn choose(trace: &Trace, violation: &Violation, cause: &Cause) -> (Vec<usize>, usize) {
    let entries = trace.entries();
    let mut kept: BTreeSet<usize> = violation.evidence.iter().copied().collect();
    kept.extend(cause.entries());
    kept.retain(|&entry| entry < entries.len());
    let Some(&last) = kept.last() else {
        return (Vec::new(), 0);
    };
    let partitions = violation.evidence.iter();
    let partitions: Vec<TopicPartition> = partitions
        .filter_map(|&entry| partition_of(&entries.get(entry)?.event))
        .collect();
    let mut around = Vec::new();
    for (index, entry) in entries[..last].iter().enumerate() {
        if is_fault(&entry.event) {
            kept.insert(index);
        } else if surrounds(&entry.event, &partitions) && !kept.contains(&index) {
            // A client that asks again and again is told once.
            let is_told = |&told: &usize| entries[told].event == entry.event;
            if !around.iter().any(is_told) {
                around.push(index);
            }
        }
    }
    let left_out = around.len() - around.len().min(MANY.saturating_sub(kept.len()));
    kept.extend(&around[left_out..]);
    (kept.into_iter().collect(), left_out)
}

/// Tells whether an entry is a fault, or a process that a fault hits.
const fn is_fault(event: &TraceEvent) -> bool {
    use TraceEvent as E;
    matches!(
        event,
        E::FaultBegan { .. }
            | E::FaultEnded { .. }
            | E::ResponseLost { .. }
            | E::MemberCrashed { .. }
            | E::MemberExited { .. }
            | E::MemberStopping { .. }
            | E::MemberPaused { .. }
            | E::MemberResumed { .. }
            | E::OffsetsReset { .. }
    )
}

/// Tells whether an entry says where members and partitions stood.
fn surrounds(event: &TraceEvent, partitions: &[TopicPartition]) -> bool {
    use TraceEvent as E;
    match event {
        E::MemberStarted { .. } | E::MemberStopped { .. } | E::Healed => true,
        E::Assigned { .. }
        | E::Revoked { .. }
        | E::Lost { .. }
        | E::OutOfRange { .. }
        | E::PositionReset { .. }
        | E::Removed { .. }
        | E::Truncated { .. } => {
            partition_of(event).is_some_and(|partition| partitions.contains(&partition))
        }
        _ => false,
    }
}
