//! The course of a run: it is healed at its time, and ends when it is quiet or out of time.

use crate::channel::{NoAnswer, Reply, Sender};
use crate::cluster::Cluster;
use crate::error::ChaosError;
use crate::names::Names;
use crate::recorder::Clock;
use crate::refusal;
use plimsoll_oracle::TraceEvent;
use plimsoll_scenarios::Plan;
use std::sync::Arc;
use std::time::Duration;

/// The time between two looks whether a healed run is quiet.
const QUIET_CHECK: Duration = Duration::from_millis(250);

/// What the course tells the world, or asks it.
#[derive(Debug)]
pub(crate) enum Report {
    /// The safety phase is over. The answer comes when every fault is undone.
    EndFaults(Reply<()>),
    /// The liveness phase begins.
    Healed(Reply<()>),
    /// The question whether all was produced and no handler is at work. The answer is the number of
    /// processes that exist, where it is so.
    AtRest(Reply<Option<usize>>),
    /// How the run ended.
    Observed(TraceEvent, Reply<()>),
}

/// What the course looks at.
pub(crate) struct Course {
    pub plan: Arc<Plan>,
    pub names: Arc<Names>,
    pub cluster: Arc<Cluster>,
    pub clock: Clock,
    pub world: Sender<Report>,
}

impl Course {
    /// Waits until the run is healed, and then until it is quiet or out of time.
    ///
    /// # Errors
    /// Where the cluster cannot be mended.
    pub(crate) async fn run(self) -> Result<(), ChaosError> {
        self.clock.sleep_until(self.plan.heal_at).await;
        self.heal().await?;
        let deadline = self.clock.now() + self.plan.settings.expect.liveness_within;
        loop {
            if self.is_quiet().await? {
                self.observe(TraceEvent::Quiet).await?;
                return self.observe(TraceEvent::Ended { lag: 0 }).await;
            }
            if self.clock.now() >= deadline + Duration::from_secs(1) {
                // A lag that cannot be read does not count as zero.
                let lag = self.lag().await.unwrap_or(1);
                return self.observe(TraceEvent::Ended { lag }).await;
            }
            tokio::time::sleep(QUIET_CHECK).await;
        }
    }

    async fn heal(&self) -> Result<(), ChaosError> {
        self.ask(Report::EndFaults).await?;
        if refusal::breaks_brokers(&self.plan) {
            self.cluster.mend().await?;
        }
        self.ask(Report::Healed).await
    }

    async fn is_quiet(&self) -> Result<bool, ChaosError> {
        if self.ask(Report::AtRest).await?.is_none() {
            return Ok(false);
        }
        let Ok(group) = self.cluster.admin().group(&self.names.group).await else {
            return Ok(false);
        };
        if group.state != "Stable" || self.lag().await != Ok(0) {
            return Ok(false);
        }
        Ok(self.ask(Report::AtRest).await? == Some(group.members))
    }

    /// Counts the readable records that the group has not committed.
    async fn lag(&self) -> Result<u64, ChaosError> {
        let admin = self.cluster.admin();
        let committed = admin.committed(&self.names.group).await?;
        let mut lag = 0;
        for topic in &self.names.topics {
            let ends = admin.log_ends(topic).await?;
            for (partition, (start, end)) in (0u32..).zip(ends) {
                let mut committed = committed.iter();
                let next = committed.find(|(name, index, _)| name == topic && *index == partition);
                lag += end.saturating_sub(next.map_or(start, |(_, _, next)| *next));
            }
        }
        Ok(lag)
    }

    async fn observe(&self, event: TraceEvent) -> Result<(), ChaosError> {
        self.ask(|reply| Report::Observed(event, reply)).await
    }

    async fn ask<A>(&self, report: impl FnOnce(Reply<A>) -> Report) -> Result<A, ChaosError> {
        let answer = self.world.ask(report).await;
        answer.map_err(|NoAnswer| {
            ChaosError::Internal("the world of a run was dropped before its end".into())
        })
    }
}
