//! A group whose members have subscribed to different topics.

use crate::cluster::{Handled, Member, Topic};
use std::time::Duration;

pub(crate) async fn each_member_of_a_group_gets_what_it_subscribed_to() {
    let [topic, other] = [
        Topic::create("mixed", 2).await,
        Topic::create("other", 2).await,
    ];
    topic.produce(0..20, |n| (n % 2) as i32).await;
    other.produce(20..40, |n| (n % 2) as i32).await;
    let [by_one, by_two] = [(); 2].map(|()| Handled::default());
    let one = Member::start(topic.consumer(), by_one.handler(Duration::ZERO));
    let consumer = topic.consumer_in(&topic.name, [other.name.clone()]);
    let two = Member::start(consumer, by_two.handler(Duration::ZERO));
    by_one.wait_for(20).await;
    by_two.wait_for(20).await;
    one.stop().await;
    two.stop().await;
    assert_eq!(by_one.numbers(), (0..20).collect::<Vec<_>>());
    assert_eq!(by_two.numbers(), (20..40).collect::<Vec<_>>());
}
