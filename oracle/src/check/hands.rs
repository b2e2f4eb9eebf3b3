//! The time in which a member could not have handled anything, or not more than it did, through no
//! fault of its own: [`super::stalls`] says what that is.

use super::table::{Id, Table};
use crate::{FaultId, Hindrance, MemberId, RequestKind, Terms};
use plimsoll_core::{Config, Instant};
use std::time::Duration;

/// The members of a run, and what hinders them at the moment.
#[derive(Debug, Default)]
pub(super) struct Hands {
    members: Table<MemberId, Member>,
    /// The faults at the moment, each with the member that it is aimed at.
    faults: Vec<(FaultId, Option<MemberId>)>,
}

/// One member at the moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Member {
    /// The time so far that does not count, but for `busy`.
    pub(super) excused: Duration,
    /// The time so far in which its hands were full.
    pub(super) busy: Duration,
    /// The moment up to which both are counted.
    pub(super) counted_to: Instant,
    /// The moment until which everything settles.
    pub(super) settles: Instant,
    pub(super) paused: bool,
    pub(super) commits: bool,
    /// The number of partitions that it is giving up.
    pub(super) revoking: u32,
    /// The number of faults that are aimed at it, or at no member.
    pub(super) faults: u32,
    pub(super) running: u32,
    /// The largest number of handlers that ran at once.
    pub(super) most: u32,
    /// The moment at which its newest handler began.
    pub(super) started: Instant,
    /// Whether its newest commit failed.
    pub(super) failing: bool,
    /// The moments of the first and the last commit that failed, since one was accepted before.
    pub(super) trouble: (Instant, Instant),
}

impl Hands {
    pub(super) fn clear(&mut self) {
        self.members.clear();
        self.faults.clear();
    }

    /// Returns a member, whose time is counted up to now.
    #[inline]
    pub(super) fn member(&mut self, id: MemberId, now: Instant, config: &Config) -> &mut Member {
        while self.members.get(id).is_none() {
            let everywhere = self.faults.iter().filter(|(_, member)| member.is_none());
            self.members.push(Member {
                faults: everywhere.count() as u32,
                ..Member::default()
            });
        }
        let member = self.members.row_mut(id);
        member.count_to(now, config);
        member
    }

    /// Takes in that everything settles for a while, for one member or all.
    pub(super) fn settle(&mut self, member: Option<MemberId>, now: Instant, terms: &Terms) {
        let until = now + terms.settling;
        for id in self.hit_by(member) {
            let member = self.member(id, now, &terms.config);
            member.settles = member.settles.max(until);
        }
    }

    pub(super) fn fault_began(
        &mut self,
        (id, member): (FaultId, Option<MemberId>),
        now: Instant,
        terms: &Terms,
    ) {
        let fault = terms.fault(id);
        if fault.is_some_and(|fault| fault.request == Some(RequestKind::OffsetCommit)) {
            return;
        }
        match fault.map_or(Hindrance::AtOnce, |fault| fault.hindrance) {
            Hindrance::Never => {}
            Hindrance::AtOnce => self.settle(member, now, terms),
            Hindrance::WhileItLasts => {
                for hit in self.hit_by(member) {
                    self.member(hit, now, &terms.config).faults += 1;
                }
                self.faults.push((id, member));
            }
        }
    }

    pub(super) fn fault_ended(&mut self, id: FaultId, now: Instant, terms: &Terms) {
        let index = self.faults.iter().position(|(fault, _)| *fault == id);
        let Some((_, member)) = index.map(|index| self.faults.swap_remove(index)) else {
            return;
        };
        for hit in self.hit_by(member) {
            let member = self.member(hit, now, &terms.config);
            member.faults = member.faults.saturating_sub(1);
        }
        self.settle(member, now, terms);
    }

    /// Ends all faults.
    pub(super) fn healed(&mut self, now: Instant, terms: &Terms) {
        while let Some(&(fault, _)) = self.faults.last() {
            self.fault_ended(fault, now, terms);
        }
        self.settle(None, now, terms);
    }

    /// Returns the members that a fault hits: the one that it is aimed at, or all.
    fn hit_by(&self, member: Option<MemberId>) -> impl Iterator<Item = MemberId> + use<> {
        let all = match member {
            Some(member) => member.index()..member.index() + 1,
            None => 0..self.members.len(),
        };
        all.map(MemberId::from_index)
    }
}

impl Member {
    /// Takes in that a commit failed.
    pub(super) fn commit_failed(&mut self, now: Instant) {
        self.commits = false;
        if !std::mem::replace(&mut self.failing, true) {
            self.trouble.0 = now;
        }
        self.trouble.1 = now;
    }

    /// Takes in that a commit was accepted.
    #[inline]
    pub(super) fn commit_accepted(&mut self) {
        self.commits = false;
        self.failing = false;
    }

    /// Forgets what the process before did: it is over.
    pub(super) fn restart(&mut self) {
        *self = Self {
            excused: self.excused,
            busy: self.busy,
            counted_to: self.counted_to,
            settles: self.settles,
            faults: self.faults,
            ..Self::default()
        };
    }

    /// Counts the time up to now that does not count.
    #[inline]
    fn count_to(&mut self, now: Instant, config: &Config) {
        let hands = (self.most as usize).min(config.max_in_flight);
        if self.running as usize >= hands.max(1) {
            let until = deadline(config, self.started).min(now);
            self.busy += until.saturating_since(self.counted_to);
        }
        let is_excused = self.paused || self.commits || self.revoking > 0 || self.faults > 0;
        let until = match is_excused {
            true => now,
            false => self.settles.min(now),
        };
        self.excused += until.saturating_since(self.counted_to);
        self.counted_to = now;
    }
}

/// Returns the moment by which a handler that began at `started` must have ended.
pub(super) fn deadline(config: &Config, started: Instant) -> Instant {
    let longest = config.handler_deadline;
    longest.map_or(Instant::FAR_FUTURE, |longest| started + longest)
}
