//! When commits were hindered.

use super::{script, terms};
use crate::check::obstacles::Obstacles;
use crate::{MemberId, RequestKind, TraceEvent};
use plimsoll_core::Instant;

#[test]
fn a_lost_response_hinders_a_member_of_which_nothing_else_is_known() {
    let mut trace = script::trace("A sends");
    let (member, request) = (MemberId(2), RequestKind::JoinGroup);
    let at = Instant::from_millis(5_000);
    trace.push(at, TraceEvent::ResponseLost { member, request });
    let mut obstacles = Obstacles::default();
    obstacles.read(&terms(&[]), &trace);
    assert!(obstacles.hinder(member, at, at));
    assert!(!obstacles.hinder(MemberId(1), at, at));
}
