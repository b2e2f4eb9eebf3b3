//! One run: a plan goes in, a trace comes out, in real time.

use crate::cluster::Cluster;
use crate::error::ChaosError;
use crate::names::Names;
use crate::processes::Processes;
use crate::proxy::Proxy;
use crate::subject::Subject;
use crate::tail::Tail;
use crate::world::World;
use crate::{SubjectCommand, sink, workload};
use plimsoll_core::Instant;
use plimsoll_oracle::{MemberId, Trace, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Cluster as Replication;
use rdkafka::producer::FutureProducer;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// The time between two looks whether a healed run is quiet.
const QUIET_CHECK: Duration = Duration::from_millis(250);

/// The time limit of the tidying up after a run.
const TIDY: Duration = Duration::from_secs(10);

/// What a run needs besides its plan.
pub(crate) struct Stage<'a> {
    pub cluster: Arc<Cluster>,
    pub subject: &'a SubjectCommand,
    /// The text that tells this run's topics and group from all others.
    pub tag: &'a str,
    /// The folder for members' standard error.
    pub logs: &'a Path,
    /// True once Ctrl-C was pressed.
    pub interrupted: watch::Receiver<bool>,
}

/// Runs a plan.
///
/// # Errors
/// Where the environment or the subject fails: then there is no trace that means anything.
pub(crate) async fn run(plan: &Plan, stage: Stage<'_>) -> Result<Trace, ChaosError> {
    let mut interrupted = stage.interrupted.clone();
    let (world, run) = set_up(plan, stage).await?;
    let result = tokio::select! {
        result = world.play() => result,
        error = world.failed() => Err(error),
        _ = interrupted.wait_for(|interrupted| *interrupted) => Err(ChaosError::Interrupted),
    };
    let trace = world.recorder.take();
    run.tidy_up(&world).await;
    result.map(|()| trace)
}

/// The parts of a run that must be ended after it.
struct Running {
    producer: FutureProducer,
    tail: Tail,
}

/// Makes everything that takes part in a run, and lets it begin.
async fn set_up(plan: &Plan, stage: Stage<'_>) -> Result<(Arc<World>, Running), ChaosError> {
    let names = Names::new(plan, stage.tag);
    create_topics(plan, &names, &stage.cluster).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.map_err(|error| cannot("open a port for the sink", &error))?;
    let address = listener.local_addr();
    let address = address.map_err(|error| cannot("open a port for the sink", &error))?;
    let bootstrap: Vec<&str> = stage
        .cluster
        .brokers()
        .iter()
        .map(|b| b.address.as_str())
        .collect();
    let bootstrap = bootstrap.join(",");
    let producer = workload::producer(&plan.settings.producer, &bootstrap)
        .map_err(|error| ChaosError::Internal(format!("cannot make a producer: {error}")))?;
    let subject = Subject::new(
        stage.subject.clone(),
        format!("http://{address}"),
        stage.logs.to_owned(),
    );
    let world = Arc::new(World::new(
        plan.clone(),
        names,
        stage.cluster.clone(),
        Processes::new(subject, plan.starts.len()),
        Handle::current(),
    ));
    let watcher = Arc::new(Arc::downgrade(&world));
    let proxy = Proxy::start(plan.starts.len() as u32, stage.cluster.brokers(), watcher).await;
    let proxy = proxy.map_err(|error| cannot("open ports for the proxy", &error))?;
    // It is set only here, so this cannot fail.
    let _ = world.proxy.set(proxy);
    world.look_at_leaders().await;
    let tail = Tail::start(world.clone(), &bootstrap).map_err(ChaosError::Internal)?;
    world.spawn(sink::serve(world.clone(), listener));
    world.spawn(world.clone().watch_leaders());
    world.begin(&producer);
    Ok((world, Running { producer, tail }))
}

async fn create_topics(plan: &Plan, names: &Names, cluster: &Cluster) -> Result<(), ChaosError> {
    let Replication {
        replication,
        min_insync,
        ..
    } = plan.settings.cluster;
    let admin = cluster.admin();
    for (name, topic) in names.topics.iter().zip(&plan.settings.topics) {
        admin
            .create_topic(name, topic.partitions, replication, min_insync)
            .await?;
    }
    admin
        .create_topic(&names.dead_letters, 1, replication, min_insync)
        .await
}

fn cannot(what: &str, error: &std::io::Error) -> ChaosError {
    ChaosError::Environment(format!("cannot {what}: {error}"))
}

impl Running {
    async fn tidy_up(self, world: &Arc<World>) {
        world.processes.kill_all();
        workload::close(&self.producer);
        if let Some(proxy) = world.proxy.get() {
            proxy.shut_down().await;
        }
        let tail = self.tail;
        // This joins a thread, and so must not block the runtime.
        let ended = tokio::task::spawn_blocking(move || tail.end());
        let tidy = async {
            let _ = ended.await;
            world.end_tasks().await;
            let topics = world.names.topics.iter().map(String::as_str);
            let topics: Vec<&str> = topics.chain([world.names.dead_letters.as_str()]).collect();
            // A topic or group that stays has a name of its own, and goes with the cluster.
            let _ = world.admin.delete_topics(&topics).await;
            let _ = world.admin.delete_group(&world.names.group).await;
        };
        if tokio::time::timeout(TIDY, tidy).await.is_err() {
            tracing::debug!("a run was not tidied up in time");
        }
    }
}

/// The course of a run.
impl World {
    /// Schedules the starts of members, the faults and the workload.
    fn begin(self: &Arc<Self>, producer: &FutureProducer) {
        for (member, start) in (0..).map(MemberId).zip(&self.plan.starts) {
            if let Some(at) = *start {
                let world = self.clone();
                self.spawn(async move {
                    world.sleep_until(at).await;
                    if let Err(error) = world.start_member(member) {
                        world.fail(error);
                    }
                });
            }
        }
        self.begin_faults();
        let (world, producer) = (self.clone(), producer.clone());
        self.spawn(async move {
            workload::produce(&world, &producer).await;
        });
    }

    /// Waits until the run is healed, and then until it is quiet or out of time.
    async fn play(self: &Arc<Self>) -> Result<(), ChaosError> {
        self.sleep_until(self.plan.heal_at).await;
        self.heal().await?;
        let deadline = self.now() + self.plan.liveness_within();
        let mut calm: Option<(i32, Instant)> = None;
        loop {
            let now = self.now();
            calm = self.stable_generation().await.map(|generation| {
                let calm = calm.filter(|(calm, _)| *calm == generation);
                calm.unwrap_or((generation, now))
            });
            let is_calm = calm.is_some_and(|(_, since)| since + self.plan.calm() <= now);
            if is_calm && self.is_caught_up().await {
                self.observe(TraceEvent::Quiet);
                self.observe(TraceEvent::Ended { lag: 0 });
                return Ok(());
            }
            if self.now() >= deadline + Duration::from_secs(1) {
                // A lag that cannot be read does not count as zero.
                let lag = self.lag().await.unwrap_or(1);
                self.observe(TraceEvent::Ended { lag });
                return Ok(());
            }
            tokio::time::sleep(QUIET_CHECK).await;
        }
    }

    async fn heal(self: &Arc<Self>) -> Result<(), ChaosError> {
        self.end_all_faults().await;
        if crate::refusal::breaks_brokers(&self.plan) {
            self.cluster.mend().await?;
        }
        self.set_healed();
        for member in (0..self.plan.starts.len() as u32).map(MemberId) {
            if self.faults.has_joined(member) {
                self.restart_member(member);
            }
        }
        self.observe(TraceEvent::Healed);
        Ok(())
    }

    /// Returns the group's generation, if it is stable with all members that run.
    async fn stable_generation(&self) -> Option<i32> {
        let group = self.admin.group(&self.names.group).await.ok()?;
        let is_stable = group.state == "Stable" && group.members == self.processes.running();
        is_stable.then(|| self.membership.generation())
    }

    /// Returns whether everything is produced, handled and committed.
    async fn is_caught_up(&self) -> bool {
        let is_idle = || self.has_produced() && self.sink.is_idle();
        // Looked at twice: meanwhile another message may have come.
        is_idle() && self.lag().await == Ok(0) && is_idle()
    }

    /// Counts the readable records that the group has not committed.
    async fn lag(&self) -> Result<u64, ChaosError> {
        let committed = self.admin.committed(&self.names.group).await?;
        let mut lag = 0;
        for topic in &self.names.topics {
            let ends = self.admin.log_ends(topic).await?;
            for (partition, (start, end)) in (0u32..).zip(ends) {
                let mut committed = committed.iter();
                let next = committed.find(|(name, index, _)| name == topic && *index == partition);
                lag += end.saturating_sub(next.map_or(start, |(_, _, next)| *next));
            }
        }
        Ok(lag)
    }
}
