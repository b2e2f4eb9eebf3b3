//! Three combined brokers and controllers in containers, and what breaks them.

use super::cleanup;
use super::image::Image;
use super::settings::{Broker, CLIENT_PORT};
use crate::address::BrokerAddress;
use crate::error::ChaosError;
use bollard::Docker;
use bollard::errors::Error as DockerError;
use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, Ipam, IpamConfig,
    NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest, PortBinding,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, KillContainerOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::TryStreamExt as _;
use std::collections::HashMap;
use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout};

const BROKERS: usize = 3;
/// The time limit for the engine to answer that it is there.
const ENGINE: Duration = Duration::from_secs(10);
/// The time limit for the engine to start a container, on a busy machine.
const CREATE: Duration = Duration::from_secs(60);
/// The time limit for the engine to pull the image.
const PULL: Duration = Duration::from_secs(900);
/// The time that a broker has to hand over its partitions before it is killed.
const GRACE: Duration = Duration::from_secs(30);
/// The time limit for a killed broker to disappear.
const GONE: Duration = Duration::from_secs(10);
/// The number of lines of a dead broker's log that go into an error.
const LAST_LINES: usize = 12;

/// The containers of a run, and their network. Removed by [`Containers::remove`], else when
/// dropped, else by the next run.
#[derive(Debug)]
pub(super) struct Containers {
    docker: Docker,
    network: String,
    brokers: Vec<Container>,
    removed: AtomicBool,
}

/// One broker's container.
#[derive(Debug)]
struct Container {
    name: String,
    host_port: u16,
    /// The address in the network. It is fixed: a broker that came back elsewhere would not be
    /// found by those that remember the old one.
    address: String,
}

/// Connects to the container engine.
///
/// # Errors
/// Where no engine answers.
pub(super) async fn engine() -> Result<Docker, ChaosError> {
    let host = host();
    let none = |why: String| {
        ChaosError::Environment(format!(
            "no Docker engine answers at {host}: start it or give --bootstrap ({why})"
        ))
    };
    let client = Docker::connect_with_host(&host).map_err(|error| none(error.to_string()))?;
    match timeout(ENGINE, client.negotiate_version()).await {
        Ok(Ok(docker)) => Ok(docker),
        Ok(Err(error)) => Err(none(error.to_string())),
        Err(_) => Err(none(format!("silent for {} s", ENGINE.as_secs()))),
    }
}

/// Returns the address of the engine: the one that `DOCKER_HOST` names, else the first socket that
/// is there, of an engine that runs as root and of those that do not.
fn host() -> String {
    if let Ok(host) = env::var("DOCKER_HOST")
        && !host.is_empty()
    {
        return host;
    }
    const ROOT: &str = "/var/run/docker.sock";
    let below = |variable: &str, path: &str| {
        let folder = env::var_os(variable)?;
        Some(Path::new(&folder).join(path).display().to_string())
    };
    let sockets = [
        Some(ROOT.to_owned()),
        below("XDG_RUNTIME_DIR", "docker.sock"),
        below("HOME", ".docker/run/docker.sock"),
        below("HOME", ".docker/desktop/docker.sock"),
    ];
    let mut sockets = sockets.into_iter().flatten();
    let socket = sockets.find(|socket| Path::new(socket).exists());
    format!("unix://{}", socket.as_deref().unwrap_or(ROOT))
}

impl Containers {
    /// Starts the brokers; returns before they answer.
    pub(super) async fn start(docker: Docker, image: &Image) -> Result<Self, ChaosError> {
        if !image.present {
            match timeout(PULL, image.pull(&docker)).await {
                Ok(pulled) => pulled?,
                Err(_) => return Err(image.missing("it takes too long to pull")),
            }
        }
        // A process may have several clusters.
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("plimsoll-{}-{number}", cleanup::run_id());
        let mut containers = Self {
            network: create_network(&docker, &prefix).await?,
            docker,
            brokers: Vec::new(),
            removed: AtomicBool::new(false),
        };
        let names = names(&prefix);
        for ((node_id, name), host_port) in (1..).zip(&names).zip(free_ports(number)?) {
            let broker = Broker {
                node_id,
                names: &names,
                host_port,
            };
            let body = body(image, name, &broker, &containers.network);
            match timeout(CREATE, containers.create(name, body)).await {
                Ok(started) => started?,
                Err(_) => return Err(failed("start", name, "it takes too long")),
            }
            containers.brokers.push(Container {
                name: name.clone(),
                host_port,
                address: containers.address_of(name).await?,
            });
        }
        // An address that the network chose may be another one after a restart; one that was asked
        // for stays. So each container is connected again with the address that it has.
        for container in &containers.brokers {
            containers.disconnect(container).await?;
            containers.connect(container).await?;
        }
        Ok(containers)
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
        self.removed.store(true, Ordering::Relaxed);
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
        (self.docker.create_container(Some(options), body).await)
            .map_err(|error| failed("create", name, error))?;
        (self.docker.start_container(name, None).await)
            .map_err(|error| failed("start", name, error))
    }

    async fn connect(&self, container: &Container) -> Result<(), ChaosError> {
        let request = NetworkConnectRequest {
            container: container.name.clone(),
            endpoint_config: Some(EndpointSettings {
                ipam_config: Some(EndpointIpamConfig {
                    ipv4_address: Some(container.address.clone()),
                    ..Default::default()
                }),
                ..Default::default()
            }),
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

    async fn state(&self, name: &str) -> Result<ContainerState, ChaosError> {
        let found = (self.docker.inspect_container(name, None).await)
            .map_err(|error| failed("inspect", name, error))?;
        let process = found.state.unwrap_or_default();
        let networks = (found.network_settings)
            .and_then(|settings| settings.networks)
            .unwrap_or_default();
        let endpoint = networks.get(&self.network);
        Ok(ContainerState {
            running: process.running.unwrap_or(false),
            paused: process.paused.unwrap_or(false),
            connected: endpoint.is_some(),
            address: endpoint
                .and_then(|endpoint| endpoint.ip_address.clone())
                .filter(|address| !address.is_empty()),
        })
    }

    async fn address_of(&self, name: &str) -> Result<String, ChaosError> {
        (self.state(name).await?.address)
            .ok_or_else(|| failed("start", name, "it has no address in its network"))
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        if *self.removed.get_mut() {
            return;
        }
        // There may be no runtime here, so this brings its own. What fails is left to the next run.
        std::thread::scope(|scope| {
            scope.spawn(|| on_own_runtime(self.remove()));
        });
    }
}

/// The state of a container, as the engine describes it.
#[derive(Clone, Debug)]
struct ContainerState {
    running: bool,
    paused: bool,
    connected: bool,
    address: Option<String>,
}

/// Describes the container of one broker: its client port stands at a fixed port of the host, on
/// loopback only.
fn body(image: &Image, name: &str, broker: &Broker<'_>, network: &str) -> ContainerCreateBody {
    let port = format!("{CLIENT_PORT}/tcp");
    let binding = PortBinding {
        host_ip: Some(Ipv4Addr::LOCALHOST.to_string()),
        host_port: Some(broker.host_port.to_string()),
    };
    let environment = broker.environment().into_iter();
    let environment = environment.map(|(variable, value)| format!("{variable}={value}"));
    ContainerCreateBody {
        image: Some(image.reference()),
        hostname: Some(name.to_owned()),
        labels: Some(cleanup::labels().into_iter().collect()),
        env: Some(environment.collect()),
        exposed_ports: Some(vec![port.clone()]),
        host_config: Some(HostConfig {
            network_mode: Some(network.to_owned()),
            port_bindings: Some(HashMap::from([(port, Some(vec![binding]))])),
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

/// Creates a network with a subnet of its own, since addresses can be fixed only there. The subnets
/// are out of the range set aside for benchmarks, which no route leads to.
async fn create_network(docker: &Docker, name: &str) -> Result<String, ChaosError> {
    // Clusters that begin together should not try the same one.
    let first = std::process::id() % 256;
    let mut refusal = None;
    for third in (first..256).chain(0..first) {
        let subnet = IpamConfig {
            subnet: Some(format!("198.19.{third}.0/24")),
            ..Default::default()
        };
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            labels: Some(cleanup::labels().into_iter().collect()),
            ipam: Some(Ipam {
                config: Some(vec![subnet]),
                ..Default::default()
            }),
            ..Default::default()
        };
        match docker.create_network(request).await {
            Ok(_) => return Ok(name.to_owned()),
            Err(error) if overlaps(&error) => refusal = Some(error),
            Err(error) => return Err(failed("create", name, error)),
        }
    }
    let why = refusal.map_or_else(|| "no subnet is free".into(), |error| error.to_string());
    Err(failed("create", name, why))
}

/// Finds ports for the brokers, which keep them for as long as they live.
///
/// They lie below those that the system gives to outgoing connections: one of those could take the
/// port of a broker that is down.
fn free_ports(number: u32) -> Result<Vec<u16>, ChaosError> {
    const FIRST: u16 = 20_000;
    const LAST: u16 = 32_000;
    // Clusters that begin together should not try the same ones.
    let offset = (std::process::id().wrapping_mul(37))
        .wrapping_add(number.wrapping_mul(101))
        .rem_euclid(u32::from(LAST - FIRST));
    let first = FIRST + u16::try_from(offset).unwrap_or(0);
    let free = (first..LAST)
        .chain(FIRST..first)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .take(BROKERS)
        .collect::<Vec<_>>();
    match free.len() == BROKERS {
        true => Ok(free),
        false => Err(ChaosError::Environment(format!(
            "fewer than {BROKERS} ports are free between {FIRST} and {LAST}"
        ))),
    }
}

fn overlaps(error: &DockerError) -> bool {
    matches!(error, DockerError::DockerResponseServerError { message, .. }
        if message.contains("overlaps"))
}

fn is_missing(error: &DockerError) -> bool {
    matches!(
        error,
        DockerError::DockerResponseServerError {
            status_code: 404,
            ..
        }
    )
}

fn warn_unless_gone<E: std::fmt::Display>(removed: Result<(), E>) {
    if let Err(error) = removed {
        tracing::warn!("a container or network of the brokers was not removed: {error}");
    }
}

fn failed(what: &str, name: &str, why: impl std::fmt::Display) -> ChaosError {
    ChaosError::Environment(format!("Docker did not {what} {name}: {why}"))
}
