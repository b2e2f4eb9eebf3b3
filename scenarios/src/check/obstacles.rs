//! When a member could not have committed, through no fault of its own.
//!
//! Counted generously, because a correct consumer must never be convicted for what the cluster did
//! to it: a fault on brokers or the network hinders everybody, from its beginning until a while
//! after its end (a request timeout and a heartbeat, in which clients find their coordinator
//! again); a standing process is hindered alone; so is a member whose commit was refused, lost, or
//! in flight for long.

use crate::scenario::FaultKind;
use crate::{Entry, FaultId, MemberId, Plan, Trace, TraceEvent};
use plimsoll_core::Instant;
use std::time::Duration;

/// A commit in flight for longer than this hinders the next one.
const LONG_COMMIT: Duration = Duration::from_secs(1);

/// The spans of one run, by member; memory is kept from one run to the next.
#[derive(Debug, Default)]
pub(super) struct Obstacles {
    /// Sorted and apart from each other, once read.
    members: Vec<Vec<Span>>,
    /// The same, and when the member was giving partitions up.
    members_busy: Vec<Vec<Span>>,
    everybody: Vec<Span>,
    faults: Vec<(FaultId, Instant)>,
    states: Vec<State>,
}

/// From when until when; the end counts as hindered.
type Span = (Instant, Instant);

/// What a member is in the middle of.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// When its newest commit was sent.
    sent: Option<Instant>,
    /// Whether that commit was neither accepted nor refused so far.
    in_flight: bool,
    paused: Option<Instant>,
    /// It gives partitions up since then.
    revoking: Option<Instant>,
}

impl Obstacles {
    /// Forgets the run before, and reads this one.
    pub(super) fn read(&mut self, plan: &Plan, trace: &Trace) {
        self.everybody.clear();
        self.faults.clear();
        self.states.clear();
        self.members.iter_mut().for_each(Vec::clear);
        self.members_busy.iter_mut().for_each(Vec::clear);
        let consumers = &plan.settings.consumers;
        let settle = consumers.request_timeout + consumers.heartbeat;
        for &Entry { at, event } in trace.entries() {
            self.observe_cluster(plan, settle, at, event);
            self.observe_member(settle, at, event);
        }
        for (_, began) in self.faults.drain(..) {
            self.everybody.push((began, Instant::FAR_FUTURE));
        }
        for member in 0..self.states.len() {
            let State {
                sent,
                in_flight,
                paused,
                revoking,
            } = self.states[member];
            let open = [sent.filter(|_| in_flight), paused];
            let open = open.into_iter().flatten();
            self.members[member].extend(open.map(|since| (since, Instant::FAR_FUTURE)));
            let revoking = revoking.map(|since| (since, Instant::FAR_FUTURE));
            self.members_busy[member].extend(revoking);
        }
        for (spans, busy) in self.members.iter_mut().zip(&mut self.members_busy) {
            spans.extend_from_slice(&self.everybody);
            merge(spans);
            busy.extend_from_slice(spans);
            merge(busy);
        }
        merge(&mut self.everybody);
    }

    /// The longest time from `from` to `to` in which nothing hindered the member, and it was not
    /// giving partitions up: then it waits for handlers, and may commit nothing else meanwhile.
    pub(super) fn longest_free(&self, member: MemberId, from: Instant, to: Instant) -> Duration {
        let mut free_since = from;
        let mut longest = Duration::ZERO;
        for &(begin, end) in self.of(&self.members_busy, member) {
            if begin >= to {
                break;
            }
            longest = longest.max(begin - free_since);
            free_since = free_since.max(end);
        }
        longest.max(to - free_since)
    }

    /// Whether something hindered the member at any moment from `from` to `to`.
    pub(super) fn hinder(&self, member: MemberId, from: Instant, to: Instant) -> bool {
        let mut spans = self.of(&self.members, member).iter();
        spans.any(|&(begin, end)| begin <= to && from <= end)
    }

    fn of<'a>(&'a self, members: &'a [Vec<Span>], member: MemberId) -> &'a [Span] {
        let spans = members.get(member.0 as usize);
        spans.map_or(&self.everybody, |spans| spans)
    }

    fn observe_cluster(&mut self, plan: &Plan, settle: Duration, at: Instant, event: TraceEvent) {
        match event {
            TraceEvent::FaultBegan { fault, .. } => match reach(plan, fault) {
                Reach::Elsewhere => {}
                Reach::Moment => self.everybody.push((at, at + settle)),
                Reach::Lasting => self.faults.push((fault, at)),
            },
            TraceEvent::FaultEnded { fault } => {
                if let Some(index) = self.faults.iter().position(|(id, _)| *id == fault) {
                    let (_, began) = self.faults.swap_remove(index);
                    self.everybody.push((began, at + settle));
                }
            }
            TraceEvent::Healed => {
                for (_, began) in self.faults.drain(..) {
                    self.everybody.push((began, at + settle));
                }
            }
            TraceEvent::CoordinatorChanged { .. } => self.everybody.push((at, at + settle)),
            _ => {}
        }
    }

    fn observe_member(&mut self, settle: Duration, at: Instant, event: TraceEvent) {
        use TraceEvent as E;
        match event {
            E::CommitSent { member } => {
                let state = self.state(member);
                state.sent = Some(at);
                state.in_flight = true;
            }
            E::Committed { member, .. } => {
                let state = self.state(member);
                if !state.in_flight {
                    return;
                }
                state.in_flight = false;
                if let Some(sent) = state.sent.filter(|sent| at - *sent > LONG_COMMIT) {
                    self.hinder_member(member, sent, at);
                }
            }
            E::CommitRefused { member, .. } | E::CommitUnknown { member } => {
                let state = self.state(member);
                state.in_flight = false;
                let sent = state.sent.unwrap_or(at);
                self.hinder_member(member, sent, at);
            }
            E::ResponseLost { member, .. } => self.hinder_member(member, at, at + settle),
            E::MemberPaused { member } => self.state(member).paused = Some(at),
            E::MemberResumed { member } => {
                if let Some(paused) = self.state(member).paused.take() {
                    self.hinder_member(member, paused, at + settle);
                }
            }
            E::Revoked { member, .. } => {
                let state = self.state(member);
                state.revoking = state.revoking.or(Some(at));
            }
            E::Released { member, .. } | E::Assigned { member, .. } | E::Lost { member, .. } => {
                if let Some(since) = self.state(member).revoking.take() {
                    self.members_busy[member.0 as usize].push((since, at));
                }
            }
            E::MemberCrashed { member } | E::MemberStopped { member } => {
                let state = std::mem::take(self.state(member));
                let open = [state.sent.filter(|_| state.in_flight), state.paused];
                for since in open.into_iter().flatten() {
                    self.hinder_member(member, since, at);
                }
            }
            _ => {}
        }
    }

    fn state(&mut self, member: MemberId) -> &mut State {
        let index = member.0 as usize;
        if self.states.len() <= index {
            self.states.resize(index + 1, State::default());
        }
        if self.members.len() <= index {
            self.members.resize_with(index + 1, Vec::new);
            self.members_busy.resize_with(index + 1, Vec::new);
        }
        &mut self.states[index]
    }

    fn hinder_member(&mut self, member: MemberId, from: Instant, to: Instant) {
        // The first that is seen of a member may be what hinders it.
        self.state(member);
        self.members[member.0 as usize].push((from, to));
    }
}

/// How a fault hinders commits.
enum Reach {
    /// It does not: it hits a process or a handler, which the trace shows otherwise.
    Elsewhere,
    /// It has no duration.
    Moment,
    /// Until it ends.
    Lasting,
}

fn reach(plan: &Plan, id: FaultId) -> Reach {
    use FaultKind as K;
    let Some(fault) = plan.faults.iter().find(|fault| fault.id == id) else {
        return Reach::Moment;
    };
    match &fault.kind {
        K::Crash(_)
        | K::Stop(_)
        | K::Pause(_)
        | K::Slow(..)
        | K::Join(_)
        | K::RollingRestart
        | K::CrashAfterEffect(_)
        | K::HandlerOutage { .. }
        | K::HandlerHang(_)
        | K::Undecodable(_)
        | K::AddPartitions { .. }
        | K::Retention(..) => Reach::Elsewhere,
        K::Cut { .. } | K::LoseResponse(..) | K::LeaderMove(_) | K::CoordinatorMove => {
            Reach::Moment
        }
        K::Partition { .. }
        | K::Isolate(_)
        | K::Delay { .. }
        | K::BrokerCrash(_)
        | K::BrokerStop(_)
        | K::BrokerPause(_)
        | K::RollingBrokerRestart
        | K::Error { .. }
        | K::Throttle(..) => Reach::Lasting,
    }
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
