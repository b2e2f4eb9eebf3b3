//! What the parts of one run share: its plan, its trace, and each other.

use crate::admin::Admin;
use crate::cluster::Cluster;
use crate::error::ChaosError;
use crate::faults::Faults;
use crate::leaders::Leaders;
use crate::lock::lock;
use crate::log::Log;
use crate::membership::Membership;
use crate::names::Names;
use crate::processes::Processes;
use crate::proxy::Proxy;
use crate::recorder::Recorder;
use crate::sink::Sink;
use plimsoll_core::Instant;
use plimsoll_oracle::{MessageId, TraceEvent};
use plimsoll_scenarios::scenario::Message;
use plimsoll_scenarios::{Plan, Probes};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::runtime::{EnterGuard, Handle};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the parts of one run share.
///
/// An observer calls [`World::observe`] with no lock held: a fault that waited for the observation
/// begins at once, before the observer goes on.
pub(crate) struct World {
    pub plan: Plan,
    /// The messages after the healing.
    pub probes: Probes,
    pub names: Names,
    pub cluster: Arc<Cluster>,
    pub admin: Admin,
    /// The proxy, set before anything happens.
    pub proxy: OnceLock<Proxy>,
    pub processes: Processes,
    pub sink: Sink,
    pub log: Log,
    pub membership: Membership,
    pub leaders: Leaders,
    pub faults: Faults,
    pub recorder: Recorder,
    runtime: Handle,
    tasks: Mutex<JoinSet<()>>,
    /// Whether every message so far was acknowledged or given up, and no more must come.
    produced: AtomicBool,
    healed: AtomicBool,
    /// The first failure of the environment or the subject.
    failure: watch::Sender<Option<ChaosError>>,
}

impl World {
    /// Makes the world of a plan, before anything happens.
    pub(crate) fn new(
        plan: Plan,
        names: Names,
        cluster: Arc<Cluster>,
        processes: Processes,
        runtime: Handle,
    ) -> Self {
        Self {
            admin: Admin::new(cluster.brokers()),
            proxy: OnceLock::new(),
            processes,
            sink: Sink::new(&plan),
            log: Log::default(),
            membership: Membership::new(plan.starts.len()),
            leaders: Leaders::default(),
            faults: Faults::new(&plan),
            recorder: Recorder::new(),
            runtime,
            tasks: Mutex::default(),
            produced: AtomicBool::new(false),
            healed: AtomicBool::new(false),
            failure: watch::Sender::new(None),
            probes: plan.probes(),
            plan,
            names,
            cluster,
        }
    }

    /// Returns what was planned for a message.
    pub(crate) fn message(&self, id: MessageId) -> Option<&Message> {
        let mut all = self.plan.messages.iter().chain(&self.probes.messages);
        all.find(|message| message.id == id)
    }

    /// Returns the time since the run began.
    pub(crate) fn now(&self) -> Instant {
        self.recorder.now()
    }

    /// Notes an observation, and begins the faults that waited for it.
    pub(crate) fn observe(self: &Arc<Self>, event: TraceEvent) {
        let entry = self.recorder.note(event);
        self.trigger_faults(&entry.event);
    }

    /// Runs a task beside all others, until the run ends. May be called from any thread.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        lock(&self.tasks).spawn_on(task, &self.runtime);
    }

    /// Lets this thread start processes and tasks for as long as the guard lives.
    pub(crate) fn enter(&self) -> EnterGuard<'_> {
        self.runtime.enter()
    }

    /// Waits until a moment of the run.
    pub(crate) async fn sleep_until(&self, at: Instant) {
        tokio::time::sleep_until(self.recorder.moment(at).into()).await;
    }

    /// Notes whether every message so far was acknowledged or given up, and no more must come.
    pub(crate) fn set_produced(&self, produced: bool) {
        self.produced.store(produced, Ordering::Relaxed);
    }

    /// Returns whether every message so far was acknowledged or given up, and no more must come.
    pub(crate) fn has_produced(&self) -> bool {
        self.produced.load(Ordering::Relaxed)
    }

    /// Notes that the safety phase is over.
    pub(crate) fn set_healed(&self) {
        self.healed.store(true, Ordering::Relaxed);
    }

    /// Returns whether the safety phase is over.
    pub(crate) fn is_healed(&self) -> bool {
        self.healed.load(Ordering::Relaxed)
    }

    /// Notes a failure of the environment or the subject, after which the run means nothing; the
    /// first one counts.
    pub(crate) fn fail(&self, error: ChaosError) {
        self.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert(error);
            first
        });
    }

    /// Waits for a failure, and returns it.
    pub(crate) async fn failed(&self) -> ChaosError {
        let mut failure = self.failure.subscribe();
        match failure.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(error)) => error.clone(),
            // The sender lives as long as the world.
            _ => ChaosError::Internal("the world of a run was dropped before its end".into()),
        }
    }

    /// Ends all tasks that were spawned.
    pub(crate) async fn end_tasks(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        tasks.shutdown().await;
    }
}
