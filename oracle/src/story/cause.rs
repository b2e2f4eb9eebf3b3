//! What led to a violation, read from the trace: what became of the record, what was committed,
//! which fault met the group, and from where it went on.

use crate::{FaultId, MemberId, Terms, Trace, TraceEvent, Violation};
use plimsoll_core::{Instant, NextOffset, Offset, Outcome, TopicPartition};

/// The events that led to a violation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The partition that it is about, if it is about one: `orders-0`.
    pub partition: Option<String>,
    /// The record that it is about, if it is about one: `orders-0@3`.
    pub record: Option<String>,
    /// The record's offset.
    pub offset: Option<Offset>,
    /// The last thing that happened to the record before.
    pub attempt: Option<Fact<Attempt>>,
    /// The last commit of the partition before the group went on.
    pub committed: Option<Fact<NextOffset>>,
    /// The last record behind an unfinished one whose success that commit went by.
    pub overtaken_by: Option<Fact<Offset>>,
    /// The event that stopped a member, or took the partition from it.
    pub disruption: Option<Fact<Disruption>>,
    /// The last fault that had begun.
    pub fault: Option<Fault>,
    /// The position from which the partition was read after the disruption.
    pub resumed: Option<Fact<NextOffset>>,
}

/// Something that a member did, or that happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact<T> {
    /// Its entry in the trace.
    pub entry: usize,
    /// The moment.
    pub at: Instant,
    /// The member.
    pub member: MemberId,
    /// The deed or the event itself.
    pub what: T,
}

/// The state of an attempt at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// A handler that has begun and not ended.
    Running,
    /// A handler that was stopped before its end.
    Stopped,
    /// A failure after which it may be tried again.
    Failed,
    /// A failure for good.
    FailedForGood,
    /// A success.
    Finished,
    /// A copy in the dead-letter topic.
    DeadLettered,
}

impl Attempt {
    /// Tells whether the record needs no further attempt after it.
    pub const fn finishes(self) -> bool {
        matches!(self, Self::Finished | Self::DeadLettered)
    }
}

/// An event that stopped a member, or took a partition from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disruption {
    /// The death of its process.
    Killed,
    /// A request to stop.
    AskedToStop,
    /// An end by itself.
    Exited,
    /// A pause of its process.
    Paused,
    /// A revocation of the partition.
    Revoked,
    /// A loss of the partition, of which it learned.
    Lost,
}

impl Fact<Disruption> {
    /// Tells whether a fault did it: it hit the process of this member at this moment.
    pub fn is_done_by(&self, fault: &Fault) -> bool {
        let hit = fault.hit.as_deref();
        fault.at == self.at && hit == Some(&*self.member.to_string())
    }
}

impl Disruption {
    /// Tells whether it hit the process, and not the ownership of a partition.
    const fn is_of_the_process(self) -> bool {
        !matches!(self, Self::Revoked | Self::Lost)
    }
}

/// A fault of the scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The word for its kind.
    pub word: &'static str,
    /// Its number.
    pub id: FaultId,
    /// The moment at which it began.
    pub at: Instant,
    /// The member or broker whose process it hit, if it hit one.
    pub hit: Option<String>,
}

impl Cause {
    /// Reads what led to a violation.
    pub fn read(terms: &Terms, trace: &Trace, violation: &Violation) -> Self {
        let reader = Reader::new(terms, trace, violation);
        let Some(partition) = reader.partition else {
            return Self {
                fault: reader.fault_until(reader.end),
                ..Self::default()
            };
        };
        let attempt = reader.attempt();
        let disruption = reader.disruption(attempt);
        let resumed = disruption.and_then(|disruption| reader.resumed(disruption.entry));
        let until = resumed.map_or(reader.end, |resumed| resumed.entry);
        let committed = reader.committed(until);
        let name = terms.partition_name(partition);
        Self {
            partition: Some(name.to_string()),
            record: reader.offset.map(|offset| format!("{name}@{offset}")),
            offset: reader.offset,
            attempt,
            committed,
            overtaken_by: committed.and_then(|committed| reader.overtaken_by(attempt, committed)),
            disruption,
            fault: reader.fault_until(disruption.map_or(reader.end, |one| one.entry)),
            resumed,
        }
    }

    /// Returns the entries of the trace that it names.
    pub fn entries(&self) -> impl Iterator<Item = usize> {
        let attempt = self.attempt.map(|fact| fact.entry);
        let committed = self.committed.map(|fact| fact.entry);
        let overtaken_by = self.overtaken_by.map(|fact| fact.entry);
        let disruption = self.disruption.map(|fact| fact.entry);
        let resumed = self.resumed.map(|fact| fact.entry);
        [attempt, committed, overtaken_by, disruption, resumed]
            .into_iter()
            .flatten()
    }
}

/// A trace up to the entry that broke the promise.
struct Reader<'a> {
    terms: &'a Terms,
    trace: &'a Trace,
    /// The entry that broke the promise.
    end: usize,
    partition: Option<TopicPartition>,
    offset: Option<Offset>,
}

impl<'a> Reader<'a> {
    fn new(terms: &'a Terms, trace: &'a Trace, violation: &Violation) -> Self {
        let events = violation.evidence.iter();
        let events = events.filter_map(|&entry| Some(&trace.entries().get(entry)?.event));
        let record = events.clone().find_map(record_of);
        let partition = events.clone().find_map(partition_of);
        Self {
            terms,
            trace,
            end: end_of(trace, violation),
            partition: record.map(|(partition, _)| partition).or(partition),
            offset: record.map(|(_, offset)| offset),
        }
    }

    /// Returns the last of the entries in a range that `read` makes something of.
    fn last<T>(
        &self,
        range: std::ops::Range<usize>,
        read: impl Fn(&TraceEvent) -> Option<(MemberId, T)>,
    ) -> Option<Fact<T>> {
        let entries = self.trace.entries();
        let range = range.start..range.end.min(entries.len());
        range.rev().find_map(|entry| {
            let (member, what) = read(&entries[entry].event)?;
            Some(Fact {
                entry,
                at: entries[entry].at,
                member,
                what,
            })
        })
    }

    fn attempt(&self) -> Option<Fact<Attempt>> {
        let record = (self.partition?, self.offset?);
        self.last(0..self.end, |event| {
            (record_of(event)? == record)
                .then(|| attempt_of(event))
                .flatten()
        })
    }

    /// Returns what disrupted the member that had the record; else what disrupted any member.
    fn disruption(&self, attempt: Option<Fact<Attempt>>) -> Option<Fact<Disruption>> {
        let from = attempt.map_or(0, |attempt| attempt.entry);
        let partition = self.partition?;
        let of = |wanted: &dyn Fn(MemberId, Disruption) -> bool| {
            self.last(from..self.end, |event| {
                let (member, what) = disruption_of(event, partition)?;
                wanted(member, what).then_some((member, what))
            })
        };
        let holder = attempt.map(|attempt| attempt.member);
        let is_holder = |member| holder.is_none_or(|holder| holder == member);
        of(&|member, what| what.is_of_the_process() && is_holder(member))
            .or_else(|| of(&|member, _| is_holder(member)))
            .or_else(|| of(&|_, what| what.is_of_the_process()))
    }

    fn resumed(&self, after: usize) -> Option<Fact<NextOffset>> {
        self.last(after..self.end + 1, |event| match *event {
            TraceEvent::Assigned {
                member,
                partition,
                position,
                ..
            } if Some(partition) == self.partition => Some((member, position)),
            _ => None,
        })
    }

    fn committed(&self, until: usize) -> Option<Fact<NextOffset>> {
        self.last(0..until + 1, |event| match *event {
            TraceEvent::Committed {
                member,
                partition,
                next,
                ..
            } if Some(partition) == self.partition => Some((member, next)),
            _ => None,
        })
    }

    /// Returns the last success before a commit that lies between the record, which is not finished
    /// then, and the offset that is committed.
    fn overtaken_by(
        &self,
        attempt: Option<Fact<Attempt>>,
        committed: Fact<NextOffset>,
    ) -> Option<Fact<Offset>> {
        let (partition, record) = (self.partition?, self.offset?);
        if attempt.is_some_and(|attempt| attempt.what.finishes()) {
            return None;
        }
        self.last(0..committed.entry, |event| {
            let (of, offset) = record_of(event)?;
            let (member, what) = attempt_of(event)?;
            let between = record < offset && committed.what.covers(offset);
            (of == partition && between && what.finishes()).then_some((member, offset))
        })
    }

    /// Returns the last fault that began up to an entry, or at its moment.
    fn fault_until(&self, until: usize) -> Option<Fault> {
        let entries = self.trace.entries();
        let moment = entries.get(until).map(|entry| entry.at);
        let entries = entries.iter().enumerate();
        let entries =
            entries.take_while(|(index, entry)| *index <= until || Some(entry.at) == moment);
        let faults = entries.filter_map(|(_, entry)| match entry.event {
            TraceEvent::FaultBegan {
                fault,
                member,
                broker,
            } => {
                let member = member.map(|member| member.to_string());
                let hit = member.or_else(|| Some(broker?.to_string()));
                Some((fault, entry.at, hit))
            }
            _ => None,
        });
        let (id, at, hit) = faults.last()?;
        Some(Fault {
            word: self.terms.fault(id).map_or("a fault", |fault| fault.word),
            id,
            at,
            hit,
        })
    }
}

/// Returns the entry that broke the promise: the last one of the evidence at the violation's
/// moment.
fn end_of(trace: &Trace, violation: &Violation) -> usize {
    let entries = trace.entries();
    let mut evidence = violation.evidence.iter().rev();
    let at = |entry: usize| entries.get(entry).map(|entry| entry.at);
    let exact = evidence.find(|&&entry| at(entry) == Some(violation.at));
    let last = violation.evidence.last();
    exact.or(last).copied().unwrap_or(entries.len())
}

fn attempt_of(event: &TraceEvent) -> Option<(MemberId, Attempt)> {
    match *event {
        TraceEvent::HandlerStarted { member, .. } => Some((member, Attempt::Running)),
        TraceEvent::HandlerStopped { member, .. } => Some((member, Attempt::Stopped)),
        TraceEvent::DeadLettered { member, .. } => Some((member, Attempt::DeadLettered)),
        TraceEvent::Effect {
            member, outcome, ..
        } => Some((
            member,
            match outcome {
                Outcome::Ok => Attempt::Finished,
                Outcome::Retryable => Attempt::Failed,
                Outcome::Permanent => Attempt::FailedForGood,
            },
        )),
        _ => None,
    }
}

fn disruption_of(event: &TraceEvent, owned: TopicPartition) -> Option<(MemberId, Disruption)> {
    match *event {
        TraceEvent::MemberCrashed { member } => Some((member, Disruption::Killed)),
        TraceEvent::MemberStopping { member } => Some((member, Disruption::AskedToStop)),
        TraceEvent::MemberExited { member, .. } => Some((member, Disruption::Exited)),
        TraceEvent::MemberPaused { member } => Some((member, Disruption::Paused)),
        TraceEvent::Revoked {
            member, partition, ..
        } if partition == owned => Some((member, Disruption::Revoked)),
        TraceEvent::Lost { member, partition } if partition == owned => {
            Some((member, Disruption::Lost))
        }
        _ => None,
    }
}

/// Returns the record that an entry is about.
fn record_of(event: &TraceEvent) -> Option<(TopicPartition, Offset)> {
    use TraceEvent as E;
    match *event {
        E::Stored {
            partition, offset, ..
        }
        | E::Acknowledged {
            partition, offset, ..
        }
        | E::HandlerStarted {
            partition, offset, ..
        }
        | E::Effect {
            partition, offset, ..
        }
        | E::HandlerStopped {
            partition, offset, ..
        }
        | E::DeadLettered {
            partition, offset, ..
        }
        | E::DeadLetterAcknowledged {
            partition, offset, ..
        } => Some((partition, offset)),
        _ => None,
    }
}

/// Returns the partition that an entry is about.
pub fn partition_of(event: &TraceEvent) -> Option<TopicPartition> {
    use TraceEvent as E;
    match *event {
        E::Assigned { partition, .. }
        | E::Revoked { partition, .. }
        | E::Released { partition, .. }
        | E::Lost { partition, .. }
        | E::OutOfRange { partition, .. }
        | E::PositionReset { partition, .. }
        | E::Committed { partition, .. }
        | E::OffsetsReset { partition, .. }
        | E::Removed { partition, .. }
        | E::Truncated { partition, .. }
        | E::LeaderChanged { partition, .. } => Some(partition),
        _ => record_of(event).map(|(partition, _)| partition),
    }
}
