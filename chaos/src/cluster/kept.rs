//! The cluster that stays: `plimsoll cluster up` starts it, later runs find and use it.
//!
//! What it is stands in the labels of its containers, so that nothing can be out of date. A run
//! holds a lock for as long as it uses the cluster, which the system lets go when the process ends,
//! however it ends: whatever a run may do to brokers, it does to no other run.

use super::containers::{
    ADDRESS_LABEL, BROKERS, Container, Containers, Marks, PORT_LABEL, next_number,
};
use super::engine::{self, failed};
use super::ground::Ground;
use super::{Cluster, environment, image};
use crate::address;
use crate::error::ChaosError;
use bollard::Docker;
use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;
use std::collections::HashMap;
use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// The environment variable with the name of the kept cluster. There may be several at a time.
pub(crate) const VARIABLE: &str = "PLIMSOLL_CLUSTER";
/// The label with the name of the cluster.
const NAME_LABEL: &str = "org.plimsoll.cluster";
/// The label with the file that is locked by what uses the cluster.
const LOCK_LABEL: &str = "org.plimsoll.lock";
/// The label with the settings that all brokers were started with.
const SETTINGS_LABEL: &str = "org.plimsoll.settings";

/// A cluster that stays for later runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCluster {
    /// The name of the image that the brokers run.
    pub image: String,
    /// The brokers, by index: the address for clients, and the state of the container.
    pub brokers: Vec<(String, &'static str)>,
    /// Whether a run uses it at the moment.
    pub in_use: bool,
    /// The reason why runs refuse it, if they do.
    pub unfit: Option<String>,
}

/// The outcome of an attempt to use the kept cluster.
#[derive(Debug)]
pub(super) enum Claim {
    /// There is none.
    Absent,
    /// Another run uses it.
    InUse,
    /// This process uses it as long as the file is open.
    Taken(Containers, File),
}

impl KeptCluster {
    /// Starts the cluster, or brings back what of it does not run. Returns it when it is healthy,
    /// and whether it is a new one.
    ///
    /// # Errors
    /// Where there is no engine or image, where the cluster that is there is another one than would
    /// be started, and where brokers do not answer.
    pub fn up() -> Result<(Self, bool), ChaosError> {
        block_on(up())
    }

    /// Removes the cluster; returns whether there was one.
    ///
    /// # Errors
    /// Where there is no engine, or a run uses the cluster.
    pub fn down() -> Result<bool, ChaosError> {
        block_on(down())
    }

    /// Looks for the cluster; starts and changes nothing.
    ///
    /// # Errors
    /// Where there is no engine.
    pub fn look() -> Result<Option<Self>, ChaosError> {
        block_on(look())
    }

    /// Returns whether runs can use it as it is.
    pub fn is_well(&self) -> bool {
        self.unfit.is_none() && self.brokers.iter().all(|(_, state)| *state == RUNNING)
    }
}

/// Waits for a future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = Result<T, ChaosError>>) -> Result<T, ChaosError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime
        .map_err(|error| ChaosError::Environment(format!("cannot start a runtime: {error}")))?;
    runtime.block_on(future)
}

pub(super) async fn up() -> Result<(KeptCluster, bool), ChaosError> {
    let ground = Ground::prepare().await?;
    let (docker, name) = (&ground.docker, name());
    let image = ground.image.id(docker).await;
    let path = lock_path(&name);
    let Some(lock) = try_lock(&path)? else {
        let found = find(docker, &name).await?;
        let found = found.ok_or_else(|| failed("start", &name, "another process is at it"))?;
        return Ok((found.shown(docker, &image).await?, false));
    };
    let there = match find(docker, &name).await? {
        // Something removed a broker, or ended `up` half-way: there is nothing to keep.
        Some(found) if !found.is_whole() => {
            found.containers(docker).remove().await;
            None
        }
        there => there,
    };
    let is_new = there.is_none();
    let containers = match there {
        Some(found) => {
            found.fits(&image).map_err(|why| unfit(&why))?;
            found.containers(docker)
        }
        None => {
            let marks = marks(&name, &path);
            Containers::start(docker.clone(), &ground.image, marks, next_number()).await?
        }
    };
    containers.mend().await?;
    let cluster = Cluster::of(containers, Some(lock));
    cluster.first_health().await?;
    cluster.keep();
    let found = find(docker, &name).await?;
    let found = found.ok_or_else(|| failed("keep", &name, "its containers are gone"))?;
    // The lock is this process's own, until it is shown.
    drop(cluster);
    Ok((found.shown(docker, &image).await?, is_new))
}

pub(super) async fn down() -> Result<bool, ChaosError> {
    let (docker, name) = (engine::connect().await?, name());
    let Some(found) = find(&docker, &name).await? else {
        return Ok(false);
    };
    let Some(_lock) = try_lock(&found.lock)? else {
        return Err(ChaosError::Environment(
            "a run uses the kept cluster: end that first".into(),
        ));
    };
    found.containers(&docker).remove().await;
    match find(&docker, &name).await? {
        None => Ok(true),
        Some(_) => Err(failed("remove", &name, "a container is there still")),
    }
}

pub(super) async fn look() -> Result<Option<KeptCluster>, ChaosError> {
    let docker = engine::connect().await?;
    let Some(found) = find(&docker, &name()).await? else {
        return Ok(None);
    };
    let image = image::choose(&docker).await?.id(&docker).await;
    found.shown(&docker, &image).await.map(Some)
}

/// Takes the kept cluster for this process, if there is one and nothing else uses it.
///
/// # Errors
/// Where it is another one than this process would start.
pub(super) async fn claim(ground: &Ground) -> Result<Claim, ChaosError> {
    let (docker, name) = (&ground.docker, name());
    let Some(found) = find(docker, &name).await? else {
        return Ok(Claim::Absent);
    };
    let Some(lock) = try_lock(&found.lock)? else {
        return Ok(Claim::InUse);
    };
    // It may have been removed before it was locked.
    let Some(found) = find(docker, &name).await? else {
        return Ok(Claim::Absent);
    };
    let image_id = ground.image.id(docker).await;
    found.fits(&image_id).map_err(|why| unfit(&why))?;
    let containers = found.containers(docker);
    containers.mend().await?;
    Ok(Claim::Taken(containers, lock))
}

/// Makes the error for a cluster that runs refuse.
fn unfit(why: &str) -> ChaosError {
    ChaosError::Environment(format!(
        "the kept cluster is not the one that this run would start: {why}; `plimsoll cluster down` \
         removes it"
    ))
}

/// The word for the state of a container that runs.
const RUNNING: &str = "running";

/// The kept cluster as its containers tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    network: String,
    brokers: Vec<Container>,
    image: String,
    image_id: String,
    settings: String,
    lock: PathBuf,
}

impl Found {
    /// Reads it from the containers that carry its name, whichever there are.
    fn read(name: &str, containers: &[ContainerSummary]) -> Option<Self> {
        let label = |container: &ContainerSummary, label: &str| {
            container.labels.as_ref()?.get(label).cloned()
        };
        let mut brokers: Vec<Container> = containers
            .iter()
            .filter_map(|container| {
                let name = container.names.as_ref()?.first()?;
                Some(Container {
                    name: name.trim_start_matches('/').to_owned(),
                    host_port: label(container, PORT_LABEL)?.parse().ok()?,
                    address: label(container, ADDRESS_LABEL)?,
                })
            })
            .collect();
        brokers.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let first = containers.first()?;
        Some(Self {
            network: network(name),
            brokers,
            image: first.image.clone().unwrap_or_default(),
            image_id: first.image_id.clone().unwrap_or_default(),
            settings: label(first, SETTINGS_LABEL).unwrap_or_default(),
            lock: label(first, LOCK_LABEL).map_or_else(|| lock_path(name), PathBuf::from),
        })
    }

    fn is_whole(&self) -> bool {
        self.brokers.len() == BROKERS
    }

    /// Checks that a run on it is like one on brokers of its own. `image` is the id of the image
    /// that those would run.
    fn fits(&self, image: &str) -> Result<(), String> {
        if !self.is_whole() {
            let count = self.brokers.len();
            return Err(format!("it has {count} of {BROKERS} brokers"));
        }
        if self.image_id != image {
            return Err(format!("it runs another image, {}", self.image));
        }
        if self.settings != environment::text() {
            return Err("its brokers have settings of another version of Plimsoll".into());
        }
        Ok(())
    }

    fn containers(&self, docker: &Docker) -> Containers {
        Containers::found(docker.clone(), self.network.clone(), self.brokers.clone())
    }

    async fn shown(&self, docker: &Docker, image: &str) -> Result<KeptCluster, ChaosError> {
        let containers = self.containers(docker);
        let mut brokers = Vec::new();
        for (broker, container) in containers.brokers().iter().zip(&self.brokers) {
            let state = containers.state(&container.name).await?;
            let state = match (state.running, state.paused, state.connected) {
                (false, _, _) => "stopped",
                (true, true, _) => "paused",
                (true, false, false) => "cut off",
                (true, false, true) => RUNNING,
            };
            brokers.push((address::bootstrap(std::slice::from_ref(broker)), state));
        }
        Ok(KeptCluster {
            image: self.image.clone(),
            brokers,
            in_use: try_lock(&self.lock)?.is_none(),
            unfit: self.fits(image).err(),
        })
    }
}

async fn find(docker: &Docker, name: &str) -> Result<Option<Found>, ChaosError> {
    let filters = HashMap::from([("label", vec![format!("{NAME_LABEL}={name}")])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let containers = docker.list_containers(Some(options)).await;
    let containers = containers.map_err(|error| failed("list", "the kept cluster", error))?;
    Ok(Found::read(name, &containers))
}

/// Returns the name of the kept cluster: the one that the environment gives, else one for each
/// user.
fn name() -> String {
    match env::var(VARIABLE) {
        Ok(name) if !name.trim().is_empty() => name.trim().to_owned(),
        _ => format!("kept-{}", rustix::process::getuid().as_raw()),
    }
}

fn network(name: &str) -> String {
    format!("plimsoll-{name}")
}

fn marks(name: &str, lock: &Path) -> Marks {
    let labels = [
        (NAME_LABEL, name.to_owned()),
        (LOCK_LABEL, lock.display().to_string()),
        (SETTINGS_LABEL, environment::text()),
    ];
    Marks {
        network: network(name),
        labels: HashMap::from(labels.map(|(label, value)| (label.to_owned(), value))),
    }
}

/// Returns the file that is locked by what uses the cluster, in the user's cache.
fn lock_path(name: &str) -> PathBuf {
    let folder = |variable: &str| env::var_os(variable).filter(|folder| !folder.is_empty());
    let cache = folder("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(folder("HOME")?).join(".cache")));
    let cache = cache.unwrap_or_else(env::temp_dir);
    cache.join("plimsoll").join(format!("cluster-{name}.lock"))
}

/// Locks the file of a cluster, unless something else has.
fn try_lock(path: &Path) -> Result<Option<File>, ChaosError> {
    let cannot = |error: std::io::Error| {
        ChaosError::Environment(format!("cannot lock {}: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(cannot)?;
    }
    let file = File::options().create(true).append(true).open(path);
    let file = file.map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(number: u16, labels: &[(&str, &str)]) -> ContainerSummary {
        let port = (20_000 + number).to_string();
        let address = format!("198.19.0.{number}");
        let place = [(PORT_LABEL, port.as_str()), (ADDRESS_LABEL, &address)];
        let labels = place.iter().chain(labels);
        let labels = labels.map(|(label, value)| ((*label).to_owned(), (*value).to_owned()));
        ContainerSummary {
            names: Some(vec![format!("/plimsoll-x-kafka-{number}")]),
            image: Some("kafka:1".into()),
            image_id: Some("sha256:1".into()),
            labels: Some(labels.collect()),
            ..ContainerSummary::default()
        }
    }

    #[test]
    fn what_a_cluster_is_stands_in_its_labels() {
        let settings = environment::text();
        let labels = [(SETTINGS_LABEL, settings.as_str()), (LOCK_LABEL, "/a/lock")];
        let listed = [3, 1, 2].map(|number| container(number, &labels));
        let found = Found::read("x", &listed).expect("a cluster");
        let names = found.brokers.iter().map(|broker| broker.host_port);
        assert_eq!(names.collect::<Vec<_>>(), [20_001, 20_002, 20_003]);
        assert_eq!(found.network, "plimsoll-x");
        assert_eq!(found.lock, Path::new("/a/lock"));
        assert_eq!(found.fits("sha256:1"), Ok(()));
        assert_eq!(Found::read("x", &[]), None);
    }

    #[test]
    fn another_cluster_than_a_run_would_start_is_refused() {
        let settings = environment::text();
        let labels = [(SETTINGS_LABEL, settings.as_str())];
        let listed = [1, 2, 3].map(|number| container(number, &labels));
        let refused = |containers: &[ContainerSummary], image: &str| {
            let found = Found::read("x", containers).expect("a cluster");
            found.fits(image).expect_err("it does not fit")
        };
        assert_eq!(refused(&listed[1..], "sha256:1"), "it has 2 of 3 brokers");
        assert_eq!(
            refused(&listed, "sha256:2"),
            "it runs another image, kafka:1"
        );
        let old = [1, 2, 3].map(|number| container(number, &[(SETTINGS_LABEL, "a=b\n")]));
        assert!(refused(&old, "sha256:1").contains("another version"));
    }

    #[test]
    fn one_process_at_a_time_has_the_lock() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("below").join("lock");
        let first = try_lock(&path).expect("it can be locked");
        assert!(first.is_some());
        assert!(try_lock(&path).expect("it can be tried").is_none());
        drop(first);
        assert!(try_lock(&path).expect("it can be locked").is_some());
    }
}
