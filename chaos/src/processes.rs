//! Members are processes of the operating system: started, killed, stopped, and made to stand
//! still.

use crate::channel::Sender;
use crate::error::ChaosError;
use crate::per_member::PerMember;
use crate::stalls::Stalls;
use crate::starvation;
use crate::stdout::{self, Said};
use crate::subject::Subject;
use plimsoll_core::Instant;
use plimsoll_oracle::MemberId;
use rustix::process::{Pid, Signal, kill_process_group};
use std::process::ExitStatus;
use std::time::Duration;
use tokio::process::Child;
use tokio::task::JoinSet;

/// The pause before a process that ended by itself is started again, once everything is healed.
const SECOND_TRY: Duration = Duration::from_secs(1);

/// What the processes report.
#[derive(Debug)]
pub(crate) enum Report {
    /// A process printed what its group told it.
    Said { member: MemberId, said: Said },
    /// A process ended.
    Ended(Ended),
    /// The pause after the end of a process that ended by itself is over.
    Again { member: MemberId, restart: bool },
}

/// The end of a process.
#[derive(Debug)]
pub(crate) struct Ended {
    pub member: MemberId,
    /// The number of the member's processes until this one.
    start: u32,
    status: Option<ExitStatus>,
}

impl Ended {
    /// Returns the status with which the process ended; `None`: a signal ended it, or the system
    /// did not tell.
    pub(crate) fn status_code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }
}

/// How a process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HowEnded {
    /// Whether it was asked to stop.
    pub asked: bool,
    /// Whether another one is to start.
    pub restart: bool,
}

/// How a process goes on that stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resumed {
    /// Whether it is to stop now.
    pub stops: bool,
}

/// The members' processes.
#[derive(Debug)]
pub(crate) struct Processes {
    subject: Subject,
    slots: PerMember<Slot>,
    reports: Sender<Report>,
    stalls: Stalls,
    /// The tasks that read what processes print, look whether they can run, and wait for their ends.
    tasks: JoinSet<()>,
}

/// One member's process.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The process group, while the process exists.
    pid: Option<Pid>,
    /// The number of processes that were started.
    starts: u32,
    /// Whether the process was asked to stop.
    stopping: bool,
    /// The number of faults that make the process stand still.
    pauses: u32,
    /// The time at which the process last went on after it had stood still.
    resumed: Instant,
    /// Whether the process is to stop as soon as it goes on.
    stop_later: bool,
    /// Whether a process is to start as soon as this one has ended.
    restart: bool,
}

impl Slot {
    /// Empties the slot, but for the number of starts; returns the process group that it held.
    fn end(&mut self) -> Option<Pid> {
        let ended = Self {
            starts: self.starts,
            ..Self::default()
        };
        std::mem::replace(self, ended).pid
    }
}

impl Processes {
    /// Makes `members` slots; no process runs yet.
    pub(crate) fn new(
        subject: Subject,
        members: usize,
        reports: Sender<Report>,
        stalls: Stalls,
    ) -> Self {
        Self {
            subject,
            slots: PerMember::new(members, |_| Slot::default()),
            reports,
            stalls,
            tasks: JoinSet::new(),
        }
    }

    /// Returns whether a member's process exists, whatever it does.
    pub(crate) fn runs(&self, member: MemberId) -> bool {
        self.slots[member].pid.is_some()
    }

    /// Returns whether a process that was to stop and start again has done both.
    pub(crate) fn has_restarted(&self, member: MemberId) -> bool {
        let slot = &self.slots[member];
        slot.pid.is_some() && !slot.stopping && !slot.stop_later && !slot.restart
    }

    /// Returns whether a process was asked to stop and has not ended.
    pub(crate) fn is_stopping(&self) -> bool {
        let mut slots = self.slots.values();
        slots.any(|slot| slot.pid.is_some() && (slot.stopping || slot.stop_later))
    }

    /// Counts the processes that exist.
    pub(crate) fn running(&self) -> usize {
        let mut slots = self.slots.values();
        slots.by_ref().filter(|slot| slot.pid.is_some()).count()
    }

    /// Returns the time at which a member last went on after it had stood still.
    pub(crate) fn resumed_at(&self, member: MemberId) -> Instant {
        self.slots[member].resumed
    }

    /// Starts a member's process, where none runs. Must be called within a runtime.
    ///
    /// # Errors
    /// Where the subject cannot be executed.
    pub(crate) fn start(&mut self, member: MemberId) -> Result<(), ChaosError> {
        let mut child = self.subject.spawn(member)?;
        let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else {
            return Err(ChaosError::Subject(format!("{member} ended at once")));
        };
        let slot = &mut self.slots[member];
        slot.pid = Some(pid);
        slot.starts += 1;
        let start = slot.starts;
        if let Some(stdout) = child.stdout.take() {
            let reports = self.reports.clone();
            let hear = move |said| reports.send(Report::Said { member, said });
            self.tasks.spawn(stdout::read(member, stdout, hear));
        }
        self.tasks
            .spawn(starvation::watch(pid, self.stalls.clone()));
        let reports = self.reports.clone();
        self.tasks.spawn(wait(member, start, child, reports));
        Ok(())
    }

    /// Kills a member's process with SIGKILL. Returns whether there was one.
    pub(crate) fn crash(&mut self, member: MemberId) -> bool {
        let pid = self.slots[member].end();
        signal(pid, Signal::KILL);
        pid.is_some()
    }

    /// Returns whether a member's process runs and was not asked to stop.
    pub(crate) fn is_at_work(&self, member: MemberId) -> bool {
        let slot = &self.slots[member];
        slot.pid.is_some() && !slot.stopping && !slot.stop_later
    }

    /// Asks a member's process to stop, with SIGTERM; one that stands still gets the signal when it
    /// goes on. Returns whether it was asked now.
    pub(crate) fn stop(&mut self, member: MemberId) -> bool {
        let slot = &mut self.slots[member];
        slot.stop_later |= slot.pauses > 0;
        let stops = slot.pauses == 0 && !slot.stopping && slot.pid.is_some();
        if stops {
            slot.stopping = true;
            signal(slot.pid, Signal::TERM);
        }
        stops
    }

    /// Makes a member's process stand still, with SIGSTOP. Returns whether it went on until now.
    pub(crate) fn pause(&mut self, member: MemberId) -> bool {
        let slot = &mut self.slots[member];
        slot.pauses += 1;
        let pauses = slot.pauses == 1 && slot.pid.is_some();
        if pauses {
            signal(slot.pid, Signal::STOP);
        }
        pauses
    }

    /// Takes one pause away, and lets the process go on with SIGCONT once none is left. Returns how
    /// it goes on, where it does.
    pub(crate) fn resume(&mut self, now: Instant, member: MemberId) -> Option<Resumed> {
        let slot = &mut self.slots[member];
        slot.pauses = slot.pauses.checked_sub(1)?;
        let pid = slot.pid.filter(|_| slot.pauses == 0)?;
        slot.resumed = now;
        signal(Some(pid), Signal::CONT);
        Some(Resumed {
            stops: std::mem::take(&mut slot.stop_later),
        })
    }

    /// Makes a process that is still stopping start again as soon as it has ended. Returns whether
    /// one runs.
    pub(crate) fn restart(&mut self, member: MemberId) -> bool {
        let slot = &mut self.slots[member];
        slot.restart = slot.stopping || slot.stop_later;
        slot.pid.is_some()
    }

    /// Takes in the end of a process. `None` where the harness killed it: that was noted then.
    pub(crate) fn handle_ended(&mut self, ended: &Ended) -> Option<HowEnded> {
        let slot = &mut self.slots[ended.member];
        if slot.starts != ended.start || slot.pid.is_none() {
            return None;
        }
        let how = HowEnded {
            asked: slot.stopping,
            restart: slot.restart,
        };
        slot.end();
        Some(how)
    }

    /// Makes the error for a process that ended before it had joined the group.
    pub(crate) fn gave_up(&self, ended: &Ended) -> ChaosError {
        self.subject.gave_up(ended.member, ended.status)
    }

    /// Makes the error for a run in which no member asked to join the group; `hidden` asked for a
    /// group protocol that is hidden.
    pub(crate) fn never_joined(&self, hidden: Option<MemberId>) -> ChaosError {
        let running = self.slots.iter().find(|(_, slot)| slot.pid.is_some());
        let member = running.map_or(MemberId(0), |(member, _)| member);
        self.subject.never_joined(member, hidden)
    }

    /// Reports after a pause that a member whose process ended by itself may start again.
    pub(crate) fn try_again(&mut self, member: MemberId, restart: bool) {
        let reports = self.reports.clone();
        self.tasks.spawn(async move {
            tokio::time::sleep(SECOND_TRY).await;
            reports.send(Report::Again { member, restart });
        });
    }

    /// Kills all processes, and notes nothing: the run is over.
    pub(crate) fn kill_all(&mut self) {
        for slot in self.slots.values_mut() {
            signal(slot.end(), Signal::KILL);
        }
    }

    /// Ends the tasks that look after processes.
    pub(crate) async fn end_tasks(&mut self) {
        self.tasks.shutdown().await;
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Waits for the end of a process, and reports it.
async fn wait(member: MemberId, start: u32, mut child: Child, reports: Sender<Report>) {
    let status = child.wait().await.ok();
    reports.send(Report::Ended(Ended {
        member,
        start,
        status,
    }));
}

/// Sends a signal to a process and all that it started. Where they are gone, it does nothing.
fn signal(process: Option<Pid>, signal: Signal) {
    if let Some(pid) = process {
        let _ = kill_process_group(pid, signal);
    }
}
