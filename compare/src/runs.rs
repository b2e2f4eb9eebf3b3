//! Runs a scenario on a backend, and reads from each trace what is compared.

use crate::metrics::Metrics;
use plimsoll_chaos::{Kafka, Load, Options};
use plimsoll_oracle::{Header, Trace};
use plimsoll_scenarios::{Backend, BackendError, Plan, Scenario, Subject};
use plimsoll_sim::Simulator;
use std::collections::VecDeque;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io, thread};

/// A scenario and its name.
#[derive(Debug)]
pub(crate) struct Named {
    pub name: String,
    pub scenario: Scenario,
}

/// The number of attempts at a run that its machine disturbs.
const ATTEMPTS: u32 = 3;

/// The time that it takes to replace the active controller, which forgets when it last heard of the
/// brokers (`ClusterControlManager.activate`): `controller.quorum.fetch.timeout.ms` (2 s), then an
/// election. In our containers, brokers are controllers too.
const CONTROLLER_FAILOVER: Duration = Duration::from_millis(3_500);

/// Runs seeds of a scenario in the simulator. A third of them has the settings of the real brokers;
/// a third has them too, where the broker that dies is also the active controller; and a third has
/// those that the scenario states, which are Kafka's own if it states none.
pub(crate) fn simulate(named: &Named, seeds: u64, subject: Option<Subject>) -> Vec<Metrics> {
    let mut like_real = named.scenario.clone();
    like_real.settings.cluster.settings = plimsoll_chaos::broker_settings();
    let mut without_controller = like_real.clone();
    let settings = &mut without_controller.settings.cluster.settings;
    settings.broker_session_timeout += CONTROLLER_FAILOVER;
    let spec = subject.and_then(plimsoll_sim_driver::spec);
    let mut simulator = spec.map_or_else(Simulator::new, Simulator::with_spec);
    let mut trace = Trace::new();
    let run = |seed| {
        let scenario = match seed % 3 {
            0 => &like_real,
            1 => &without_controller,
            _ => &named.scenario,
        };
        let plan = Plan::draw(scenario, seed);
        trace.clear();
        let ran = simulator.run(&plan, &mut trace);
        ran.expect("the simulator runs every plan");
        Metrics::of(&trace)
    };
    (0..seeds).map(run).collect()
}

/// What a run on real Kafka takes.
#[derive(Clone, Debug)]
pub(crate) struct Real {
    /// The brokers, and the program that stands trial.
    pub options: Options,
    /// The number of runs of each scenario.
    pub runs: u64,
    /// The number of runs side by side.
    pub jobs: usize,
    /// The folder of the traces. A run whose trace is there already is not run again.
    pub traces: PathBuf,
}

impl Real {
    /// Runs on real Kafka what is not there yet, and returns the numbers of all runs, by scenario.
    ///
    /// # Errors
    /// Where the environment lacks something, or a run cannot be executed to its end.
    pub(crate) fn run(&self, scenarios: &[Named]) -> Result<Vec<Vec<Metrics>>, BackendError> {
        // Each scenario once, before any is run again.
        let all = (0..self.runs).flat_map(|seed| scenarios.iter().map(move |named| (named, seed)));
        let missing: VecDeque<_> = all
            .filter(|(named, seed)| !self.file(named, *seed).exists())
            .collect();
        if !missing.is_empty() {
            fs::create_dir_all(&self.traces).map_err(|error| refused(&self.traces, &error))?;
            let kafka = Kafka::start(self.options.clone(), Load::default())?;
            let result = self.run_all(&kafka, missing);
            kafka.shut_down();
            result?;
        }
        let read = |named| {
            let seeds = (0..self.runs).map(|seed| self.file(named, seed));
            let there = seeds.filter(|file| file.exists());
            there.map(|file| read(&file)).collect()
        };
        scenarios.iter().map(read).collect()
    }

    fn run_all(&self, kafka: &Kafka, missing: VecDeque<(&Named, u64)>) -> Result<(), BackendError> {
        let missing = Mutex::new(missing);
        let next = || {
            let mut missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
            missing.pop_front()
        };
        let work = || {
            let mut kafka = kafka.clone();
            while let Some((named, seed)) = next() {
                self.record(&mut kafka, named, seed)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.jobs).map(|_| scope.spawn(work)).collect();
            let mut results = workers.into_iter().map(thread::ScopedJoinHandle::join);
            results.try_for_each(|result| result.expect("no worker panics"))
        })
    }

    /// Runs one seed and keeps its trace; a run that its machine disturbed again and again leaves
    /// none.
    fn record(&self, kafka: &mut Kafka, named: &Named, seed: u64) -> Result<(), BackendError> {
        let Named { name, scenario } = named;
        let plan = Plan::draw(scenario, seed);
        if let Some(refusal) = kafka.refuses(&plan) {
            eprintln!("{name}, seed {seed}: not run: {}", refusal.reason);
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            let mut trace = Trace::new();
            kafka.run(&plan, &mut trace)?;
            if let Some(disturbance) = kafka.disturbance() {
                eprintln!("{name}, seed {seed}: disturbed: {disturbance}");
                continue;
            }
            eprintln!("{name}, seed {seed}: done");
            let subject = scenario.settings.consumers.subject.to_string();
            let header = Header::new(name, seed, &subject, kafka.name(), plan.names());
            let file = self.file(named, seed);
            let written = write(&file, &header, &trace);
            return written.map_err(|error| refused(&file, &error));
        }
        Ok(())
    }

    fn file(&self, named: &Named, seed: u64) -> PathBuf {
        let name = named.name.replace(['/', '\\'], "-");
        self.traces.join(format!("{name}.{seed}.jsonl"))
    }
}

fn write(file: &Path, header: &Header, trace: &Trace) -> io::Result<()> {
    let mut out = BufWriter::new(fs::File::create(file)?);
    trace.write_jsonl(header, &mut out)?;
    out.flush()
}

fn read(file: &Path) -> Result<Metrics, BackendError> {
    let text = fs::read_to_string(file).map_err(|error| refused(file, &error))?;
    let (_, trace) = Trace::read_jsonl(&text).map_err(|error| refused(file, &error))?;
    Ok(Metrics::of(&trace))
}

fn refused(file: &Path, error: &dyn std::error::Error) -> BackendError {
    BackendError::Environment(format!("{}: {error}", file.display()))
}
