//! Chosen entries of a trace as a timeline for people: moment, actor, and one sentence.

use super::{Entry, Trace, TraceEvent};
use crate::{BrokerId, FaultId, MemberId, MessageId, Missed, PartitionName, Terms, Word};
use plimsoll_core::{Instant, Offset, Outcome, TopicPartition};
use std::fmt;

/// Entries of a trace, ready to be printed: one line each, with its time, its actor and what
/// happened.
///
/// ```text
///  12034.250ms  consumer-1  commits 8 for orders-0
///  12100.000ms  consumer-1  crashes
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a> {
    terms: &'a Terms,
    trace: &'a Trace,
    /// `None`: all entries.
    chosen: Option<&'a [usize]>,
}

impl<'a> Timeline<'a> {
    /// Shows the whole trace of a run on these terms.
    pub fn new(terms: &'a Terms, trace: &'a Trace) -> Self {
        Self {
            terms,
            trace,
            chosen: None,
        }
    }

    /// Shows only the entries of these indices, such as a violation's evidence; an index that the
    /// trace does not have is left out.
    pub fn of(terms: &'a Terms, trace: &'a Trace, chosen: &'a [usize]) -> Self {
        Self {
            chosen: Some(chosen),
            ..Self::new(terms, trace)
        }
    }

    /// Returns moment, actor and sentence of each entry, in order.
    pub fn lines(&self) -> impl Iterator<Item = (Instant, String, String)> {
        let all = self.chosen.is_none().then_some(self.trace.entries());
        let chosen = self.chosen.unwrap_or(&[]).iter();
        let chosen = chosen.filter_map(|&index| self.trace.entries().get(index));
        let entries = all.unwrap_or(&[]).iter().chain(chosen);
        entries.map(|Entry { at, event }| (*at, actor(event), self.sentence(event)))
    }

    fn sentence(&self, event: &TraceEvent) -> String {
        use TraceEvent as E;
        match *event {
            E::Stored { .. }
            | E::Acknowledged { .. }
            | E::ProduceFailed { .. }
            | E::Removed { .. }
            | E::Truncated { .. }
            | E::LeaderChanged { .. }
            | E::CoordinatorChanged { .. } => self.cluster(event),
            E::Assigned { .. }
            | E::Revoked { .. }
            | E::Released { .. }
            | E::Lost { .. }
            | E::OutOfRange { .. }
            | E::PositionReset { .. } => self.ownership(event),
            E::CommitSent { .. }
            | E::Committed { .. }
            | E::CommitRefused { .. }
            | E::CommitUnknown { .. }
            | E::LateCommit { .. }
            | E::OffsetsReset { .. } => self.commit(event),
            E::HandlerStarted { .. }
            | E::Effect { .. }
            | E::HandlerStopped { .. }
            | E::DeadLettered { .. }
            | E::DeadLetterAcknowledged { .. } => self.handler(event),
            E::MemberStarted { .. } => "starts".into(),
            E::MemberStopping { .. } => "is asked to stop".into(),
            E::MemberStopped { .. } => "has stopped".into(),
            E::MemberExited { status, .. } => match status {
                Some(status) => format!("ends by itself, with status {status}"),
                None => "ends by itself".into(),
            },
            E::MemberCrashed { .. } => "crashes".into(),
            E::MemberPaused { .. } => "stands still".into(),
            E::MemberResumed { .. } => "wakes up".into(),
            E::FaultBegan { fault, .. } => format!("{} begins", self.fault(fault)),
            E::FaultEnded { fault } => format!("{} ends", self.fault(fault)),
            E::FaultMissed { fault, reason } => {
                format!("{} did not happen: {}", self.fault(fault), because(reason))
            }
            E::ResponseLost { member, request } => {
                format!("the answer to {member}'s {} is lost", request.word())
            }
            E::Healed => "everything is healed".into(),
            E::Quiet => "the group is at rest: lag zero, stable membership".into(),
            E::Ended { lag } => format!("the run ends with a lag of {lag}"),
        }
    }

    fn cluster(&self, event: &TraceEvent) -> String {
        use TraceEvent as E;
        match *event {
            E::Stored {
                message,
                partition,
                offset,
                key,
            } => {
                let record = self.record(partition, offset, message);
                let key = key.map_or_else(String::new, |key| format!(", key {key}"));
                format!("{record} becomes readable{key}")
            }
            E::Acknowledged {
                message,
                partition,
                offset,
            } => format!(
                "learns that {} is stored",
                self.record(partition, offset, message)
            ),
            E::ProduceFailed { message } => format!("gives message {} up", message.0),
            E::Removed {
                partition,
                log_start,
            } => format!(
                "retention removes all of {} below {log_start}",
                self.name(partition)
            ),
            E::Truncated { partition, log_end } => format!(
                "the readable records of {} from {log_end} on are gone",
                self.name(partition)
            ),
            E::LeaderChanged {
                partition, epoch, ..
            } => format!("leads {} now, epoch {epoch}", self.name(partition)),
            E::CoordinatorChanged { .. } => "coordinates the group now".into(),
            _ => String::new(),
        }
    }

    fn ownership(&self, event: &TraceEvent) -> String {
        use TraceEvent as E;
        match *event {
            E::Assigned {
                partition,
                position,
                ..
            } => format!("gets {}, reads from {position}", self.name(partition)),
            E::Revoked {
                partition,
                in_flight,
                ..
            } => {
                let name = self.name(partition);
                match in_flight {
                    0 => format!("must give up {name}"),
                    1 => format!("must give up {name}, with 1 handler in flight"),
                    many => format!("must give up {name}, with {many} handlers in flight"),
                }
            }
            E::Released { partition, .. } => format!("gave up {}", self.name(partition)),
            E::Lost { partition, .. } => {
                format!("learns that it has lost {}", self.name(partition))
            }
            E::OutOfRange {
                partition,
                position,
                ..
            } => format!(
                "is told that {position} is out of range in {}",
                self.name(partition)
            ),
            E::PositionReset {
                partition,
                from,
                to,
                ..
            } => format!("moves in {} from {from} to {to}", self.name(partition)),
            _ => String::new(),
        }
    }

    fn commit(&self, event: &TraceEvent) -> String {
        use TraceEvent as E;
        match *event {
            E::CommitSent { .. } => "sends a commit".into(),
            E::Committed {
                partition,
                next,
                rebalancing,
                ..
            } => {
                let during = if rebalancing {
                    ", during a rebalance"
                } else {
                    ""
                };
                format!("commits {next} for {}{during}", self.name(partition))
            }
            E::CommitRefused { error, .. } => {
                format!("learns that its commit was refused: {}", error.word())
            }
            E::CommitUnknown { .. } => "gets no answer to its commit".into(),
            E::LateCommit { partition, .. } => format!(
                "has closed the connection on which an old commit of {} arrives now",
                self.name(partition)
            ),
            E::OffsetsReset { partition, next } => format!(
                "the group's offset of {} is set to {next}",
                self.name(partition)
            ),
            _ => String::new(),
        }
    }

    fn handler(&self, event: &TraceEvent) -> String {
        use TraceEvent as E;
        match *event {
            E::HandlerStarted {
                partition,
                offset,
                message,
                attempt,
                ..
            } => {
                let record = self.record(partition, offset, message);
                format!("starts {record}, attempt {attempt}")
            }
            E::Effect {
                partition,
                offset,
                message,
                attempt,
                outcome,
                ..
            } => {
                let record = self.record(partition, offset, message);
                match outcome {
                    Outcome::Ok => format!("finishes {record}, attempt {attempt}"),
                    Outcome::Retryable => format!("fails at {record}, attempt {attempt}"),
                    Outcome::Permanent => {
                        format!("fails at {record} for good, attempt {attempt}")
                    }
                }
            }
            E::HandlerStopped {
                partition,
                offset,
                attempt,
                ..
            } => format!(
                "attempt {attempt} at {}@{offset} is stopped",
                self.name(partition)
            ),
            E::DeadLettered {
                partition,
                offset,
                message,
                ..
            } => format!("dead-letters {}", self.record(partition, offset, message)),
            E::DeadLetterAcknowledged {
                partition,
                offset,
                message,
                ..
            } => format!(
                "learns that {} is dead-lettered",
                self.record(partition, offset, message)
            ),
            _ => String::new(),
        }
    }

    fn name(&self, partition: TopicPartition) -> PartitionName<'a> {
        self.terms.partition_name(partition)
    }

    fn record(&self, partition: TopicPartition, offset: Offset, message: MessageId) -> String {
        format!("{}@{offset} (message {})", self.name(partition), message.0)
    }

    fn fault(&self, id: FaultId) -> String {
        let word = self.terms.fault(id).map_or("fault", |fault| fault.word);
        format!("{word} (fault {})", id.0)
    }
}

/// One line an entry.
impl fmt::Display for Timeline<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, actor, sentence) in self.lines() {
            writeln!(f, "{:>14}  {actor:<10}  {sentence}", at.to_string())?;
        }
        Ok(())
    }
}

const fn because(reason: Missed) -> &'static str {
    match reason {
        Missed::NoCondition => "its condition did not come true",
        Missed::Healed => "its time had not come",
        Missed::NoTarget => "its target was not there",
        Missed::NoEffect => "there was nothing that it could change",
    }
}

/// Returns the name of what acted, or of what was acted upon.
fn actor(event: &TraceEvent) -> String {
    use TraceEvent as E;
    match *event {
        E::MemberStarted { member }
        | E::MemberStopping { member }
        | E::MemberStopped { member }
        | E::MemberExited { member, .. }
        | E::MemberCrashed { member }
        | E::MemberPaused { member }
        | E::MemberResumed { member }
        | E::Assigned { member, .. }
        | E::Revoked { member, .. }
        | E::Released { member, .. }
        | E::Lost { member, .. }
        | E::OutOfRange { member, .. }
        | E::PositionReset { member, .. }
        | E::CommitSent { member }
        | E::Committed { member, .. }
        | E::CommitRefused { member, .. }
        | E::CommitUnknown { member }
        | E::LateCommit { member, .. }
        | E::HandlerStarted { member, .. }
        | E::Effect { member, .. }
        | E::HandlerStopped { member, .. }
        | E::DeadLettered { member, .. }
        | E::DeadLetterAcknowledged { member, .. } => member.to_string(),
        E::Acknowledged { .. } | E::ProduceFailed { .. } => "producer".into(),
        E::Stored { .. } | E::Removed { .. } | E::Truncated { .. } => "cluster".into(),
        E::LeaderChanged { leader, .. } => leader.to_string(),
        E::CoordinatorChanged { broker } => broker.to_string(),
        E::FaultBegan { member, broker, .. } => hit(member, broker),
        E::OffsetsReset { .. } | E::FaultEnded { .. } | E::FaultMissed { .. } | E::Healed => {
            "scenario".into()
        }
        E::ResponseLost { .. } => "network".into(),
        E::Quiet | E::Ended { .. } => "run".into(),
    }
}

fn hit(member: Option<MemberId>, broker: Option<BrokerId>) -> String {
    let member = member.map(|member| member.to_string());
    let broker = broker.map(|broker| broker.to_string());
    member.or(broker).unwrap_or_else(|| "scenario".into())
}
