//! Members are processes of the operating system: started, killed, stopped, and made to stand
//! still.

use crate::error::ChaosError;
use crate::lock::lock;
use crate::stdout;
use crate::subject::Subject;
use crate::world::World;
use plimsoll_core::Instant;
use plimsoll_oracle::{MemberId, TraceEvent};
use rustix::process::{Pid, Signal, kill_process_group};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::process::Child;

/// The pause before a process that ended by itself is started again, once everything is healed.
const SECOND_TRY: Duration = Duration::from_secs(1);

/// The members' processes.
#[derive(Debug)]
pub(crate) struct Processes {
    subject: Subject,
    slots: Mutex<Vec<Slot>>,
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
    pub(crate) fn new(subject: Subject, members: usize) -> Self {
        Self {
            subject,
            slots: Mutex::new(vec![Slot::default(); members]),
        }
    }

    /// Returns whether a member's process exists, whatever it does.
    pub(crate) fn runs(&self, member: MemberId) -> bool {
        self.slot(member, |slot| slot.pid.is_some())
    }

    /// Returns whether a process that was to stop and start again has done both.
    pub(crate) fn has_restarted(&self, member: MemberId) -> bool {
        self.slot(member, |slot| {
            slot.pid.is_some() && !slot.stopping && !slot.stop_later && !slot.restart
        })
    }

    /// Counts the processes that exist.
    pub(crate) fn running(&self) -> usize {
        let slots = lock(&self.slots);
        slots.iter().filter(|slot| slot.pid.is_some()).count()
    }

    /// Returns the time at which a member last went on after it had stood still.
    pub(crate) fn resumed_at(&self, member: MemberId) -> Instant {
        self.slot(member, |slot| slot.resumed)
    }

    /// Kills all processes, and notes nothing: the run is over.
    pub(crate) fn kill_all(&self) {
        for slot in &mut *lock(&self.slots) {
            if let Some(pid) = slot.end() {
                signal(pid, Signal::KILL);
            }
        }
    }

    fn slot<T>(&self, member: MemberId, change: impl FnOnce(&mut Slot) -> T) -> T {
        change(&mut lock(&self.slots)[member.0 as usize])
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// What is done to processes.
impl World {
    /// Starts a member's process, unless one runs.
    ///
    /// # Errors
    /// Where the subject cannot be executed.
    pub(crate) fn start_member(self: &Arc<Self>, member: MemberId) -> Result<(), ChaosError> {
        if self.processes.runs(member) {
            return Ok(());
        }
        // The caller may be an observer on a thread that has no runtime.
        let _guard = self.enter();
        let mut child = self.processes.subject.spawn(self, member)?;
        let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else {
            return Err(ChaosError::Subject(format!("{member} ended at once")));
        };
        let start = self.processes.slot(member, |slot| {
            slot.pid = Some(pid);
            slot.starts += 1;
            slot.starts
        });
        self.membership.forget(member);
        self.observe(TraceEvent::MemberStarted { member });
        if let Some(stdout) = child.stdout.take() {
            self.spawn(stdout::read(self.clone(), member, stdout));
        }
        self.spawn(wait(self.clone(), member, start, child));
        Ok(())
    }

    /// Starts a member's process as [`World::start_member`] does, but only logs a failure: it is
    /// the subject's, and shows as lag.
    pub(crate) fn try_start_member(self: &Arc<Self>, member: MemberId) {
        if let Err(error) = self.start_member(member) {
            tracing::error!("{error}");
        }
    }

    /// Kills a member's process with SIGKILL.
    pub(crate) fn crash_member(self: &Arc<Self>, member: MemberId) {
        let Some(pid) = self.processes.slot(member, Slot::end) else {
            return;
        };
        // First its effects end, then the process itself; only then may the trace tell of it.
        let stopped = self.sink.kill(member);
        signal(pid, Signal::KILL);
        for event in stopped {
            self.observe(event);
        }
        self.membership.forget(member);
        self.observe(TraceEvent::MemberCrashed { member });
    }

    /// Asks a member's process to stop, with SIGTERM; one that stands still gets the signal when it
    /// goes on.
    pub(crate) fn stop_member(self: &Arc<Self>, member: MemberId) {
        let pid = self.processes.slot(member, |slot| {
            slot.stop_later |= slot.pauses > 0;
            let stops = slot.pauses == 0 && !slot.stopping;
            let pid = slot.pid.filter(|_| stops)?;
            slot.stopping = true;
            Some(pid)
        });
        if let Some(pid) = pid {
            self.observe(TraceEvent::MemberStopping { member });
            signal(pid, Signal::TERM);
        }
    }

    /// Makes a member's process stand still, with SIGSTOP.
    pub(crate) fn pause_member(self: &Arc<Self>, member: MemberId) {
        let pid = self.processes.slot(member, |slot| {
            slot.pauses += 1;
            slot.pid.filter(|_| slot.pauses == 1)
        });
        if let Some(pid) = pid {
            signal(pid, Signal::STOP);
            self.observe(TraceEvent::MemberPaused { member });
        }
    }

    /// Takes one pause away, and lets the process go on with SIGCONT once none is left.
    pub(crate) fn resume_member(self: &Arc<Self>, member: MemberId) {
        let now = self.now();
        let resumed = self.processes.slot(member, |slot| {
            slot.pauses = slot.pauses.checked_sub(1)?;
            let pid = slot.pid.filter(|_| slot.pauses == 0)?;
            slot.resumed = now;
            Some((pid, std::mem::take(&mut slot.stop_later)))
        });
        if let Some((pid, stops)) = resumed {
            self.observe(TraceEvent::MemberResumed { member });
            signal(pid, Signal::CONT);
            if stops {
                self.stop_member(member);
            }
        }
    }

    /// Starts a member's process; one that is still stopping starts again as soon as it has ended.
    pub(crate) fn restart_member(self: &Arc<Self>, member: MemberId) {
        let runs = self.processes.slot(member, |slot| {
            slot.restart = slot.stopping || slot.stop_later;
            slot.pid.is_some()
        });
        if !runs {
            self.try_start_member(member);
        }
    }
}

/// Waits for the end of a process, and notes it unless the harness killed it.
async fn wait(world: Arc<World>, member: MemberId, start: u32, mut child: Child) {
    let status = child.wait().await;
    let ended = world.processes.slot(member, |slot| {
        let current = slot.starts == start && slot.pid.is_some();
        let (asked, restart) = (slot.stopping, slot.restart);
        current.then(|| slot.end()).map(|_| (asked, restart))
    });
    // Killed by the harness: that was noted when it happened.
    let Some((asked, restart)) = ended else {
        return;
    };
    for event in world.sink.kill(member) {
        world.observe(event);
    }
    let has_joined = world.membership.has_joined(member);
    world.membership.forget(member);
    let status = status.ok();
    world.observe(match asked {
        true => TraceEvent::MemberStopped { member },
        // A process that a signal ended has no status of its own.
        false => TraceEvent::MemberExited {
            member,
            status: status.and_then(|status| status.code()),
        },
    });
    if !asked && !has_joined {
        // The process did not even try to join: it is no consumer, or was called the wrong way.
        let error = world.processes.subject.gave_up(member, status);
        return world.fail(error);
    }
    if !asked {
        tokio::time::sleep(SECOND_TRY).await;
    }
    if restart || (!asked && world.is_healed()) {
        world.try_start_member(member);
    }
}

/// Sends a signal to a process and all that it started. Where they are gone, it does nothing.
fn signal(pid: Pid, signal: Signal) {
    let _ = kill_process_group(pid, signal);
}
