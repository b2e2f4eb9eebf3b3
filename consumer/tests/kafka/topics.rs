//! Topics that are not there yet.

use crate::cluster::{Handled, Member, Topic, wait_until};
use crate::gauges;
use std::time::Duration;

pub(crate) async fn a_topic_that_is_not_there_is_told_and_read_once_it_is() {
    gauges::watch();
    let (topic, missing) = (Topic::create("there", 1).await, Topic::named("missing"));
    topic.produce(0..10, |_| 0).await;
    let handled = Handled::default();
    let consumer = topic.consumer_in(&topic.name, [topic.name.clone(), missing.name.clone()]);
    let member = Member::start(consumer, handled.handler(Duration::ZERO));
    handled.wait_for(10).await;
    let is = |topic: &Topic, value| {
        gauges::value("plimsoll_topic_unavailable", &topic.name) == Some(value)
    };
    assert!(wait_until(|| is(&missing, 1.0)).await, "it is not told");
    assert!(is(&topic, 0.0));
    missing.create_partitions(1).await;
    missing.produce(10..20, |_| 0).await;
    handled.wait_for(20).await;
    assert!(
        wait_until(|| is(&missing, 0.0)).await,
        "it is told for ever"
    );
    member.stop().await;
    assert_eq!(handled.repeated(), 0);
}
