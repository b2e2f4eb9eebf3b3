//! Responses that tell where brokers are: members are sent to their own listeners.

use super::frame::{Unreadable, decode};
use super::once::Once;
use super::versions;
use crate::options::Reach;
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, BrokerId, DescribeClusterResponse, FindCoordinatorResponse, MetadataResponse,
    ProduceResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use std::collections::BTreeMap;

/// The endpoint type of brokers. DescribeCluster can tell of controllers too, which members have
/// nothing to do with.
const BROKERS: i8 = 1;

/// The addresses at which one member finds the brokers.
#[derive(Debug)]
pub(super) struct Addresses {
    /// The place of the member's listeners.
    reach: Reach,
    /// The ports of the member's listeners, by Kafka's node id.
    ports: BTreeMap<i32, u16>,
    /// The nodes without a listener.
    unknown: Once<i32>,
}

impl Addresses {
    /// Makes addresses of ports by node id.
    pub(super) fn new(reach: &Reach, ports: impl IntoIterator<Item = (i32, u16)>) -> Self {
        Self {
            reach: reach.clone(),
            ports: ports.into_iter().collect(),
            unknown: Once::default(),
        }
    }

    /// Lists all addresses, as clients want their bootstrap servers.
    pub(super) fn bootstrap(&self) -> String {
        let addresses: Vec<_> = self
            .ports
            .values()
            .map(|port| self.reach.at(*port))
            .collect();
        addresses.join(",")
    }

    /// Returns what the member gets instead of a response's body; `None`: the same.
    pub(super) fn rewrite(
        &self,
        key: ApiKey,
        version: i16,
        body: Bytes,
    ) -> Result<Option<Bytes>, Unreadable> {
        match key {
            ApiKey::ApiVersions => versions::narrow(body, version).map(Some),
            ApiKey::Metadata => edit(body, version, |response: &mut MetadataResponse| {
                for broker in &mut response.brokers {
                    self.place(broker.node_id, &mut broker.host, &mut broker.port);
                }
            }),
            ApiKey::FindCoordinator => {
                edit(body, version, |response: &mut FindCoordinatorResponse| {
                    self.place(response.node_id, &mut response.host, &mut response.port);
                    for found in &mut response.coordinators {
                        self.place(found.node_id, &mut found.host, &mut found.port);
                    }
                })
            }
            ApiKey::DescribeCluster => {
                edit(body, version, |response: &mut DescribeClusterResponse| {
                    if response.endpoint_type == BROKERS {
                        for broker in &mut response.brokers {
                            self.place(broker.broker_id, &mut broker.host, &mut broker.port);
                        }
                    }
                })
            }
            // Since version 10 it says where the leader went.
            ApiKey::Produce if version >= 10 => {
                edit(body, version, |response: &mut ProduceResponse| {
                    for node in &mut response.node_endpoints {
                        self.place(node.node_id, &mut node.host, &mut node.port);
                    }
                })
            }
            _ => Ok(None),
        }
    }

    fn place(&self, node: BrokerId, host: &mut StrBytes, port: &mut i32) {
        match self.ports.get(&node.0) {
            // An answer that has no broker to tell of, whatever number it says.
            _ if host.is_empty() => {}
            Some(own) => {
                *host = StrBytes::from_string(self.reach.advertised.clone());
                *port = i32::from(*own);
            }
            None if self.unknown.is_new(node.0) => tracing::warn!(
                node = node.0,
                "a broker that the proxy does not know: members can reach it past the proxy"
            ),
            None => {}
        }
    }
}

fn edit<T: Decodable + Encodable>(
    mut body: Bytes,
    version: i16,
    change: impl FnOnce(&mut T),
) -> Result<Option<Bytes>, Unreadable> {
    let mut response: T = decode(&mut body, version)?;
    if !body.is_empty() {
        return Err(Unreadable::new(format!("{} bytes too many", body.len())));
    }
    change(&mut response);
    let mut edited = BytesMut::new();
    response
        .encode(&mut edited, version)
        .map_err(|error| Unreadable::new(error.to_string()))?;
    Ok(Some(edited.freeze()))
}
