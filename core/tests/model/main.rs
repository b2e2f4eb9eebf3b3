//! Random events against a consumer, judged by a model that is obviously right: a plain list of
//! records with states (`ledger`), kept by a driver that obeys every command (`world`).

mod ledger;
mod log;
mod obey;
mod rare;
mod steps;
mod world;

use plimsoll_core::Config;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use rare::Rare;
use std::collections::BTreeSet;
use steps::Step;
use world::World;

/// The sequences of steps. A step says "the third handler", not "the handler of offset 17", so that
/// any sequence makes sense and shrinks freely. So the reference knows only the configuration.
struct Steps;

impl ReferenceStateMachine for Steps {
    type State = Config;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Config> {
        steps::configs().boxed()
    }

    fn transitions(_: &Config) -> BoxedStrategy<Step> {
        steps::steps().boxed()
    }

    fn apply(config: Config, _: &Step) -> Config {
        config
    }
}

/// The consumer in its world.
struct Model;

impl StateMachineTest for Model {
    type SystemUnderTest = World;
    type Reference = Steps;

    fn init_test(config: &Config) -> World {
        World::new(*config)
    }

    fn apply(mut world: World, _: &Config, step: Step) -> World {
        world.step(step);
        world
    }

    fn teardown(mut world: World, _: Config) {
        world.finish_everything();
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: 8_000,
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    })]

    /// Checks every promise after every command, and that all is finished once nothing fails.
    #[test]
    fn keeps_its_promises_whatever_happens(sequential 1..150 => Model);
}

/// Checks that each rare thing happens: a suite without it would prove nothing about it.
#[test]
fn meets_everything_rare() {
    let mut runner = TestRunner::deterministic();
    let runs = (
        steps::configs(),
        prop::collection::vec(steps::steps(), 1..150),
    );
    let mut missing = BTreeSet::from(Rare::ALL);
    for _ in 0..3_000 {
        let run = runs.new_tree(&mut runner).expect("no filters");
        let (config, steps) = run.current();
        let mut world = World::new(config);
        for step in steps {
            world.step(step);
        }
        missing.retain(|rare| !world.seen.contains(rare));
    }
    assert_eq!(missing, BTreeSet::new());
}
