//! How sharp the library is: every planted bug in every scenario, convicted of what it breaks or
//! not.
//!
//! The page `scenarios/power.md` shows it. To write it anew:
//! `UPDATE_POWER=1 cargo test -p plimsoll-sim power`.

use super::catalogue::{ALL, CONTROL, Planted};
use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Judgement, Property, Trace, Word};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;
use plimsoll_sim::recipes::SubjectSpec;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{env, fs, thread};

/// The number of seeds, from 0, in one of which a bug must fall.
const SEEDS: u64 = 10;

/// The number of planted bugs that each property must convict somewhere in the library.
const BUGS_A_PROPERTY: usize = 3;

/// The properties that the library must have at risk, and keep, in this many scenarios.
const OBSERVED: usize = 20;
const OBSERVED_OFTEN: [Property; 4] = [
    Property::KeyOrder,
    Property::DeadLetterExact,
    Property::CleanShutdown,
    Property::CleanHandover,
];

/// The number of times that a property may be held in a scenario in which no bug breaks it. Most
/// are of scenarios with one partition, or without a rebalance.
const POWERLESS: usize = 10;

/// The properties that no bug of a consumer can break.
const NOT_OF_CONSUMERS: [Property; 2] = [Property::ExactlyOnce, Property::AckedIsDurable];

/// One scenario, and what it shows.
struct Row {
    name: String,
    /// What it is for, in its own words.
    description: String,
    /// The properties that the core without a bug has at risk, and keeps.
    held: BTreeSet<Property>,
    /// What each bug of [`ALL`] is convicted of, until all is found that it breaks.
    convicted: Vec<BTreeSet<Property>>,
}

impl Row {
    fn folder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn convicts(&self, bug: usize) -> bool {
        let mut breaks = ALL[bug].breaks.iter();
        breaks.any(|property| self.convicted[bug].contains(property))
    }

    /// Returns the properties that it keeps without a bug, and that no bug breaks in it.
    fn without_power(&self) -> impl Iterator<Item = Property> {
        let broken: BTreeSet<Property> = self.convicted.iter().flatten().copied().collect();
        self.held.iter().copied().filter(move |property| {
            !NOT_OF_CONSUMERS.contains(property) && !broken.contains(property)
        })
    }
}

#[test]
fn the_library_is_sharp() {
    let rows = measure();
    let page = page(&rows);
    let path = Path::new("../scenarios/power.md");
    if env::var_os("UPDATE_POWER").is_some() {
        fs::write(path, &page).expect("the page can be written");
    }
    let mut complaints = complaints(&rows);
    if fs::read_to_string(path).ok().as_deref() != Some(page.as_str()) {
        complaints.push("power.md is old: run this test with UPDATE_POWER=1".into());
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Tries every bug in every scenario.
fn measure() -> Vec<Row> {
    let scenarios = Mutex::new(library().into_iter());
    let rows = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = scenarios.lock().expect("no thread has panicked").next();
                    let Some((name, scenario)) = next else {
                        break;
                    };
                    let description = scenario.settings.description.clone();
                    let row = Trial::new(&scenario).row(name, description);
                    rows.lock().expect("no thread has panicked").push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().expect("no thread has panicked");
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

/// The plans of one scenario, and a judge.
struct Trial {
    plans: Vec<Plan>,
    judge: Judge,
    trace: Trace,
}

impl Trial {
    fn new(scenario: &Scenario) -> Self {
        Self {
            plans: (0..SEEDS).map(|seed| Plan::draw(scenario, seed)).collect(),
            judge: Judge::new(),
            trace: Trace::new(),
        }
    }

    fn row(&mut self, name: String, description: String) -> Row {
        let mut held = BTreeSet::new();
        self.run(CONTROL, |property, judgement| {
            match judgement {
                Judgement::Held => _ = held.insert(property),
                Judgement::NotObserved(_) => {}
                Judgement::Violated(violation) => {
                    panic!("{name} convicts the core: {}", violation.summary)
                }
            }
            true
        });
        let convicted = ALL.iter().map(|bug| self.convicted(bug)).collect();
        Row {
            name,
            description,
            held,
            convicted,
        }
    }

    fn convicted(&mut self, bug: &Planted) -> BTreeSet<Property> {
        let mut convicted = BTreeSet::new();
        self.run(bug.spec, |property, judgement| {
            if matches!(judgement, Judgement::Violated(_)) {
                convicted.insert(property);
            }
            let mut breaks = bug.breaks.iter();
            !breaks.all(|property| convicted.contains(property))
        });
        convicted
    }

    /// Runs a subject with one seed after the other, for as long as `see` asks for more.
    fn run(&mut self, spec: SubjectSpec, mut see: impl FnMut(Property, &Judgement) -> bool) {
        let mut simulator = Simulator::with_spec(spec);
        for plan in &self.plans {
            self.trace.clear();
            simulator
                .run(plan, &mut self.trace)
                .expect("the simulator takes every plan");
            let unobservable = simulator.unobservable();
            let verdict = self.judge.judge(&plan.terms(), &self.trace, unobservable);
            let mut more = true;
            for (property, judgement) in verdict.judgements() {
                more = see(*property, judgement);
            }
            if !more {
                return;
            }
        }
    }
}

fn complaints(rows: &[Row]) -> Vec<String> {
    let mut complaints = Vec::new();
    for &property in Property::ALL {
        let convicted = |bug: usize| {
            let mut all = rows.iter().map(|row| &row.convicted[bug]);
            all.any(|convicted| convicted.contains(&property))
        };
        let bugs = (0..ALL.len()).filter(|&bug| convicted(bug)).count();
        if bugs < BUGS_A_PROPERTY && !NOT_OF_CONSUMERS.contains(&property) {
            complaints.push(format!("{property} convicts {bugs} planted bugs"));
        }
    }
    for (index, bug) in ALL.iter().enumerate() {
        if !rows.iter().any(|row| row.convicts(index)) {
            complaints.push(format!("{} is acquitted everywhere", bug.name));
        }
    }
    for property in OBSERVED_OFTEN {
        let kept = rows.iter().filter(|row| row.held.contains(&property));
        let kept = kept.count();
        if kept < OBSERVED {
            complaints.push(format!("{property} is at risk in {kept} scenarios"));
        }
    }
    let powerless: usize = rows.iter().map(|row| row.without_power().count()).sum();
    if powerless > POWERLESS {
        complaints.push(format!(
            "{powerless} times no bug could break what was held"
        ));
    }
    for row in rows {
        if row.description.is_empty() && alone(rows, row).next().is_none() {
            complaints.push(format!(
                "{} is not sharp, and does not say what it is for",
                row.name
            ));
        }
    }
    complaints
}

/// Returns the bugs that no other scenario of the same folder convicts.
fn alone<'a>(rows: &'a [Row], row: &'a Row) -> impl Iterator<Item = &'static Planted> {
    let of_folder = move |bug: usize| {
        let others = rows.iter().filter(|other| other.folder() == row.folder());
        others.filter(|other| other.convicts(bug)).count()
    };
    let convicted = ALL.iter().enumerate();
    convicted
        .filter(move |&(bug, _)| row.convicts(bug) && of_folder(bug) == 1)
        .map(|(_, bug)| bug)
}

fn page(rows: &[Row]) -> String {
    let mut page = format!(
        "# The power of the library\n\n\
         Every planted bug in every scenario, {SEEDS} seeds each: is it convicted of what it \
         breaks? Made by `sim/tests/planted/power.rs`\n(`UPDATE_POWER=1 cargo test -p plimsoll-sim \
         power` writes it anew).\n\n## Scenarios\n\n\
         | scenario | convicts, of {} | which no other of its folder does, or *what it is for* | held, though no bug can be \
         convicted of it here |\n|---|---|---|---|\n",
        ALL.len()
    );
    for row in rows {
        let bugs = (0..ALL.len()).filter(|&bug| row.convicts(bug)).count();
        let alone: Vec<_> = alone(rows, row).map(|bug| bug.name).collect();
        let alone = match alone.is_empty() {
            true => format!("*{}*", row.description),
            false => alone.join(", "),
        };
        let dull: Vec<_> = row.without_power().map(Word::word).collect();
        let dull = dull.join(", ");
        writeln!(page, "| {} | {bugs} | {alone} | {dull} |", row.name).expect("a string grows");
    }
    page += "\n## Bugs\n\n| bug | where | breaks | convicted in, of ";
    writeln!(page, "{} |\n|---|---|---|---|", rows.len()).expect("a string grows");
    for (index, bug) in ALL.iter().enumerate() {
        let breaks: Vec<_> = bug.breaks.iter().map(|property| property.word()).collect();
        let convicted = rows.iter().filter(|row| row.convicts(index)).count();
        let (name, place, breaks) = (bug.name, bug.place, breaks.join(", "));
        writeln!(page, "| {name} | {place} | {breaks} | {convicted} |").expect("a string grows");
    }
    page
}

/// Reads the scenarios of the library, by name.
pub(super) fn library() -> Vec<(String, Scenario)> {
    let root = Path::new("../scenarios/library");
    let mut files = Vec::new();
    collect(root, &mut files);
    files.sort();
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("a scenario can be read");
        let name = path.strip_prefix(root).expect("found below the root");
        let name = name.with_extension("").display().to_string();
        let scenario = Scenario::parse(&name, &text).expect("a scenario of the library is right");
        (name, scenario)
    };
    files.iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the library is there") {
        let path = entry.expect("the library can be read").path();
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}
