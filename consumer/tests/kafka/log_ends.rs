//! The ends of logs, of which librdkafka hears with what it fetches.

use crate::cluster::{Handled, Member, Topic, wait_until};
use crate::faults::{heal, tell_no_ends};
use crate::gauges;
use plimsoll_serve::{Entry, Event, Served};
use std::sync::Arc;
use std::time::Duration;

/// A question without an answer would take the connection along, on which records are fetched.
pub(crate) async fn no_leader_is_asked_for_an_end_that_fetches_tell(cluster: Arc<Served>) {
    gauges::watch();
    let topic = Topic::create("asked-nothing", 2).await;
    topic.produce(0..20, |n| (n % 2) as i32).await;
    let handled = Handled::default();
    let member = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
    handled.wait_for(20).await;
    tell_no_ends(&cluster).await;
    let lag = || gauges::value("kafka_consumergroup_group_lag", &topic.name);
    assert!(wait_until(|| lag() == Some(0.0)).await, "{:?}", lag());
    // Twice as long as it takes the driver to look at the ends again.
    tokio::time::sleep(Duration::from_secs(4)).await;
    member.stop().await;
    heal(&cluster).await;
    let trace = tokio::task::spawn_blocking(move || cluster.trace(0));
    let trace = trace.await.expect("the cluster is there");
    let lost = |entry: &Entry| matches!(entry.event, Event::ResponseLost { .. });
    assert_eq!(trace.into_iter().find(lost), None);
}
