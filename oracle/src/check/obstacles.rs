//! When a member could not have committed, through no fault of its own.
//!
//! Counted generously, because a correct consumer must never be convicted for what the cluster did
//! to it. A fault hinders from its beginning until a while after its end (a request timeout and a
//! heartbeat, in which clients find their coordinator again): the member that it hit, or else all
//! members, whichever broker it hit: a commit waits for the replicas of the coordinator too. A
//! member that stands still is hindered; so is one with a commit that is in flight for long.
//!
//! A commit that is refused, or gets no answer, is told apart: a right consumer may wait for its
//! next one then, where a fault or a rebalance explains it, or it is one of the first three in a
//! row.

use super::in_flight::{InFlight, LONG_COMMIT};
use super::table::Table;
use crate::{Entry, ErrorName, FaultId, Hindrance, MemberId, Terms, Trace, TraceEvent};
use plimsoll_core::Instant;
use std::time::Duration;

/// The number of refusals in a row, with nothing to explain them, after which a member may wait for
/// its next commit.
const FREE_REFUSALS: u32 = 3;

/// The longest pause of a client after a broken connection (librdkafka's and Java's
/// `reconnect.backoff.max.ms` are 10 s and 1 s): so long it may not reach a coordinator that serves
/// again.
const RECONNECT: Duration = Duration::from_secs(10);

/// The time that a member needs at most to try a refused commit again.
const RETRY: Duration = Duration::from_secs(2);

/// The spans of one run in which commits were hindered; memory is kept from one run to the next.
#[derive(Debug, Default)]
pub(super) struct Obstacles {
    members: Table<MemberId, Member>,
    /// Spans in which the cluster hindered all members.
    cluster: Vec<Span>,
    /// The faults of the moment that may hinder commits.
    faults: Vec<Fault>,
    /// The moments at which partitions or processes of members came or went, in order.
    moves: Vec<(Instant, MemberId)>,
    /// The end of the newest span of the cluster.
    cluster_until: Instant,
}

/// The first and the last moment of a span; both count as hindered.
type Span = (Instant, Instant);

/// A fault that may hinder commits.
#[derive(Clone, Copy, Debug)]
struct Fault {
    id: FaultId,
    member: Option<MemberId>,
    /// The moment since which it hinders.
    since: Instant,
}

/// A commit that was refused, or got no answer.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    at: Instant,
    /// Whether to try again may be in vain: the group had gone on without the member, or it waited
    /// for an answer.
    is_final: bool,
}

/// What hindered one member. The spans are sorted and apart from each other, once read.
#[derive(Debug, Default)]
struct Member {
    now: Situation,
    hindered: Vec<Span>,
    refusals: Vec<Refusal>,
    /// Spans after which its clock begins anew: it was hindered, its commit was refused, or it was
    /// giving partitions up, when it waits for handlers and may commit nothing else.
    busy: Vec<Span>,
    /// Spans in which its clock stands still: refusals too many in a row.
    stopped: Vec<Span>,
}

/// What a member is in the middle of.
#[derive(Debug, Default)]
struct Situation {
    commits: InFlight,
    /// The number of refusals in a row that nothing explains.
    refused: u32,
    /// The end of the newest span in which the member was hindered.
    hindered_until: Instant,
    /// The end of the pause after its newest connection that broke because it was hindered.
    reconnects_by: Instant,
    /// The moment of its newest commit, if that did not reach the coordinator because it was
    /// hindered: its client may keep the commit until it has a connection, and send none before
    /// (`rd_kafka_buf_retry`, `rd_kafka_cgrp_defer_offset_commit`).
    waits: Option<Instant>,
    /// The moment since which it stands still.
    paused: Option<Instant>,
    /// The moment since which it gives partitions up.
    revoking: Option<Instant>,
}

/// What the checkers ask.
impl Obstacles {
    /// Returns the stretches of time from `from` to `to` between the spans after which the member's
    /// clock begins anew.
    pub(super) fn stretches(
        &self,
        member: MemberId,
        from: Instant,
        to: Instant,
    ) -> impl Iterator<Item = Span> {
        let busy = self.members.get(member).map(|member| &member.busy);
        let busy = busy.unwrap_or(&self.cluster).iter().copied();
        let within = busy.skip_while(move |&(_, end)| end < from);
        let within = within.take_while(move |&(begin, _)| begin < to);
        let mut free_since = from;
        within.chain([(to, to)]).map(move |(begin, end)| {
            let stretch = (free_since, begin.max(free_since));
            free_since = end;
            stretch
        })
    }

    /// Returns the time of a stretch in which the member's clock did not stand still.
    pub(super) fn free(&self, member: MemberId, (from, to): Span) -> Duration {
        let stopped = self.members.get(member).map(|member| &member.stopped);
        let within = stopped.into_iter().flatten();
        let stood: Duration = within
            .map(|&(begin, end)| end.min(to) - begin.max(from))
            .sum();
        (to - from).saturating_sub(stood)
    }

    /// Returns whether something hindered the member at any moment from `from` to `to`; a refused
    /// commit is told apart.
    pub(super) fn hinder(&self, member: MemberId, from: Instant, to: Instant) -> bool {
        let mut spans = self.hindered(member).iter();
        spans.any(|&(begin, end)| begin <= to && from <= end)
    }

    /// Returns whether commits of the member were refused from `from` to `to` so that it could do
    /// nothing more until `deadline`: to try again may have been in vain, or it was refused to the
    /// end. One that is refused earlier must be tried again.
    pub(super) fn refused_for_good(
        &self,
        member: MemberId,
        (from, to): Span,
        deadline: Instant,
    ) -> bool {
        let member = self.members.get(member);
        let mut refusals = member.into_iter().flat_map(|member| &member.refusals);
        refusals.any(|refusal| {
            let meanwhile = from <= refusal.at && refusal.at <= to;
            meanwhile && (refusal.is_final || deadline - refusal.at < RETRY)
        })
    }

    /// Returns whether a commit of the member was refused so shortly before a moment that it may
    /// not have tried again.
    pub(super) fn refused_just_before(&self, member: MemberId, at: Instant) -> bool {
        let member = self.members.get(member);
        let mut refusals = member.into_iter().flat_map(|member| &member.refusals);
        refusals.any(|refusal| refusal.at < at && at - refusal.at < RETRY)
    }

    /// Returns whether partitions or processes of other members came or went from `from` to `to`.
    pub(super) fn others_moved(&self, member: MemberId, from: Instant, to: Instant) -> bool {
        let first = self.moves.partition_point(|&(at, _)| at < from);
        let mut moves = self.moves[first..].iter().take_while(|&&(at, _)| at <= to);
        moves.any(|&(_, other)| other != member)
    }

    /// Returns the moment from which the member had `settling` until `at`, time in which it was
    /// hindered not counted.
    pub(super) fn settled_before(
        &self,
        member: MemberId,
        at: Instant,
        settling: Duration,
    ) -> Instant {
        let mut free_until = at;
        let mut left = settling;
        for &(begin, end) in self.hindered(member).iter().rev() {
            if begin >= free_until {
                continue;
            }
            let free = free_until - end;
            if free >= left {
                break;
            }
            left -= free;
            free_until = begin;
        }
        let left = left.as_nanos() as u64;
        Instant::from_nanos(free_until.as_nanos().saturating_sub(left))
    }

    fn hindered(&self, member: MemberId) -> &[Span] {
        let member = self.members.get(member);
        member.map_or(&self.cluster, |member| &member.hindered)
    }
}

/// How they are read.
impl Obstacles {
    /// Forgets the run before, and reads this one.
    pub(super) fn read(&mut self, terms: &Terms, trace: &Trace) {
        self.clear();
        for Entry { at, event } in trace.entries() {
            self.observe(terms, *at, event);
        }
        while let Some(fault) = self.faults.pop() {
            self.end_hindrance(fault, Instant::FAR_FUTURE);
        }
        merge(&mut self.cluster);
        for member in self.members.iter_mut() {
            member.end(&self.cluster);
        }
    }

    fn clear(&mut self) {
        self.cluster.clear();
        self.faults.clear();
        self.moves.clear();
        self.cluster_until = Instant::ZERO;
        for member in self.members.iter_mut() {
            member.now.clear();
            member.hindered.clear();
            member.refusals.clear();
            member.busy.clear();
            member.stopped.clear();
        }
    }

    #[inline]
    fn observe(&mut self, terms: &Terms, at: Instant, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::CommitSent { member } => {
                let member = self.members.row_mut(member);
                member.end_wait(at);
                member.now.commits.send(at);
            }
            E::Committed {
                member, partition, ..
            } => {
                let member = self.members.row_mut(member);
                if let Some(sent) = member.now.commits.accept(at, partition)
                    && at - sent > LONG_COMMIT
                {
                    member.hinder((sent, at));
                }
                member.now.refused = 0;
            }
            E::Stored { .. }
            | E::Acknowledged { .. }
            | E::HandlerStarted { .. }
            | E::Effect { .. } => {}
            _ => self.observe_rare(terms, at, event),
        }
    }

    fn observe_rare(&mut self, terms: &Terms, at: Instant, event: &TraceEvent) {
        use TraceEvent as E;
        let settled = at + terms.settling;
        match *event {
            E::FaultBegan { fault, member, .. } => self.fault_began(terms, at, fault, member),
            E::FaultEnded { fault } => {
                if let Some(index) = self.faults.iter().position(|open| open.id == fault) {
                    let fault = self.faults.swap_remove(index);
                    self.end_hindrance(fault, settled);
                }
            }
            E::Healed => {
                while let Some(fault) = self.faults.pop() {
                    self.end_hindrance(fault, settled);
                }
            }
            E::CoordinatorChanged { .. } => self.hinder_all((at, settled)),
            E::CommitRefused { member, error } => {
                self.refused(terms, at, member, Some(error));
            }
            E::CommitUnknown { member } => self.refused(terms, at, member, None),
            E::ResponseLost { member, .. } => self.members.row_mut(member).hinder((at, settled)),
            E::MemberPaused { member } => self.members.row_mut(member).now.paused = Some(at),
            E::MemberResumed { member } => {
                let member = self.members.row_mut(member);
                if let Some(since) = member.now.paused.take() {
                    member.hinder((since, settled));
                }
            }
            E::Revoked { member, .. } => {
                self.moves.push((at, member));
                let now = &mut self.members.row_mut(member).now;
                now.revoking = now.revoking.or(Some(at));
            }
            E::Released { member, .. } | E::Assigned { member, .. } | E::Lost { member, .. } => {
                self.moves.push((at, member));
                let member = self.members.row_mut(member);
                let revoking = member.now.revoking.take();
                member.busy.extend(revoking.map(|since| (since, at)));
            }
            E::MemberCrashed { member }
            | E::MemberStopped { member }
            | E::MemberExited { member, .. } => {
                self.moves.push((at, member));
                self.members.row_mut(member).close(at);
            }
            E::MemberStarted { member } | E::MemberStopping { member } => {
                self.moves.push((at, member));
            }
            _ => {}
        }
    }

    fn fault_began(&mut self, terms: &Terms, at: Instant, id: FaultId, member: Option<MemberId>) {
        let fault = Fault {
            id,
            member,
            since: at,
        };
        match hindrance(terms, id) {
            Hindrance::Never => {}
            Hindrance::AtOnce => self.end_hindrance(fault, at + terms.settling),
            Hindrance::WhileItLasts => self.faults.push(fault),
        }
    }

    /// Notes until when a fault hinders.
    fn end_hindrance(&mut self, fault: Fault, until: Instant) {
        let span = (fault.since, until);
        match fault.member {
            Some(member) => self.members.row_mut(member).hinder(span),
            None => self.hinder_all(span),
        }
    }

    fn hinder_all(&mut self, span: Span) {
        self.cluster.push(span);
        self.cluster_until = self.cluster_until.max(span.1);
    }

    /// Notes that a commit was refused; without an error, that it got no answer.
    fn refused(&mut self, terms: &Terms, at: Instant, id: MemberId, error: Option<ErrorName>) {
        let mut faults = self.faults.iter();
        let hit = faults.any(|fault| fault.member.is_none_or(|hit| hit == id));
        let moved = self.moves.last().map(|&(at, _)| at + terms.settling);
        let member = self.members.row_mut(id);
        let sent = member.now.commits.refuse(at);
        let now = &mut member.now;
        let hindered_until = self.cluster_until.max(now.hindered_until);
        let explained = hit
            || sent <= hindered_until
            || moved.is_some_and(|until| sent <= until)
            || error.is_some_and(is_unreachable)
                && sent <= now.reconnects_by.max(hindered_until + RECONNECT);
        if explained && error.is_none() {
            now.reconnects_by = at + RECONNECT;
        }
        if explained && error.is_none_or(is_unreachable) {
            now.waits.get_or_insert(at);
        }
        now.refused = if explained { 0 } else { now.refused + 1 };
        match now.refused > FREE_REFUSALS {
            true => member.stopped.push((sent, at)),
            false => member.busy.push((sent, at)),
        }
        member.refusals.push(Refusal {
            at,
            is_final: error.is_none_or(is_fenced),
        });
    }
}

impl Member {
    /// Notes that a client which waited for a coordinator sends a commit, or that its process ends:
    /// until then it was busy, for as long as it may take to connect again.
    #[inline]
    fn end_wait(&mut self, at: Instant) {
        if let Some(since) = self.now.waits.take() {
            self.busy.push((since, at.min(since + RECONNECT)));
        }
    }

    fn hinder(&mut self, span: Span) {
        self.now.hindered_until = self.now.hindered_until.max(span.1);
        self.hindered.push(span);
    }

    /// Closes what is open at a moment: the process has ended, or the run.
    fn close(&mut self, at: Instant) {
        self.end_wait(at);
        let hindered = [self.now.commits.oldest(), self.now.paused];
        let hindered = hindered.into_iter().flatten();
        self.hindered.extend(hindered.map(|since| (since, at)));
        let revoking = self.now.revoking;
        self.busy.extend(revoking.map(|since| (since, at)));
        self.now.clear();
    }

    /// Closes what was still open when the run ended, and adds the spans of the cluster.
    fn end(&mut self, cluster: &[Span]) {
        self.close(Instant::FAR_FUTURE);
        self.hindered.extend_from_slice(cluster);
        merge(&mut self.hindered);
        self.busy.extend_from_slice(&self.hindered);
        merge(&mut self.busy);
        merge(&mut self.stopped);
    }
}

impl Situation {
    fn clear(&mut self) {
        self.commits.clear();
        self.refused = 0;
        self.hindered_until = Instant::ZERO;
        self.reconnects_by = Instant::ZERO;
        self.waits = None;
        self.paused = None;
        self.revoking = None;
    }
}

/// Returns whether an error says that the group is in another generation, or about to be.
fn is_fenced(error: ErrorName) -> bool {
    use ErrorName as E;
    matches!(
        error,
        E::IllegalGeneration | E::UnknownMemberId | E::FencedInstanceId | E::RebalanceInProgress
    )
}

/// Returns whether an error says that the member has no connection with a coordinator.
fn is_unreachable(error: ErrorName) -> bool {
    use ErrorName as E;
    matches!(error, E::CoordinatorNotAvailable | E::NotCoordinator)
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
