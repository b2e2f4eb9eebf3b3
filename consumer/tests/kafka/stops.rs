//! Members that stop, gracefully or not.

use crate::cluster::{Handled, Member, Topic};
use plimsoll::{ClientError, Error};
use std::time::Duration;
use tokio::task::JoinSet;

pub(crate) async fn a_clean_stop_repeats_nothing() {
    let topic = Topic::create("clean", 4).await;
    let handled = Handled::default();
    topic.produce(0..2_000, |n| (n % 4) as i32).await;
    let mut expected = 0;
    for share in [300, 700, 1_200, 2_000] {
        let member = Member::start(topic.consumer(), handled.handler(Duration::from_millis(2)));
        handled.wait_for(share).await;
        member.stop().await;
        expected = handled.numbers().len();
        let committed: i64 = topic.committed(4).into_iter().flatten().sum();
        assert_eq!(committed, expected as i64, "what was handled is committed");
    }
    assert_eq!((expected, handled.repeated()), (2_000, 0));
}

/// Stops many members: a stop that leaves the group without a word is rare.
pub(crate) async fn a_member_that_stops_leaves_its_group() {
    let mut stops = JoinSet::new();
    for number in 0..25 {
        let topic = Topic::create(&format!("left-{number}"), 2).await;
        stops.spawn(async move {
            topic.produce(0..2, |n| n as i32).await;
            let handled = Handled::default();
            let member = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
            handled.wait_for(2).await;
            member.stop().await;
            // The coordinator allows this for a group without members alone.
            topic.reset(2);
        });
    }
    while let Some(stopped) = stops.join_next().await {
        stopped.expect("the group has no member");
    }
}

/// Stops a member for which there is no partition.
pub(crate) async fn a_member_without_partitions_leaves_its_group() {
    let topic = Topic::create("idle", 1).await;
    topic.produce(0..1, |_| 0).await;
    let handled = Handled::default();
    let busy = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
    handled.wait_for(1).await;
    let idle = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
    tokio::time::sleep(Duration::from_secs(5)).await;
    idle.stop().await;
    busy.stop().await;
    // The coordinator allows this for a group without members alone.
    topic.reset(1);
}

pub(crate) async fn a_crash_repeats_no_more_than_was_not_committed() {
    let topic = Topic::create("crash", 4).await;
    let handled = Handled::default();
    topic.produce(0..2_000, |n| (n % 4) as i32).await;
    for share in [500, 1_000, 1_500] {
        let member = Member::start(topic.consumer(), handled.handler(Duration::from_millis(2)));
        handled.wait_for(share).await;
        member.abort();
    }
    let last = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
    handled.wait_for(2_000).await;
    last.stop().await;
    // 500 ms of work of four partitions, three times, and some slack.
    assert!(
        handled.repeated() < 3 * 4 * 300,
        "{} repeated",
        handled.repeated()
    );
    assert_eq!(topic.committed(4), [Some(500); 4]);
}

pub(crate) async fn a_static_member_whose_name_is_taken_ends_with_an_error() {
    let topic = Topic::create("fenced", 1).await;
    let handled = Handled::default();
    let start = || {
        let consumer = topic.consumer().instance_id("one");
        Member::start(consumer, handled.handler(Duration::ZERO))
    };
    let first = start();
    topic.produce(0..10, |_| 0).await;
    handled.wait_for(10).await;
    let second = start();
    match first.end().await {
        Err(Error::Client(ClientError::Fatal { reason })) => {
            assert!(reason.contains("FencedInstanceId"), "{reason}");
        }
        end => panic!("expected a fatal error, got {end:?}"),
    }
    topic.produce(10..20, |_| 0).await;
    handled.wait_for(20).await;
    second.stop().await;
}
