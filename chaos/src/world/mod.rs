//! The world of one run: takes in what the parts report, one event after the other, writes the
//! trace, and carries the faults.
//!
//! The parts know nothing of the world: each has a sending end of its channel. The world has them
//! all, and nothing has the world. An event is done with, with all that follows from it, before the
//! next one is taken in, and before the part that waits for it goes on: so the trace has a cause
//! before its effects, and a fault hits before the observation that triggered it goes on.

mod inbox;
mod steps;
#[cfg(test)]
mod tests;
mod unexplained;

pub(crate) use inbox::{Copied, Event, Inbox};

use crate::channel::Reply;
use crate::error::ChaosError;
use crate::faults::{self, Brokers, Faults, ProcessAct};
use crate::known::Wishes;
use crate::leaders::Leaders;
use crate::log::{Log, StoredMessage};
use crate::members::Members;
use crate::membership::{Membership, Shown};
use crate::names::Names;
use crate::processes::{self, Ended, Processes};
use crate::proxy::{self, Produced, Proxy, Seen};
use crate::recorder::{Clock, Recorder};
use crate::sink::{self, Finished, Sink};
use crate::stalls::Stalls;
use crate::subject::Subject;
use crate::{course, tail, workload};
use plimsoll_core::{Instant, Offset};
use plimsoll_oracle::{MemberId, Trace, TraceEvent};
use plimsoll_scenarios::Plan;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use unexplained::Unexplained;

/// The longest time for which the acknowledgement of a dead letter is kept back until the reader of
/// the topics has seen the copy.
const DEAD_LETTER_READ: Duration = Duration::from_secs(5);

/// The time after the healing by which some member must have asked to join the group: clients give
/// a connection up after 10 s at most, and the slowest runtimes start within a few. On a machine
/// that stalls they have as long again, until the run ends.
const JOIN_WITHIN: Duration = Duration::from_secs(20);

/// What a world is made of.
pub(crate) struct Parts {
    pub plan: Arc<Plan>,
    pub names: Arc<Names>,
    pub clock: Clock,
    pub log: Arc<Log>,
    pub subject: Subject,
    pub proxy: Proxy,
    pub leaders: Leaders,
    pub brokers: Brokers,
    pub inbox: Inbox,
    pub stalls: Stalls,
}

/// The world of one run.
#[derive(Debug)]
pub(crate) struct World {
    plan: Arc<Plan>,
    names: Arc<Names>,
    log: Arc<Log>,
    recorder: Recorder,
    members: Members,
    faults: Faults,
    leaders: Leaders,
    proxy: Proxy,
    brokers: Brokers,
    inbox: Inbox,
    unexplained: Unexplained,
    /// The timers, and what is done beside the run.
    tasks: JoinSet<()>,
    /// Whether every message so far was acknowledged or given up, and no more must come.
    produced: bool,
    healed: bool,
    /// What waits until every fault is over.
    ending: Vec<Reply<()>>,
}

impl World {
    /// Makes the world of a plan, before anything happens.
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            plan,
            names,
            inbox,
            subject,
            ..
        } = parts;
        let members = plan.starts.len();
        let reports = inbox.sender(Event::Process);
        Self {
            members: Members {
                processes: Processes::new(subject, members, reports, parts.stalls.clone()),
                membership: Membership::new(members, names.clone()),
                sink: Sink::new(plan.clone(), inbox.sender(Event::Sink)),
            },
            faults: Faults::new(&plan),
            unexplained: Unexplained::new(&plan, parts.stalls),
            recorder: Recorder::new(parts.clock),
            leaders: parts.leaders,
            proxy: parts.proxy,
            brokers: parts.brokers,
            log: parts.log,
            tasks: JoinSet::new(),
            produced: false,
            healed: false,
            ending: Vec::new(),
            plan,
            names,
            inbox,
        }
    }

    /// Begins the run, and takes in what happens, without an end.
    ///
    /// # Errors
    /// Where the environment or the subject fails: after that the run means nothing.
    pub(crate) async fn run(&mut self) -> Result<Infallible, ChaosError> {
        self.begin()?;
        loop {
            self.step().await?;
        }
    }

    /// Takes the trace out.
    pub(crate) fn take_trace(&mut self) -> Trace {
        self.recorder.take()
    }

    /// Returns what the members asked for when they joined.
    pub(crate) fn wishes(&self) -> Wishes {
        self.members.membership.wishes()
    }

    /// Kills all processes, and ends the proxy and all tasks.
    pub(crate) async fn end(&mut self) {
        self.members.processes.kill_all();
        self.proxy.shut_down().await;
        self.members.processes.end_tasks().await;
        self.tasks.shutdown().await;
    }

    /// Sets the timers of the members' starts and of the faults that have a time.
    fn begin(&mut self) -> Result<(), ChaosError> {
        let plan = self.plan.clone();
        for (member, start) in (0..).map(MemberId).zip(&plan.starts) {
            if let Some(at) = *start {
                self.send_at(at, Event::Start, member);
            }
        }
        self.send_at(plan.heal_at + JOIN_WITHIN, Event::JoinDeadline, ());
        self.drive_all()?;
        self.settle()
    }

    /// Waits for the next event and takes it in, with all that follows from it.
    async fn step(&mut self) -> Result<(), ChaosError> {
        let event = self.inbox.next().await?;
        self.handle(event)?;
        self.settle()
    }

    fn now(&self) -> Instant {
        self.recorder.clock.now()
    }

    /// Sends the world an event at a moment of the run.
    fn send_at<T: Send + 'static>(&mut self, at: Instant, event: fn(T) -> Event, what: T) {
        let (clock, sender) = (self.recorder.clock, self.inbox.sender(event));
        self.tasks.spawn(async move {
            clock.sleep_until(at).await;
            sender.send(what);
        });
    }

    /// Writes an entry of the trace, and begins the faults that waited for it.
    fn observe(&mut self, event: TraceEvent) -> Result<(), ChaosError> {
        self.recorder.note(event);
        self.unexplained.observe(self.recorder.clock.now(), &event);
        if !self.faults.schedule.is_waiting() {
            return Ok(());
        }
        for fault in self.faults.schedule.faults() {
            let (now, schedule) = (self.now(), &mut self.faults.schedule);
            if schedule.handle_observation(now, fault, &event) {
                self.drive(fault)?;
            }
        }
        Ok(())
    }

    fn observe_all(
        &mut self,
        events: impl IntoIterator<Item = TraceEvent>,
    ) -> Result<(), ChaosError> {
        events.into_iter().try_for_each(|event| self.observe(event))
    }

    /// Writes what is shown of a member.
    fn show_all(
        &mut self,
        member: MemberId,
        shown: impl IntoIterator<Item = Shown>,
    ) -> Result<(), ChaosError> {
        shown.into_iter().try_for_each(|shown| match shown {
            Shown::Entry(event) => self.observe(event),
            Shown::Revoked(partition) => self.observe(self.members.revoked(member, partition)),
            Shown::OwnsFrom {
                partition,
                epoch,
                position,
            } => {
                self.recorder
                    .mend_assignment(member, partition, epoch, position);
                Ok(())
            }
        })
    }
}

/// What the parts report.
impl World {
    fn handle(&mut self, event: Event) -> Result<(), ChaosError> {
        match event {
            Event::Proxy(report) => self.handle_proxy(report),
            Event::Sink(report) => self.handle_sink(report),
            Event::Process(report) => self.handle_process(report),
            Event::Tail(read) => self.handle_read(read),
            Event::Copied(copied) => self.handle_copied(copied),
            Event::Workload(workload::Report::Observed(event)) => self.observe(event),
            Event::Workload(workload::Report::Produced(all)) => {
                self.produced = all;
                Ok(())
            }
            Event::Leader(news) | Event::Brokers(faults::Report::Leader(news)) => {
                let changed = self.leaders.learn(news);
                self.observe_all(changed)
            }
            Event::Brokers(faults::Report::Started(broker)) => {
                self.faults.is_up(broker);
                Ok(())
            }
            Event::Brokers(faults::Report::Observed(event)) => self.observe(event),
            Event::Brokers(faults::Report::Done(fault, done)) => {
                // What the environment refused to do was not tried: the run means nothing.
                self.done(fault, done?)
            }
            Event::Course(report) => self.handle_course(report),
            Event::Start(member) => {
                let started = self.members.start(member)?;
                self.observe_all(started)
            }
            Event::Timer(fault) => {
                self.faults.schedule.handle_timeout(fault);
                self.drive(fault)
            }
            Event::JoinDeadline(()) => self.handle_join_deadline(),
        }
    }

    fn handle_proxy(&mut self, report: proxy::Report) -> Result<(), ChaosError> {
        match report {
            proxy::Report::Passed {
                member,
                seen,
                noted,
            } => {
                if seen.contains(&Seen::CommitInTransaction) {
                    return Err(ChaosError::Subject(format!(
                        "{member} commits in transactions (TxnOffsetCommit), which are not read: \
                         nothing could be said of what it commits"
                    )));
                }
                for seen in seen {
                    let now = self.now();
                    self.unexplained.see(now, member, &seen);
                    let shown = self.members.membership.handle_seen(now, member, seen);
                    self.show_all(member, shown)?;
                }
                // Fails where the connection is gone.
                let _ = noted.send(());
            }
            proxy::Report::Produced {
                member,
                last,
                noted,
            } => self.handle_produced(member, last, noted),
        }
        Ok(())
    }

    /// Keeps the acknowledgement of a dead letter back until the trace has the copy.
    fn handle_produced(&mut self, member: MemberId, last: Produced, noted: Reply<()>) {
        let is_dead_letter = last.topic == self.names.dead_letters;
        let partition = self.names.partition(&last.topic, last.partition);
        let Some(partition) = partition.filter(|_| is_dead_letter) else {
            let _ = noted.send(());
            return;
        };
        let (log, offset) = (self.log.clone(), Offset::new(last.offset));
        let copied = self.inbox.sender(Event::Copied);
        self.tasks.spawn(async move {
            // Past the deadline the copy counts from when it is read, as without this wait.
            let copy = log.wait_for(partition, offset, DEAD_LETTER_READ).await;
            copied.send(Copied {
                member,
                copy,
                noted,
            });
        });
    }

    /// Writes that a member learns of a dead letter, and lets the acknowledgement pass. Of a batch
    /// of copies only the last is named: the others count as copies of which their member has not
    /// learned, which is the kinder reading.
    fn handle_copied(&mut self, copied: Copied) -> Result<(), ChaosError> {
        let origin = copied
            .copy
            .and_then(|copy| Some((copy.message, self.log.find(copy.message)?)));
        if let Some((message, (partition, offset))) = origin
            && self.names.is_workload(partition)
        {
            self.observe(TraceEvent::DeadLetterAcknowledged {
                member: copied.member,
                partition,
                offset,
                message,
                epoch: None,
            })?;
        }
        // Fails where the connection is gone.
        let _ = copied.noted.send(());
        Ok(())
    }

    fn handle_sink(&mut self, report: sink::Report) -> Result<(), ChaosError> {
        match report {
            sink::Report::Called { call, reply } => {
                let (begun, shown) = self.members.handle_called(self.now(), call);
                self.show_all(call.member, shown)?;
                // Where the call is gone, the handler that it does not get is gone too.
                let _ = reply.send(begun);
                Ok(())
            }
            // A subject that cannot call would be convicted of what it may well have done.
            sink::Report::CalledWrongly { caller, mistake } => Err(ChaosError::Subject(format!(
                "{caller} called the sink wrongly: {mistake}"
            ))),
            sink::Report::Due { id, reply } => match self.members.sink.handle_due(id, reply) {
                Some(finished) => self.finish(finished),
                None => Ok(()),
            },
            sink::Report::Gone(id) => {
                let stopped = self.members.sink.handle_gone(id);
                self.observe_all(stopped)
            }
        }
    }

    /// Writes a handler's effect, and then answers its call.
    fn finish(&mut self, finished: Finished) -> Result<(), ChaosError> {
        self.observe(finished.effect)?;
        if let Some(fault) = self.faults.schedule.handle_effect(finished.member) {
            self.drive(fault)?;
        }
        let _ = finished.reply.send(finished.outcome);
        Ok(())
    }

    fn handle_process(&mut self, report: processes::Report) -> Result<(), ChaosError> {
        match report {
            processes::Report::Said { member, said } => {
                // One by one: a fault that is triggered may end the process.
                for announced in self.members.announced(&said) {
                    let shown = self.members.handle_said(self.now(), member, announced);
                    self.show_all(member, shown)?;
                }
                Ok(())
            }
            processes::Report::Ended(ended) => self.handle_ended(&ended),
            processes::Report::Again { member, restart } => match restart || self.healed {
                true => self.act_on_process(member, ProcessAct::Start),
                false => Ok(()),
            },
        }
    }

    fn handle_ended(&mut self, ended: &Ended) -> Result<(), ChaosError> {
        let Some((how, events)) = self.members.handle_ended(ended)? else {
            return Ok(());
        };
        self.observe_all(events)?;
        if !how.asked {
            self.members.processes.try_again(ended.member, how.restart);
        } else if how.restart {
            self.act_on_process(ended.member, ProcessAct::Start)?;
        }
        Ok(())
    }

    fn handle_read(&mut self, read: tail::Read) -> Result<(), ChaosError> {
        let tail::Read {
            partition,
            offset,
            message,
            origin,
        } = read;
        let mut planned = self.plan.messages.iter();
        let planned = planned.find(|planned| planned.id == message);
        let key = planned.and_then(|planned| planned.key);
        if self.names.is_workload(partition) {
            self.observe(TraceEvent::Stored {
                message,
                partition,
                offset,
                key,
            })?;
        } else if let Some((partition, offset)) = origin.or_else(|| self.log.find(message)) {
            // A subject may dead-letter a message that it never tried; the trace needs some member.
            let tried_by = self.members.sink.tried_by(message);
            self.observe(TraceEvent::DeadLettered {
                member: tried_by.unwrap_or(MemberId(0)),
                partition,
                offset,
                message,
                epoch: None,
            })?;
        }
        // Last: when a wait for the record ends, the trace has it.
        let record = StoredMessage { message, key };
        self.log.insert(partition, offset, record);
        Ok(())
    }

    /// Ends a run that no member has asked to join by now, unless the machine may be the reason.
    fn handle_join_deadline(&mut self) -> Result<(), ChaosError> {
        if self.unexplained.is_disturbed() {
            let again = self.now() + JOIN_WITHIN;
            self.send_at(again, Event::JoinDeadline, ());
            return Ok(());
        }
        self.members.have_joined()
    }

    /// Returns whether all was produced, no handler is at work, and no process is still stopping:
    /// one that ignores that it was asked to is as calm as any other member.
    fn is_at_rest(&self) -> bool {
        let members = &self.members;
        self.produced && members.sink.is_idle() && !members.processes.is_stopping()
    }

    fn handle_course(&mut self, report: course::Report) -> Result<(), ChaosError> {
        match report {
            course::Report::EndFaults(ended) => {
                self.faults.schedule.handle_healing();
                self.drive_all()?;
                self.ending.push(ended);
            }
            course::Report::Healed(noted) => {
                self.healed = true;
                for member in (0..self.plan.starts.len() as u32).map(MemberId) {
                    if self.faults.schedule.has_joined(member) {
                        self.act_on_process(member, ProcessAct::Restart)?;
                    }
                }
                self.observe(TraceEvent::Healed)?;
                let _ = noted.send(());
            }
            course::Report::AtRest(answer) => {
                let _ = answer.send(self.is_at_rest());
            }
            course::Report::Members(answer) => {
                let _ = answer.send(course::Members {
                    running: self.members.processes.running(),
                    generation: self.members.membership.generation(),
                    wishes: self.wishes(),
                });
            }
            course::Report::Observed(event, noted) => {
                if matches!(event, TraceEvent::Ended { .. }) {
                    // Nothing could be said of such a run, however long the machine let it wait.
                    self.members.have_joined()?;
                }
                self.observe(event)?;
                let _ = noted.send(());
            }
        }
        Ok(())
    }
}
