//! What no fault of the plan explains: commits that wait long for their answer, and members that
//! the group drops. The machine may have done that, and not the subject.

use crate::per_member::PerMember;
use crate::proxy::Seen;
use crate::refusal;
use crate::stalls::Stalls;
use plimsoll_core::Instant;
use plimsoll_oracle::{FaultId, Hindrance, MemberId, RequestKind, TraceEvent};
use plimsoll_scenarios::Plan;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Kafka's UNKNOWN_MEMBER_ID: the group has dropped the member.
const UNKNOWN_MEMBER_ID: i16 = 25;

/// What passes between members and brokers, beside the faults of the plan.
#[derive(Debug)]
pub(super) struct Unexplained {
    stalls: Stalls,
    members: PerMember<Member>,
    /// The faults that go on for a while.
    lasting: BTreeSet<FaultId>,
    /// Those among them that go on now.
    active: BTreeSet<FaultId>,
    /// The moment until which the last fault, or the last death, explains what happens.
    settles: Instant,
    settling: Duration,
    /// Whether the plan breaks brokers, so that it may explain anything.
    breaks_brokers: bool,
}

#[derive(Clone, Debug, Default)]
struct Member {
    /// The moments at which its unanswered commits were sent.
    commits: VecDeque<Instant>,
    /// Whether it is in the group, and was not asked to join it again.
    is_settled: bool,
    /// The session timeout that it asked for.
    session: Duration,
}

impl Unexplained {
    pub(super) fn new(plan: &Plan, stalls: Stalls) -> Self {
        let terms = plan.terms();
        let faults = terms.faults.iter();
        let lasting = faults.filter(|fault| fault.hindrance == Hindrance::WhileItLasts);
        Self {
            stalls,
            members: PerMember::new(plan.starts.len(), |_| Member::default()),
            lasting: lasting.map(|fault| fault.id).collect(),
            active: BTreeSet::new(),
            settles: Instant::ZERO,
            settling: terms.settling,
            breaks_brokers: refusal::breaks_brokers(plan),
        }
    }

    /// Returns whether anything has disturbed the run.
    pub(super) fn is_disturbed(&self) -> bool {
        self.stalls.told().is_some()
    }

    /// Takes in an entry of the trace.
    pub(super) fn observe(&mut self, now: Instant, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::FaultBegan { fault, .. } if self.lasting.contains(&fault) => {
                self.active.insert(fault);
            }
            E::FaultEnded { fault } => {
                self.active.remove(&fault);
            }
            E::MemberCrashed { member }
            | E::MemberStopped { member }
            | E::MemberExited { member, .. }
            | E::MemberStarted { member } => self.members[member] = Member::default(),
            E::MemberPaused { member } => self.members[member].is_settled = false,
            E::FaultBegan { .. }
            | E::MemberResumed { .. }
            | E::MemberStopping { .. }
            | E::ResponseLost { .. }
            | E::CoordinatorChanged { .. }
            | E::Healed => {}
            _ => return,
        }
        self.settles = now + self.settling;
    }

    /// Takes in what passed between a member and a broker.
    pub(super) fn see(&mut self, now: Instant, id: MemberId, seen: &Seen) {
        let member = &mut self.members[id];
        match seen {
            Seen::CommitSent { .. } => member.commits.push_back(now),
            Seen::CommitAnswered { .. } | Seen::CommitUnanswered => {
                if let Some(sent) = member.commits.pop_front()
                    && self.is_calm(sent)
                {
                    self.stalls
                        .note(now - sent, "a commit waited for its answer for");
                }
            }
            Seen::Joining { wishes, .. } => {
                member.session = wishes.session_timeout;
                member.is_settled = false;
            }
            Seen::Synced { .. } => member.is_settled = true,
            Seen::RebalanceAsked | Seen::Left => member.is_settled = false,
            Seen::Fenced {
                request: RequestKind::Heartbeat | RequestKind::OffsetCommit,
                error: UNKNOWN_MEMBER_ID,
            } => {
                let was_settled = std::mem::replace(&mut member.is_settled, false);
                let since = Instant::ZERO + now.since_start().saturating_sub(member.session);
                let session = member.session;
                if was_settled && self.is_calm(since) {
                    let what = "without a fault, the group dropped a member after its session of";
                    self.stalls.note(session, what);
                }
            }
            _ => {}
        }
    }

    /// Returns whether nothing that the plan does explains what happens since a moment.
    fn is_calm(&self, since: Instant) -> bool {
        !self.breaks_brokers && self.active.is_empty() && self.settles <= since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::Wishes;
    use crate::testing::plan;

    const A: MemberId = MemberId(0);

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1_000)
    }

    fn unexplained(faults: &str) -> Unexplained {
        let mut unexplained = Unexplained::new(&plan(1, faults, ""), Stalls::default());
        let wishes = Wishes {
            session_timeout: Duration::from_secs(6),
            is_static: false,
        };
        let owned = Vec::new();
        unexplained.see(at(1), A, &Seen::Joining { owned, wishes });
        let partitions = Vec::new();
        unexplained.see(at(2), A, &Seen::Synced { partitions });
        unexplained
    }

    fn dropped() -> Seen {
        Seen::Fenced {
            request: RequestKind::Heartbeat,
            error: UNKNOWN_MEMBER_ID,
        }
    }

    #[test]
    fn a_commit_that_waits_without_a_fault_disturbs_the_run() {
        let mut unexplained = unexplained("");
        let sent = Seen::CommitSent { broker: 0 };
        unexplained.see(at(40), A, &sent);
        unexplained.see(at(40), A, &Seen::CommitUnanswered);
        assert_eq!(unexplained.stalls.told(), None);
        unexplained.see(at(41), A, &sent);
        unexplained.see(at(44), A, &Seen::CommitUnanswered);
        let told = unexplained.stalls.told();
        assert_eq!(
            told.as_deref(),
            Some("a commit waited for its answer for 3.0s")
        );
    }

    #[test]
    fn a_member_that_is_dropped_without_a_fault_disturbs_the_run() {
        let mut unexplained = unexplained("");
        unexplained.see(at(60), A, &dropped());
        let told = unexplained.stalls.told().expect("it is noticed");
        assert!(told.ends_with("its session of 6.0s"), "{told}");
    }

    #[test]
    fn what_a_fault_or_the_member_itself_explains_disturbs_nothing() {
        let cut_off = r#"{ at = "30s", do = "partition", member = "consumer-1", for = "15s" }"#;
        let mut faulty = unexplained(cut_off);
        let fault = *faulty.lasting.first().expect("there is one");
        let began = TraceEvent::FaultBegan {
            fault,
            member: Some(A),
            broker: None,
        };
        faulty.observe(at(30), &began);
        faulty.see(at(40), A, &dropped());
        faulty.observe(at(45), &TraceEvent::FaultEnded { fault });
        faulty.see(at(46), A, &dropped());
        assert_eq!(faulty.stalls.told(), None);
        // It was asked to join again, and did not.
        let mut slow = unexplained("");
        slow.see(at(40), A, &Seen::RebalanceAsked);
        slow.see(at(101), A, &dropped());
        assert_eq!(slow.stalls.told(), None);
    }
}
