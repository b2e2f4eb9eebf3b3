//! The members of the group: their processes, what the wire shows of them, and their handlers in
//! the sink. What is done to one concerns all three; what the trace is to say of it comes out.

use crate::error::ChaosError;
use crate::faults::ProcessAct;
use crate::known::CROSSING;
use crate::membership::{Membership, Shown};
use crate::processes::{Ended, HowEnded, Processes};
use crate::sink::{Begun, Call, Sink};
use crate::stdout::Said;
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::{MemberId, TraceEvent};

/// The members of the group.
#[derive(Debug)]
pub(crate) struct Members {
    pub processes: Processes,
    pub membership: Membership,
    pub sink: Sink,
}

/// Processes.
impl Members {
    /// Starts a member's process, unless one runs.
    ///
    /// # Errors
    /// Where the subject cannot be executed.
    pub(crate) fn start(&mut self, member: MemberId) -> Result<Option<TraceEvent>, ChaosError> {
        if self.processes.runs(member) {
            return Ok(None);
        }
        self.processes.start(member)?;
        self.membership.forget(member);
        Ok(Some(TraceEvent::MemberStarted { member }))
    }

    /// Starts a member's process as [`Members::start`] does, but only logs a failure: it is the
    /// subject's, and shows as lag.
    pub(crate) fn try_start(&mut self, member: MemberId) -> Option<TraceEvent> {
        self.start(member).unwrap_or_else(|error| {
            tracing::error!("{error}");
            None
        })
    }

    /// Returns whether something can be done to a member's process: one that runs cannot start, and
    /// one that was asked to stop cannot be asked.
    pub(crate) fn can(&self, member: MemberId, act: ProcessAct) -> bool {
        match act {
            ProcessAct::Start => !self.processes.runs(member),
            ProcessAct::Stop => self.processes.is_at_work(member),
            _ => true,
        }
    }

    /// Kills a member's process with SIGKILL.
    pub(crate) fn crash(&mut self, member: MemberId) -> Vec<TraceEvent> {
        if !self.processes.crash(member) {
            return Vec::new();
        }
        self.ended(member, TraceEvent::MemberCrashed { member })
    }

    /// Asks a member's process to stop, with SIGTERM; one that stands still gets the signal when it
    /// goes on.
    pub(crate) fn stop(&mut self, member: MemberId) -> Option<TraceEvent> {
        let stops = self.processes.stop(member);
        stops.then_some(TraceEvent::MemberStopping { member })
    }

    /// Makes a member's process stand still, with SIGSTOP.
    pub(crate) fn pause(&mut self, member: MemberId) -> Option<TraceEvent> {
        let pauses = self.processes.pause(member);
        pauses.then_some(TraceEvent::MemberPaused { member })
    }

    /// Takes one pause away, and lets the process go on with SIGCONT once none is left.
    pub(crate) fn resume(&mut self, now: Instant, member: MemberId) -> Vec<TraceEvent> {
        let Some(resumed) = self.processes.resume(now, member) else {
            return Vec::new();
        };
        let stopping = if resumed.stops {
            self.stop(member)
        } else {
            None
        };
        let resumed = [TraceEvent::MemberResumed { member }];
        resumed.into_iter().chain(stopping).collect()
    }

    /// Starts a member's process; one that is still stopping starts again as soon as it has ended.
    pub(crate) fn restart(&mut self, member: MemberId) -> Option<TraceEvent> {
        let runs = self.processes.restart(member);
        if runs { None } else { self.try_start(member) }
    }

    /// Takes in the end of a process; returns how it came to its end, unless the harness killed it,
    /// and what the trace says of it.
    ///
    /// # Errors
    /// Where the process did not even try to join: it is no consumer, or was called the wrong way.
    pub(crate) fn handle_ended(
        &mut self,
        ended: &Ended,
    ) -> Result<Option<(HowEnded, Vec<TraceEvent>)>, ChaosError> {
        let member = ended.member;
        let Some(how) = self.processes.handle_ended(ended) else {
            return Ok(None);
        };
        if !how.asked && !self.membership.has_joined(member) {
            return Err(self.processes.gave_up(ended));
        }
        let end = match how.asked {
            true => TraceEvent::MemberStopped { member },
            false => TraceEvent::MemberExited {
                member,
                status: ended.status_code(),
            },
        };
        let events = self.ended(member, end);
        Ok(Some((how, events)))
    }

    /// Checks that some member has asked to join the group by now.
    ///
    /// # Errors
    /// Where none has: it is no consumer, or cannot reach what it needs.
    pub(crate) fn have_joined(&self) -> Result<(), ChaosError> {
        if self.membership.anyone_has_joined() {
            return Ok(());
        }
        let hidden = self.membership.asked_for_hidden();
        Err(self.processes.never_joined(hidden))
    }

    /// Forgets a process that is gone. First its handlers end, then it does.
    fn ended(&mut self, member: MemberId, end: TraceEvent) -> Vec<TraceEvent> {
        let mut events = self.sink.kill(member);
        self.membership.forget(member);
        events.push(end);
        events
    }
}

/// What a member sends and says.
impl Members {
    /// Makes the entry for a revocation of which a member learned.
    pub(crate) fn revoked(&self, member: MemberId, partition: TopicPartition) -> TraceEvent {
        TraceEvent::Revoked {
            member,
            partition,
            in_flight: self.sink.in_flight(member, partition),
        }
    }

    /// Takes in what a subject printed that concerns one partition.
    pub(crate) fn handle_said(
        &mut self,
        now: Instant,
        member: MemberId,
        what: Announced,
    ) -> Option<Shown> {
        match what {
            Announced::Revoked(partition) => self.membership.handle_revoked(now, member, partition),
            Announced::Lost(partition) => self.membership.handle_lost(now, member, partition),
        }
    }

    /// Splits what a subject printed by the partitions of this run.
    pub(crate) fn announced(&self, said: &Said) -> Vec<Announced> {
        let (named, what): (_, fn(_) -> _) = match said {
            Said::Revoked(named) => (named, Announced::Revoked),
            Said::Lost(named) => (named, Announced::Lost),
        };
        let partitions = self.membership.partitions(named);
        partitions.into_iter().map(what).collect()
    }

    /// Takes in that a handler reached the sink; returns it, and what the trace says of it: the
    /// ownership of its partition, where that shows only now, and its beginning.
    pub(crate) fn handle_called(&mut self, now: Instant, call: Call) -> (Begun, Vec<Shown>) {
        let Call {
            member,
            partition,
            offset,
            ..
        } = call;
        let owns = self.membership.handle_called(member, partition, offset);
        let (begun, started) = self.sink.handle_called(call);
        let crosses = self.crosses_revocation(now, member, partition);
        let started = (!crosses).then_some(Shown::Entry(started));
        (begun, owns.into_iter().chain(started).collect())
    }

    /// Returns whether the member has only just learned that the partition goes, or stood still
    /// since.
    fn crosses_revocation(
        &self,
        now: Instant,
        member: MemberId,
        partition: TopicPartition,
    ) -> bool {
        let revoked = self.membership.revoked_at(member, partition);
        let resumed = self.processes.resumed_at(member);
        revoked.is_some_and(|revoked| now - revoked.max(resumed) < CROSSING)
    }
}

/// What a subject says of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    /// That it must give the partition up.
    Revoked(TopicPartition),
    /// That it has lost the partition.
    Lost(TopicPartition),
}
