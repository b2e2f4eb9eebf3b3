//! The in-sync set: what leaders propose, and which replicas the high watermark waits for.

use super::*;
use crate::protocol::{BrokerSet, Channels};

const A: Node = Node(0);
const B: Node = Node(1);
const C: Node = Node(2);

fn in_sync(cluster: &Cluster) -> BrokerSet {
    cluster.broker(A).replicas[P].in_sync()
}

#[test]
fn a_proposal_is_repeated_until_its_outcome_is_known() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.replica_lag_time_max = millis(2_000);
    });
    cluster.produce(A, 0, Acks::All, None).expect("replicated");
    cluster.pause(C);
    cluster.produce(A, 1, Acks::Leader, None).expect("appended");
    let proposes = |cluster: &mut Cluster| {
        let leading = cluster.brokers[A].replicas[P].leading();
        leading.is_some_and(|leading| leading.proposed.is_some())
    };
    while !proposes(&mut cluster) {
        cluster.run_for(Duration::from_micros(100));
    }
    // The controller takes the proposal after 1 ms; its answer gets lost.
    cluster.run_for(Duration::from_micros(1_500));
    let controller = cluster.env.controller();
    cluster.env.cut(A, controller, Channels::ALL);
    cluster.run_for(millis(2_000));
    assert_eq!(in_sync(&cluster), BrokerSet::default().with(A).with(B));
    assert_eq!(cluster.readable(), [0, 1]);
    // Nothing is left over: the follower comes in again.
    cluster.resume(C);
    cluster.run_for(millis(3_000));
    assert!(in_sync(&cluster).contains(C));
    assert!(cluster.controller.is_healthy());
}

/// `ReplicaManager.startup`.
#[test]
fn each_broker_looks_for_followers_that_lag_at_its_own_moments() {
    const PERIOD: Duration = Duration::from_millis(2_500);
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.replica_lag_time_max = PERIOD * 2;
    });
    let first = |cluster: &Cluster, broker| {
        let broker = cluster.broker(broker);
        broker.next_beat(cluster.env.now(), PERIOD)
    };
    let beats = [A, B, C].map(|broker| first(&cluster, broker));
    assert!(beats.iter().all(|beat| *beat <= Instant::ZERO + PERIOD));
    assert!(beats[0] != beats[1] && beats[1] != beats[2], "{beats:?}");
    cluster.pause(C);
    cluster.produce(A, 0, Acks::Leader, None).expect("appended");
    while in_sync(&cluster).contains(C) {
        cluster.run_for(Duration::from_micros(100));
    }
    let into = cluster.env.now().saturating_since(beats[0]).as_nanos() % PERIOD.as_nanos();
    assert!(
        into < millis(10).as_nanos(),
        "it is no look of its leader's"
    );
    cluster.crash(B);
    cluster.run_for(millis(700));
    cluster.start(B);
    assert_eq!(first(&cluster, B), cluster.env.now() + PERIOD);
}

/// Cuts broker C off for so long that it is fenced, and lets it back where it cannot reach the
/// leader.
fn fenced_and_back(lag_max: Duration) -> Cluster {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.replica_lag_time_max = lag_max;
    });
    cluster.produce(A, 0, Acks::All, None).expect("replicated");
    cluster.isolate(C);
    cluster.run_for(millis(10_000));
    assert!(!in_sync(&cluster).contains(C));
    let fenced = cluster.produce(A, 1, Acks::All, None);
    assert_eq!(fenced, Ok(Offset::new(1)), "it waits for no fenced broker");
    cluster.env.network.block(C, A);
    cluster.reunite(C);
    cluster.run_for(millis(3_000));
    cluster
}

#[test]
fn the_high_watermark_waits_for_a_replica_that_may_soon_be_in_sync() {
    let mut cluster = fenced_and_back(millis(30_000));
    let waiting = cluster.send_produce(A, 2, Acks::All, None);
    cluster.run_for(millis(1_000));
    assert!(cluster.answer(waiting).is_none(), "it was caught up lately");
    cluster.env.unblock(C, A);
    cluster.run_for(millis(3_000));
    assert!(matches!(
        cluster.answer(waiting),
        Some(Response::Produce(Ok(_)))
    ));
    assert!(in_sync(&cluster).contains(C));
    assert_eq!(cluster.log(C), [0, 1, 2]);
}

#[test]
fn the_high_watermark_waits_for_no_replica_that_lags_for_long() {
    let mut cluster = fenced_and_back(millis(11_000));
    let produced = cluster.produce(A, 2, Acks::All, None);
    assert_eq!(produced, Ok(Offset::new(2)));
}

#[test]
fn the_high_watermark_waits_for_no_process_that_has_not_fetched() {
    let mut cluster = Cluster::new(|_| {});
    cluster.produce(A, 0, Acks::All, None).expect("replicated");
    cluster.crash(C);
    cluster.run_for(millis(10_000));
    cluster.env.network.block(C, A);
    cluster.start(C);
    cluster.run_for(millis(3_000));
    let produced = cluster.produce(A, 1, Acks::All, None);
    assert_eq!(produced, Ok(Offset::new(1)));
}
