//! The course of a run: it is healed at its time, and ends when it is quiet or out of time.

use crate::channel::{NoAnswer, Reply, Sender};
use crate::cluster::Cluster;
use crate::error::ChaosError;
use crate::known::Wishes;
use crate::names::Names;
use crate::recorder::Clock;
use crate::refusal;
use plimsoll_core::Instant;
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
    /// The question whether all was produced, no handler is at work and no process is stopping.
    AtRest(Reply<bool>),
    /// The question which members there are.
    Members(Reply<Members>),
    /// How the run ended.
    Observed(TraceEvent, Reply<()>),
}

/// The members of the group, as far as the world sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Members {
    /// The number of processes that exist.
    pub running: usize,
    /// The newest generation that any member is in.
    pub generation: i32,
    /// Their wishes when they joined.
    pub wishes: Wishes,
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
        let wishes = self.ask(Report::Members).await?.wishes;
        let longer = wishes.longer_session(&self.plan);
        let deadline = self.clock.now() + self.plan.liveness_within() + longer;
        let mut calm: Option<(i32, Instant)> = None;
        loop {
            let now = self.clock.now();
            calm = self.stable_generation().await?.map(|generation| {
                let calm = calm.filter(|(calm, _)| *calm == generation);
                calm.unwrap_or((generation, now))
            });
            let is_calm = calm.is_some_and(|(_, since)| since + self.plan.calm() <= now);
            if is_calm && self.is_caught_up().await? {
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

    /// Returns the group's generation, if it is stable with all members that run.
    async fn stable_generation(&self) -> Result<Option<i32>, ChaosError> {
        let Ok(group) = self.cluster.admin().group(&self.names.group).await else {
            return Ok(None);
        };
        let seen = self.ask(Report::Members).await?;
        let is_stable = group.state == "Stable" && group.members == seen.running;
        Ok(is_stable.then_some(seen.generation))
    }

    /// Returns whether everything is produced, handled and committed. It looks at rest twice:
    /// another message may come meanwhile.
    async fn is_caught_up(&self) -> Result<bool, ChaosError> {
        let caught_up = self.ask(Report::AtRest).await? && self.lag().await == Ok(0);
        Ok(caught_up && self.ask(Report::AtRest).await?)
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
