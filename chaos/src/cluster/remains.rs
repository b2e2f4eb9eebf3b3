//! The containers and networks that an interrupted run left behind.

use super::cleanup::{is_dead, run_id};
use super::engine;
use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::LazyLock;

/// The label that names the run of a container or network.
pub(super) const RUN_LABEL: &str = "org.plimsoll.run";
/// The label that names the home of that run's process. Process ids say nothing about processes of
/// another machine, or of another container.
const HOME_LABEL: &str = "org.plimsoll.home";

/// Returns the labels of this run's containers and networks.
pub(super) fn labels() -> BTreeMap<String, String> {
    BTreeMap::from([
        (RUN_LABEL.to_owned(), run_id()),
        (HOME_LABEL.to_owned(), home()),
    ])
}

/// Removes containers and networks of runs that are over.
pub(super) async fn remove(docker: &Docker) {
    let filters = HashMap::from([("label", vec![format!("{HOME_LABEL}={}", home())])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let containers = docker.list_containers(Some(options)).await;
    for container in containers.unwrap_or_default() {
        if let Some(id) = container.id
            && is_dead_run(container.labels.as_ref())
        {
            let options = RemoveContainerOptionsBuilder::new()
                .force(true)
                .v(true)
                .build();
            report(&id, docker.remove_container(&id, Some(options)).await);
        }
    }
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    for network in docker
        .list_networks(Some(options))
        .await
        .unwrap_or_default()
    {
        if let Some(id) = network.id
            && is_dead_run(network.labels.as_ref())
        {
            report(&id, docker.remove_network(&id).await);
        }
    }
}

/// Logs whether a removal succeeded. Two runs may clean up at the same time: what one removes is
/// gone, or about to be, for the other.
fn report(id: &str, result: Result<(), bollard::errors::Error>) {
    match result {
        Err(error) if engine::is_going(&error) => {}
        Ok(()) => tracing::info!("removed {id}, which an interrupted run had left"),
        Err(error) => tracing::warn!("{id} of an interrupted run was not removed: {error}"),
    }
}

fn is_dead_run(labels: Option<&HashMap<String, String>>) -> bool {
    let run = labels.and_then(|labels| labels.get(RUN_LABEL));
    run.is_some_and(|run| is_dead(run))
}

/// Names the machine since its start, and the namespace of its process ids.
fn home() -> String {
    static HOME: LazyLock<String> = LazyLock::new(|| {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        format!("{} {}", boot.trim(), namespace.display())
    });
    HOME.clone()
}
