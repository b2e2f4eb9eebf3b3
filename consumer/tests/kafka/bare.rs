//! Members that are bare loops around librdkafka, without the crate.

use crate::cluster::{Handled, PATIENCE, Topic, wait_until};
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const PARTITIONS: i32 = 4;

/// A member, which commits each message once it has noted it.
struct Loop {
    stops: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Loop {
    fn start(topic: &Topic, handled: &Handled) -> Self {
        let consumer: BaseConsumer = topic
            .client()
            .set("group.id", &topic.name)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "500")
            .create()
            .unwrap();
        consumer.subscribe(&[&topic.name]).unwrap();
        let (stops, handled) = (Arc::<AtomicBool>::default(), handled.clone());
        let stop = stops.clone();
        let thread = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                    let message = message.expect("no error");
                    handled.add(message.payload());
                    let committed = consumer.commit_message(&message, CommitMode::Sync);
                    committed.expect("the member is in its group");
                }
            }
            // Else what is fetched would be polled until the consumer has left its group.
            consumer.unsubscribe();
        });
        Self { stops, thread }
    }

    async fn stop(self) {
        self.stops.store(true, Ordering::Relaxed);
        let ended = wait_until(|| self.thread.is_finished()).await;
        assert!(ended, "it does not stop");
        self.thread.join().expect("no panic");
    }
}

pub(crate) async fn loops_share_go_on_from_commits_and_go_back_where_offsets_are_reset() {
    let topic = Topic::create("bare", PARTITIONS).await;
    let produce = |numbers| topic.produce(numbers, |n| n as i32 % PARTITIONS);
    let [by_first, by_second, by_third, by_fourth] = [(); 4].map(|()| Handled::default());
    produce(0..20).await;
    let first = Loop::start(&topic, &by_first);
    by_first.wait_for(20).await;
    let second = Loop::start(&topic, &by_second);
    let mut produced = 20;
    let deadline = Instant::now() + PATIENCE;
    while by_second.numbers().is_empty() {
        assert!(Instant::now() < deadline, "the second member gets nothing");
        produce(produced..produced + 20).await;
        produced += 20;
        sleep(Duration::from_millis(200)).await;
    }
    let is_all = || by_first.numbers().len() + by_second.numbers().len() == produced as usize;
    assert!(wait_until(is_all).await, "each message, and none twice");
    first.stop().await;
    let before = by_second.numbers().len();
    produce(produced..produced + 20).await;
    by_second.wait_for(before + 20).await;
    second.stop().await;
    produced += 20;
    let committed: i64 = topic.committed(PARTITIONS).into_iter().flatten().sum();
    assert_eq!(committed, i64::from(produced));

    produce(produced..produced + 20).await;
    let third = Loop::start(&topic, &by_third);
    by_third.wait_for(20).await;
    third.stop().await;
    let new: Vec<u32> = (produced..produced + 20).collect();
    assert_eq!(
        by_third.numbers(),
        new,
        "what was committed is not read again"
    );

    topic.reset(PARTITIONS);
    let fourth = Loop::start(&topic, &by_fourth);
    by_fourth.wait_for(produced as usize + 20).await;
    fourth.stop().await;
}
