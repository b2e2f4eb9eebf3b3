//! Four ways to get rdkafka wrong. The argument says which.

use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::message::OwnedMessage;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread::sleep;
use std::time::Duration;
use subjects::{contract, work};

const MISTAKES: [&str; 4] = [
    "commits-first",
    "commits-polled",
    "keeps-revoked",
    "skips-failures",
];

/// The records that were handed out and are not worked off.
struct Backlog {
    records: Mutex<VecDeque<OwnedMessage>>,
    keeps_revoked: bool,
}

fn main() {
    let mistake = std::env::args().nth(1).unwrap_or_default();
    assert!(MISTAKES.contains(&mistake.as_str()), "{MISTAKES:?}");
    let mut config = contract::member();
    config.set("auto.offset.reset", contract::initial());
    // WRONG where records wait in a backlog: librdkafka stores the offset of each record that it
    // hands out, and commits it, worked on or not. It is the default.
    config.set(
        "enable.auto.commit",
        (mistake == "commits-polled").to_string(),
    );
    let interval = contract::commit_interval().as_millis().to_string();
    config.set("auto.commit.interval.ms", interval);
    let backlog = Backlog {
        records: Mutex::default(),
        keeps_revoked: mistake == "keeps-revoked",
    };
    let consumer = config.create_with_context(backlog);
    let consumer: BaseConsumer<Backlog> = consumer.expect("a consumer");
    let topics = contract::topics();
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    consumer.subscribe(&topics).expect("topics");
    let records = || consumer.context().records.lock().expect("no panic");
    loop {
        let wait = Duration::from_millis(if records().is_empty() { 100 } else { 0 });
        for polled in std::iter::from_fn(|| consumer.poll(wait))
            .take(50)
            .flatten()
        {
            records().push_back(polled.detach());
        }
        let Some(message) = records().pop_front() else {
            continue;
        };
        if mistake == "commits-first" {
            // WRONG: "at most once". If the process dies now, the record is lost.
            commit(&consumer, &message, CommitMode::Sync);
        }
        let finished = finish(&message, &mistake);
        if finished && ["keeps-revoked", "skips-failures"].contains(&mistake.as_str()) {
            // WRONG after a failure: what failed before is below this offset.
            commit(&consumer, &message, CommitMode::Async);
        }
    }
}

fn finish(message: &OwnedMessage, mistake: &str) -> bool {
    while work::work(message.topic(), message.partition(), message.offset()).is_err() {
        if mistake == "skips-failures" {
            return false; // "It is not committed, so it comes again." It does not.
        }
        sleep(Duration::from_millis(100));
    }
    true
}

fn commit(consumer: &BaseConsumer<Backlog>, message: &OwnedMessage, mode: CommitMode) {
    let mut next = TopicPartitionList::new();
    let offset = Offset::Offset(message.offset() + 1);
    let added = next.add_partition_offset(message.topic(), message.partition(), offset);
    if let Err(error) = added.and_then(|()| consumer.commit(&next, mode)) {
        eprintln!("cannot commit: {error}");
    }
}

impl ClientContext for Backlog {}

impl ConsumerContext for Backlog {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        // WRONG without this: what is in the backlog belongs to the next owner now.
        if let Rebalance::Revoke(gone) = rebalance
            && !self.keeps_revoked
        {
            let is_gone = |message: &OwnedMessage| {
                gone.find_partition(message.topic(), message.partition())
                    .is_some()
            };
            self.records
                .lock()
                .expect("no panic")
                .retain(|message| !is_gone(message));
        }
    }
}
