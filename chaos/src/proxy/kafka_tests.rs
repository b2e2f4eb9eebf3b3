//! The proxy between librdkafka and a broker of Apache Kafka.

use super::testing::*;
use super::*;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use plimsoll_oracle::RequestKind;
use plimsoll_scenarios::scenario::Direction;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Instant, SystemTime};

const MESSAGES: u64 = 10;

/// A member of a group that reads a topic of its own.
#[derive(Clone)]
struct Subject {
    proxy: Proxy,
    watcher: Arc<Recorder>,
    topic: String,
}

impl Subject {
    /// Starts a proxy to the cluster that has this address.
    async fn start(bootstrap: String) -> Self {
        let brokers = blocking(move || brokers(&bootstrap)).await;
        let watcher = Arc::new(Recorder::default());
        let proxy = Proxy::start(1, &brokers, &watcher.reports()).await;
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
        Self {
            proxy: proxy.expect("listeners"),
            watcher,
            topic: format!("plimsoll-proxy-{}", now.as_nanos()),
        }
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.proxy.bootstraps()[MEMBER]);
        config
    }

    fn produce(&self) {
        let producer: BaseProducer = self.client().create().expect("a producer");
        for _ in 0..MESSAGES {
            let record = BaseRecord::<(), _>::to(&self.topic).payload("message");
            producer
                .send(record)
                .map_err(|(error, _)| error)
                .expect("room");
        }
        producer.flush(DEADLINE).expect("produced");
    }

    /// Starts a consumer, and waits until it has got all messages.
    fn consumer(&self) -> BaseConsumer {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", &self.topic)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .create()
            .expect("a consumer");
        consumer.subscribe(&[&self.topic]).expect("subscribed");
        let began = Instant::now();
        let mut missing = MESSAGES;
        while missing > 0 {
            assert!(began.elapsed() < 3 * DEADLINE, "{missing} messages missing");
            if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                message.expect("a message");
                missing -= 1;
            }
        }
        consumer
    }

    fn commit(&self, consumer: &BaseConsumer, next: i64) -> KafkaResult<()> {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(&self.topic, 0, Offset::Offset(next))?;
        consumer.commit(&offsets, CommitMode::Sync)
    }

    /// Commits while a way is blocked, and returns what was seen before and after it was freed.
    async fn commit_through(&self, consumer: &Arc<BaseConsumer>, way: Direction) -> [Vec<Seen>; 2] {
        let known = self.seen().len();
        done(self.proxy.block(MEMBER, None, way));
        let (subject, committing) = (self.clone(), consumer.clone());
        let commit = tokio::spawn(blocking(move || subject.commit(&committing, 4)));
        tokio::time::sleep(4 * A_WHILE).await;
        assert!(!commit.is_finished(), "the block held nothing");
        let held = self.seen().split_off(known);
        done(self.proxy.unblock(MEMBER, None, way));
        within(commit).await.expect("no panics").expect("committed");
        [held, self.seen().split_off(known)]
    }

    /// Returns what was seen, without what clients do all the time.
    fn seen(&self) -> Vec<Seen> {
        let mut seen = self.watcher.seen();
        seen.retain(|seen| !matches!(seen, Seen::Fetching { .. }));
        seen
    }
}

fn brokers(bootstrap: &str) -> Vec<BrokerAddress> {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()
        .expect("a client");
    let metadata = client.fetch_metadata(None, DEADLINE).expect("a cluster");
    let brokers = (0..).zip(metadata.brokers());
    let address = |(index, broker): (_, &rdkafka::metadata::MetadataBroker)| BrokerAddress {
        index,
        node_id: broker.id(),
        address: format!("{}:{}", broker.host(), broker.port()),
    };
    brokers.map(address).collect()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("no panics")
}

fn is_answer(seen: &Seen, next: u64) -> bool {
    let Seen::CommitAnswered { offsets, .. } = seen else {
        return false;
    };
    matches!(&offsets[..], [it] if it.next == next && it.error == 0)
}

/// Shows what is seen of a consumer, and that faults reach it.
pub async fn a_consumer_is_seen_and_broken(bootstrap: String) {
    let subject = Subject::start(bootstrap).await;
    let producing = subject.clone();
    blocking(move || producing.produce()).await;
    let produced = subject.watcher.produced.lock().expect("no panics").clone();
    let last = produced.last().expect("it was told");
    let expected = Produced {
        topic: subject.topic.clone(),
        partition: 0,
        offset: MESSAGES - 1,
    };
    assert_eq!(last, &expected);

    let consuming = subject.clone();
    let consumer = Arc::new(blocking(move || consuming.consumer()).await);
    let (committing, commit) = (subject.clone(), consumer.clone());
    let committed = blocking(move || committing.commit(&commit, 1)).await;
    committed.expect("committed");
    joins_and_commits(&subject);

    let known = subject.seen().len();
    done(
        subject
            .proxy
            .lose_response(MEMBER, RequestKind::OffsetCommit),
    );
    let (committing, commit) = (subject.clone(), consumer.clone());
    let _ = blocking(move || committing.commit(&commit, 2)).await;
    let seen = subject.seen().split_off(known);
    assert!(
        matches!(
            &seen[..],
            [
                Seen::CommitSent { .. },
                answer,
                Seen::ResponseLost { .. },
                Seen::CommitUnanswered,
                ..
            ] if is_answer(answer, 2)
        ),
        "{seen:?}"
    );
    let (committing, commit) = (subject.clone(), consumer.clone());
    let committed = blocking(move || committing.commit(&commit, 3)).await;
    committed.expect("committed again");

    let [held, freed] = subject.commit_through(&consumer, Direction::Requests).await;
    assert!(matches!(held[..], [Seen::CommitSent { .. }]), "{held:?}");
    assert!(is_answer(&freed[1], 4), "{freed:?}");
    let [held, _] = subject
        .commit_through(&consumer, Direction::Responses)
        .await;
    assert!(
        matches!(&held[..], [Seen::CommitSent { .. }, answer] if is_answer(answer, 4)),
        "{held:?}"
    );

    blocking(move || drop(consumer)).await;
    assert_eq!(subject.seen().last(), Some(&Seen::Left));
    within(subject.proxy.shut_down()).await;
}

/// Asks for a version that no broker knows.
pub async fn a_client_of_the_future_falls_back(bootstrap: String) {
    let subject = Subject::start(bootstrap).await;
    let bootstrap = subject.proxy.bootstraps()[MEMBER].clone();
    let first = bootstrap.split(',').next().expect("a broker");
    let mut client = Client::connect(first).await;
    let request = ApiVersionsRequest::default()
        .with_client_software_name(name("test"))
        .with_client_software_version(name("1"));
    let future = request_frame(&request, 4, 1).with_version(5);
    client.write(future.bytes()).await;
    let response: ApiVersionsResponse = client.receive(0).await;
    assert_eq!(response.error_code, 35);
    let offered = response.api_keys.iter().find(|api| api.api_key == 18);
    assert_eq!(offered.expect("it is offered").max_version, 4);
    client.send(&request, 4).await;
    let response: ApiVersionsResponse = client.receive(4).await;
    assert_eq!(response.error_code, 0);
}

/// Checks what a member does from its start to its first commit, in this order.
fn joins_and_commits(subject: &Subject) {
    let mut all = subject.watcher.seen();
    all.dedup_by_key(|seen| std::mem::discriminant(seen));
    let topic = || subject.topic.clone();
    let assigned = vec![(topic(), 0)];
    let fetching = Seen::Fetching {
        topic: topic(),
        partition: 0,
        offset: 0,
    };
    let [joining, all @ ..] = all.as_slice() else {
        panic!("nothing was seen");
    };
    assert!(
        matches!(joining, Seen::Joining { owned, .. } if owned.is_empty()),
        "{joining:?}"
    );
    let expected = [
        Seen::Joined { generation: 1 },
        Seen::Synced {
            partitions: assigned,
        },
        fetching,
    ];
    let (before, after) = all.split_at(all.len().min(expected.len()));
    assert_eq!(before, expected);
    assert!(
        matches!(after[..], [Seen::CommitSent { .. }, ..]),
        "{after:?}"
    );
    let answer = after.iter().find(|seen| is_answer(seen, 1));
    assert!(answer.is_some(), "{after:?}");
}
