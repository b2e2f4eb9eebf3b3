//! Brokers that fail some of the partitions that a member was given. Each test has brokers of its
//! own: two, each of which leads one partition of two.

use crate::cluster::{Handled, Member, PATIENCE, Topic, wait_until};
use plimsoll::{Assignor, InitialPosition};
use plimsoll_serve::{BrokerId, Faulty, Options, RequestKind, Served, ServedCluster, serve};
use std::sync::Arc;
use std::time::Duration;

/// The broker that fails.
const FAILING: BrokerId = BrokerId(2);

/// Serves the brokers of a test.
pub(crate) fn two_brokers() -> Served {
    let mut options = Options::default();
    options.cluster.brokers = 2;
    let settings = &mut options.cluster.settings;
    settings.broker_session_timeout = Duration::from_secs(3);
    settings.broker_heartbeat_interval = Duration::from_millis(500);
    serve(options).expect("there are free ports")
}

/// Returns the place of the partition that the broker leads which fails, and that of the other one.
async fn places(cluster: &Served, topic: &Topic) -> (usize, usize) {
    let leaders = leaders(cluster, topic).await;
    let place = leaders.iter().position(|leader| *leader == Some(FAILING));
    let place = place.expect("each broker leads a partition");
    (place, 1 - place)
}

pub(crate) async fn leaders(cluster: &Served, topic: &Topic) -> Vec<Option<BrokerId>> {
    let report = cluster.call_async(|cluster, _| cluster.report()).await;
    let mut topics = report.topics.into_iter();
    let found = topics.find(|found| found.name == topic.name);
    let partitions = found.expect("the topic is there").partitions;
    partitions
        .iter()
        .map(|partition| partition.leader)
        .collect()
}

/// Kills the broker that fails, and waits until its partition has no leader.
async fn crash(cluster: &Served, topic: &Topic) {
    crash_broker(cluster, topic, FAILING).await;
}

pub(crate) async fn crash_broker(cluster: &Served, topic: &Topic, broker: BrokerId) {
    let crashed = cluster.call_async(move |cluster, now| cluster.crash(now, broker));
    crashed.await.expect("there is such a broker");
    let is_leaderless = async {
        while !leaders(cluster, topic).await.contains(&None) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, is_leaderless).await;
    waited.expect("the broker is fenced");
}

/// Lets the broker that fails leave questions for the ends of partitions without an answer.
pub(crate) async fn tell_no_ends(cluster: &Served) {
    let unanswered = Faulty {
        request: RequestKind::ListOffsets,
        broker: Some(FAILING),
        group: None,
        client_id: None,
        count: u32::MAX,
    };
    let lose = move |cluster: &mut ServedCluster, _| cluster.lose_response(unanswered);
    cluster.call_async(lose).await;
}

pub(crate) async fn heal(cluster: &Served) {
    cluster.call_async(ServedCluster::heal).await;
}

pub(crate) async fn a_partition_without_a_leader_holds_up_no_other(cluster: Arc<Served>) {
    for assignor in [Assignor::CooperativeSticky, Assignor::Range] {
        let topic = Topic::create("leaderless", 2).await;
        topic.produce(0..20, |n| (n % 2) as i32).await;
        crash(&cluster, &topic).await;
        let handled = Handled::default();
        let consumer = topic.consumer().assignor(assignor);
        let member = Member::start(consumer, handled.handler(Duration::ZERO));
        handled.wait_for(10).await;
        heal(&cluster).await;
        handled.wait_for(20).await;
        member.stop().await;
        assert_eq!(handled.repeated(), 0, "{assignor:?}");
        assert_eq!(topic.committed(2), [Some(10), Some(10)], "{assignor:?}");
    }
}

pub(crate) async fn a_member_that_stops_while_a_start_is_late_leaves_its_group(
    cluster: Arc<Served>,
) {
    for assignor in [Assignor::CooperativeSticky, Assignor::Range] {
        let topic = Topic::create("stopped-early", 2).await;
        topic.produce(0..20, |n| (n % 2) as i32).await;
        tell_no_ends(&cluster).await;
        let handled = Handled::default();
        let consumer = topic.consumer().assignor(assignor);
        let consumer = consumer.set("session.timeout.ms", "45000");
        let member = Member::start(consumer, handled.handler(Duration::ZERO));
        handled.wait_for(10).await;
        member.stop().await;
        // The coordinator allows this for a group without members alone.
        topic.reset(2);
        heal(&cluster).await;
    }
}

pub(crate) async fn a_start_at_the_end_that_comes_late_is_committed_first(cluster: Arc<Served>) {
    let topic = Topic::create("late", 2).await;
    let (late, early) = places(&cluster, &topic).await;
    topic.produce(0..20, |n| (n % 2) as i32).await;
    crash(&cluster, &topic).await;
    let handled = Handled::default();
    let consumer = topic.consumer().start_at(InitialPosition::Latest);
    let member = Member::start(consumer, handled.handler(Duration::ZERO));
    assert!(wait_until(|| topic.committed(2)[early] == Some(10)).await);
    topic.produce(20..30, |_| early as i32).await;
    handled.wait_for(10).await;
    assert_eq!(topic.committed(2)[late], None);
    heal(&cluster).await;
    assert!(wait_until(|| topic.committed(2)[late] == Some(10)).await);
    topic.produce(30..40, |_| late as i32).await;
    handled.wait_for(20).await;
    member.stop().await;
    assert_eq!(handled.numbers(), (20..40).collect::<Vec<_>>());
}

pub(crate) async fn a_broker_that_tells_no_ends_holds_up_no_other(cluster: Arc<Served>) {
    let topic = Topic::create("silent", 2).await;
    topic.produce(0..20, |n| (n % 2) as i32).await;
    tell_no_ends(&cluster).await;
    let handled = Handled::default();
    let member = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
    handled.wait_for(10).await;
    heal(&cluster).await;
    handled.wait_for(20).await;
    member.stop().await;
    assert_eq!(topic.committed(2), [Some(10), Some(10)]);
}
