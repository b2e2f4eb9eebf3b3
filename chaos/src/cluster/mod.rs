//! The brokers that plans run on: three in containers of our own, those of the kept cluster,
//! simulated ones that this process serves, or a cluster that exists already.

#[cfg(not(feature = "containers"))]
mod absent;
mod cleanup;
#[cfg(feature = "containers")]
mod containers;
mod embedded;
#[cfg(feature = "containers")]
mod engine;
#[cfg(feature = "containers")]
mod environment;
#[cfg(feature = "containers")]
mod ground;
mod health;
#[cfg(feature = "containers")]
mod image;
#[cfg(feature = "kafka-tests")]
pub mod kafka_tests;
#[cfg(feature = "containers")]
mod kept;
#[cfg(feature = "containers")]
mod leftovers;
#[cfg(feature = "containers")]
mod network;
#[cfg(feature = "containers")]
mod remains;
#[cfg(feature = "containers")]
mod room;
mod settings;

pub(crate) use cleanup::{RUN_VARIABLE, processes_of_dead_runs, run_id};
#[cfg(feature = "containers")]
pub(crate) use ground::{available, engine_is_missing};
#[cfg(feature = "containers")]
pub use kept::KeptCluster;
pub use settings::{broker_settings, stated_settings};

#[cfg(not(feature = "containers"))]
use absent::Containers;
#[cfg(feature = "containers")]
use containers::Containers;

use crate::address::{self, BrokerAddress};
use crate::admin::Admin;
use crate::error::ChaosError;
use crate::faults::Errors;
use crate::proxy::Gateway;
use embedded::Embedded;
use plimsoll_access::Access;
use plimsoll_scenarios::scenario;
use plimsoll_scenarios::schedule::Done;
use plimsoll_serve::ServedCluster;
use std::fs::File;
use std::time::Duration;

/// The time limit for three brokers to get from nothing to a full in-sync set, on a busy machine.
const START: Duration = Duration::from_secs(120);

/// The brokers of a run.
#[derive(Debug)]
pub(crate) struct Cluster {
    brokers: Vec<BrokerAddress>,
    /// The way to the brokers.
    access: Access,
    admin: Admin,
    /// The way to brokers that are not reached in plain text, for clients that speak nothing else.
    gateway: Option<Gateway>,
    /// The brokers' processes; absent where the cluster is not ours.
    ours: Option<Ours>,
}

/// The processes of brokers that are ours to break.
#[derive(Debug)]
enum Ours {
    #[cfg_attr(
        not(feature = "containers"),
        expect(dead_code, reason = "there are no containers")
    )]
    Containers {
        containers: Containers,
        /// The lock of the kept cluster, where it is that one.
        kept: Option<File>,
    },
    Embedded(Embedded),
}

impl Cluster {
    /// Serves a simulated cluster as a plan wants it, which ends with this.
    pub(crate) async fn embedded(
        wanted: &scenario::Cluster,
        seed: u64,
    ) -> Result<Self, ChaosError> {
        let embedded = Embedded::start(wanted, seed)?;
        let cluster = Self::own(embedded.brokers(), Ours::Embedded(embedded));
        cluster.first_health().await?;
        Ok(cluster)
    }

    /// Attaches to a cluster that exists already; its brokers cannot be broken.
    pub(crate) async fn attach(bootstrap: &str, access: &Access) -> Result<Self, ChaosError> {
        cleanup::processes_of_dead_runs();
        let brokers = health::discover(bootstrap, access).await?;
        let gateway = match access.is_plain() {
            true => None,
            false => Some(Gateway::open(&brokers, access).await?),
        };
        let cluster = Self {
            admin: Admin::new(&brokers, access.clone()),
            access: access.clone(),
            gateway,
            brokers,
            ours: None,
        };
        cluster.first_health().await?;
        Ok(cluster)
    }

    fn own(brokers: Vec<BrokerAddress>, ours: Ours) -> Self {
        let access = Access::default();
        Self {
            admin: Admin::new(&brokers, access.clone()),
            access,
            gateway: None,
            brokers,
            ours: Some(ours),
        }
    }

    /// Makes a cluster without brokers, for tests of what needs none.
    #[cfg(test)]
    pub(crate) fn without_brokers() -> Self {
        Self {
            brokers: Vec::new(),
            access: Access::default(),
            gateway: None,
            admin: Admin::new(&[], Access::default()),
            ours: None,
        }
    }

    /// Returns the brokers, by index.
    pub(crate) fn brokers(&self) -> &[BrokerAddress] {
        &self.brokers
    }

    /// Returns how the brokers are reached.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Returns bootstrap servers for clients that speak plain text.
    pub(crate) fn bootstrap(&self) -> String {
        match &self.gateway {
            Some(gateway) => gateway.bootstrap(),
            None => address::bootstrap(&self.brokers),
        }
    }

    /// Returns the client that asks these brokers.
    pub(crate) fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Returns whether its brokers may be broken.
    pub(crate) fn is_ours(&self) -> bool {
        self.ours.is_some()
    }

    /// Returns whether the cluster stays when the run ends, and so what the run left on it.
    pub(crate) fn stays(&self) -> bool {
        match &self.ours {
            None => true,
            Some(Ours::Containers { kept, .. }) => kept.is_some(),
            Some(Ours::Embedded(_)) => false,
        }
    }

    /// Kills a broker with SIGKILL; returns when it is gone.
    pub(crate) async fn kill(&self, broker: u32) -> Result<(), ChaosError> {
        match self.ours()? {
            Ours::Containers { containers, .. } => containers.kill(broker).await,
            Ours::Embedded(embedded) => embedded.act(broker, ServedCluster::crash).await,
        }
    }

    /// Stops a broker with SIGTERM; returns when it has handed over its partitions and ended.
    pub(crate) async fn stop(&self, broker: u32) -> Result<(), ChaosError> {
        match self.ours()? {
            Ours::Containers { containers, .. } => containers.stop(broker).await,
            Ours::Embedded(embedded) => embedded.stop(broker).await,
        }
    }

    /// Starts a broker that was killed or stopped, at its old address and with its old data.
    pub(crate) async fn start_broker(&self, broker: u32) -> Result<(), ChaosError> {
        match self.ours()? {
            Ours::Containers { containers, .. } => containers.start_broker(broker).await,
            Ours::Embedded(embedded) => embedded.act(broker, ServedCluster::start).await,
        }
    }

    /// Freezes a broker: its connections stay, and get no answer.
    pub(crate) async fn pause(&self, broker: u32) -> Result<(), ChaosError> {
        match self.ours()? {
            Ours::Containers { containers, .. } => containers.pause(broker).await,
            Ours::Embedded(embedded) => embedded.act(broker, ServedCluster::pause).await,
        }
    }

    /// Lets a frozen broker go on.
    pub(crate) async fn unpause(&self, broker: u32) -> Result<(), ChaosError> {
        match self.ours()? {
            Ours::Containers { containers, .. } => containers.unpause(broker).await,
            Ours::Embedded(embedded) => embedded.act(broker, ServedCluster::resume).await,
        }
    }

    /// Cuts a broker from its network: neither the other brokers nor clients reach it.
    pub(crate) async fn isolate(&self, broker: u32) -> Result<(), ChaosError> {
        match self.ours()? {
            Ours::Containers { containers, .. } => containers.isolate(broker).await,
            Ours::Embedded(embedded) => embedded.act(broker, ServedCluster::cut_off).await,
        }
    }

    /// Connects an isolated broker again, at its old address.
    pub(crate) async fn rejoin(&self, broker: u32) -> Result<(), ChaosError> {
        match self.ours()? {
            Ours::Containers { containers, .. } => containers.rejoin(broker).await,
            Ours::Embedded(embedded) => embedded.act(broker, ServedCluster::reunite).await,
        }
    }

    /// Undoes every fault of every broker, as far as there are any.
    pub(crate) async fn mend(&self) -> Result<(), ChaosError> {
        match &self.ours {
            Some(Ours::Containers { containers, .. }) => containers.mend().await,
            Some(Ours::Embedded(embedded)) => {
                embedded.mend().await;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Makes another replica of a partition that is in sync the leader.
    pub(crate) async fn move_leader(&self, topic: &str, partition: u32) -> Result<(), ChaosError> {
        match &self.ours {
            Some(Ours::Embedded(embedded)) => embedded.move_leader(topic, partition).await,
            _ => self.admin.move_leader(topic, partition).await,
        }
    }

    /// Answers requests with errors, perhaps for one partition, by its topic's name and its number,
    /// until [`end_errors`](Self::end_errors).
    pub(crate) async fn begin_errors(
        &self,
        errors: Errors,
        partition: Option<(&str, u32)>,
    ) -> Result<Done, ChaosError> {
        self.embedded_brokers()?
            .begin_errors(errors, partition)
            .await
    }

    /// Ends the errors with this number.
    pub(crate) async fn end_errors(&self, number: u32) -> Result<Done, ChaosError> {
        Ok(self.embedded_brokers()?.end_errors(number).await)
    }

    /// Lets a group rebalance.
    pub(crate) async fn rebalance(&self, group: &str) -> Result<Done, ChaosError> {
        Ok(self.embedded_brokers()?.rebalance(group).await)
    }

    /// Waits until every broker answers and knows all others, and every partition's in-sync set is
    /// full.
    pub(crate) async fn healthy(&self, within: Duration) -> Result<(), ChaosError> {
        health::wait(&self.admin, &self.brokers, self.is_ours(), within).await
    }

    /// Removes containers and network, as far as they are ours. Those of the kept cluster stay, and
    /// run again if they do not.
    pub(crate) async fn shut_down(&self) {
        match &self.ours {
            Some(Ours::Containers {
                containers,
                kept: None,
            }) => containers.remove().await,
            Some(Ours::Containers { .. }) => {
                if let Err(error) = self.mend().await {
                    tracing::warn!("a broker of the kept cluster was not started again: {error}");
                }
            }
            // An embedded cluster ends when it is dropped.
            Some(Ours::Embedded(_)) | None => {}
        }
    }

    /// Waits until the cluster is healthy for the first time. To ask for a coordinator makes Kafka
    /// create the topic of committed offsets; better now than in the middle of a plan.
    async fn first_health(&self) -> Result<(), ChaosError> {
        let healthy = async {
            self.healthy_brokers().await?;
            self.admin.coordinator("plimsoll-first").await?;
            self.healthy(START).await
        };
        let Err(error) = healthy.await else {
            return Ok(());
        };
        let Some(Ours::Containers { containers, .. }) = &self.ours else {
            return Err(error);
        };
        let logs = containers.last_words().await;
        let help = match containers.stay() {
            true => "; `plimsoll cluster down` removes it",
            false => "",
        };
        Err(ChaosError::Environment(format!("{error}{help}{logs}")))
    }

    async fn healthy_brokers(&self) -> Result<(), ChaosError> {
        health::wait_for_brokers(&self.admin, &self.brokers, START).await
    }

    fn embedded_brokers(&self) -> Result<&Embedded, ChaosError> {
        match &self.ours {
            Some(Ours::Embedded(embedded)) => Ok(embedded),
            // Plans that need them are refused.
            _ => Err(ChaosError::Internal("only embedded brokers do that".into())),
        }
    }

    fn ours(&self) -> Result<&Ours, ChaosError> {
        self.ours.as_ref().ok_or_else(|| {
            ChaosError::Scenario(
                "the brokers of a cluster given by --bootstrap cannot be broken: leave the option \
                 out to use others"
                    .into(),
            )
        })
    }
}
