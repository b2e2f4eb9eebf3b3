//! Scenarios of every shape that the language allows.

mod faults;

use crate::from_schema::table;
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::MessageId;
use plimsoll_scenarios::Scenario;
use plimsoll_scenarios::scenario::{Fate, Message, Topic, Workload};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::time::Duration;
use toml::{Table, Value};

/// Any scenario: its settings with any values that the schema allows, but for what depends on
/// other keys.
pub(crate) fn scenario() -> impl Strategy<Value = Scenario> {
    let shaped = shape().prop_flat_map(|shape| {
        (
            cluster(shape.brokers),
            workload(&shape),
            faults::faults(shape.clone()).boxed(),
            handled(&shape),
            Just(shape),
        )
    });
    let top = (any_text(), any_text(), length(), option::of(any::<u64>()));
    (shaped, settings(), top).prop_map(|(shaped, mut file, top)| {
        let (cluster, workload, faults, handled, shape) = shaped;
        let (name, description, (safety, real_time), seed) = top;
        file.insert("cluster".into(), cluster.into());
        let mut scenario = parsed(&file);
        let settings = &mut scenario.settings;
        (settings.name, settings.description) = (name, description);
        (settings.safety, settings.real_time) = (safety, real_time);
        settings.topics = shape.topics;
        settings.consumers.starts = shape.starts;
        settings.handler.messages = handled;
        let mut scenario = Scenario {
            workload: workload.unwrap_or(scenario.workload),
            faults,
            seed,
            ..scenario
        };
        faults::make_possible(&mut scenario);
        scenario
    })
}

fn parsed(file: &Table) -> Scenario {
    let text = toml::to_string(file).expect("it is TOML");
    Scenario::parse("drawn.toml", &text)
        .unwrap_or_else(|error| panic!("{:?}\n{text}", miette::Report::new(error)))
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

/// The other tables of settings, as a file has them.
fn settings() -> BoxedStrategy<Table> {
    let tables = [
        ("workload", producer()),
        ("consumers", consumers()),
        ("handler", handler()),
        ("network", table("Network", &[])),
        ("expect", table("Expect", &[])),
    ];
    let (names, tables): (Vec<_>, Vec<_>) = tables.into_iter().unzip();
    let tables = tables.prop_map(move |tables| {
        let tables = tables.into_iter().map(Value::Table);
        names.iter().map(ToString::to_string).zip(tables).collect()
    });
    tables.boxed()
}

fn cluster(brokers: u32) -> BoxedStrategy<Table> {
    let related = [
        "broker.session.timeout.ms",
        "broker.heartbeat.interval.ms",
        "group.min.session.timeout.ms",
        "group.max.session.timeout.ms",
    ];
    let settings = with(
        table("BrokerSettings", &related),
        (
            3_000..100_000i64,
            1..3_000i64,
            1..6_000i64,
            100_000..900_000i64,
        ),
        move |times| {
            let times = [times.0, times.1, times.2, times.3];
            related.into_iter().zip(times.map(Value::from)).collect()
        },
    );
    let replication = (1..=brokers).prop_flat_map(|r| (Just(r), 1..=r));
    with(
        table(
            "Cluster",
            &["brokers", "replication", "min_insync", "settings"],
        ),
        (replication, settings),
        move |((replication, min_insync), settings)| {
            vec![
                ("brokers", brokers.into()),
                ("replication", replication.into()),
                ("min_insync", min_insync.into()),
                ("settings", settings.into()),
            ]
        },
    )
}

/// `[workload]`, with numbers of messages and keys that are soon drawn.
fn producer() -> BoxedStrategy<Table> {
    let acks = select(vec![
        ("all", true),
        ("all", false),
        ("1", false),
        ("0", false),
    ]);
    with(
        table(
            "Workload",
            &[
                "messages",
                "keys",
                "acks",
                "idempotence",
                "request_timeout",
                "delivery_timeout",
            ],
        ),
        (10..300u32, 0..1_000u32, acks, time_range()),
        |(messages, keys, (acks, idempotence), (request, delivery))| {
            vec![
                ("messages", messages.into()),
                ("keys", keys.into()),
                ("acks", acks.into()),
                ("idempotence", idempotence.into()),
                ("request_timeout", text(request)),
                ("delivery_timeout", text(delivery)),
            ]
        },
    )
}

fn consumers() -> BoxedStrategy<Table> {
    let secs = |range: std::ops::Range<u64>| range.prop_map(Duration::from_secs);
    let related = [
        "session_timeout",
        "heartbeat",
        "poll_deadline",
        "revoke_deadline",
        "fetch_wait_max",
        "request_timeout",
    ];
    let drawn = ["starts", "members", "retry"];
    let times = (
        secs(6..30),
        (1..6_000u64).prop_map(Duration::from_millis),
        secs(30..200),
        // As a share of the poll deadline: the last commit of a revocation needs the rest.
        0..800u32,
        secs(0..4),
        secs(4..40),
    );
    let backoff = (1..1_000u32, 1..1_000u32);
    let retry = with(table("Retry", &["backoff"]), backoff, |(backoff, more)| {
        let max = backoff + more;
        vec![("backoff", format!("{backoff}ms..{max}ms").into())]
    });
    let by_hand = [&related[..], &drawn].concat();
    with(
        table("Consumers", &by_hand),
        (option::of(times), option::of(retry)),
        move |(times, retry)| {
            let times =
                times
                    .into_iter()
                    .flat_map(|(session, heartbeat, poll, share, wait, request)| {
                        let revoke = poll * share / 1_000;
                        related
                            .into_iter()
                            .zip([session, heartbeat, poll, revoke, wait, request].map(text))
                    });
            times
                .chain(retry.map(|retry| ("retry", retry.into())))
                .collect()
        },
    )
}

fn handler() -> BoxedStrategy<Table> {
    const SHARES: [&str; 4] = ["retryable", "permanent", "panic", "hang"];
    let by_hand = [&SHARES[..], &["messages"]].concat();
    with(
        table("Handler", &by_hand),
        (share(), vec(0..=4u32, 4)),
        |(whole, parts)| {
            // Parts of one share never add up to more than it.
            let total: u32 = parts.iter().sum::<u32>().max(1);
            let part = |part: u32| whole * f64::from(part) / f64::from(total);
            SHARES
                .into_iter()
                .zip(parts.into_iter().map(|p| part(p).into()))
                .collect()
        },
    )
}

/// Tables with some more keys, which are drawn together.
fn with<T: std::fmt::Debug + 'static>(
    table: BoxedStrategy<Table>,
    drawn: impl Strategy<Value = T> + 'static,
    keys: impl Fn(T) -> Vec<(&'static str, Value)> + 'static,
) -> BoxedStrategy<Table> {
    let tables = (table, drawn).prop_map(move |(mut table, drawn)| {
        let keys = keys(drawn).into_iter();
        table.extend(keys.map(|(key, value)| (key.to_owned(), value)));
        table
    });
    tables.boxed()
}

fn text(time: Duration) -> Value {
    format!("{}ns", time.as_nanos()).into()
}

/// Messages whose fate does not depend on the seed.
fn handled(shape: &Shape) -> impl Strategy<Value = Vec<(u32, Fate)>> + use<> {
    let ids = shape.messages.clone().unwrap_or_else(|| (1..=10).collect());
    let most = ids.len().min(3);
    subsequence(ids, 0..=most).prop_flat_map(|ids| {
        ids.into_iter()
            .map(|id| (Just(id), fate()))
            .collect::<Vec<_>>()
    })
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

/// The messages, if the scenario lists them.
fn workload(shape: &Shape) -> BoxedStrategy<Option<Workload>> {
    let Some(ids) = shape.messages.clone() else {
        return Just(None).boxed();
    };
    let messages = ids.into_iter().map(|id| {
        let parts = (
            time(),
            partition(shape),
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
        .prop_map(|messages| Some(Workload::Explicit(messages)))
        .boxed()
}

fn partition(shape: &Shape) -> impl Strategy<Value = TopicPartition> + Clone + use<> {
    let topics = shape.topics.iter().enumerate();
    let partitions = topics.flat_map(|(topic, of)| {
        (0..of.partitions).map(move |partition| TopicPartition::new(topic as u32, partition))
    });
    select(partitions.collect::<Vec<_>>())
}
