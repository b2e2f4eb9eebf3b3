//! Scenarios of every shape that the language allows.

#[path = "arbitrary_faults.rs"]
mod faults;

use plimsoll_core::{
    CommitPolicy, Config, InitialPosition, Instant, Ordering, OutOfRangePolicy, RetryPolicy,
    TopicPartition,
};
use plimsoll_oracle::{MessageId, Property, Sometimes, Word};
use plimsoll_scenarios::scenario::{
    Acks, Assignor, BrokerSettings, Cluster, Consumers, Distribution, Expect, Expected, Fate,
    Handler, Message, Network, Producer, Topic, Traffic, Workload,
};
use plimsoll_scenarios::{Scenario, Settings, Subject};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::time::Duration;

/// Any scenario.
pub fn scenario() -> impl Strategy<Value = Scenario> {
    shape().prop_flat_map(|shape| {
        let rest = (
            any_text(),
            any_text(),
            length(),
            expect().boxed(),
            option::of(any::<u64>()),
        );
        (
            (
                cluster(shape.brokers).boxed(),
                producer().boxed(),
                consumers(shape.clone()).boxed(),
            ),
            (
                handler(shape.clone()).boxed(),
                distribution().boxed(),
                workload(shape.clone()),
            ),
            faults::faults(shape.clone()).boxed(),
            rest,
            Just(shape),
        )
            .prop_map(
                |(
                    (cluster, producer, consumers),
                    (handler, latency, workload),
                    faults,
                    rest,
                    shape,
                )| {
                    let (name, description, (safety, real_time), expect, seed) = rest;
                    let settings = Settings {
                        name,
                        description,
                        safety,
                        real_time,
                        cluster,
                        topics: shape.topics,
                        producer,
                        consumers,
                        handler,
                        network: Network { latency },
                        expect,
                    };
                    Scenario {
                        settings,
                        workload,
                        faults,
                        seed,
                    }
                },
            )
    })
}

/// What other parts of a scenario refer to.
#[derive(Clone, Debug)]
struct Shape {
    brokers: u32,
    topics: Vec<Topic>,
    starts: Vec<Option<Duration>>,
    /// The ids of explicit messages; `None`: messages are drawn.
    messages: Option<Vec<u32>>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let topic = ("[a-zA-Z0-9._-]{0,8}[a-z]", 1..=6u32)
        .prop_map(|(name, partitions)| Topic { name, partitions });
    let topics = prop_oneof![
        Just(vec![Topic {
            name: "orders".into(),
            partitions: 3
        }]),
        vec(topic, 1..4).prop_filter("topics have different names", |topics| {
            let mut names: Vec<_> = topics.iter().map(|topic| &topic.name).collect();
            names.sort();
            names.dedup();
            names.len() == topics.len()
        }),
    ];
    let messages = prop_oneof![
        Just(None),
        btree_set(0..30u32, 0..6)
            .prop_map(|ids| ids.into_iter().collect::<Vec<_>>())
            .prop_shuffle()
            .prop_map(Some),
    ];
    let start = prop_oneof![
        Just(Some(Duration::ZERO)),
        Just(None),
        time().prop_map(Some)
    ];
    let starts = prop_oneof![
        (1..5usize).prop_map(|members| vec![Some(Duration::ZERO); members]),
        vec(start, 1..5),
    ];
    (1..=9u32, topics, starts, messages).prop_map(|(brokers, topics, starts, messages)| Shape {
        brokers,
        topics,
        starts,
        messages,
    })
}

/// How long the safety phase is, and whether that is short enough for real time.
fn length() -> impl Strategy<Value = (Option<Duration>, bool)> {
    let quick = (1..20_000_000_000u64).prop_map(Duration::from_nanos);
    prop_oneof![
        (option::of(time()), Just(false)),
        (quick.prop_map(Some), Just(true)),
    ]
}

/// Any duration but zero, of any precision.
fn time() -> impl Strategy<Value = Duration> + Clone {
    prop_oneof![
        (1..100u64).prop_map(Duration::from_secs),
        (1..100_000u64).prop_map(Duration::from_millis),
        (1..1_000_000_000_000u64).prop_map(Duration::from_nanos),
    ]
}

fn time_range() -> impl Strategy<Value = (Duration, Duration)> {
    (time(), time()).prop_map(|(a, b)| (a.min(b), a.max(b)))
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(1.0),
        (0..100u32).prop_map(|p| f64::from(p) / 100.0),
        0.0..1.0
    ]
}

/// What a name or a sentence may hold: everything.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z -]{1,20}", any::<String>()]
}

fn or_default<T: Clone + std::fmt::Debug + 'static>(
    default: T,
    other: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = T> {
    prop_oneof![2 => Just(default), 1 => other]
}

fn cluster(brokers: u32) -> impl Strategy<Value = Cluster> {
    let min_insync = (1..=brokers).prop_flat_map(|r| (Just(r), 1..=r));
    (min_insync, broker_settings()).prop_map(move |((replication, min_insync), settings)| Cluster {
        brokers,
        replication,
        min_insync,
        settings,
    })
}

fn broker_settings() -> impl Strategy<Value = BrokerSettings> {
    let default = BrokerSettings::default();
    (
        or_default(
            default.broker_session_timeout,
            (3..100u64).prop_map(Duration::from_secs),
        ),
        or_default(
            default.broker_heartbeat_interval,
            (1..2_000u64).prop_map(Duration::from_millis),
        ),
        or_default(default.replica_lag_time_max, time()),
        or_default(default.replica_fetch_wait_max, time()),
        or_default(default.group_initial_rebalance_delay, time()),
        or_default(
            default.group_min_session_timeout,
            (1..6u64).prop_map(Duration::from_secs),
        ),
        or_default(
            default.group_max_session_timeout,
            (100..900u64).prop_map(Duration::from_secs),
        ),
        or_default(default.offsets_commit_timeout, time()),
        or_default(1, 1..=50u32),
    )
        .prop_map(|fields| BrokerSettings {
            broker_session_timeout: fields.0,
            broker_heartbeat_interval: fields.1,
            replica_lag_time_max: fields.2,
            replica_fetch_wait_max: fields.3,
            group_initial_rebalance_delay: fields.4,
            group_min_session_timeout: fields.5,
            group_max_session_timeout: fields.6,
            offsets_commit_timeout: fields.7,
            offsets_topic_partitions: fields.8,
        })
}

fn producer() -> impl Strategy<Value = Producer> {
    let acks = select(vec![
        (Acks::All, true),
        (Acks::All, false),
        (Acks::Leader, false),
        (Acks::None, false),
    ]);
    (
        acks,
        or_default(Duration::from_millis(100), time()),
        time_range(),
    )
        .prop_map(
            |((acks, idempotence), retry_backoff, (request_timeout, delivery_timeout))| Producer {
                acks,
                idempotence,
                request_timeout,
                retry_backoff,
                delivery_timeout,
            },
        )
}

fn consumers(shape: Shape) -> impl Strategy<Value = Consumers> {
    let secs = |range: std::ops::Range<u64>| range.prop_map(Duration::from_secs);
    let default = Consumers::default();
    let timeouts = or_default(
        (
            default.session_timeout,
            default.heartbeat,
            default.poll_deadline,
        ),
        (
            secs(6..30),
            (1..6_000u64).prop_map(Duration::from_millis),
            secs(30..200),
        ),
    );
    let requests = or_default(
        (
            default.fetch_wait_max,
            default.request_timeout,
            default.retry_backoff,
        ),
        (secs(0..4), secs(4..40), time()),
    );
    let words = (
        select(Subject::ALL.to_vec()),
        select(vec![
            Assignor::Range,
            Assignor::RoundRobin,
            Assignor::CooperativeSticky,
        ]),
        any::<bool>(),
    );
    let rest = (
        or_default(default.prefetch, 1..100_000u32),
        or_default(default.metadata_refresh, time()),
    );
    let group = any_text().prop_filter("groups have names", |name| !name.is_empty());
    // As a share of the poll deadline, below which it must stay; `None`: the default.
    let revoke = option::of(0..1_000u32);
    let config = (config().boxed(), revoke);
    (group, config, timeouts, requests, words, rest).prop_map(
        move |(group, (config, revoke), timeouts, requests, words, rest)| {
            let (session_timeout, heartbeat, poll_deadline) = timeouts;
            let half = (poll_deadline / 2).min(Config::default().revoke_deadline);
            let revoke_deadline = revoke.map_or(half, |share| poll_deadline * share / 1_000);
            Consumers {
                group,
                subject: words.0,
                starts: shape.starts.clone(),
                config: Config {
                    revoke_deadline,
                    ..config
                },
                session_timeout,
                heartbeat,
                poll_deadline,
                assignor: words.1,
                static_ids: words.2,
                fetch_wait_max: requests.0,
                prefetch: rest.0,
                request_timeout: requests.1,
                retry_backoff: requests.2,
                metadata_refresh: rest.1,
            }
        },
    )
}

/// Any but for the revoke deadline.
fn config() -> impl Strategy<Value = Config> {
    let default = Config::default();
    let words = (
        select(vec![
            Ordering::Partition,
            Ordering::Key,
            Ordering::Unordered,
        ]),
        select(vec![InitialPosition::Earliest, InitialPosition::Latest]),
        select(vec![
            OutOfRangePolicy::Earliest,
            OutOfRangePolicy::Latest,
            OutOfRangePolicy::Halt,
        ]),
        any::<bool>(),
    );
    let limits = (
        or_default(default.max_in_flight, 1..1_000usize),
        or_default(default.max_buffered_records, 1..10_000usize),
        or_default(default.max_buffered_bytes, 1..1usize << 30),
        or_default(default.max_span, 1..1_000_000usize),
    );
    let deadlines = (
        or_default(default.handler_deadline, option::of(time())),
        or_default(default.shutdown_deadline, time()),
    );
    let commit = (option::of(time()), option::of(1..1_000u32))
        .prop_map(|(interval, every)| CommitPolicy { interval, every });
    let retry =
        (1..100u32, time_range(), (0..=10u8)).prop_map(|(attempts, backoff, tenths)| RetryPolicy {
            attempts,
            backoff: backoff.0,
            max_backoff: backoff.1,
            jitter: f32::from(tenths) / 10.0,
        });
    let policies = (
        or_default(default.commit, commit),
        or_default(default.retry, retry),
    );
    (words, limits, deadlines, policies).prop_map(
        move |(words, limits, deadlines, (commit, retry))| Config {
            ordering: words.0,
            initial: words.1,
            out_of_range: words.2,
            commit,
            retry,
            dead_letters: words.3,
            handler_deadline: deadlines.0,
            max_in_flight: limits.0,
            max_buffered_records: limits.1,
            max_buffered_bytes: limits.2,
            max_span: limits.3,
            revoke_deadline: default.revoke_deadline,
            shutdown_deadline: deadlines.1,
            jitter_seed: 0,
        },
    )
}

fn handler(shape: Shape) -> impl Strategy<Value = Handler> {
    let ids = shape.messages.unwrap_or_else(|| (1..=10).collect());
    let most = ids.len().min(3);
    let messages = subsequence(ids, 0..=most).prop_flat_map(|ids| {
        ids.into_iter()
            .map(|id| (Just(id), fate()))
            .collect::<Vec<_>>()
    });
    (distribution(), share(), vec(0..=4u32, 4), messages).prop_map(
        |(time, whole, parts, messages)| {
            // Parts of one share never add up to more than it.
            let total: u32 = parts.iter().sum::<u32>().max(1);
            let part = |index: usize| whole * f64::from(parts[index]) / f64::from(total);
            Handler {
                time,
                retryable: part(0),
                permanent: part(1),
                panic: part(2),
                hang: part(3),
                messages,
            }
        },
    )
}

fn distribution() -> impl Strategy<Value = Distribution> {
    let even = (time_range()).prop_map(|(min, max)| Distribution::even(min, max));
    let slow = (time_range(), share(), time_range()).prop_map(|(usual, slow_share, slow)| {
        let (min, max) = usual;
        Distribution {
            min,
            max,
            slow_share,
            slow_min: slow.0,
            slow_max: slow.1,
        }
    });
    prop_oneof![
        Just(Handler::default().time),
        Just(Network::default().latency),
        even,
        slow
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    let times = prop_oneof![1..5u32, Just(Fate::ALWAYS)];
    prop_oneof![
        Just(Fate::Ok),
        times.clone().prop_map(Fate::Retryable),
        Just(Fate::Permanent),
        times.clone().prop_map(Fate::Panic),
        times.prop_map(Fate::Hang),
        Just(Fate::Undecodable),
    ]
}

fn workload(shape: Shape) -> BoxedStrategy<Workload> {
    let size = prop_oneof![Just((100, 100)), (0..=1u32 << 20, 0..=1u32 << 20)]
        .prop_map(|(a, b): (u32, u32)| (a.min(b), a.max(b)));
    let Some(ids) = shape.messages.clone() else {
        let default = Traffic::default();
        return (
            10..300u32,
            prop_oneof![Just(10.0), 0.01..1e5],
            or_default(default.start, time()),
            or_default(default.keys, 0..1_000u32),
            or_default(default.key_skew, prop_oneof![Just(1.0), 0.0..10.0]),
            size,
        )
            .prop_map(|(messages, rate, start, keys, key_skew, size)| {
                Workload::Drawn(Traffic {
                    messages,
                    rate,
                    start,
                    keys,
                    key_skew,
                    size,
                })
            })
            .boxed();
    };
    let messages = ids.into_iter().map(move |id| {
        let parts = (
            time(),
            partition(&shape),
            option::of(0..9u32),
            or_default(100, 0..=1u32 << 20),
            fate(),
        );
        parts.prop_map(move |(at, partition, key, bytes, fate)| Message {
            id: MessageId(id),
            at: Instant::ZERO + at,
            partition,
            key,
            bytes,
            fate,
        })
    });
    messages
        .collect::<Vec<_>>()
        .prop_map(Workload::Explicit)
        .boxed()
}

fn partition(shape: &Shape) -> impl Strategy<Value = TopicPartition> + Clone + use<> {
    let topics = shape.topics.iter().enumerate();
    let partitions = topics.flat_map(|(topic, of)| {
        (0..of.partitions).map(move |partition| TopicPartition::new(topic as u32, partition))
    });
    select(partitions.collect::<Vec<_>>())
}

fn expect() -> impl Strategy<Value = Expect> {
    let default = Expect::default();
    let violated = subsequence(Property::ALL.to_vec(), 1..=4).prop_map(Expected::Violated);
    (
        or_default(Expected::Held, violated),
        or_default(default.liveness_within, time()),
        or_default(default.duplicates_slack, time()),
        or_default(default.shutdown_within, time()),
        subsequence(Sometimes::ALL.to_vec(), 0..=Sometimes::ALL.len()),
        option::of("[0-9a-f]{32}"),
    )
        .prop_map(|fields| Expect {
            verdict: fields.0,
            liveness_within: fields.1,
            duplicates_slack: fields.2,
            shutdown_within: fields.3,
            sometimes: fields.4,
            trace: fields.5,
        })
}
