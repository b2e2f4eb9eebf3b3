//! The steps of faults, which the world carries.

use super::{Event, World};
use crate::error::ChaosError;
use crate::faults::{self, ProcessAct, Rest, Work};
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::schedule::{Act, Done, FaultIndex, ProcessId, Step, Target};

/// The steps of faults.
impl World {
    pub(super) fn drive_all(&mut self) -> Result<(), ChaosError> {
        let mut faults = self.faults.schedule.faults();
        faults.try_for_each(|fault| self.drive(fault))
    }

    /// Does what is to be done for a fault.
    pub(super) fn drive(&mut self, fault: FaultIndex) -> Result<(), ChaosError> {
        loop {
            let (now, faults) = (self.now(), &mut self.faults);
            match faults.next_step(now, fault, &self.members, &self.leaders) {
                None => return Ok(()),
                Some(Step::Observe(event)) => self.observe(event)?,
                Some(Step::Act(act, target)) => self.act(fault, act, target)?,
                Some(Step::Restart(ProcessId::Member(member))) => {
                    self.act_on_process(member, ProcessAct::Stop)?;
                    self.act_on_process(member, ProcessAct::Restart)?;
                    self.faults.awaits(fault, member);
                }
                Some(Step::Restart(ProcessId::Broker(broker))) => {
                    self.work(fault, Work::Restart(broker.0));
                }
                Some(Step::WakeAt(at)) => self.send_at(at, Event::Timer, fault),
            }
        }
    }

    /// Does a fault, or undoes it. Its next step follows when that is done.
    fn act(&mut self, fault: FaultIndex, act: Act, target: Target) -> Result<(), ChaosError> {
        let (what, sink) = (fault.of(&self.plan), &mut self.members.sink);
        let done = match faults::act(what, act, target, sink, &self.proxy)? {
            Rest::Nothing(done) => done,
            Rest::Process(member, act) => {
                let changes = self.members.can(member, act);
                self.act_on_process(member, act)?;
                Done::from(changes)
            }
            Rest::Finish(done, finished) => {
                let mut finished = finished.into_iter();
                finished.try_for_each(|finished| self.finish(finished))?;
                done
            }
            Rest::Beside(work) => {
                self.work(fault, work);
                return Ok(());
            }
        };
        self.faults.schedule.handle_done(fault, done);
        Ok(())
    }

    pub(super) fn act_on_process(
        &mut self,
        member: MemberId,
        act: ProcessAct,
    ) -> Result<(), ChaosError> {
        let now = self.now();
        match act {
            ProcessAct::Crash => {
                let events = self.members.crash(member);
                self.observe_all(events)
            }
            ProcessAct::Resume => {
                let events = self.members.resume(now, member);
                self.observe_all(events)
            }
            ProcessAct::Stop => {
                let event = self.members.stop(member);
                self.observe_all(event)
            }
            ProcessAct::Pause => {
                let event = self.members.pause(member);
                self.observe_all(event)
            }
            ProcessAct::Start => {
                let event = self.members.try_start(member);
                self.observe_all(event)
            }
            ProcessAct::Restart => {
                let event = self.members.restart(member);
                self.observe_all(event)
            }
        }
    }

    /// Does something for a fault beside the run, which reports when it is done.
    fn work(&mut self, fault: FaultIndex, work: Work) {
        if let Some(broker) = work.takes_down() {
            self.faults.goes_down(broker);
        }
        let brokers = self.brokers.clone();
        self.tasks.spawn(brokers.carry_out(fault, work));
    }

    /// Takes in that what was done for a fault is done.
    pub(super) fn done(&mut self, fault: FaultIndex, done: Done) -> Result<(), ChaosError> {
        self.faults.schedule.handle_done(fault, done);
        self.drive(fault)
    }

    /// Lets go on what waits for processes that are back, and for the end of all faults.
    pub(super) fn settle(&mut self) -> Result<(), ChaosError> {
        while let Some(fault) = self.faults.is_back(&self.members) {
            self.done(fault, Done::Changed)?;
        }
        if self.faults.schedule.is_over() {
            for ended in self.ending.drain(..) {
                let _ = ended.send(());
            }
        }
        Ok(())
    }
}
