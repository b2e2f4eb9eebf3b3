//! Members that come and go while handlers are in flight.

use crate::cluster::{Handled, Member, Topic};
use plimsoll::{Assignor, Message};
use std::time::Duration;

/// Lets members join and leave under load, and checks that every message is handled, and none
/// twice, as no member crashes. (By key or unordered, what is finished above the watermark would be
/// repeated.)
async fn rebalances(name: &str, assignor: Assignor) {
    let topic = Topic::create(name, 6).await;
    let total = 3_000;
    topic.produce(0..total, |n| (n % 6) as i32).await;
    let handled = Handled::default();
    let start = || {
        let consumer = topic.consumer().assignor(assignor);
        Member::start(consumer, handled.handler(Duration::from_millis(10)))
    };
    let first = start();
    handled.wait_for(200).await;
    let second = start();
    handled.wait_for(800).await;
    let third = start();
    handled.wait_for(1_400).await;
    second.stop().await;
    handled.wait_for(total as usize).await;
    first.stop().await;
    third.stop().await;
    assert_eq!(handled.repeated(), 0);
    let committed: i64 = topic.committed(6).into_iter().flatten().sum();
    assert_eq!(committed, i64::from(total));
}

pub(crate) async fn cooperative_rebalances_lose_and_repeat_nothing() {
    rebalances("cooperative", Assignor::CooperativeSticky).await;
}

pub(crate) async fn eager_rebalances_lose_and_repeat_nothing() {
    rebalances("range", Assignor::Range).await;
    rebalances("roundrobin", Assignor::RoundRobin).await;
}

/// Lets a member come and go while records come one by one. Each time the other one has read its
/// partitions to their ends, which must not count as records: where they do, the next record is
/// skipped (`PartitionQueue::read`).
pub(crate) async fn rebalances_at_the_ends_of_logs_pass_no_record() {
    const PARTITIONS: u32 = 24;
    let topic = Topic::create("ends", PARTITIONS as i32).await;
    let handled = Handled::default();
    let start = || {
        let consumer = topic.consumer().assignor(Assignor::CooperativeSticky);
        Member::start(consumer, handled.handler(Duration::ZERO))
    };
    let first = start();
    let mut produced = 0;
    for _ in 0..4 {
        let second = start();
        for _ in 0..20 {
            topic
                .produce(produced..produced + 4, |n| (n % PARTITIONS) as i32)
                .await;
            produced += 4;
            tokio::time::sleep(Duration::from_millis(80)).await;
        }
        second.stop().await;
    }
    handled.wait_for(produced as usize).await;
    first.stop().await;
}

pub(crate) async fn a_static_member_comes_back_to_its_partitions() {
    let topic = Topic::create("static", 4).await;
    let handled = Handled::default();
    let start = |name: &str, own: &Handled| {
        let consumer = topic
            .consumer()
            .instance_id(name)
            .set("session.timeout.ms", "30000");
        let (all, own) = (handled.clone(), own.clone());
        Member::start(consumer, move |message: Message| {
            all.note(&message);
            own.note(&message);
            async { Ok(()) }
        })
    };
    let [by_one, by_two] = [(); 2].map(|()| Handled::default());
    let one = start("one", &by_one);
    let two = start("two", &by_two);
    let mut produced = 0;
    while by_one.numbers().is_empty() || by_two.numbers().is_empty() {
        topic
            .produce(produced..produced + 40, |n| (n % 4) as i32)
            .await;
        produced += 40;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    two.stop().await;
    topic
        .produce(produced..produced + 40, |n| (n % 4) as i32)
        .await;
    produced += 40;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        handled.numbers().len() < produced as usize,
        "the partitions of a static member wait for it"
    );
    let two = start("two", &by_two);
    handled.wait_for(produced as usize).await;
    one.stop().await;
    two.stop().await;
    assert_eq!(handled.repeated(), 0);
}

pub(crate) async fn a_member_whose_handlers_take_long_stays_in_the_group() {
    let topic = Topic::create("slow", 2).await;
    topic.produce(0..20_000, |n| (n % 2) as i32).await;
    let handled = Handled::default();
    let consumer = topic
        .consumer()
        .config(|config| config.revoke_deadline = Duration::from_secs(4))
        .set("max.poll.interval.ms", "8000");
    let member = Member::start(consumer, handled.handler(Duration::from_secs(12)));
    handled.wait_for(2).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let committed = topic.committed(2);
    member.stop().await;
    assert_eq!(handled.repeated(), 0);
    assert_eq!(committed.len(), 2);
    assert!(
        topic.committed(2).iter().all(|c| *c >= Some(1)),
        "{:?}",
        topic.committed(2)
    );
}
