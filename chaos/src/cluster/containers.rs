//! Three combined brokers and controllers in containers, and what breaks them.

use super::cleanup;
use super::engine::{failed, is_missing};
use super::environment::{Broker, CLIENT_PORT};
use super::image::Image;
use super::network::{self, free_ports};
use super::remains;
use crate::address::BrokerAddress;
use crate::error::ChaosError;
use crate::refusal;
use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, NetworkConnectRequest,
    NetworkDisconnectRequest, NetworkingConfig, PortBinding, SystemInfo,
    SystemInfoCgroupDriverEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, KillContainerOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The number of brokers.
pub(super) const BROKERS: usize = refusal::BROKERS as usize;
/// The time limit for the engine to start a container, on a busy machine.
const CREATE: Duration = Duration::from_secs(60);
/// The time that a broker has to hand over its partitions before it is killed.
const GRACE: Duration = Duration::from_secs(30);
/// The time limit for a killed broker to disappear.
const GONE: Duration = Duration::from_secs(10);
/// The number of lines of a dead broker's log that go into an error.
const LAST_LINES: usize = 12;

/// The names and the labels by which the containers and the network of a cluster are found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// The name of the network, with which the names of the containers begin.
    pub(super) network: String,
    pub(super) labels: HashMap<String, String>,
}

/// The containers of a cluster, and their network. Removed by [`Containers::remove`], else when
/// dropped, else by the next run; unless they are kept.
#[derive(Debug)]
pub(super) struct Containers {
    docker: Docker,
    network: String,
    brokers: Vec<Container>,
    /// True once there is nothing to remove when dropped: they are gone, or kept.
    settled: AtomicBool,
}

/// One broker's container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) name: String,
    /// The port of the host at which clients reach the broker.
    pub(super) host_port: u16,
    /// The address in the network. It is fixed: a broker that came back elsewhere would not be
    /// found by those that remember the old one.
    pub(super) address: String,
}

/// Counts the clusters of this process: a process may have several.
pub(super) fn next_number() -> u32 {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    STARTED.fetch_add(1, Ordering::Relaxed)
}

impl Marks {
    /// Makes those of a cluster that ends with this run.
    pub(super) fn of_run(number: u32) -> Self {
        Self {
            network: format!("plimsoll-{}-{number}", cleanup::run_id()),
            labels: remains::labels().into_iter().collect(),
        }
    }
}

impl Containers {
    /// Starts the brokers side by side; returns before they answer. `number` counts the clusters of
    /// this process.
    pub(super) async fn start(
        docker: Docker,
        image: &Image,
        marks: Marks,
        number: u32,
    ) -> Result<Self, ChaosError> {
        let ports = free_ports(number, BROKERS)?;
        let Marks { network, labels } = marks;
        let subnet = network::create(&docker, &network, &labels).await?;
        let system = docker.info().await;
        let system = system.map_err(|error| failed("describe", "itself", error))?;
        let names = names(&network);
        let places = subnet.addresses(BROKERS).into_iter().zip(ports);
        let brokers = names.iter().zip(places);
        let brokers = brokers.map(|(name, (address, host_port))| Container {
            name: name.clone(),
            host_port,
            address,
        });
        let containers = Self {
            docker,
            network,
            brokers: brokers.collect(),
            settled: AtomicBool::new(false),
        };
        let bodies = (1..).zip(&containers.brokers).map(|(node_id, container)| {
            let broker = Broker {
                node_id,
                names: &names,
                host_port: container.host_port,
            };
            let mut body = body(image, container, &broker, &containers.network, &labels);
            if let Some(host) = &mut body.host_config {
                give_processor(host, &system);
            }
            containers.create(&container.name, body)
        });
        try_join_all(bodies).await?;
        Ok(containers)
    }

    /// Takes over containers that are there already, and keeps them.
    pub(super) fn found(docker: Docker, network: String, brokers: Vec<Container>) -> Self {
        Self {
            docker,
            network,
            brokers,
            settled: AtomicBool::new(true),
        }
    }

    /// Keeps the containers for later runs.
    pub(super) fn keep(&self) {
        self.settled.store(true, Ordering::Relaxed);
    }

    /// Returns whether the containers stay when this is dropped.
    pub(super) fn stay(&self) -> bool {
        self.settled.load(Ordering::Relaxed)
    }

    /// Returns the addresses at which the harness reaches the brokers.
    pub(super) fn brokers(&self) -> Vec<BrokerAddress> {
        (0..)
            .zip(&self.brokers)
            .map(|(index, container)| BrokerAddress {
                index,
                node_id: index.cast_signed() + 1,
                address: format!("127.0.0.1:{}", container.host_port),
            })
            .collect()
    }

    pub(super) async fn kill(&self, broker: u32) -> Result<(), ChaosError> {
        let name = &self.container(broker)?.name;
        let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        (self.docker.kill_container(name, Some(options)).await)
            .map_err(|error| failed("kill", name, error))?;
        // To start a container that is still ending starts nothing.
        let end = Instant::now() + GONE;
        while self.state(name).await?.running {
            if Instant::now() > end {
                return Err(failed("kill", name, "it is still running"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub(super) async fn stop(&self, broker: u32) -> Result<(), ChaosError> {
        let name = &self.container(broker)?.name;
        let seconds = i32::try_from(GRACE.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new()
            .signal("SIGTERM")
            .t(seconds)
            .build();
        (self.docker.stop_container(name, Some(options)).await)
            .map_err(|error| failed("stop", name, error))
    }

    pub(super) async fn start_broker(&self, broker: u32) -> Result<(), ChaosError> {
        let name = &self.container(broker)?.name;
        (self.docker.start_container(name, None).await)
            .map_err(|error| failed("start", name, error))
    }

    pub(super) async fn pause(&self, broker: u32) -> Result<(), ChaosError> {
        let name = &self.container(broker)?.name;
        (self.docker.pause_container(name).await).map_err(|error| failed("pause", name, error))
    }

    pub(super) async fn unpause(&self, broker: u32) -> Result<(), ChaosError> {
        let name = &self.container(broker)?.name;
        (self.docker.unpause_container(name).await).map_err(|error| failed("unpause", name, error))
    }

    pub(super) async fn isolate(&self, broker: u32) -> Result<(), ChaosError> {
        self.disconnect(self.container(broker)?).await
    }

    pub(super) async fn rejoin(&self, broker: u32) -> Result<(), ChaosError> {
        self.connect(self.container(broker)?).await
    }

    /// Brings every broker back, whatever was done to it.
    pub(super) async fn mend(&self) -> Result<(), ChaosError> {
        for container in &self.brokers {
            let name = &container.name;
            let state = self.state(name).await?;
            if state.paused {
                (self.docker.unpause_container(name).await)
                    .map_err(|error| failed("unpause", name, error))?;
            }
            if !state.connected {
                self.connect(container).await?;
            }
            if !state.running {
                (self.docker.start_container(name, None).await)
                    .map_err(|error| failed("start", name, error))?;
            }
        }
        Ok(())
    }

    /// Removes containers and network. What fails is left to the next run.
    pub(super) async fn remove(&self) {
        for name in names(&self.network) {
            let options = RemoveContainerOptionsBuilder::new().force(true).v(true);
            let removed = self.docker.remove_container(&name, Some(options.build()));
            match removed.await {
                Err(error) if is_missing(&error) => {}
                removed => warn_unless_gone(removed),
            }
        }
        match self.docker.remove_network(&self.network).await {
            Err(error) if is_missing(&error) => {}
            removed => warn_unless_gone(removed),
        }
        self.settled.store(true, Ordering::Relaxed);
    }

    /// Returns the ends of the logs of the brokers that do not run, to be put behind an error.
    pub(super) async fn last_words(&self) -> String {
        let mut words = String::new();
        for container in &self.brokers {
            let state = self.state(&container.name).await;
            if state.is_ok_and(|state| state.running) {
                continue;
            }
            let options = LogsOptionsBuilder::new()
                .stdout(true)
                .tail(&LAST_LINES.to_string());
            let log = self.docker.logs(&container.name, Some(options.build()));
            let last: Vec<_> = log.try_collect().await.unwrap_or_default();
            let last: String = last.iter().map(ToString::to_string).collect();
            words.push_str(&format!(
                "\n{} does not run; its log ends with:\n{}",
                container.name,
                last.trim_end()
            ));
        }
        words
    }

    fn container(&self, broker: u32) -> Result<&Container, ChaosError> {
        self.brokers
            .get(broker as usize)
            .ok_or_else(|| ChaosError::Scenario(format!("there is no broker {broker}")))
    }

    /// Creates and starts a container.
    async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<(), ChaosError> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let started = async {
            (self.docker.create_container(Some(options), body).await)
                .map_err(|error| failed("create", name, error))?;
            (self.docker.start_container(name, None).await)
                .map_err(|error| failed("start", name, error))
        };
        let started = timeout(CREATE, started).await;
        started.unwrap_or_else(|_| Err(failed("start", name, "it takes too long")))
    }

    async fn connect(&self, container: &Container) -> Result<(), ChaosError> {
        let request = NetworkConnectRequest {
            container: container.name.clone(),
            endpoint_config: Some(endpoint(&container.address)),
        };
        (self.docker.connect_network(&self.network, request).await)
            .map_err(|error| failed("connect", &container.name, error))
    }

    async fn disconnect(&self, container: &Container) -> Result<(), ChaosError> {
        let request = NetworkDisconnectRequest {
            container: container.name.clone(),
            force: None,
        };
        (self.docker.disconnect_network(&self.network, request).await)
            .map_err(|error| failed("disconnect", &container.name, error))
    }

    pub(super) async fn state(&self, name: &str) -> Result<ContainerState, ChaosError> {
        let found = (self.docker.inspect_container(name, None).await)
            .map_err(|error| failed("inspect", name, error))?;
        let process = found.state.unwrap_or_default();
        let networks = (found.network_settings)
            .and_then(|settings| settings.networks)
            .unwrap_or_default();
        Ok(ContainerState {
            running: process.running.unwrap_or(false),
            paused: process.paused.unwrap_or(false),
            connected: networks.contains_key(&self.network),
        })
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        if *self.settled.get_mut() {
            return;
        }
        // There may be no runtime here, so this brings its own. What fails is left to the next run.
        std::thread::scope(|scope| {
            scope.spawn(|| on_own_runtime(self.remove()));
        });
    }
}

/// The state of a container, as the engine describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContainerState {
    pub(super) running: bool,
    pub(super) paused: bool,
    pub(super) connected: bool,
}

/// The label that says at which port of the host a broker's clients reach it.
pub(super) const PORT_LABEL: &str = "org.plimsoll.port";
/// The label that says which address a broker has in its network, also while it is cut from it.
pub(super) const ADDRESS_LABEL: &str = "org.plimsoll.address";

/// Describes the container of one broker: its client port stands at a fixed port of the host, on
/// loopback only. It is asked for its address: one that the network chose may be another one after
/// a restart.
fn body(
    image: &Image,
    container: &Container,
    broker: &Broker<'_>,
    network: &str,
    labels: &HashMap<String, String>,
) -> ContainerCreateBody {
    let port = format!("{CLIENT_PORT}/tcp");
    let binding = PortBinding {
        host_ip: Some(Ipv4Addr::LOCALHOST.to_string()),
        host_port: Some(container.host_port.to_string()),
    };
    let environment = broker.environment().into_iter();
    let environment = environment.map(|(variable, value)| format!("{variable}={value}"));
    let mut labels = labels.clone();
    labels.insert(PORT_LABEL.into(), container.host_port.to_string());
    labels.insert(ADDRESS_LABEL.into(), container.address.clone());
    let endpoint = endpoint(&container.address);
    ContainerCreateBody {
        image: Some(image.reference()),
        hostname: Some(container.name.clone()),
        labels: Some(labels),
        env: Some(environment.collect()),
        exposed_ports: Some(vec![port.clone()]),
        host_config: Some(HostConfig {
            network_mode: Some(network.to_owned()),
            port_bindings: Some(HashMap::from([(port, Some(vec![binding]))])),
            ..Default::default()
        }),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network.to_owned(), endpoint)])),
        }),
        ..Default::default()
    }
}

/// The weight of a broker where processors are scarce. That of a process which no container holds
/// is 1,024.
const CPU_SHARES: i64 = 4_096;

/// Gives a broker more of the processors than a member has: dozens of members that start at the
/// same time would else keep the brokers from answering any of them.
///
/// An engine without systemd puts all containers into one group, which has the weight of one
/// process, whatever theirs is: so there the broker is put beside that group.
fn give_processor(host: &mut HostConfig, system: &SystemInfo) {
    host.cpu_shares = Some(CPU_SHARES);
    if system.cgroup_driver == Some(SystemInfoCgroupDriverEnum::CGROUPFS) {
        host.cgroup_parent = Some("/".into());
    }
}

/// Describes a place in a network, at this address.
fn endpoint(address: &str) -> EndpointSettings {
    EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: Some(address.to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Runs a future on a new runtime, on a thread that has none yet, if a runtime can be made.
fn on_own_runtime(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if let Ok(runtime) = runtime {
        runtime.block_on(future);
    }
}

/// Returns the containers' names, by Kafka's id of the broker.
fn names(prefix: &str) -> Vec<String> {
    (1..=BROKERS)
        .map(|id| format!("{prefix}-kafka-{id}"))
        .collect()
}

fn warn_unless_gone<E: std::fmt::Display>(removed: Result<(), E>) {
    if let Err(error) = removed {
        tracing::warn!("a container or network of the brokers was not removed: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_never_in_the_group_that_shares_the_weight_of_one_process() {
        for (driver, parent) in [
            (SystemInfoCgroupDriverEnum::CGROUPFS, Some("/")),
            (SystemInfoCgroupDriverEnum::SYSTEMD, None),
        ] {
            let mut host = HostConfig::default();
            let system = SystemInfo {
                cgroup_driver: Some(driver),
                ..Default::default()
            };
            give_processor(&mut host, &system);
            assert_eq!(host.cgroup_parent.as_deref(), parent);
            assert_eq!(host.cpu_shares, Some(CPU_SHARES));
        }
    }
}
