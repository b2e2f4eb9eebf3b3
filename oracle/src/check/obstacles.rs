//! When a member could not have committed, through no fault of its own.
//!
//! Counted generously, because a correct consumer must never be convicted for what the cluster did
//! to it: a fault on brokers or the network hinders all members, from its beginning until a while
//! after its end (a request timeout and a heartbeat, in which clients find their coordinator
//! again); a member that stands still is hindered alone; so is one with a commit that was refused,
//! lost, or in flight for long.

use super::table::Table;
use crate::{Entry, FaultId, Hindrance, MemberId, Terms, Trace, TraceEvent};
use plimsoll_core::Instant;
use std::time::Duration;

/// The time in flight beyond which a commit hinders the next one.
const LONG_COMMIT: Duration = Duration::from_secs(1);

/// The spans of one run in which commits were hindered; memory is kept from one run to the next.
#[derive(Debug, Default)]
pub(super) struct Obstacles {
    members: Table<MemberId, Member>,
    /// Spans in which the cluster hindered all members.
    cluster: Vec<Span>,
    /// The faults that hinder all members at the moment, each with its beginning.
    faults: Vec<(FaultId, Instant)>,
}

/// The first and the last moment of a span; both count as hindered.
type Span = (Instant, Instant);

/// What hindered one member. The spans are sorted and apart from each other, once read.
#[derive(Debug, Default)]
struct Member {
    now: Situation,
    hindered: Vec<Span>,
    /// Spans in which it was hindered, or was giving partitions up.
    busy: Vec<Span>,
}

/// What a member is in the middle of.
#[derive(Clone, Copy, Debug, Default)]
struct Situation {
    /// The moment when its newest commit was sent.
    sent: Option<Instant>,
    /// Whether that commit was neither accepted nor refused so far.
    in_flight: bool,
    /// The moment since which it stands still.
    paused: Option<Instant>,
    /// The moment since which it gives partitions up.
    revoking: Option<Instant>,
}

impl Obstacles {
    /// Forgets the run before, and reads this one.
    pub(super) fn read(&mut self, terms: &Terms, trace: &Trace) {
        self.clear();
        for Entry { at, event } in trace.entries() {
            self.observe(terms, *at, event);
        }
        let faults = self.faults.drain(..);
        self.cluster
            .extend(faults.map(|(_, began)| (began, Instant::FAR_FUTURE)));
        merge(&mut self.cluster);
        for member in self.members.iter_mut() {
            member.end(&self.cluster);
        }
    }

    /// Returns the longest time from `from` to `to` in which nothing hindered the member, and it
    /// was not giving partitions up: then it waits for handlers, and may commit nothing else
    /// meanwhile.
    pub(super) fn longest_free(&self, member: MemberId, from: Instant, to: Instant) -> Duration {
        let mut free_since = from;
        let mut longest = Duration::ZERO;
        let busy = self.members.get(member).map(|member| &member.busy);
        for &(begin, end) in busy.unwrap_or(&self.cluster) {
            if begin >= to {
                break;
            }
            longest = longest.max(begin - free_since);
            free_since = free_since.max(end);
        }
        longest.max(to - free_since)
    }

    /// Returns whether something hindered the member at any moment from `from` to `to`.
    pub(super) fn hinder(&self, member: MemberId, from: Instant, to: Instant) -> bool {
        let hindered = self.members.get(member).map(|member| &member.hindered);
        let mut spans = hindered.unwrap_or(&self.cluster).iter();
        spans.any(|&(begin, end)| begin <= to && from <= end)
    }

    fn clear(&mut self) {
        self.cluster.clear();
        self.faults.clear();
        for member in self.members.iter_mut() {
            member.now = Situation::default();
            member.hindered.clear();
            member.busy.clear();
        }
    }

    fn observe(&mut self, terms: &Terms, at: Instant, event: &TraceEvent) {
        use TraceEvent as E;
        let settling = terms.settling;
        match *event {
            E::FaultBegan { fault, .. } => match hindrance(terms, fault) {
                Hindrance::Never => {}
                Hindrance::AtOnce => self.cluster.push((at, at + settling)),
                Hindrance::WhileItLasts => self.faults.push((fault, at)),
            },
            E::FaultEnded { fault } => {
                if let Some(index) = self.faults.iter().position(|(id, _)| *id == fault) {
                    let (_, began) = self.faults.swap_remove(index);
                    self.cluster.push((began, at + settling));
                }
            }
            E::Healed => {
                let healed = self.faults.drain(..);
                self.cluster
                    .extend(healed.map(|(_, began)| (began, at + settling)));
            }
            E::CoordinatorChanged { .. } => self.cluster.push((at, at + settling)),
            E::CommitSent { member } => self.members.row_mut(member).sent(at),
            E::Committed { member, .. } => self.members.row_mut(member).accepted(at),
            E::CommitRefused { member, .. } | E::CommitUnknown { member } => {
                self.members.row_mut(member).refused(at);
            }
            E::ResponseLost { member, .. } => {
                let member = self.members.row_mut(member);
                member.hindered.push((at, at + settling));
            }
            E::MemberPaused { member } => self.members.row_mut(member).now.paused = Some(at),
            E::MemberResumed { member } => {
                let member = self.members.row_mut(member);
                let paused = member.now.paused.take();
                let hindered = paused.map(|since| (since, at + settling));
                member.hindered.extend(hindered);
            }
            E::Revoked { member, .. } => {
                let now = &mut self.members.row_mut(member).now;
                now.revoking = now.revoking.or(Some(at));
            }
            E::Released { member, .. } | E::Assigned { member, .. } | E::Lost { member, .. } => {
                let member = self.members.row_mut(member);
                let revoking = member.now.revoking.take();
                member.busy.extend(revoking.map(|since| (since, at)));
            }
            E::MemberCrashed { member }
            | E::MemberStopped { member }
            | E::MemberExited { member, .. } => {
                let member = self.members.row_mut(member);
                let was = std::mem::take(&mut member.now);
                member.hindered.extend(was.hindered_until(at));
            }
            _ => {}
        }
    }
}

impl Member {
    fn sent(&mut self, at: Instant) {
        self.now.sent = Some(at);
        self.now.in_flight = true;
    }

    fn accepted(&mut self, at: Instant) {
        if std::mem::take(&mut self.now.in_flight) {
            let slow = self.now.sent.filter(|sent| at - *sent > LONG_COMMIT);
            self.hindered.extend(slow.map(|sent| (sent, at)));
        }
    }

    fn refused(&mut self, at: Instant) {
        self.now.in_flight = false;
        self.hindered.push((self.now.sent.unwrap_or(at), at));
    }

    /// Closes what was still open when the run ended, and adds the spans of the cluster.
    fn end(&mut self, cluster: &[Span]) {
        let open = self.now.hindered_until(Instant::FAR_FUTURE);
        self.hindered.extend(open);
        self.hindered.extend_from_slice(cluster);
        merge(&mut self.hindered);
        let revoking = self.now.revoking;
        self.busy
            .extend(revoking.map(|since| (since, Instant::FAR_FUTURE)));
        self.busy.extend_from_slice(&self.hindered);
        merge(&mut self.busy);
    }
}

impl Situation {
    /// Returns the spans in which the member waited for its commit, or stood still, as of `now`.
    fn hindered_until(self, now: Instant) -> impl Iterator<Item = Span> {
        let open = [self.sent.filter(|_| self.in_flight), self.paused];
        open.into_iter().flatten().map(move |since| (since, now))
    }
}

/// Returns when a fault hinders commits; an unknown fault does at the moment when it happens.
fn hindrance(terms: &Terms, id: FaultId) -> Hindrance {
    terms
        .fault(id)
        .map_or(Hindrance::AtOnce, |fault| fault.hindrance)
}

/// Sorts spans, and joins those that touch.
fn merge(spans: &mut Vec<Span>) {
    spans.sort_unstable();
    spans.dedup_by(|next, last| {
        let touch = next.0 <= last.1;
        if touch {
            last.1 = last.1.max(next.1);
        }
        touch
    });
}
