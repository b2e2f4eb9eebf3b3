//! What executes plans: the simulator, or real processes in real time.

use crate::args::{BackendArgs, BackendName, DeclaredArgs, SeedRange, threads};
use crate::error::CliError;
use crate::kafka::{Declared, Kafka, Load, Options};
use plimsoll_oracle::{Terms, Trace};
use plimsoll_scenarios::{Backend, BackendError, Plan, Refusal};
use plimsoll_sim::Simulator;
use plimsoll_turmoil::Turmoil;
use std::ffi::OsString;
use std::num::NonZeroUsize;

/// What executes plans, as the command line chooses it; nothing is started yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The simulator.
    Sim,
    /// The consumer as in production, on a simulated network.
    Turmoil,
    /// Real processes, on brokers of whatever kind.
    Kafka(Box<Options>),
}

impl Choice {
    /// Reads the choice from the arguments; `command` is the subject that stands after `--`, and
    /// `declared` what is said of it.
    ///
    /// # Errors
    /// Where arguments do not go together, the command does not exist, or the program is built
    /// without what they ask for.
    pub(crate) fn of(
        args: &BackendArgs,
        command: &[OsString],
        declared: &DeclaredArgs,
    ) -> Result<Self, CliError> {
        if command.is_empty() && !declared.keeps.is_empty() {
            return Err(CliError::usage(
                "--keeps says something of a command, and there is none after `--`",
                "Plimsoll's own consumer, and each recipe, does what it is told.",
            ));
        }
        match (args.name(command), &args.bootstrap) {
            (BackendName::Kafka, _) => {
                let options = Options::of(args, command, declared)?;
                Ok(Self::Kafka(Box::new(options)))
            }
            (_, Some(_)) => Err(only_with_kafka("--bootstrap")),
            (_, None) if args.brokers.is_some() => Err(only_with_kafka("--brokers")),
            (_, None) if args.listen.is_some() => Err(only_with_kafka("--listen")),
            (_, None) if !command.is_empty() => Err(only_with_kafka("a command after `--`")),
            (BackendName::Sim, None) => Ok(Self::Sim),
            (BackendName::Turmoil, None) => Ok(Self::Turmoil),
        }
    }

    /// Returns its name on the command line.
    pub(crate) const fn name(&self) -> BackendName {
        match self {
            Self::Sim => BackendName::Sim,
            Self::Turmoil => BackendName::Turmoil,
            Self::Kafka(_) => BackendName::Kafka,
        }
    }

    /// Returns the place where it executes plans, as words that end a sentence.
    pub(crate) const fn place(&self) -> &'static str {
        match self {
            Self::Sim => "in the simulator",
            Self::Turmoil => "on a simulated network",
            Self::Kafka(options) => options.place(),
        }
    }

    /// Returns the seeds of a command that names none.
    pub(crate) const fn default_seeds(&self) -> SeedRange {
        let to = match self {
            Self::Sim => 1000,
            Self::Turmoil => 20,
            Self::Kafka(_) => 1,
        };
        SeedRange { from: 0, to }
    }

    /// Returns the number of schedules to run side by side: as many as were asked for, or else one
    /// for each core, and more in real time: runs there wait more than they work.
    pub(crate) fn jobs(&self, asked: Option<NonZeroUsize>) -> NonZeroUsize {
        match (asked, self) {
            (None, Self::Kafka(options)) => threads(None).saturating_mul(options.for_each_core()),
            (asked, _) => threads(asked),
        }
    }

    /// Returns the program that stands trial instead of the scenarios' subjects, as words for a
    /// shell.
    pub(crate) fn command(&self) -> Option<String> {
        match self {
            Self::Sim | Self::Turmoil => None,
            Self::Kafka(options) => options.command(),
        }
    }

    /// Returns what is known of the program that stands trial instead of the scenarios' subjects.
    pub(crate) fn declared(&self) -> Option<&Declared> {
        match self {
            Self::Sim | Self::Turmoil => None,
            Self::Kafka(options) => options.declared(),
        }
    }

    /// Returns the end of a command line that makes this choice again.
    pub(crate) fn arguments(&self) -> String {
        match self {
            Self::Sim => String::new(),
            Self::Turmoil => " --backend turmoil".into(),
            Self::Kafka(options) => options.arguments(),
        }
    }

    /// Returns the reason why the plan cannot be executed there, if there is one, before anything
    /// is started. The simulator needs no start, so it is asked when it runs the plan.
    pub(crate) fn refuses(&self, plan: &Plan) -> Option<String> {
        match self {
            Self::Sim => None,
            Self::Turmoil => Turmoil::new().refuses(plan).map(|refusal| refusal.reason),
            Self::Kafka(options) => options.refuses(plan),
        }
    }

    /// Starts the backend, for these plans.
    ///
    /// # Errors
    /// Where the environment lacks something.
    pub(crate) fn start(&self, load: Load) -> Result<StartedBackend, CliError> {
        match self {
            Self::Sim => Ok(StartedBackend::default()),
            Self::Turmoil => Ok(StartedBackend::Turmoil(Turmoil::new())),
            Self::Kafka(options) => options.start(load).map(StartedBackend::Kafka),
        }
    }
}

fn only_with_kafka(what: &str) -> CliError {
    CliError::usage(
        format!("{what} needs --backend kafka"),
        "The simulator has its own cluster, and its own subjects (`plimsoll list --subjects`).",
    )
}

/// What executes plans, started. Each thread has one of its own.
#[derive(Debug)]
pub(crate) enum StartedBackend {
    /// The simulator.
    Sim(Box<Simulated>),
    /// The consumer as in production, on a simulated network.
    Turmoil(Turmoil),
    /// The backend of real processes, which all threads share.
    Kafka(Kafka),
}

impl StartedBackend {
    /// Makes a simulator whose recipe stands for a program of which no more is known than this.
    pub(crate) fn in_place_of(program: Declared) -> Self {
        Self::Sim(Box::new(Simulated::new(Some(program))))
    }

    /// Makes one for another thread, or in place of one that panicked half-way.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Sim(simulated) => Self::Sim(Box::new(Simulated::new(simulated.program.clone()))),
            Self::Turmoil(turmoil) => Self::Turmoil(*turmoil),
            Self::Kafka(kafka) => Self::Kafka(kafka.clone()),
        }
    }

    /// Returns the backend itself.
    pub(crate) fn get(&mut self) -> &mut dyn Backend {
        match self {
            Self::Sim(simulated) => simulated.as_mut(),
            Self::Turmoil(turmoil) => turmoil,
            Self::Kafka(kafka) => kafka,
        }
    }

    /// Returns the number of events that it has simulated.
    pub(crate) fn events(&self) -> u64 {
        match self {
            Self::Sim(simulated) => simulated.simulator.events(),
            Self::Turmoil(_) | Self::Kafka(_) => 0,
        }
    }

    /// Tells whether its runs are slow, and are recorded because of that: those on real brokers can
    /// never be had again.
    pub(crate) const fn is_real(&self) -> bool {
        matches!(self, Self::Turmoil(_) | Self::Kafka(_))
    }

    /// Returns the number of plans that break brokers which can run beside all others.
    pub(crate) fn apart(&self) -> usize {
        match self {
            Self::Sim(_) | Self::Turmoil(_) => 0,
            Self::Kafka(kafka) => kafka.apart(),
        }
    }

    /// Removes what was started.
    pub(crate) fn shut_down(self) {
        if let Self::Kafka(kafka) = self {
            kafka.shut_down();
        }
    }
}

impl Default for StartedBackend {
    fn default() -> Self {
        Self::Sim(Box::new(Simulated::new(None)))
    }
}

/// The simulator, and what is known of the program that a recipe stands for in it.
#[derive(Debug)]
pub(crate) struct Simulated {
    simulator: Simulator,
    program: Option<Declared>,
}

impl Simulated {
    fn new(program: Option<Declared>) -> Self {
        Self {
            simulator: plimsoll_sim_driver::simulator(),
            program,
        }
    }
}

impl Backend for Simulated {
    fn name(&self) -> &'static str {
        self.simulator.name()
    }

    fn refuses(&self, plan: &Plan) -> Option<Refusal> {
        self.simulator.refuses(plan)
    }

    /// A recipe that stands for a program is judged as the program is.
    fn terms(&self, plan: &Plan) -> Terms {
        match &self.program {
            Some(program) => program.terms(plan),
            None => self.simulator.terms(plan),
        }
    }

    fn run(&mut self, plan: &Plan, trace: &mut Trace) -> Result<(), BackendError> {
        self.simulator.run(plan, trace)
    }
}
