//! Rolling restarts: which process comes next, and when the last one is back.

use super::ProcessId;
use plimsoll_oracle::{BrokerId, MemberId};
use std::time::Duration;

/// The time from one process of a rolling restart to the next, where the scenario does not say.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// A rolling restart under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roll {
    processes: Processes,
    count: u32,
    /// The number of the process that comes next; `count` after the last one.
    next: u32,
    /// The number of processes that were stopped and are not back.
    away: u32,
    /// Whether any process was stopped.
    restarted: bool,
    /// Whether the time from the last stop to the next one has not passed.
    pausing: bool,
}

/// Whose processes are restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Processes {
    Members,
    Brokers,
}

/// What comes next in a rolling restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The restart of this process.
    Restart(ProcessId),
    /// The turn of a process that does not run: it is left alone.
    Skip(ProcessId),
    /// Nothing until time has passed or a process is back.
    Wait,
    /// Nothing any more.
    Over,
}

impl Roll {
    pub(super) fn of_members(count: u32) -> Self {
        Self::new(Processes::Members, count)
    }

    pub(super) fn of_brokers(count: u32) -> Self {
        Self::new(Processes::Brokers, count)
    }

    fn new(processes: Processes, count: u32) -> Self {
        Self {
            processes,
            count,
            next: 0,
            away: 0,
            restarted: false,
            pausing: false,
        }
    }

    /// Returns whether the time to the next process has not passed.
    pub(super) fn is_pausing(&self) -> bool {
        self.pausing
    }

    /// Returns whether it has restarted any process.
    pub(super) fn has_restarted(&self) -> bool {
        self.restarted
    }

    /// Takes in that the time from one process to the next has passed.
    pub(super) fn handle_timeout(&mut self) {
        self.pausing = false;
    }

    /// Takes in that a process is back.
    pub(super) fn handle_done(&mut self) {
        self.away = self.away.saturating_sub(1);
    }

    /// Gives up waiting for the processes that are not back.
    pub(super) fn leave_them(&mut self) {
        self.away = 0;
    }

    /// Says what comes next. `stops`: no further process is restarted.
    ///
    /// A broker is not stopped before the one before it is back: two at once would be another
    /// fault. Members are, where one takes longer to stop than the scenario gives it.
    pub(super) fn poll(&mut self, stops: bool, runs: impl FnOnce(ProcessId) -> bool) -> Turn {
        let is_last = stops || self.next == self.count;
        if is_last && self.away == 0 {
            return Turn::Over;
        }
        let overlaps = self.away > 0 && self.processes == Processes::Brokers;
        if is_last || self.pausing || overlaps {
            return Turn::Wait;
        }
        let process = match self.processes {
            Processes::Members => ProcessId::Member(MemberId(self.next)),
            Processes::Brokers => ProcessId::Broker(BrokerId(self.next)),
        };
        self.next += 1;
        self.pausing = self.next < self.count;
        if !runs(process) {
            return Turn::Skip(process);
        }
        self.away += 1;
        self.restarted = true;
        Turn::Restart(process)
    }
}
