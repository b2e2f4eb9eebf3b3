//! The addresses of brokers, as the cluster, its client and the proxy share them.

/// The address of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokerAddress {
    /// The broker's number in plans, from 0.
    pub index: u32,
    /// Kafka's number of the broker.
    pub node_id: i32,
    /// Host and port.
    pub address: String,
}

/// Returns the bootstrap servers of a cluster, as clients want them.
pub(crate) fn bootstrap(brokers: &[BrokerAddress]) -> String {
    let addresses: Vec<&str> = brokers
        .iter()
        .map(|broker| broker.address.as_str())
        .collect();
    addresses.join(",")
}
