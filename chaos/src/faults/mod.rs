//! Faults: carries the steps of the plan's schedule into the world ([`act`]: what they do;
//! [`brokers`]: what takes its time).

mod act;
mod brokers;
#[cfg(test)]
mod tests;

use crate::error::ChaosError;
use crate::lock::lock;
use crate::world::World;
use act::Progress;
pub(crate) use act::impossible;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{BrokerId, MemberId, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::schedule::{FaultIndex, FaultSchedule, ProcessId, Situation, Step};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The time from one look whether a process is back, or every fault is over, to the next.
const LOOK: Duration = Duration::from_millis(20);

/// A plan's faults.
#[derive(Debug)]
pub(crate) struct Faults {
    driven: Mutex<Driven>,
    /// The schedule's `is_waiting`, which every observer reads without the lock.
    waiting: AtomicBool,
    /// The brokers that a fault has killed or stopped and that were not started again.
    down: Mutex<BTreeSet<u32>>,
}

/// The schedule, and the faults whose steps are being taken.
///
/// A fault has one driver at a time: the thread that polls its steps until there are none. Another
/// thread that has something for it leaves the steps to the first, which polls again.
#[derive(Debug)]
struct Driven {
    schedule: FaultSchedule,
    by_some_thread: BTreeSet<FaultIndex>,
}

impl Faults {
    pub(crate) fn new(plan: &Plan) -> Self {
        let schedule = FaultSchedule::new(plan);
        Self {
            waiting: AtomicBool::new(schedule.is_waiting()),
            driven: Mutex::new(Driven {
                schedule,
                by_some_thread: BTreeSet::new(),
            }),
            down: Mutex::default(),
        }
    }

    /// Returns whether a member is to run when everything is healed.
    pub(crate) fn has_joined(&self, member: MemberId) -> bool {
        self.with(|schedule| schedule.has_joined(member))
    }

    /// Returns whether nothing is left to do, to undo or to write into the trace.
    fn are_over(&self) -> bool {
        let driven = lock(&self.driven);
        driven.schedule.is_over() && driven.by_some_thread.is_empty()
    }

    fn with<T>(&self, change: impl FnOnce(&mut FaultSchedule) -> T) -> T {
        let schedule = &mut lock(&self.driven).schedule;
        let result = change(schedule);
        let waiting = schedule.is_waiting();
        self.waiting.store(waiting, Ordering::Relaxed);
        result
    }

    /// Makes the caller the driver of a fault. Returns `false` where the fault has a driver.
    fn claim(&self, fault: FaultIndex) -> bool {
        lock(&self.driven).by_some_thread.insert(fault)
    }

    /// Returns the next step of a fault to its driver, which it no longer is where there is none.
    fn next_step(&self, world: &World, fault: FaultIndex) -> Option<Step> {
        let driven = &mut *lock(&self.driven);
        let step = driven.schedule.poll_step(world.now(), fault, world);
        let waiting = driven.schedule.is_waiting();
        self.waiting.store(waiting, Ordering::Relaxed);
        if step.is_none() {
            driven.by_some_thread.remove(&fault);
        }
        step
    }
}

/// When faults have something to do.
impl World {
    /// Sets the timers of the faults that have a time.
    pub(crate) fn begin_faults(self: &Arc<Self>) {
        self.drive_all_faults();
    }

    /// Shows an observation to the faults that wait for one.
    pub(crate) fn trigger_faults(self: &Arc<Self>, event: &TraceEvent) {
        if !self.faults.waiting.load(Ordering::Relaxed) {
            return;
        }
        for fault in self.faults.with(|schedule| schedule.faults()) {
            let now = self.now();
            let is_due =
                |schedule: &mut FaultSchedule| schedule.handle_observation(now, fault, event);
            if self.faults.with(is_due) {
                self.drive_fault(fault);
            }
        }
    }

    /// Shows the schedule that a handler of the member wrote its effect, before the result reaches
    /// the process.
    pub(crate) fn effect_written(self: &Arc<Self>, member: MemberId) {
        let fault = self.faults.with(|schedule| schedule.handle_effect(member));
        if let Some(fault) = fault {
            self.drive_fault(fault);
        }
    }

    /// Ends all faults: the safety phase is over. Returns when everything is undone.
    pub(crate) async fn end_all_faults(self: &Arc<Self>) {
        self.faults.with(FaultSchedule::handle_healing);
        self.drive_all_faults();
        while !self.faults.are_over() {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn drive_all_faults(self: &Arc<Self>) {
        for fault in self.faults.with(|schedule| schedule.faults()) {
            self.drive_fault(fault);
        }
    }

    /// Does what is to be done for a fault.
    fn drive_fault(self: &Arc<Self>, fault: FaultIndex) {
        if !self.faults.claim(fault) {
            return;
        }
        while let Some(step) = self.faults.next_step(self, fault) {
            match step {
                Step::Observe(event) => self.observe(event),
                Step::Act(act, target) => match self.act(fault, act, target) {
                    Some(Progress::UnderWay) => {}
                    Some(Progress::Done) => {
                        self.faults.with(|schedule| schedule.handle_done(fault));
                    }
                    None => {
                        // A fault that was not done must not count as done.
                        let reason = "a fault lacked the proxy, member or broker that it hits";
                        self.fail(ChaosError::Internal(reason.into()));
                        self.faults.with(|schedule| schedule.handle_done(fault));
                    }
                },
                Step::Restart(process) => self.restart_process(fault, process),
                Step::WakeAt(at) => {
                    let world = self.clone();
                    self.spawn(async move {
                        world.sleep_until(at).await;
                        world.faults.with(|schedule| schedule.handle_timeout(fault));
                        world.drive_fault(fault);
                    });
                }
            }
        }
    }

    /// Stops a process and starts it again; the schedule learns when it is back.
    fn restart_process(self: &Arc<Self>, fault: FaultIndex, process: ProcessId) {
        match process {
            ProcessId::Member(member) => {
                self.stop_member(member);
                self.restart_member(member);
                self.beside(fault, self.clone().member_is_back(member));
            }
            ProcessId::Broker(broker) => {
                self.beside(fault, self.clone().restart_broker(broker.0));
            }
        }
    }
}

impl Situation for World {
    fn member_runs(&self, member: MemberId) -> bool {
        self.processes.runs(member)
    }

    /// Counts a broker that is being stopped as stopped: its container may be gone at any moment.
    fn broker_runs(&self, broker: BrokerId) -> bool {
        !lock(&self.faults.down).contains(&broker.0)
    }

    fn owner(&self, partition: TopicPartition) -> Option<MemberId> {
        self.membership.owner(partition)
    }

    fn busiest(&self) -> Option<MemberId> {
        self.membership.busiest()
    }

    fn leader(&self, partition: TopicPartition) -> Option<BrokerId> {
        self.leaders.leader(partition).map(BrokerId)
    }

    fn coordinator(&self) -> Option<BrokerId> {
        self.leaders.coordinator().map(BrokerId)
    }

    /// Returns `true`: containers start, and replicas catch up.
    fn brokers_take_time(&self) -> bool {
        true
    }
}
