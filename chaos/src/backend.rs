//! The backend: clusters, on which plans run side by side, or alone where they break brokers.

use crate::cluster::Cluster;
use crate::error::ChaosError;
use crate::options::{ClusterSource, Options, SubjectCommand};
use crate::places::Places;
use crate::stalls::Stalls;
use crate::{address, names, run};
use plimsoll_oracle::{Property, Terms, Trace};
use plimsoll_scenarios::{Backend, BackendError, Plan, Refusal};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// The environment variable that names a folder in which members' standard error is kept.
const LOGS: &str = "PLIMSOLL_LOGS";

/// The backend `kafka`: a cluster, on which plans run one after the other or side by side. Plans that
/// break brokers run alone on a cluster, beside the first where there are several.
///
/// Cheap to clone; every clone runs on the same clusters.
#[derive(Clone, Debug)]
pub struct Kafka {
    pub(crate) inner: Arc<Inner>,
    /// The disturbance of the last run of this clone by its machine, if there was one.
    disturbance: Option<String>,
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
    /// Starts the clusters, or attaches to one.
    ///
    /// # Errors
    /// Where there is no container engine, no image, or no broker that answers.
    pub fn start(options: Options) -> Result<Self, ChaosError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("plimsoll-chaos")
            .build();
        let runtime = runtime
            .map_err(|error| ChaosError::Environment(format!("cannot start threads: {error}")))?;
        let clusters = runtime.block_on(async {
            match &options.source {
                ClusterSource::Containers => {
                    Cluster::take_or_start(options.load.more_clusters()).await
                }
                ClusterSource::Bootstrap(servers) => Ok(vec![Cluster::attach(servers).await?]),
            }
        })?;
        Ok(Self {
            inner: Arc::new(Inner {
                places: Places::new(clusters, options.load),
                options,
                runs: AtomicU32::new(0),
                interrupted: watch::Sender::new(false),
                runtime,
            }),
            disturbance: None,
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

    /// Removes the containers that [`Kafka::start`] started.
    pub fn shut_down(self) {
        let inner = &self.inner;
        inner.runtime.block_on(inner.places.shut_down());
    }
}

/// Properties of settings that no other program than Plimsoll's own consumer is told.
const UNTOLD: &[(Property, &str)] = &[(
    Property::WithinLimits,
    "the subject was not told how many handlers may run, nor how long to wait before a retry",
)];

impl Backend for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn refuses(&self, plan: &Plan) -> Option<Refusal> {
        self.inner.options.refuses(plan)
    }

    fn unobservable(&self) -> &'static [(Property, &'static str)] {
        match self.inner.options.subject {
            SubjectCommand::Own(_) => &[],
            SubjectCommand::External { .. } => UNTOLD,
        }
    }

    /// Another program is not told which order to keep, so of its order only that is judged which
    /// no setting allows.
    fn terms(&self, plan: &Plan) -> Terms {
        let mut terms = plan.terms();
        if let SubjectCommand::External { .. } = self.inner.options.subject {
            terms.config.ordering = plimsoll_core::Ordering::Unordered;
        }
        terms
    }

    fn run(&mut self, plan: &Plan, trace: &mut Trace) -> Result<(), BackendError> {
        let (inner, stalls) = (&self.inner, Stalls::default());
        let result = inner.runtime.block_on(inner.run(plan, stalls.clone()));
        self.disturbance = stalls.told();
        if let Some(told) = &self.disturbance {
            tracing::warn!(
                "the machine disturbed the run of {}: {told}",
                plan.settings.name
            );
        }
        *trace = result?;
        Ok(())
    }

    fn disturbance(&self) -> Option<&str> {
        self.disturbance.as_deref()
    }
}

impl Inner {
    async fn run(&self, plan: &Plan, stalls: Stalls) -> Result<Trace, ChaosError> {
        let seat = self.places.seat(plan).await;
        if *self.interrupted.borrow() {
            return Err(ChaosError::Interrupted);
        }
        let tag = self.tag(plan);
        let kept = env::var_os(LOGS).map(PathBuf::from);
        let logs = kept
            .clone()
            .unwrap_or_else(env::temp_dir)
            .join(format!("plimsoll-{tag}"));
        fs::create_dir_all(&logs).map_err(|error| {
            ChaosError::Environment(format!("cannot write {}: {error}", logs.display()))
        })?;
        let stage = run::Stage {
            cluster: seat.cluster.clone(),
            subject: &self.options.subject,
            tag: &tag,
            logs: &logs,
            interrupted: self.interrupted.subscribe(),
            stalls,
        };
        let result = run::run(plan, stage).await;
        if kept.is_none() {
            // A failure leaves only a few files in a temporary folder.
            let _ = fs::remove_dir_all(&logs);
        }
        if seat.is_alone() && result.is_err() {
            // What the plan left broken must not disturb the next one.
            seat.cluster.mend().await?;
        }
        result
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

    /// Returns the cluster on which plans run side by side.
    pub(crate) fn cluster(&self) -> &Cluster {
        self.places.first()
    }

    /// Returns the bootstrap servers of that cluster.
    pub(crate) fn bootstrap(&self) -> String {
        address::bootstrap(self.cluster().brokers())
    }
}
