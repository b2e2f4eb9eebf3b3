//! What lasts in a timeline: attempts of handlers, lives of processes, ownerships, faults.

use super::lanes::{Lane, hit_by};
use plimsoll_core::{Instant, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{Entry, FaultId, MemberId, TraceEvent};
use std::collections::BTreeMap;

/// Something that lasts, within a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span<T> {
    /// What it is.
    pub what: T,
    /// Its first entry.
    pub first: usize,
    /// The moment at which it began.
    pub from: Instant,
    /// Its last entry, and the moment at which it ended; `None`: it lasted to the end of the run.
    pub end: Option<(usize, Instant)>,
}

/// A handler at work on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attempt {
    /// The member whose handler it is.
    pub member: MemberId,
    /// The partition of the record.
    pub partition: TopicPartition,
    /// The offset of the record.
    pub offset: Offset,
    /// The number of the attempt.
    pub attempt: u32,
}

/// A partition in the hands of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ownership {
    /// The partition.
    pub partition: TopicPartition,
    /// The member.
    pub member: MemberId,
}

/// A process that runs, or one that stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Life {
    /// From its start to its end.
    Runs(MemberId),
    /// From its pause to its awakening, or its end.
    StandsStill(MemberId),
}

/// Spans of one kind while a trace is read.
struct Open<T> {
    begun: BTreeMap<T, (usize, Instant)>,
    spans: Vec<Span<T>>,
}

impl<T: Copy + Ord> Open<T> {
    const fn new() -> Self {
        Self {
            begun: BTreeMap::new(),
            spans: Vec::new(),
        }
    }

    fn begin(&mut self, what: T, entry: usize, at: Instant) {
        self.begun.entry(what).or_insert((entry, at));
    }

    fn end(&mut self, what: T, entry: usize, at: Instant) {
        if let Some((first, from)) = self.begun.remove(&what) {
            self.spans.push(Span {
                what,
                first,
                from,
                end: Some((entry, at)),
            });
        }
    }

    fn end_all(&mut self, wanted: impl Fn(&T) -> bool, entry: usize, at: Instant) {
        let all: Vec<T> = self.begun.keys().copied().filter(wanted).collect();
        for what in all {
            self.end(what, entry, at);
        }
    }

    /// Returns all spans, by their beginnings.
    fn finish(mut self) -> Vec<Span<T>> {
        let open = self.begun.into_iter();
        self.spans.extend(open.map(|(what, (first, from))| Span {
            what,
            first,
            from,
            end: None,
        }));
        self.spans.sort_by_key(|span| span.first);
        self.spans
    }
}

fn read<T: Copy + Ord>(
    entries: &[Entry],
    mut step: impl FnMut(&mut Open<T>, usize, Instant, &TraceEvent),
) -> Vec<Span<T>> {
    let mut open = Open::new();
    for (index, Entry { at, event }) in entries.iter().enumerate() {
        step(&mut open, index, *at, event);
    }
    open.finish()
}

/// Returns the attempts of all handlers.
pub(super) fn attempts(entries: &[Entry]) -> Vec<Span<Attempt>> {
    read(entries, |open, entry, at, event| {
        if let Some(attempt) = attempt_of(event) {
            match event {
                TraceEvent::HandlerStarted { .. } => open.begin(attempt, entry, at),
                _ => open.end(attempt, entry, at),
            }
        }
    })
}

/// Returns the attempt that an event of a handler belongs to.
pub(super) fn attempt_of(event: &TraceEvent) -> Option<Attempt> {
    match *event {
        TraceEvent::HandlerStarted {
            member,
            partition,
            offset,
            attempt,
            ..
        }
        | TraceEvent::Effect {
            member,
            partition,
            offset,
            attempt,
            ..
        }
        | TraceEvent::HandlerStopped {
            member,
            partition,
            offset,
            attempt,
        } => Some(Attempt {
            member,
            partition,
            offset,
            attempt,
        }),
        _ => None,
    }
}

/// Returns the class of an attempt that ended with this event.
pub(super) const fn outcome_of(event: Option<&TraceEvent>) -> &'static str {
    match event {
        Some(TraceEvent::Effect {
            outcome: Outcome::Ok,
            ..
        }) => "done",
        Some(TraceEvent::Effect { .. }) => "failed",
        Some(TraceEvent::HandlerStopped { .. }) => "stopped",
        _ => "running",
    }
}

/// Returns the ownerships of all partitions, as their members see them.
pub(super) fn ownerships(entries: &[Entry]) -> Vec<Span<Ownership>> {
    read(
        entries,
        |open: &mut Open<Ownership>, entry, at, event| match *event {
            TraceEvent::Assigned {
                member, partition, ..
            } => open.begin(Ownership { partition, member }, entry, at),
            TraceEvent::Released { member, partition } | TraceEvent::Lost { member, partition } => {
                open.end(Ownership { partition, member }, entry, at);
            }
            TraceEvent::MemberStopped { member }
            | TraceEvent::MemberExited { member, .. }
            | TraceEvent::MemberCrashed { member } => {
                open.end_all(|one| one.member == member, entry, at);
            }
            _ => {}
        },
    )
}

/// Returns the lives of all members, and the times in which they stood still.
pub(super) fn lives(entries: &[Entry]) -> Vec<Span<Life>> {
    read(entries, |open, entry, at, event| match *event {
        TraceEvent::MemberStarted { member } => open.begin(Life::Runs(member), entry, at),
        TraceEvent::MemberPaused { member } => open.begin(Life::StandsStill(member), entry, at),
        TraceEvent::MemberResumed { member } => open.end(Life::StandsStill(member), entry, at),
        TraceEvent::MemberStopped { member }
        | TraceEvent::MemberExited { member, .. }
        | TraceEvent::MemberCrashed { member } => {
            open.end(Life::StandsStill(member), entry, at);
            open.end(Life::Runs(member), entry, at);
        }
        _ => {}
    })
}

/// Returns the faults that began.
pub(super) fn faults(entries: &[Entry]) -> Vec<Span<FaultId>> {
    read(entries, |open, entry, at, event| match *event {
        TraceEvent::FaultBegan { fault, .. } => open.begin(fault, entry, at),
        TraceEvent::FaultEnded { fault } | TraceEvent::FaultMissed { fault, .. } => {
            open.end(fault, entry, at);
        }
        _ => {}
    })
}

/// Returns the lanes that a fault hits among those that there are: of the processes that it names,
/// or all.
pub(super) fn lanes_hit(span: &Span<FaultId>, entries: &[Entry], lanes: &[Lane]) -> Vec<Lane> {
    let named = hit_by(&entries[span.first].event);
    let all = lanes.iter().copied().filter(|lane| *lane != Lane::Scenario);
    match named.is_empty() {
        true => all.collect(),
        false => all.filter(|lane| named.contains(lane)).collect(),
    }
}
