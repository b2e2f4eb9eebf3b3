//! The ground that clusters in containers stand on: an engine, and an image of Kafka.

use super::cleanup::processes_of_dead_runs;
use super::containers::{Containers, Marks, next_number};
use super::image::{self, Image};
use super::kept::{self, Claim};
use super::{Cluster, Ours, engine, leftovers, remains, room};
use crate::error::ChaosError;
use crate::places::Load;
use bollard::Docker;
use futures_util::future::try_join_all;
use std::fs::File;

/// Returns the address at which no container engine answers, if none does.
pub(crate) async fn engine_is_missing() -> Option<String> {
    engine::connect().await.err().map(|_| engine::host())
}

/// Checks that [`Cluster::start`] would find an engine and an image without pulling one.
pub(crate) async fn available() -> Result<(), ChaosError> {
    let docker = engine::connect().await?;
    let image = image::choose(&docker).await?;
    match image.present {
        true => Ok(()),
        false => Err(image.missing("tests pull nothing")),
    }
}

/// The engine and the image with which containers are started.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) docker: Docker,
    pub(super) image: Image,
}

impl Ground {
    /// Removes what interrupted runs left, and gets the image.
    pub(super) async fn prepare() -> Result<Self, ChaosError> {
        let docker = engine::connect().await?;
        remains::remove(&docker).await;
        processes_of_dead_runs();
        let image = image::choose(&docker).await?;
        image.fetch(&docker).await?;
        Ok(Self { docker, image })
    }

    /// Starts three brokers.
    pub(super) async fn start(&self) -> Result<Cluster, ChaosError> {
        let (docker, number) = (self.docker.clone(), next_number());
        let marks = Marks::of_run(number);
        let containers = Containers::start(docker, &self.image, marks, number).await?;
        let cluster = Cluster::of(containers, None);
        cluster.first_health().await?;
        Ok(cluster)
    }

    /// Takes the kept cluster, if there is one, or starts three brokers.
    async fn take_or_start(&self) -> Result<Cluster, ChaosError> {
        match kept::claim(self).await? {
            Claim::Taken(containers, lock) => {
                let cluster = Cluster::of(containers, Some(lock));
                cluster.first_health().await?;
                leftovers::remove(cluster.admin()).await?;
                Ok(cluster)
            }
            Claim::InUse => {
                tracing::warn!("another run uses the kept cluster: this one starts its own");
                self.start().await
            }
            Claim::Absent => self.start().await,
        }
    }
}

impl Cluster {
    /// Starts three brokers in containers, after it has removed what interrupted runs left.
    #[cfg(feature = "kafka-tests")]
    pub(crate) async fn start() -> Result<Self, ChaosError> {
        Ground::prepare().await?.start().await
    }

    /// Takes the kept cluster, or starts one; and starts clusters beside it for these plans, as far
    /// as the machine has room.
    pub(crate) async fn take_or_start(load: Load) -> Result<Vec<Self>, ChaosError> {
        let ground = Ground::prepare().await?;
        let more = room::more_clusters(load);
        let more = try_join_all((0..more).map(|_| ground.start()));
        let (first, more) = tokio::try_join!(ground.take_or_start(), more)?;
        Ok(std::iter::once(first).chain(more).collect())
    }

    /// Makes a cluster of containers; `kept` is the lock of the kept one.
    pub(super) fn of(containers: Containers, kept: Option<File>) -> Self {
        Self::own(containers.brokers(), Ours::Containers { containers, kept })
    }

    /// Keeps the containers for later runs.
    pub(super) fn keep(&self) {
        if let Some(Ours::Containers { containers, .. }) = &self.ours {
            containers.keep();
        }
    }
}
