//! What a client finds out before it has a state: the brokers, and the sizes of its topics.

use crate::connection::open;
use crate::settings::INSTANCE;
use crate::{Connect, Settings};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{ApiKey, MetadataRequest, MetadataResponse};
use kafka_protocol::protocol::StrBytes;
use plimsoll_access::exchange;
use plimsoll_client::Cluster;
use plimsoll_codec::frames::Head;
use plimsoll_codec::{Names, topic_name};
use plimsoll_core::Instant;
use plimsoll_protocol::{BrokerSet, GroupIndex, Node, PartitionIndex, TopicSize, Topology};
use std::io;
use std::time::Duration;
use uuid::Uuid;

/// The greatest number of brokers.
const MOST_BROKERS: u16 = BrokerSet::CAPACITY;

/// The number of partitions by which a topic can grow, at least.
const SPARE: u32 = 64;

/// The pauses between two rounds through all addresses.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Finds the cluster. Tries without end: what passes by itself is no error.
///
/// # Errors
/// Where no broker will ever take this client, by its certificate or its credentials for example
/// (`SaslAuthenticationException` and `SslAuthenticationException` end Java's consumer, too), or the
/// cluster is larger than a client can have it.
pub(crate) async fn find(
    connect: &impl Connect,
    settings: &Settings,
    addresses: &[(String, u16)],
) -> Result<(Names, Cluster), String> {
    let (mut pause, longest) = PAUSES;
    let told = 'found: loop {
        let mut refusals = Vec::new();
        for (host, port) in addresses {
            match ask_metadata(connect, (host, *port), settings).await {
                Ok(told) => break 'found told,
                Err(error) => {
                    tracing::warn!(host, port, %error, "no answer from a broker");
                    if error.kind() == io::ErrorKind::Unsupported {
                        refusals.push(format!("{host}:{port}: {error}"));
                    }
                }
            }
        }
        if refusals.len() == addresses.len() {
            return Err(refusals.join("; "));
        }
        tokio::time::sleep(pause).await;
        pause = longest.min(pause * 2);
    };
    cluster_of(settings, &told)
}

async fn ask_metadata(
    connect: &impl Connect,
    address: (&str, u16),
    settings: &Settings,
) -> io::Result<MetadataResponse> {
    let client_id = StrBytes::from_string(settings.client_id.clone());
    let (mut stream, versions) = open(connect, address, client_id.clone()).await?;
    let version = versions.of(ApiKey::Metadata).map(|of| *of.end());
    // Before version 4, to ask for a topic creates it.
    let version = version.filter(|version| *version >= 4);
    let version = version.ok_or_else(|| io::Error::other("it is too old for this client"))?;
    let topics = settings.topics.iter();
    let topics =
        topics.map(|topic| MetadataRequestTopic::default().with_name(Some(topic_name(topic))));
    let request = MetadataRequest::default()
        .with_topics(Some(topics.collect()))
        .with_allow_auto_topic_creation(false);
    let head = Head {
        correlation: 1,
        client_id,
    };
    let asked = exchange(&mut stream, &head, &request, version);
    let told = tokio::time::timeout(settings.request_timeout, asked);
    let told = told
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    match told.brokers.is_empty() {
        true => Err(io::Error::other("it knows no broker yet")),
        false => Ok(told),
    }
}

/// Returns what a client begins with.
fn cluster_of(settings: &Settings, told: &MetadataResponse) -> Result<(Names, Cluster), String> {
    let brokers = told.brokers.len();
    if brokers > usize::from(MOST_BROKERS) {
        return Err(format!(
            "the cluster has {brokers} brokers, and this client can tell {MOST_BROKERS} apart"
        ));
    }
    let size = |topic: &String| {
        let mut topics = told.topics.iter();
        let topic = topics.find(|told| told.name.as_ref().is_some_and(|name| ***name == **topic));
        let partitions = topic.map_or(0, |topic| topic.partitions.len() as u32);
        TopicSize {
            partitions,
            capacity: (2 * partitions).max(partitions + SPARE),
        }
    };
    let sizes: Vec<TopicSize> = settings.topics.iter().map(size).collect();
    let all: u32 = sizes.iter().map(|size| size.capacity).sum();
    if all >= u32::from(PartitionIndex::LAST.0) {
        return Err(format!(
            "the topics have too many partitions: room for {all} is needed"
        ));
    }
    let topology = Topology::new(sizes, 0);
    let mut names = Names::new();
    let dead_letters = settings.dead_letters();
    for (number, topic) in (0..).zip(settings.topics.iter().chain([&dead_letters])) {
        names.add_topic(topic, Uuid::nil());
        let partitions: Vec<PartitionIndex> = topology.of_topic(number).collect();
        names.add_partitions(topic, &partitions);
    }
    names.add_group(&settings.group, GroupIndex::FIRST);
    if let Some(instance) = &settings.instance {
        names.bind_instance(StrBytes::from_string(instance.clone()), INSTANCE);
    }
    for broker in &told.brokers {
        names.take_address(broker.node_id, &broker.host, broker.port);
    }
    Ok((
        names,
        Cluster {
            topology,
            brokers: MOST_BROKERS,
            first: Node(0),
            first_at: Instant::ZERO,
            metadata_refresh: settings.metadata_refresh,
        },
    ))
}
