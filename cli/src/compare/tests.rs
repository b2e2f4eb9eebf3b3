//! Comparisons in which the simulator stands for every place, with another subject where a place is
//! to say something else.

use super::*;
use crate::args::{Cli, Command, SeedRange};
use crate::kafka::Load;
use crate::library;
use crate::runner::Worker;
use crate::terminal::Detail;
use crate::trial::Expectation;
use clap::Parser as _;
use plimsoll_oracle::Setting;
use plimsoll_scenarios::{Plan, Subject};
use std::collections::BTreeSet;

/// Reads the arguments of a command line.
fn arguments(arguments: &[&str]) -> CompareArgs {
    let Cli { command, .. } = Cli::parse_from([&["plimsoll", "compare"], arguments].concat());
    match command {
        Command::Compare(args) => args,
        other => panic!("it is `compare`, not {other:?}"),
    }
}

const SCENARIO: &str = "recipes/alarm-ruler-failing-handler";

fn column(name: PlaceName, subject: Subject, seeds: u64) -> Column {
    let loaded = library::load_one(SCENARIO).expect("it is embedded");
    let mut trial = Trial {
        label: loaded.label,
        subject: subject.to_string(),
        scenario: loaded.scenario,
        seeds: SeedRange { from: 0, to: seeds },
        without: BTreeSet::new(),
        apart: BTreeSet::new(),
        expectation: Expectation::Open,
        set: Vec::new(),
    };
    trial.scenario.settings.consumers.subject = subject;
    let (mut worker, mut tally) = (Worker::default(), Tally::default());
    for seed in 0..seeds {
        let run = worker.run_seed(&trial.scenario, seed).expect("it runs");
        tally.add(seed, &run, worker.trace(), false);
        if name.is_real() && run.verdict.violations().next().is_some() {
            tally.recorded.push(worker.record(seed, run.verdict));
        }
    }
    Column {
        name,
        seeds,
        took: Duration::from_secs(7),
        tried: vec![(trial, tally)],
        not_executed: Vec::new(),
        failed: None,
    }
}

fn comparison(columns: Vec<Column>) -> Comparison {
    let places = columns.iter().map(|column| column.name.word());
    let places: Vec<&str> = places.collect();
    let args = arguments(&["--places", &places.join(",")]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Places { places, .. } = Places::of(&args).expect("the places can be had");
    Comparison::of(columns, &places, Vec::new(), folder.path())
}

fn found(comparison: &Comparison, property: Property) -> Finding {
    let mut promises = comparison.rows[0].promises.iter();
    let promise = promises.find(|promise| promise.property == property);
    promise.expect("every property is there").finding
}

fn told(comparison: &Comparison) -> String {
    let look = Look::of(80, Detail::Normal);
    let text = render::compare::comparison(comparison, look);
    let text = anstream::adapter::strip_str(&text).to_string();
    for line in text.lines().filter(|line| !line.contains("Again with")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    text
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn places_that_say_the_same_agree() {
    let four = comparison(vec![
        column(PlaceName::Sim, Subject::Plimsoll, 5),
        column(PlaceName::Driver, Subject::PlimsollDriver, 5),
        column(PlaceName::Embedded, Subject::Plimsoll, 1),
        column(PlaceName::Containers, Subject::Plimsoll, 1),
    ]);
    assert_eq!(found(&four, Property::NoLoss), Finding::Agrees);
    assert_eq!(four.exit(), Exit::Met);
    let text = told(&four);
    let mut rows = text.lines();
    let row = rows.find(|line| line.contains(SCENARIO)).expect("a row");
    let row: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(row, ["✓", SCENARIO, "held", "held", "held", "held"]);
    assert!(text.contains("0 differ."), "{text}");
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn a_place_that_keeps_what_another_breaks_differs_once_it_has_enough_seeds() {
    let wrong = |seeds| column(PlaceName::Sim, Subject::SaramaAutoMark, seeds);
    let right = |seeds| column(PlaceName::Embedded, Subject::Plimsoll, seeds);
    let few = comparison(vec![wrong(5), right(1)]);
    assert_eq!(found(&few, Property::NoLoss), Finding::TooFewSeeds);
    assert_eq!(few.exit(), Exit::Met);
    assert!(told(&few).contains("? no-loss"), "{}", told(&few));
    let enough = comparison(vec![wrong(5), right(3)]);
    assert_eq!(found(&enough, Property::NoLoss), Finding::Differs);
    assert_eq!(enough.exit(), Exit::Internal);
    let text = told(&enough);
    assert!(text.contains("✗ no-loss"), "{text}");
    let again = format!("Again with: plimsoll run {SCENARIO} --seeds 0..1 --subject");
    assert!(text.contains(&again), "{text}");
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn what_real_processes_break_and_the_simulator_never_does_differs() {
    let found_in = comparison(vec![
        column(PlaceName::Sim, Subject::Plimsoll, 2),
        column(PlaceName::Containers, Subject::SaramaAutoMark, 1),
    ]);
    assert_eq!(found(&found_in, Property::NoLoss), Finding::Differs);
    let text = told(&found_in);
    assert!(
        text.contains("--backend kafka --brokers containers"),
        "{text}"
    );
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn a_place_that_cannot_be_had_takes_nothing_from_the_others() {
    let without = Column {
        tried: Vec::new(),
        failed: Some(CliError::Environment("no engine answers".into())),
        ..column(PlaceName::Containers, Subject::Plimsoll, 1)
    };
    let two = comparison(vec![
        column(PlaceName::Sim, Subject::Plimsoll, 2),
        column(PlaceName::Embedded, Subject::Plimsoll, 1),
        without,
    ]);
    assert_eq!(found(&two, Property::NoLoss), Finding::Agrees);
    assert_eq!(two.exit(), Exit::Environment);
    let text = told(&two);
    assert!(text.contains("not run"), "{text}");
    assert!(text.contains("containers: no engine answers"), "{text}");
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn a_recipe_that_stands_for_a_program_is_judged_as_the_program_is() {
    let unknown = |arguments: &[&str]| {
        let Places { places, .. } = Places::of(&self::arguments(arguments)).expect("two places");
        let simulator = places[0].start(Load::default(), &places);
        let mut simulator = simulator.expect("it starts");
        let loaded = library::load_one(SCENARIO).expect("it is embedded");
        let plan = Plan::draw(&loaded.scenario, 0);
        simulator.another().get().terms(&plan).unknown == simulator.get().terms(&plan).unknown
            && simulator
                .get()
                .terms(&plan)
                .unknown
                .contains(&Setting::Ordering)
    };
    let recipe = ["--subject", "sarama-auto-mark"];
    let program = ["--", "/bin/cat"];
    let keeps = ["--keeps", "consumers.ordering"];
    assert!(unknown(&[&recipe[..], &program].concat()));
    assert!(!unknown(&[&recipe[..], &keeps, &program].concat()));
    assert!(!unknown(&[]), "Plimsoll keeps what it is told");
}

#[test]
fn what_is_said_last_of_a_place_counts() {
    let args = arguments(&["--seeds", "7,embedded=2", "--seeds", "driver=9"]);
    let seeds = [
        PlaceName::Sim,
        PlaceName::Driver,
        PlaceName::Turmoil,
        PlaceName::Embedded,
        PlaceName::Containers,
    ];
    assert_eq!(seeds.map(|place| args.seeds_in(place)), [7, 9, 7, 2, 7]);
    let usual = arguments(&[]);
    assert_eq!(
        seeds.map(|place| usual.seeds_in(place)),
        [100, 100, 20, 1, 1]
    );
}

#[test]
fn turmoil_has_the_consumer_that_runs_in_production_and_no_other() {
    let places = |more: &[&str]| {
        let args = arguments(&[&["--places", "sim,driver,turmoil"], more].concat());
        Places::of(&args).map(|found| {
            let names = found.places.iter().map(|place| place.name);
            (names.collect::<Vec<_>>(), found.left_out)
        })
    };
    let all = [PlaceName::Sim, PlaceName::Driver, PlaceName::Turmoil];
    assert_eq!(
        places(&[]).expect("all can try it"),
        (all.to_vec(), Vec::new())
    );
    assert!(places(&["--subject", "auto-commit"]).is_err());
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn what_one_place_alone_says_agrees_with_nothing() {
    let nothing = Column {
        tried: Vec::new(),
        ..column(PlaceName::Embedded, Subject::Plimsoll, 1)
    };
    let one = comparison(vec![column(PlaceName::Sim, Subject::Plimsoll, 2), nothing]);
    assert_eq!(one.count(Finding::Agrees), 0);
    assert!(
        told(&one).contains("- recipes/alarm-ruler"),
        "{}",
        told(&one)
    );
}
