//! Whether the cluster is whole, as its brokers tell it.
//!
//! Only a real answer counts: the engine accepts connections in a dead broker's place.

use crate::address::BrokerAddress;
use crate::admin::{Admin, Failure, OFFSETS_TOPIC};
use crate::error::ChaosError;
use kafka_protocol::messages::{BrokerId, MetadataResponse};
use plimsoll_access::Access;
use std::time::Duration;
use tokio::time::Instant;

const PAUSE: Duration = Duration::from_millis(200);
/// The time limit for the first answer of a bootstrap server.
const BOOTSTRAP: Duration = Duration::from_secs(15);

/// Waits until every broker answers and knows all others, and, where the cluster is ours, every
/// partition of every topic has all of its replicas in sync.
pub(super) async fn wait(
    admin: &Admin,
    brokers: &[BrokerAddress],
    is_ours: bool,
    within: Duration,
) -> Result<(), ChaosError> {
    poll(within, || async move {
        for broker in brokers {
            let answer = ask(admin, broker).await?;
            knows_all(&answer, broker, brokers)?;
            topics_are_whole(&answer, broker, is_ours)?;
        }
        Ok(())
    })
    .await
}

/// Waits until every broker answers and knows all others.
pub(super) async fn wait_for_brokers(
    admin: &Admin,
    brokers: &[BrokerAddress],
    within: Duration,
) -> Result<(), ChaosError> {
    poll(within, || async move {
        for broker in brokers {
            knows_all(&ask(admin, broker).await?, broker, brokers)?;
        }
        Ok(())
    })
    .await
}

/// Finds all brokers of the cluster that one of these servers belongs to, by node id.
pub(super) async fn discover(
    bootstrap: &str,
    access: &Access,
) -> Result<Vec<BrokerAddress>, ChaosError> {
    let servers = (0..)
        .zip(
            bootstrap
                .split(',')
                .map(str::trim)
                .filter(|s| !s.is_empty()),
        )
        .map(|(index, address)| BrokerAddress {
            index,
            node_id: -1,
            address: address.to_owned(),
        })
        .collect::<Vec<_>>();
    let admin = Admin::new(&servers, access.clone());
    let asked = async {
        let mut last = "the list names no server".to_owned();
        for server in &servers {
            match ask(&admin, server).await {
                Ok(answer) => return Ok(answer),
                Err(why) => last = why,
            }
        }
        Err(last)
    };
    let answer = tokio::time::timeout(BOOTSTRAP, asked)
        .await
        .unwrap_or_else(|_| Err("no answer in time".into()))
        .map_err(|why| {
            ChaosError::Environment(format!("no broker answers at {bootstrap}: {why}"))
        })?;
    let mut nodes = answer.brokers;
    nodes.sort_unstable_by_key(|node| node.node_id.0);
    Ok((0..)
        .zip(nodes)
        .map(|(index, node)| BrokerAddress {
            index,
            node_id: node.node_id.0,
            address: format!("{}:{}", node.host, node.port),
        })
        .collect())
}

async fn poll<A>(within: Duration, mut attempt: impl FnMut() -> A) -> Result<(), ChaosError>
where
    A: Future<Output = Result<(), String>>,
{
    let end = Instant::now() + within;
    loop {
        let Err(why) = attempt().await else {
            return Ok(());
        };
        if Instant::now() + PAUSE > end {
            return Err(ChaosError::Environment(format!(
                "the cluster is not healthy after {} s: {why}",
                within.as_secs()
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ask(admin: &Admin, broker: &BrokerAddress) -> Result<MetadataResponse, String> {
    match admin.metadata(broker.index, None).await {
        Ok(answer) => Ok(answer),
        Err(Failure::Passing(why) | Failure::Final(why)) => Err(why),
    }
}

fn knows_all(
    answer: &MetadataResponse,
    asked: &BrokerAddress,
    brokers: &[BrokerAddress],
) -> Result<(), String> {
    let missing = brokers.iter().find(|broker| {
        !answer
            .brokers
            .iter()
            .any(|n| n.node_id == BrokerId(broker.node_id))
    });
    match missing {
        Some(missing) => Err(format!(
            "broker {} does not know broker {}",
            asked.index, missing.index
        )),
        None => Ok(()),
    }
}

fn topics_are_whole(
    answer: &MetadataResponse,
    asked: &BrokerAddress,
    is_ours: bool,
) -> Result<(), String> {
    let mut offsets_exist = false;
    for topic in &answer.topics {
        let name = topic.name.as_ref().map_or("", |name| name.0.as_str());
        let of_offsets = name == OFFSETS_TOPIC;
        offsets_exist |= of_offsets;
        // On a cluster that is not ours, other topics may be in any state.
        if !is_ours && !of_offsets {
            continue;
        }
        for partition in &topic.partitions {
            let whole = match is_ours {
                true => partition.isr_nodes.len() == partition.replica_nodes.len(),
                false => true,
            };
            if !whole || partition.leader_id.0 < 0 {
                return Err(format!(
                    "broker {} sees {name}/{} led by node {}, with {} of {} replicas in sync",
                    asked.index,
                    partition.partition_index,
                    partition.leader_id.0,
                    partition.isr_nodes.len(),
                    partition.replica_nodes.len()
                ));
            }
        }
    }
    match offsets_exist {
        true => Ok(()),
        false => Err(format!("broker {} has no {OFFSETS_TOPIC} yet", asked.index)),
    }
}
