//! Real Kafka: brokers in containers, members as processes.
//!
//! Without a container engine, or without Go, a test is ignored; with `PLIMSOLL_REQUIRE_KAFKA=1`
//! the engine must be there.

#[path = "../cli/program.rs"]
#[expect(dead_code, reason = "the other tests start the program in other ways")]
mod program;
mod running;
mod subjects;

use plimsoll_chaos::engine_for_tests;
use plimsoll_harness::{GO, Need, Test, engine, run_side_by_side, tests};
use running::{First, Running, Seat, addresses, cluster, own, run_on_kafka, take_down};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use subjects::{FAMILIES, Programs, is_tried};

/// A container engine with an image of Kafka.
static ENGINE: Need = engine(engine_for_tests);

/// The scenarios of the library's folder `quick` that real Kafka must have run, of those that leave
/// brokers alone.
const SHOWN: [&str; 9] = [
    "member-killed",
    "zombie-wakes",
    "handlers-in-flight",
    "members-restarted",
    "commit-unanswered",
    "coordinator-out-of-reach",
    "failing-handlers",
    "busy-members-stop",
    "topic-grows",
];

/// All scenarios of that folder that break brokers.
const BREAKING: [&str; 4] = [
    "quick/leader-dies",
    "quick/coordinator-dies",
    "quick/leaders-move",
    "quick/brokers-restarted",
];

fn main() -> ExitCode {
    // While the shared cluster is new: what others left takes a coordinator time to load.
    let first = [
        first(
            "the_recipe_on_sarama_1_60_loses_when_the_coordinator_moves",
            the_recipe_on_sarama_1_60_loses_when_the_coordinator_moves,
        ),
        first(
            "the_recipe_on_newer_sarama_carries_on_when_the_coordinator_moves",
            the_recipe_on_newer_sarama_carries_on_when_the_coordinator_moves,
        ),
    ];
    let others = tests!([&ENGINE, &GO]:
        the_recipe_repeats_everything_from_oldest,
        the_recipe_loses_from_newest,
        the_recipe_commits_past_a_failure,
        a_failing_run_is_made_smaller,
        the_mended_recipe_is_acquitted,
    );
    let own = tests!([&ENGINE]:
        a_kept_cluster_serves_runs_until_it_is_taken_down,
        an_interrupted_run_takes_its_members_along,
        plimsoll_is_acquitted_beside_others,
    );
    let families = FAMILIES.map(|family| {
        let name = format!("the_programs_with_{family}_are_tried");
        Test::unless_unfit(name, [&ENGINE], || is_tried(family))
    });
    let all = first.into_iter().chain(own).chain(others).chain(families);
    let tests: Vec<Test> = all.collect();
    // Runs wait more than they work.
    let code = run_side_by_side(tests.len(), tests);
    take_down();
    code
}

/// Makes a test that comes before those which share the cluster.
fn first(name: &str, body: fn()) -> Test {
    let first = First::new();
    Test::new(name, [&ENGINE, &GO], move || {
        body();
        drop(first);
    })
}

fn plimsoll_is_acquitted_beside_others() {
    let ended = run_on_kafka(Seat::beside(), &["quick"], &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.failures(), ended.stderr);
    let report = ended.json();
    for name in SHOWN {
        assert_is_acquitted(&report, &format!("quick/{name}"));
    }
    for scenario in report["scenarios"].as_array().expect("a list") {
        assert_is_acquitted(&report, scenario["scenario"].as_str().expect("a name"));
    }
    for refused in report["not_executed"].as_array().expect("a list") {
        let breaks = refused["reason"]
            .as_str()
            .expect("a reason")
            .contains("not broken");
        let is_run = BREAKING.iter().any(|name| refused["scenario"] == *name);
        assert!(!breaks || is_run, "it is to be in the list: {refused:#}");
    }
}

/// Asserts that a scenario was run once, and that each property held or was not observed for a
/// stated reason.
fn assert_is_acquitted(report: &Value, label: &str) {
    let mut scenarios = report["scenarios"].as_array().expect("a list").iter();
    let Some(scenario) = scenarios.find(|scenario| scenario["scenario"] == label) else {
        panic!("{label} was not run: {}", report["not_executed"]);
    };
    assert_eq!(scenario["schedules"], 1, "{scenario:#}");
    for property in scenario["properties"].as_array().expect("a list") {
        let is_stated = property["not_observed_because"]
            .as_object()
            .is_some_and(|reasons| reasons.keys().all(|reason| !reason.is_empty()));
        let held = property["held"] == 1;
        let not_observed = property["not_observed"] == 1 && is_stated;
        assert!(held || not_observed, "{scenario:#}");
    }
}

/// Shows that nothing is committed while auto-commit is off: a restart plays everything again.
fn the_recipe_repeats_everything_from_oldest() {
    let programs = Programs::build();
    // What those believe who use it.
    let interval = "consumers.commit.interval=1s";
    let arguments = ["recipes/alarm-ruler-oldest", "--set", interval];
    let recipe = programs.command("sarama-recipe", &[]);
    convicts(Seat::beside(), &arguments, &recipe, &["bounded-duplicates"]);
}

/// Shows that what arrives during a restart is never read: auto-commit is off, and a start goes to
/// the end.
fn the_recipe_loses_from_newest() {
    let programs = Programs::build();
    let arguments = ["recipes/alarm-ruler-newest"];
    let recipe = programs.command("sarama-recipe", &["SUBJECT_INITIAL=newest"]);
    convicts(Seat::beside(), &arguments, &recipe, &["no-loss"]);
}

/// Shows that a mark passes the record that failed before it, with auto-commit on.
fn the_recipe_commits_past_a_failure() {
    let programs = Programs::build();
    let arguments = ["recipes/alarm-ruler-failing-handler"];
    let recipe = programs.command("sarama-recipe", &["SUBJECT_AUTO_COMMIT=true"]);
    let properties = ["commit-covers-only-finished", "no-loss"];
    convicts(Seat::beside(), &arguments, &recipe, &properties);
}

/// Makes a failing run smaller: fewer messages fail too, and how often they do is told.
fn a_failing_run_is_made_smaller() {
    let programs = Programs::build();
    let recipe = programs.command("sarama-recipe", &["SUBJECT_AUTO_COMMIT=true"]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = [
        "shrink",
        "recipes/alarm-ruler-failing-handler",
        "--backend",
        "kafka",
        "--seed",
        "0",
        "--property",
        "no-loss",
        "--shrink-schedules",
        "8",
    ];
    let ended = Running::begin(folder.path(), Seat::beside(), &arguments, &recipe).end();
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    for said in ["Shrunk ", "Repeated ", "it fails in "] {
        assert!(ended.stdout.contains(said), "{}", ended.transcript());
    }
    assert!(ended.stderr.contains(": fails too"), "{}", ended.stderr);
    let name = "recipes-alarm-ruler-failing-handler-sarama-recipe-kafka-0-no-loss.toml";
    let path = folder.path().join("regressions").join(name);
    let text = fs::read_to_string(path).expect("it is there");
    assert!(text.contains("# Shrunk on real Kafka to "), "{text}");
}

/// Shows that a session of Sarama up to 1.60 ends when the coordinator moves: the next one goes to
/// the end again, because nothing was ever committed.
fn the_recipe_on_sarama_1_60_loses_when_the_coordinator_moves() {
    let seat = Seat::shared();
    let programs = Programs::build_on_sarama_1_60();
    let recipe = programs.command("sarama-recipe", &["SUBJECT_INITIAL=newest"]);
    convicts(seat, &COORDINATOR_MOVES, &recipe, &["no-loss"]);
}

/// Shows that Sarama 1.61 looks for the new coordinator and carries on. What it never commits is
/// lag for ever, and nothing else is wrong.
///
/// It looks three times (`Metadata.Retry.Max`). Where the machine is so busy that none has answered
/// by then, its session ends as that of an older one does; so it may try again.
fn the_recipe_on_newer_sarama_carries_on_when_the_coordinator_moves() {
    let programs = Programs::build();
    let recipe = programs.command("sarama-recipe", &["SUBJECT_INITIAL=newest"]);
    let arguments = [&COORDINATOR_MOVES[..], &["--keeps", "consumers.commit"]].concat();
    let mut violated = Vec::new();
    for _ in 0..3 {
        let ended = run_on_kafka(Seat::shared(), &arguments, &recipe);
        let report = ended.json();
        let changes = &report["totals"]["sometimes"]["coordinator-changed"];
        assert_eq!(*changes, 2, "{report:#}");
        let properties = report["scenarios"][0]["properties"].as_array();
        let properties = properties.expect("a list").iter();
        let broken = properties.filter(|property| property["violated"] != 0);
        violated = broken.map(|p| p["property"].clone()).collect();
        if violated == ["liveness"] {
            return;
        }
    }
    panic!("{violated:?}");
}

/// The scenario in which only the coordinator moves, twice, and the group began at the end. What
/// never commits is waited for until its time is over.
const COORDINATOR_MOVES: [&str; 3] = [
    "broker/coordinator-moves-from-the-end",
    "--set",
    "expect.liveness_within=10s",
];

fn the_mended_recipe_is_acquitted() {
    let programs = Programs::build();
    let mended = programs.command("sarama-mended", &[]);
    let arguments = ["recipes", "--keeps", "consumers.commit"];
    let ended = run_on_kafka(Seat::beside(), &arguments, &mended);
    assert_eq!(ended.code, 0, "{}{}", ended.failures(), ended.stderr);
    let report = ended.json();
    assert_eq!(report["totals"]["schedules"], 3, "{report:#}");
    assert_eq!(report["not_executed"], Value::Array(Vec::new()));
}

/// Interrupts a run in its middle: its summary says that nothing ran, and no process is left.
fn an_interrupted_run_takes_its_members_along() {
    let _turn = own();
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Brokers of its own: none are kept under that name.
    let seat = Seat::Own("none");
    let mut running = Running::start(folder.path(), seat, &["quick/member-killed"], &[]);
    // The members are started at once when the brokers are there.
    while running.members().is_empty() {
        running.wait_a_moment();
    }
    let interrupt = Command::new("kill")
        .args(["-INT", &running.child.id().to_string()])
        .status()
        .expect("there is a kill");
    assert!(interrupt.success());
    let members = running.members();
    let ended = running.end();
    assert_eq!(ended.code, 130, "{}", ended.transcript());
    assert_eq!(ended.json()["interrupted"], true, "{}", ended.transcript());
    let alive = |pid: &&u32| Path::new(&format!("/proc/{pid}")).exists();
    let left: Vec<&u32> = members.iter().filter(alive).collect();
    assert!(left.is_empty(), "{left:?} are left of {members:?}");
}

/// Keeps a cluster: a run that breaks its brokers in each way and one that is killed while a broker
/// is down leave it as the next one wants it, and it is removed at last. Plimsoll's consumer is
/// acquitted of all that happens.
fn a_kept_cluster_serves_runs_until_it_is_taken_down() {
    let _turn = own();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cluster = |what: &str| cluster(folder.path(), KEPT, what);
    let (code, said) = cluster("status");
    assert_eq!(
        (code, said.contains("no Kafka cluster")),
        (3, true),
        "{said}"
    );
    let (code, said) = cluster("up");
    assert_eq!((code, said.contains("is up:")), (0, true), "{said}");
    let _down = Down(folder.path());
    let brokers = addresses(&said);
    assert_eq!(brokers.len(), 3, "{said}");
    let (code, said) = cluster("up");
    assert_eq!((code, said.contains("is up already:")), (0, true), "{said}");
    assert_eq!(addresses(&said), brokers);

    let run = |scenarios: &[&str]| Running::start(folder.path(), Seat::Own(KEPT), scenarios, &[]);
    let ended = run(&BREAKING).end();
    assert_eq!(ended.code, 0, "{}{}", ended.failures(), ended.stderr);
    for label in BREAKING {
        assert_is_acquitted(&ended.json(), label);
    }
    let (code, said) = cluster("status");
    assert_eq!((code, said.matches("running").count()), (0, 3), "{said}");

    let mut running = run(&BREAKING[..1]);
    // Also while a run uses it.
    while !cluster("status").1.contains("stopped") {
        running.wait_a_moment();
    }
    running.child.kill().expect("SIGKILL");
    running.child.wait().expect("its end");
    drop(running);
    let (code, said) = cluster("status");
    assert_eq!((code, said.contains("brings it back")), (0, true), "{said}");

    let ended = run(&["quick/member-killed"]).end();
    assert_eq!(ended.code, 0, "{}{}", ended.failures(), ended.stderr);
    let (code, said) = cluster("down");
    assert_eq!((code, said.contains("is removed")), (0, true), "{said}");
    let (code, said) = cluster("down");
    assert_eq!(
        (code, said.contains("no Kafka cluster")),
        (0, true),
        "{said}"
    );
}

/// The kept cluster of the test that breaks it.
const KEPT: &str = "kept";

/// Takes down what a failing test leaves up.
struct Down<'a>(&'a Path);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        let _ = cluster(self.0, KEPT, "down");
    }
}

/// Asserts that the command breaks these properties, and that the failing run is kept.
fn convicts(seat: Seat, arguments: &[&str], command: &[String], properties: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = Running::start(folder.path(), seat, arguments, command).end();
    assert_eq!(ended.code, 10, "{}", ended.transcript());
    for property in properties {
        let failure = ended.failure(property);
        for file in [&failure["regression"], &failure["seen"]["trace"]] {
            let path = folder.path().join(file.as_str().expect("it was written"));
            let text = fs::read_to_string(path).expect("it is there");
            assert!(text.lines().count() > 20, "{failure:#}");
        }
    }
}
