//! The backend: clusters, on which plans run side by side, or alone where they break brokers.

use crate::cluster::{self, Cluster};
use crate::error::ChaosError;
use crate::known::{self, Shown, Wishes};
use crate::logs::Logs;
use crate::options::{ClusterSource, Options, SubjectCommand};
use crate::places::{Load, Places, Seat};
use crate::stalls::Stalls;
use crate::{descriptors, names, run};
use plimsoll_oracle::{Terms, Trace};
use plimsoll_scenarios::{Backend, BackendError, Plan, Refusal};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// The backend `kafka`: a cluster, on which plans run one after the other or side by side. Plans
/// that break brokers run alone on a cluster, beside the first where there are several.
///
/// Cheap to clone; every clone runs on the same clusters.
#[derive(Clone, Debug)]
pub struct Kafka {
    pub(crate) inner: Arc<Inner>,
    /// The disturbance of the last run of this clone by its machine, if there was one.
    disturbance: Option<String>,
    /// The moment at which the last run of this clone began, beside others.
    began: Option<Instant>,
    /// Whether the next run of this clone is the second try of one that was disturbed.
    was_disturbed: bool,
    /// The settings of its subject that the last run of this clone has shown.
    shown: Option<Shown>,
    /// The standard error of the members of the last run of this clone.
    logs: Option<Arc<Logs>>,
}

/// What all clones of a backend share.
#[derive(Debug)]
pub(crate) struct Inner {
    options: Options,
    places: Places,
    runs: AtomicU32,
    interrupted: watch::Sender<bool>,
    pub runtime: Runtime,
}

impl Kafka {
    /// Starts the clusters for these plans, or attaches to one.
    ///
    /// # Errors
    /// Where there is no container engine, no image, or no broker that answers.
    pub fn start(options: Options, load: Load) -> Result<Self, ChaosError> {
        descriptors::raise_limit();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("plimsoll-chaos")
            .build();
        let runtime = runtime
            .map_err(|error| ChaosError::Environment(format!("cannot start threads: {error}")))?;
        let places = runtime.block_on(async {
            match &options.source {
                #[cfg(not(feature = "containers"))]
                ClusterSource::Containers => Err(ChaosError::Environment(
                    "built without brokers in containers (feature `containers`)".into(),
                )),
                #[cfg(feature = "containers")]
                ClusterSource::Containers => {
                    let clusters = Cluster::take_or_start(load).await?;
                    Ok(Places::new(clusters, load))
                }
                ClusterSource::Embedded => {
                    cluster::processes_of_dead_runs();
                    Ok(Places::embedded(load))
                }
                ClusterSource::Bootstrap { servers, access } => {
                    let cluster = Cluster::attach(servers, access).await?;
                    Ok(Places::new(vec![cluster], load))
                }
            }
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                places,
                options,
                runs: AtomicU32::new(0),
                interrupted: watch::Sender::new(false),
                runtime,
            }),
            disturbance: None,
            began: None,
            was_disturbed: false,
            shown: None,
            logs: None,
        })
    }

    /// Ends all runs soon, as if by Ctrl-C.
    pub fn interrupt(&self) {
        self.inner.interrupted.send_replace(true);
    }

    /// Returns the number of plans that break brokers which can run beside all others.
    pub fn apart(&self) -> usize {
        self.inner.places.apart()
    }

    /// Returns the bootstrap servers of the cluster on which plans run side by side; `None`: each
    /// plan has its own.
    pub fn bootstrap(&self) -> Option<String> {
        let cluster = self.inner.places.first();
        cluster.map(|cluster| cluster.bootstrap())
    }

    /// Removes the containers that [`Kafka::start`] started.
    pub fn shut_down(self) {
        let inner = &self.inner;
        inner.runtime.block_on(inner.places.shut_down());
    }
}

impl Backend for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn refuses(&self, plan: &Plan) -> Option<Refusal> {
        self.inner.options.refuses(plan)
    }

    /// A stranger is judged by what is known of it.
    fn terms(&self, plan: &Plan) -> Terms {
        let options = &self.inner.options;
        match (&options.subject, &self.shown) {
            (SubjectCommand::External { .. }, Some(shown)) => {
                known::terms(plan, &options.declared, shown)
            }
            _ => plan.terms(),
        }
    }

    fn run(&mut self, plan: &Plan, trace: &mut Trace) -> Result<(), BackendError> {
        let (inner, stalls) = (&self.inner, Stalls::default());
        let was_disturbed = std::mem::take(&mut self.was_disturbed);
        let run = inner.run(plan, was_disturbed, stalls.clone());
        let (result, began) = inner.runtime.block_on(run);
        self.began = began;
        self.disturbance = stalls.told();
        if let Some(told) = &self.disturbance {
            tracing::warn!(
                "the machine disturbed the run of {}: {told}",
                plan.settings.name
            );
        }
        let (recorded, wishes, logs) = result?;
        *trace = recorded;
        self.logs = Some(Arc::new(logs));
        self.shown = Some(Shown::new(plan, wishes, trace));
        if !wishes.longer_session(plan).is_zero() {
            let asked = wishes.session_timeout;
            tracing::info!(
                "members ask for a session timeout of {asked:?}: the run is judged by it"
            );
        }
        Ok(())
    }

    fn logs(&self) -> Vec<(String, String)> {
        let logs = self.logs.as_deref();
        logs.map_or_else(Vec::new, Logs::read)
    }

    fn disturbance(&self) -> Option<&str> {
        self.disturbance.as_deref()
    }

    fn make_room(&mut self) {
        self.was_disturbed = true;
        if let Some(began) = self.began {
            let inner = &self.inner;
            inner.runtime.block_on(inner.places.make_room(began));
        }
    }
}

impl Inner {
    /// Runs a plan; returns also when it began, where it ran beside others.
    async fn run(
        &self,
        plan: &Plan,
        was_disturbed: bool,
        stalls: Stalls,
    ) -> (Result<(Trace, Wishes, Logs), ChaosError>, Option<Instant>) {
        let seat = match self.places.seat(plan, was_disturbed).await {
            Ok(seat) => seat,
            Err(error) => return (Err(error), None),
        };
        if !seat.is_alone() {
            self.places.wait_for_room().await;
        }
        let began = (!seat.is_alone()).then(Instant::now);
        (self.run_on(&seat, plan, stalls).await, began)
    }

    async fn run_on(
        &self,
        seat: &Seat<'_>,
        plan: &Plan,
        stalls: Stalls,
    ) -> Result<(Trace, Wishes, Logs), ChaosError> {
        if *self.interrupted.borrow() {
            return Err(ChaosError::Interrupted);
        }
        let tag = self.tag(plan);
        let logs = Logs::new(&tag)?;
        let stage = run::Stage {
            cluster: seat.cluster.clone(),
            subject: &self.options.subject,
            reach: &self.options.reach,
            tag: &tag,
            logs: logs.folder(),
            interrupted: self.interrupted.subscribe(),
            stalls,
        };
        let result = run::run(plan, stage).await;
        if seat.is_alone() && result.is_err() {
            // What the plan left broken must not disturb the next one.
            seat.cluster.mend().await?;
        }
        result.map(|(trace, wishes)| (trace, wishes, logs))
    }

    /// Makes the text that tells a run's topics and group from those of all other runs on the
    /// cluster.
    fn tag(&self, plan: &Plan) -> String {
        let legal = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = plan.settings.name.chars().map(legal).take(60).collect();
        self.name(&format!("{name}.{}", plan.seed))
    }

    /// Makes a name that nothing else on the cluster has.
    pub(crate) fn name(&self, what: &str) -> String {
        names::unique(what, self.runs.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns a cluster for what is no plan.
    #[cfg(feature = "librdkafka")]
    pub(crate) async fn cluster(&self) -> Result<Arc<Cluster>, ChaosError> {
        match self.places.first() {
            Some(cluster) => Ok(cluster.clone()),
            None => Ok(Arc::new(Cluster::embedded(&Default::default(), 0).await?)),
        }
    }
}
