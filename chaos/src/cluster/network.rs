//! Where the brokers are: a network with addresses of their own, and ports of the host.

use super::engine::failed;
use crate::error::ChaosError;
use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};

/// A subnet out of the range set aside for benchmarks, which no route leads to, by its third
/// number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subnet(u8);

impl Subnet {
    fn cidr(self) -> String {
        format!("198.19.{}.0/24", self.0)
    }

    /// Returns the addresses for this number of containers. The first of the subnet is the
    /// gateway's.
    pub(super) fn addresses(self, count: usize) -> Vec<String> {
        (2..)
            .take(count)
            .map(|last: u8| Ipv4Addr::new(198, 19, self.0, last).to_string())
            .collect()
    }
}

/// Creates a network with a subnet of its own, since addresses can be fixed only there.
pub(super) async fn create(
    docker: &Docker,
    name: &str,
    labels: &HashMap<String, String>,
) -> Result<Subnet, ChaosError> {
    // Clusters that begin together should not try the same one.
    let first = u8::try_from(std::process::id() % 256).unwrap_or(0);
    let mut refusal = None;
    for third in (first..=u8::MAX).chain(0..first) {
        let subnet = Subnet(third);
        let config = IpamConfig {
            subnet: Some(subnet.cidr()),
            ..Default::default()
        };
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            labels: Some(labels.clone()),
            ipam: Some(Ipam {
                config: Some(vec![config]),
                ..Default::default()
            }),
            ..Default::default()
        };
        match docker.create_network(request).await {
            Ok(_) => return Ok(subnet),
            Err(error) if overlaps(&error) => refusal = Some(error),
            Err(error) => return Err(failed("create", name, error)),
        }
    }
    let why = refusal.map_or_else(|| "no subnet is free".into(), |error| error.to_string());
    Err(failed("create", name, why))
}

/// Finds this number of ports for brokers, which keep them for as long as they live. `cluster`
/// counts the clusters of this process.
///
/// They lie below those that the system gives to outgoing connections: one of those could take the
/// port of a broker that is down.
pub(super) fn free_ports(cluster: u32, count: usize) -> Result<Vec<u16>, ChaosError> {
    const FIRST: u16 = 20_000;
    const LAST: u16 = 32_000;
    // Clusters that begin together should not try the same ones.
    let offset = (std::process::id().wrapping_mul(37))
        .wrapping_add(cluster.wrapping_mul(101))
        .rem_euclid(u32::from(LAST - FIRST));
    let first = FIRST + u16::try_from(offset).unwrap_or(0);
    let free = (first..LAST)
        .chain(FIRST..first)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .take(count)
        .collect::<Vec<_>>();
    match free.len() == count {
        true => Ok(free),
        false => Err(ChaosError::Environment(format!(
            "fewer than {count} ports are free between {FIRST} and {LAST}"
        ))),
    }
}

fn overlaps(error: &DockerError) -> bool {
    matches!(error, DockerError::DockerResponseServerError { message, .. }
        if message.contains("overlaps"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_after_the_gateway_and_are_all_different() {
        assert_eq!(Subnet(7).cidr(), "198.19.7.0/24");
        let addresses = ["198.19.7.2", "198.19.7.3", "198.19.7.4"];
        assert_eq!(Subnet(7).addresses(3), addresses);
    }
}
