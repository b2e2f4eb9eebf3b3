//! Runs plans with a user's handler, and judges them.

use crate::Failure;
use crate::message::Messages;
use crate::process::{Run, Starter};
use plimsoll_oracle::check::Judge;
use plimsoll_oracle::story::Story;
use plimsoll_oracle::{Property, Trace, Verdict};
use plimsoll_scenarios::scenario::Expected;
use plimsoll_scenarios::shrink::{self, Budget, Observed};
use plimsoll_scenarios::{Backend, Plan, Regression, Scenario, Subject};
use plimsoll_sim::Simulator;

/// The limits of the search for a smaller scenario, of which a test's reader waits.
const BUDGET: Budget = Budget {
    runs: 400,
    events: 1_000_000,
};

/// The runs of plans with a user's handler, and their judge.
pub(crate) struct Court<'a> {
    starter: &'a Starter,
    messages: &'a Messages,
    allowed: &'a [Property],
    simulator: Simulator,
    judge: Judge,
    trace: Trace,
}

impl<'a> Court<'a> {
    /// Prepares trials of a handler. What breaks only the properties of `allowed` is no failure.
    pub(crate) fn new(
        starter: &'a Starter,
        messages: &'a Messages,
        allowed: &'a [Property],
    ) -> Self {
        Self {
            starter,
            messages,
            allowed,
            simulator: plimsoll_sim_driver::simulator(),
            judge: Judge::new(),
            trace: Trace::new(),
        }
    }

    /// Runs a plan, and judges it. Its trace stays until the next run.
    pub(crate) fn run(&mut self, plan: &Plan) -> Verdict {
        self.trace.clear();
        let run = Run::new(self.starter, self.messages, plan);
        let ran = self.simulator.run_programs(plan, &run, &mut self.trace);
        if let Err(error) = ran {
            panic!("Plimsoll itself failed: {error}");
        }
        let unobservable = self.simulator.unobservable();
        self.judge.judge(&plan.terms(), &self.trace, unobservable)
    }

    /// Returns the trace of the last run.
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Returns the properties that a run has broken, as far as that is a failure.
    pub(crate) fn broken(&self, verdict: &Verdict) -> Vec<Property> {
        let broken = verdict.violations().map(|(property, _)| property);
        broken.filter(|one| !self.allowed.contains(one)).collect()
    }

    /// Makes the failure of a plan that breaks these properties, by the smallest plan that breaks
    /// the first of them, if it is to be searched for.
    pub(crate) fn convict(&mut self, plan: &Plan, broken: &[Property], shrinks: bool) -> Failure {
        let property = broken[0];
        let shrunk = shrinks.then(|| shrink::shrink(plan, property, BUDGET, &mut Search(self)));
        let shrunk = shrunk.flatten();
        let runs = shrunk.as_ref().map(|shrunk| shrunk.runs);
        let smallest = shrunk.map_or_else(|| plan.clone(), |shrunk| shrunk.plan);
        let verdict = self.run(&smallest);
        let mut violations = verdict.violations();
        let Some((_, violation)) = violations.find(|(violated, _)| *violated == property) else {
            panic!(
                "The same schedule gave two verdicts ({property}, seed {}): the handler depends on \
                 something outside of its run, such as a `static`, a clock, or what it captured.",
                plan.seed
            );
        };
        Failure {
            property,
            seed: plan.seed,
            also_broken: broken[1..].to_vec(),
            trial: plan.settings.name.clone(),
            story: Story::of(&smallest.terms(), &self.trace, property, violation),
            size: runs.map(|runs| (smallest.messages.len(), smallest.faults.len(), runs)),
            scenario: self.scenario(&smallest, &verdict, property),
        }
    }

    /// Returns a plan as a scenario that a trial can be given again.
    fn scenario(&self, plan: &Plan, verdict: &Verdict, property: Property) -> Scenario {
        let (found, subject) = ([property], Subject::Plimsoll);
        let fingerprint = self.trace.fingerprint();
        let regression =
            Regression::from_plan(plan, property, &found, verdict, fingerprint, subject);
        let mut scenario = regression.scenario;
        // It is to be kept for a handler that is mended.
        scenario.settings.expect.verdict = Expected::Held;
        scenario.settings.expect.trace = None;
        scenario
    }
}

/// The search for a smaller plan.
struct Search<'a, 'b>(&'a mut Court<'b>);

impl shrink::Runner for Search<'_, '_> {
    fn run(&mut self, plan: &Plan) -> Option<Observed> {
        let before = self.0.simulator.events();
        let verdict = self.0.run(plan);
        let events = self.0.simulator.events() - before;
        Some(Observed::new(verdict, &self.0.trace, events))
    }
}
