//! The positions at which reading begins, and goes on when messages are gone.

use crate::cluster::{Handled, Member, Topic, wait_until};
use crate::gauges;
use plimsoll::{Assignor, InitialPosition, Message, OutOfRangePolicy};
use std::time::Duration;

pub(crate) async fn a_group_that_starts_at_the_end_loses_nothing_afterwards() {
    let topic = Topic::create("latest", 2).await;
    topic.produce(0..10, |n| (n % 2) as i32).await;
    let handled = Handled::default();
    let start = || {
        let consumer = topic.consumer().start_at(InitialPosition::Latest);
        Member::start(consumer, handled.handler(Duration::ZERO))
    };
    let member = start();
    // The start is committed before anything else.
    assert!(wait_until(|| topic.committed(2) == [Some(5), Some(5)]).await);
    member.stop().await;
    topic.produce(10..20, |n| (n % 2) as i32).await;
    topic.add_partitions(3).await;
    topic.produce(20..30, |_| 2).await;
    let member = start();
    handled.wait_for(20).await;
    member.stop().await;
    assert_eq!(handled.numbers(), (10..30).collect::<Vec<_>>());
    assert_eq!(topic.committed(3), [Some(10), Some(10), Some(10)]);
}

pub(crate) async fn reading_goes_back_where_offsets_are_reset() {
    let topic = Topic::create("reset", 2).await;
    topic.produce(0..20, |n| (n % 2) as i32).await;
    let handled = Handled::default();
    for times in 1..=2 {
        let member = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
        assert!(wait_until(|| topic.committed(2) == [Some(10), Some(10)]).await);
        member.stop().await;
        assert_eq!(handled.numbers(), (0..20).collect::<Vec<_>>());
        assert_eq!(handled.repeated(), 20 * (times - 1));
        topic.reset(2);
        assert_eq!(topic.committed(2), [Some(0), Some(0)]);
    }
}

pub(crate) async fn partitions_added_meanwhile_are_read_from_their_start() {
    let topic = Topic::create("added", 1).await;
    let handled = Handled::default();
    let consumer = topic.consumer().start_at(InitialPosition::Latest);
    let member = Member::start(consumer, handled.handler(Duration::ZERO));
    assert!(wait_until(|| topic.committed(1) == [Some(0)]).await);
    topic.add_partitions(3).await;
    topic.produce(0..30, |n| (n % 3) as i32).await;
    handled.wait_for(30).await;
    member.stop().await;
    assert_eq!(handled.repeated(), 0);
}

/// Deletes messages before they are read, and starts a member.
async fn deleted(policy: OutOfRangePolicy, assignor: Assignor) -> (Topic, Handled, Member) {
    let topic = Topic::create("deleted", 1).await;
    let handled = Handled::default();
    topic.produce(0..10, |_| 0).await;
    let start = || {
        let consumer = topic.consumer().out_of_range(policy).assignor(assignor);
        Member::start(consumer, handled.handler(Duration::ZERO))
    };
    let member = start();
    handled.wait_for(10).await;
    member.stop().await;
    topic.produce(10..30, |_| 0).await;
    topic.delete_records(20).await;
    let member = start();
    (topic, handled, member)
}

pub(crate) async fn reading_goes_on_with_the_first_message_that_is_left() {
    for assignor in [Assignor::CooperativeSticky, Assignor::Range] {
        let (topic, handled, member) = deleted(OutOfRangePolicy::Earliest, assignor).await;
        handled.wait_for(20).await;
        // What comes now is read as ever.
        topic.produce(30..40, |_| 0).await;
        handled.wait_for(30).await;
        member.stop().await;
        let expected: Vec<u32> = (0..10).chain(20..40).collect();
        assert_eq!((handled.numbers(), handled.repeated()), (expected, 0));
        assert_eq!(topic.committed(1), [Some(40)]);
    }
}

pub(crate) async fn reading_goes_on_at_the_end_or_not_at_all_where_that_is_asked_for() {
    let (topic, handled, member) = deleted(OutOfRangePolicy::Latest, Assignor::Range).await;
    assert!(wait_until(|| topic.committed(1) == [Some(30)]).await);
    topic.produce(30..40, |_| 0).await;
    handled.wait_for(20).await;
    member.stop().await;
    let expected: Vec<u32> = (0..10).chain(30..40).collect();
    assert_eq!(handled.numbers(), expected);

    let (topic, handled, member) = deleted(OutOfRangePolicy::Halt, Assignor::Range).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    member.stop().await;
    assert_eq!(handled.numbers(), (0..10).collect::<Vec<_>>());
    assert_eq!(topic.committed(1), [Some(10)]);
}

pub(crate) async fn the_lag_of_a_partition_that_stands_still_grows() {
    gauges::watch();
    let topic = Topic::create("lag", 1).await;
    let consumer = topic
        .consumer()
        .config(|config| config.max_buffered_records = 2)
        .set("queued.min.messages", "1")
        .set("queued.max.messages.kbytes", "1");
    let member = Member::start(consumer, |_: Message| std::future::pending());
    for hundred in 0..5 {
        topic
            .produce(hundred * 100..(hundred + 1) * 100, |_| 0)
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let lag = || gauges::value("kafka_consumergroup_group_lag", &topic.name);
    assert!(wait_until(|| lag() == Some(500.0)).await, "{:?}", lag());
    member.abort();
}
