//! When commits were hindered.

use super::{script, terms};
use crate::check::obstacles::Obstacles;
use crate::{MemberId, RequestKind, TraceEvent};
use plimsoll_core::Instant;
use std::time::Duration;

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

#[test]
fn the_settling_time_leaves_out_what_hindered_the_member() {
    let trace = script::trace("@4\nfault 1 begins at B\n@6\nfault 1 ends\n@40\nB starts");
    let mut obstacles = Obstacles::default();
    obstacles.read(&terms(&[]), &trace);
    let settled_before = |member, at| {
        let at = Instant::from_millis(at);
        obstacles.settled_before(MemberId(member), at, Duration::from_secs(5))
    };
    // The fault hinders the member from 4.001 s to 19.001 s.
    assert_eq!(settled_before(0, 10_000), Instant::from_millis(5_000));
    assert_eq!(settled_before(1, 30_000), Instant::from_millis(25_000));
    assert_eq!(settled_before(1, 21_001), Instant::from_millis(1_001));
    assert_eq!(settled_before(1, 10_000), Instant::ZERO);
}
