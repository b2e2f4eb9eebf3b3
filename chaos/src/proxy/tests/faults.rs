//! What faults do to connections, and what is seen of it.

use super::observing::{assignment, commit, commit_answered, commit_response};
use super::*;
use kafka_protocol::messages::{
    HeartbeatRequest, HeartbeatResponse, OffsetCommitResponse, SyncGroupRequest, SyncGroupResponse,
};
use plimsoll_oracle::RequestKind;
use plimsoll_scenarios::scenario::Direction;
use std::time::Instant;

const SENT: Seen = Seen::CommitSent { broker: 0 };

/// Sends a heartbeat and has it answered: the connection is all right.
async fn beat(rig: &mut Rig, client: &mut Client) {
    client.send(&HeartbeatRequest::default(), 4).await;
    let arrived = rig.broker.request().await;
    arrived.answer(&HeartbeatResponse::default());
    let _: HeartbeatResponse = client.receive(4).await;
}

#[tokio::test]
async fn blocked_requests_are_seen_and_held_and_arrive_in_order() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    beat(&mut rig, &mut client).await;
    done(rig.proxy.block(MEMBER, Some(0), Direction::Requests));
    client.send(&commit(), 9).await;
    client.send(&HeartbeatRequest::default(), 4).await;
    assert_eq!(rig.watcher.saw(1).await, [SENT]);
    rig.broker.hears_nothing().await;
    done(rig.proxy.unblock(MEMBER, Some(0), Direction::Requests));
    rig.broker.request().await.answer(&commit_response([0, 0]));
    let second = rig.broker.request().await;
    second.answer(&HeartbeatResponse::default());
    let _: OffsetCommitResponse = client.receive(9).await;
    let _: HeartbeatResponse = client.receive(4).await;
}

#[tokio::test]
async fn blocked_responses_are_held_but_what_the_broker_did_is_seen() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    beat(&mut rig, &mut client).await;
    done(rig.proxy.block(MEMBER, None, Direction::Responses));
    client.send(&commit(), 9).await;
    client.send(&SyncGroupRequest::default(), 5).await;
    rig.broker.request().await.answer(&commit_response([0, 0]));
    rig.broker.request().await.answer(&assignment(&[0]));
    client.hears_nothing().await;
    // The broker did both; the member knows of neither.
    assert_eq!(rig.watcher.seen(), [SENT, commit_answered([0, 0])]);
    done(rig.proxy.unblock(MEMBER, None, Direction::Responses));
    let _: OffsetCommitResponse = client.receive(9).await;
    let _: SyncGroupResponse = client.receive(5).await;
    assert!(matches!(rig.watcher.seen()[2..], [Seen::Synced { .. }]));
}

#[tokio::test]
async fn blocks_add_up_and_each_way_is_its_own() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    done(rig.proxy.block(MEMBER, None, Direction::Both));
    done(rig.proxy.block(MEMBER, None, Direction::Requests));
    done(rig.proxy.unblock(MEMBER, None, Direction::Both));
    client.send(&HeartbeatRequest::default(), 4).await;
    rig.broker.hears_nothing().await;
    done(rig.proxy.unblock(MEMBER, None, Direction::Requests));
    // One call of `unblock` too many changes nothing.
    done(rig.proxy.unblock(MEMBER, None, Direction::Requests));
    let arrived = rig.broker.request().await;
    arrived.answer(&HeartbeatResponse::default());
    let _: HeartbeatResponse = client.receive(4).await;
    done(rig.proxy.block(MEMBER, None, Direction::Requests));
    client.send(&HeartbeatRequest::default(), 4).await;
    rig.broker.hears_nothing().await;
}

#[tokio::test]
async fn only_the_link_that_is_named_is_blocked() {
    let mut rig = Rig::start().await;
    done(rig.proxy.block(MemberId(1), None, Direction::Both));
    let unknown = rig.proxy.block(MEMBER, Some(7), Direction::Both);
    assert!(
        matches!(unknown, Err(ChaosError::Scenario(_))),
        "{unknown:?}"
    );
    let mut client = rig.client().await;
    beat(&mut rig, &mut client).await;
}

#[tokio::test]
async fn a_new_connection_through_a_blocked_link_is_held() {
    let mut rig = Rig::start().await;
    done(rig.proxy.block(MEMBER, None, Direction::Both));
    let mut client = rig.client().await;
    client.send(&HeartbeatRequest::default(), 4).await;
    let connected = tokio::time::timeout(A_WHILE, rig.broker.next()).await;
    assert!(connected.is_err(), "the broker saw a connection");
    done(rig.proxy.unblock(MEMBER, None, Direction::Both));
    let arrived = rig.broker.request().await;
    arrived.answer(&HeartbeatResponse::default());
    let _: HeartbeatResponse = client.receive(4).await;
}

#[tokio::test]
async fn what_is_held_when_its_member_closes_arrives_after_the_block() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    beat(&mut rig, &mut client).await;
    done(rig.proxy.block(MEMBER, None, Direction::Requests));
    client.send(&commit(), 9).await;
    drop(client);
    assert_eq!(rig.watcher.saw(2).await, [SENT, Seen::CommitUnanswered]);
    rig.broker.hears_nothing().await;
    done(rig.proxy.unblock(MEMBER, None, Direction::Requests));
    rig.broker.request().await.answer(&commit_response([0, 0]));
    rig.broker.closed().await;
    let Seen::CommitAnswered {
        generation,
        offsets,
        late: false,
    } = commit_answered([0, 0])
    else {
        panic!("an answer");
    };
    let late = Seen::CommitAnswered {
        generation,
        offsets,
        late: true,
    };
    assert_eq!(rig.watcher.saw(3).await[2..], [late]);
}

#[tokio::test]
async fn a_member_that_closes_a_connection_which_was_never_made_has_sent_nothing() {
    let mut rig = Rig::start().await;
    done(rig.proxy.block(MEMBER, None, Direction::Requests));
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    assert_eq!(rig.watcher.saw(1).await, [SENT]);
    drop(client);
    assert_eq!(rig.watcher.saw(2).await, [SENT, Seen::CommitUnanswered]);
    done(rig.proxy.unblock(MEMBER, None, Direction::Requests));
    rig.broker.hears_nothing().await;
}

#[tokio::test]
async fn a_member_behind_a_block_does_not_notice_that_the_broker_is_gone() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    let arrived = rig.broker.request().await;
    done(rig.proxy.block(MEMBER, None, Direction::Both));
    arrived.answer(&commit_response([0, 0]));
    arrived.close();
    rig.broker.closed().await;
    client.hears_nothing().await;
    done(rig.proxy.unblock(MEMBER, None, Direction::Both));
    // What was held is gone with its sender.
    client.is_closed().await;
    let seen = rig.watcher.seen();
    assert_eq!(
        seen,
        [SENT, commit_answered([0, 0]), Seen::CommitUnanswered]
    );
}

#[tokio::test]
async fn a_delay_holds_each_frame_and_not_the_throughput() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    done(rig.proxy.delay(MEMBER, None, Duration::from_millis(200)));
    let began = Instant::now();
    for _ in 0..20 {
        client.send(&HeartbeatRequest::default(), 4).await;
    }
    for _ in 0..20 {
        let arrived = rig.broker.request().await;
        arrived.answer(&HeartbeatResponse::default());
    }
    for _ in 0..20 {
        let _: HeartbeatResponse = client.receive(4).await;
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(400), "{took:?}");
    assert!(took < Duration::from_millis(1500), "{took:?}");
    done(rig.proxy.delay(MEMBER, None, Duration::ZERO));
    let began = Instant::now();
    beat(&mut rig, &mut client).await;
    let took = began.elapsed();
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[tokio::test]
async fn a_throttled_broker_answers_later() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    let unknown = rig.proxy.throttle(7, Duration::from_secs(60));
    assert!(
        matches!(unknown, Err(ChaosError::Scenario(_))),
        "{unknown:?}"
    );
    done(rig.proxy.throttle(0, Duration::from_millis(300)));
    client.send(&commit(), 9).await;
    let began = Instant::now();
    rig.broker.request().await.answer(&commit_response([0, 0]));
    assert_eq!(rig.watcher.saw(2).await[1..], [commit_answered([0, 0])]);
    assert!(began.elapsed() < Duration::from_millis(300));
    let _: OffsetCommitResponse = client.receive(9).await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    done(rig.proxy.throttle(0, Duration::ZERO));
    let began = Instant::now();
    beat(&mut rig, &mut client).await;
    assert!(began.elapsed() < Duration::from_millis(300));
}

#[tokio::test]
async fn a_cut_breaks_connections_with_what_is_held() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    beat(&mut rig, &mut client).await;
    done(rig.proxy.block(MEMBER, None, Direction::Both));
    client.send(&commit(), 9).await;
    rig.watcher.saw(1).await;
    done(rig.proxy.cut(MEMBER, Some(0)));
    client.is_closed().await;
    rig.broker.closed().await;
    assert_eq!(rig.watcher.seen(), [SENT, Seen::CommitUnanswered]);
    done(rig.proxy.unblock(MEMBER, None, Direction::Both));
    rig.broker.hears_nothing().await;
    // The next connection is whole.
    let mut client = rig.client().await;
    beat(&mut rig, &mut client).await;
}

#[tokio::test]
async fn a_commit_that_the_broker_has_is_seen_to_be_accepted_after_a_cut() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    let arrived = rig.broker.request().await;
    done(rig.proxy.cut(MEMBER, None));
    client.is_closed().await;
    arrived.answer(&commit_response([0, 0]));
    let seen = rig.watcher.saw(3).await;
    assert_eq!(
        seen,
        [SENT, Seen::CommitUnanswered, commit_answered([0, 0])]
    );
    rig.broker.closed().await;
}

#[tokio::test]
async fn a_lost_response_was_accepted_and_its_connection_is_broken() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    beat(&mut rig, &mut client).await;
    done(rig.proxy.lose_response(MEMBER, RequestKind::OffsetCommit));
    beat(&mut rig, &mut client).await;
    client.send(&commit(), 9).await;
    rig.broker.request().await.answer(&commit_response([0, 0]));
    client.is_closed().await;
    rig.broker.closed().await;
    let lost = Seen::ResponseLost {
        request: RequestKind::OffsetCommit,
    };
    let answered = commit_answered([0, 0]);
    let expected = [SENT, answered, lost, Seen::CommitUnanswered];
    assert_eq!(rig.watcher.seen(), expected);
    // Only one is lost.
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    rig.broker.request().await.answer(&commit_response([0, 0]));
    let _: OffsetCommitResponse = client.receive(9).await;
}

#[tokio::test]
async fn a_member_never_learns_an_assignment_that_was_lost() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    done(rig.proxy.lose_response(MEMBER, RequestKind::SyncGroup));
    client.send(&SyncGroupRequest::default(), 5).await;
    rig.broker.request().await.answer(&assignment(&[0]));
    client.is_closed().await;
    let lost = Seen::ResponseLost {
        request: RequestKind::SyncGroup,
    };
    assert_eq!(rig.watcher.seen(), [lost]);
}

/// Checks that a fault that begins when something is seen concerns what was seen.
#[tokio::test]
async fn a_watcher_breaks_what_it_sees() {
    let mut rig = Rig::start().await;
    let proxy = rig.proxy.clone();
    rig.watcher.react(move |seen| match seen {
        Seen::CommitSent { .. } => done(proxy.block(MEMBER, None, Direction::Requests)),
        Seen::CommitAnswered { .. } => done(proxy.cut(MEMBER, None)),
        _ => {}
    });
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    rig.broker.hears_nothing().await;
    done(rig.proxy.unblock(MEMBER, None, Direction::Requests));
    rig.broker.request().await.answer(&commit_response([0, 0]));
    client.is_closed().await;
    let expected = [SENT, commit_answered([0, 0]), Seen::CommitUnanswered];
    assert_eq!(rig.watcher.seen(), expected);
}

/// Checks that an answer that was seen is not lost any more: the next one is.
#[tokio::test]
async fn a_response_that_was_seen_is_not_the_next_one() {
    let mut rig = Rig::start().await;
    let proxy = rig.proxy.clone();
    rig.watcher.react(move |seen| {
        if matches!(seen, Seen::CommitAnswered { .. }) {
            done(proxy.lose_response(MEMBER, RequestKind::OffsetCommit));
        }
    });
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    rig.broker.request().await.answer(&commit_response([0, 0]));
    let _: OffsetCommitResponse = client.receive(9).await;
    client.send(&commit(), 9).await;
    rig.broker.request().await.answer(&commit_response([0, 0]));
    client.is_closed().await;
}
