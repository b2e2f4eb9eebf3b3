//! The processes of members: they start, stand still, stop and die.

use super::World;
use crate::gate::Gate;
use crate::member;
use plimsoll::ClientError;
use plimsoll_core::Instant;
use plimsoll_oracle::{MemberId, TraceEvent};
use plimsoll_scenarios::schedule::ProcessId;
use plimsoll_sim::served::kafka_id;
use plimsoll_sim::sink::HandlerId;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// What the system knows of a member's process.
#[derive(Default)]
pub(super) struct Process {
    running: Option<Running>,
    /// The number of pauses of the process that runs, or of the next one.
    pauses: u32,
    /// Whether to start again as soon as it has stopped.
    restart: bool,
    /// The number of all processes that this member has had.
    started: u64,
    /// The handlers whose time was over while it stood still.
    deferred: Vec<HandlerId>,
}

/// A process that runs.
struct Running {
    gate: Gate,
    task: AbortHandle,
    /// Asks it to stop; `None`: it was asked.
    stop: Option<oneshot::Sender<()>>,
    /// Whether it is to be asked to stop when it goes on.
    stops_later: bool,
}

impl Process {
    /// Returns whether it runs, paused or not.
    pub(super) fn runs(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.pauses > 0
    }

    /// Returns whether it was asked to stop, and has not ended.
    fn is_stopping(&self) -> bool {
        let running = self.running.as_ref();
        running.is_some_and(|running| running.stop.is_none())
    }

    /// Returns whether a process that was to stop and start again has done both.
    pub(super) fn has_restarted(&self) -> bool {
        self.runs() && !self.is_stopping() && !self.restart
    }

    /// Keeps a handler whose time is over, until the process goes on.
    pub(super) fn defer(&mut self, handler: HandlerId) {
        self.deferred.push(handler);
    }
}

impl World {
    /// Returns whether this process of a member runs.
    pub(super) fn is_at_work(&self, member: MemberId, process: u64) -> bool {
        let found = &self.processes[member.0 as usize];
        found.runs() && found.started == process
    }

    /// Starts a member that does not run. Returns whether it did not.
    pub(crate) fn start(&mut self, member: MemberId) -> bool {
        let Some(world) = self.shared() else {
            return false;
        };
        let plan = self.plan.clone();
        let process = &mut self.processes[member.0 as usize];
        if process.runs() {
            return false;
        }
        process.restart = false;
        process.started += 1;
        let number = process.started;
        let gate = Gate::default();
        (0..process.pauses).for_each(|_| {
            gate.pause();
        });
        let (stop, stopped) = oneshot::channel();
        let birth = member::Birth {
            member,
            number,
            gate: gate.clone(),
            world,
            plan,
            parts: self.parts,
        };
        process.running = Some(Running {
            task: tokio::spawn(member::live(birth, stopped)).abort_handle(),
            gate,
            stop: Some(stop),
            stops_later: false,
        });
        self.observe(TraceEvent::MemberStarted { member });
        true
    }

    /// Starts a process, now or as soon as the one that is stopping has ended.
    pub(super) fn restart(&mut self, member: MemberId) {
        let process = &mut self.processes[member.0 as usize];
        process.restart = process.runs();
        if !process.restart {
            self.start(member);
        }
    }

    /// Starts a process that does not run; one that is stopping starts again when it has ended.
    pub(super) fn restart_if_down(&mut self, member: MemberId) {
        let process = &self.processes[member.0 as usize];
        if !process.runs() || process.is_stopping() {
            self.restart(member);
        }
    }

    /// Kills a process.
    pub(super) fn crash(&mut self, member: MemberId) {
        let process = &mut self.processes[member.0 as usize];
        let Some(running) = process.running.take() else {
            return;
        };
        // From here on, nothing of it runs; its sockets are closed as its tasks are dropped.
        running.gate.kill();
        running.task.abort();
        self.kill_handlers(member);
        self.observe(TraceEvent::MemberCrashed { member });
        self.gone(member);
    }

    /// Asks a process to stop; one that stands still is asked when it goes on. Returns `false`
    /// where there is none, or it was asked before.
    pub(super) fn stop(&mut self, member: MemberId) -> bool {
        let process = &mut self.processes[member.0 as usize];
        let is_paused = process.is_paused();
        let Some(running) = &mut process.running else {
            return false;
        };
        if is_paused {
            running.stops_later = true;
            return true;
        }
        let Some(stop) = running.stop.take() else {
            return false;
        };
        let _ = stop.send(());
        self.observe(TraceEvent::MemberStopping { member });
        true
    }

    /// Makes a process stand still.
    pub(super) fn pause(&mut self, member: MemberId) {
        let process = &mut self.processes[member.0 as usize];
        process.pauses += 1;
        if let Some(running) = &process.running {
            running.gate.pause();
        }
        if process.pauses == 1 {
            self.observe(TraceEvent::MemberPaused { member });
        }
    }

    /// Lets a process go on, with all that waited for it.
    pub(super) fn resume(&mut self, member: MemberId) {
        let process = &mut self.processes[member.0 as usize];
        if process.pauses == 0 {
            return;
        }
        process.pauses -= 1;
        let mut stops = false;
        if let Some(running) = &mut process.running {
            running.gate.resume();
            stops = std::mem::take(&mut running.stops_later);
        }
        if process.pauses > 0 {
            return;
        }
        let deferred = std::mem::take(&mut process.deferred);
        self.observe(TraceEvent::MemberResumed { member });
        if stops {
            self.stop(member);
        }
        for handler in deferred {
            self.handler_done(handler);
        }
    }

    /// Takes in that a process has ended by itself.
    pub(crate) fn ended(&mut self, member: MemberId, number: u64, how: Result<(), ClientError>) {
        if !self.is_at_work(member, number) {
            return;
        }
        if let Err(error) = &how {
            tracing::error!(%member, %error, "a process ends by itself");
        }
        let process = &mut self.processes[member.0 as usize];
        let was_asked = process.is_stopping();
        if let Some(running) = process.running.take() {
            running.gate.kill();
        }
        self.kill_handlers(member);
        self.observe(match was_asked {
            true => TraceEvent::MemberStopped { member },
            // A simulated process has no status.
            false => TraceEvent::MemberExited {
                member,
                status: None,
            },
        });
        self.gone(member);
    }

    /// Forgets what a process had that is gone, and starts it again where it is to.
    fn gone(&mut self, member: MemberId) {
        for owners in self.owners.values_mut() {
            owners.retain(|owner| *owner != member);
        }
        self.positions.retain(|(of, _), _| *of != member);
        self.refused[member.0 as usize] = None;
        let process = &mut self.processes[member.0 as usize];
        process.pauses = 0;
        process.deferred.clear();
        if std::mem::take(&mut process.restart) {
            self.come_back(ProcessId::Member(member));
        }
    }

    /// Lets a process that is gone be followed by another one, as soon as that can be.
    pub(super) fn come_back(&mut self, process: ProcessId) {
        self.absences += 1;
        let absence = self.plan.absence(process, self.absences);
        self.absent.push((self.now() + absence, process));
    }

    /// Starts the processes that are back by now.
    pub(super) fn start_due(&mut self, now: Instant) {
        while let Some(place) = self.absent.iter().position(|(at, _)| *at <= now) {
            match self.absent.remove(place).1 {
                ProcessId::Member(member) => {
                    self.start(member);
                }
                ProcessId::Broker(broker) => {
                    let at = self.brokers.at(now);
                    // The plan is of this cluster.
                    let _ = self.brokers.cluster.start(at, kafka_id(broker));
                }
            }
        }
    }
}
