//! Real Kafka: brokers in containers, members as processes.
//!
//! Without a container engine, or without Go, a test is ignored; with `PLIMSOLL_REQUIRE_KAFKA=1`
//! the engine must be there.

#[path = "cli/program.rs"]
#[expect(dead_code, reason = "the other tests start the program in other ways")]
mod program;

use plimsoll_chaos::engine_for_tests;
use plimsoll_testing::{GO, Need, engine, go, run, tests};
use program::{Ended, command};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{env, process, thread};

/// A container engine with an image of Kafka.
static ENGINE: Need = engine(engine_for_tests);

/// The turn of the test that runs: each run has three brokers of its own, and a small machine can
/// take no more.
static BROKERS: Mutex<()> = Mutex::new(());

/// The time that a run may take: many times what it should.
const DEADLINE: Duration = Duration::from_secs(1200);

/// The scenarios of the library's folder `quick` that real Kafka must have run.
const SHOWN: [&str; 12] = [
    "member-killed",
    "zombie-wakes",
    "handlers-in-flight",
    "members-restarted",
    "leader-dies",
    "coordinator-dies",
    "commit-unanswered",
    "coordinator-out-of-reach",
    "failing-handlers",
    "busy-members-stop",
    "topic-grows",
    "brokers-restarted",
];

fn main() -> ExitCode {
    let own = tests!([&ENGINE]:
        plimsoll_is_acquitted_on_real_kafka,
        an_interrupted_run_takes_its_members_along,
        a_kept_cluster_serves_runs_until_it_is_taken_down,
    );
    let others = tests!([&ENGINE, &GO]:
        the_recipe_repeats_everything_from_oldest,
        the_recipe_loses_from_newest,
        the_recipe_commits_past_a_failure,
        a_failing_run_is_made_smaller,
        the_recipe_on_sarama_1_60_loses_when_the_coordinator_moves,
        the_recipe_on_newer_sarama_carries_on_when_the_coordinator_moves,
        the_mended_recipe_is_acquitted,
    );
    run(own.into_iter().chain(others))
}

fn plimsoll_is_acquitted_on_real_kafka() {
    let ended = run_on_kafka(&["quick", "--jobs", "3"], &[]);
    assert_eq!(ended.code, 0, "{}{}", ended.failures(), ended.stderr);
    let report = ended.json();
    let scenarios = report["scenarios"].as_array().expect("a list");
    for name in SHOWN {
        let label = format!("quick/{name}");
        assert!(
            scenarios.iter().any(|s| s["scenario"] == label),
            "{label} was not run: {}",
            report["not_executed"]
        );
    }
    for scenario in scenarios {
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
}

/// Shows that nothing is committed while auto-commit is off: a restart plays everything again.
fn the_recipe_repeats_everything_from_oldest() {
    let programs = Programs::build();
    // What those believe who use it.
    let interval = "consumers.commit.interval=1s";
    let arguments = ["recipes/alarm-ruler-oldest", "--set", interval];
    let recipe = programs.command("sarama-recipe", &[]);
    convicts(&arguments, &recipe, &["bounded-duplicates"]);
}

/// Shows that what arrives during a restart is never read: auto-commit is off, and a start goes to
/// the end.
fn the_recipe_loses_from_newest() {
    let programs = Programs::build();
    let arguments = ["recipes/alarm-ruler-newest"];
    let recipe = programs.command("sarama-recipe", &["SUBJECT_INITIAL=newest"]);
    convicts(&arguments, &recipe, &["no-loss"]);
}

/// Shows that a mark passes the record that failed before it, with auto-commit on.
fn the_recipe_commits_past_a_failure() {
    let programs = Programs::build();
    let arguments = ["recipes/alarm-ruler-failing-handler"];
    let recipe = programs.command("sarama-recipe", &["SUBJECT_AUTO_COMMIT=true"]);
    let properties = ["commit-covers-only-finished", "no-loss"];
    convicts(&arguments, &recipe, &properties);
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
        "12",
    ];
    let ended = Running::begin(folder.path(), &arguments, &recipe).end();
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
    let programs = Programs::build_on_sarama_1_60();
    let recipe = programs.command("sarama-recipe", &["SUBJECT_INITIAL=newest"]);
    convicts(&[COORDINATOR_MOVES], &recipe, &["no-loss"]);
}

/// Shows that Sarama 1.61 looks for the new coordinator and carries on. What it never commits is
/// lag for ever, and nothing else is wrong.
fn the_recipe_on_newer_sarama_carries_on_when_the_coordinator_moves() {
    let programs = Programs::build();
    let recipe = programs.command("sarama-recipe", &["SUBJECT_INITIAL=newest"]);
    let arguments = [COORDINATOR_MOVES, "--keeps", "consumers.commit"];
    let ended = run_on_kafka(&arguments, &recipe);
    let report = ended.json();
    let properties = report["scenarios"][0]["properties"].as_array();
    let properties = properties.expect("a list").iter();
    let violated: Vec<_> = properties.filter(|p| p["violated"] != 0).collect();
    let [liveness] = violated.as_slice() else {
        panic!("{violated:#?}");
    };
    assert_eq!(liveness["property"], "liveness");
    let changes = &report["totals"]["sometimes"]["coordinator-changed"];
    assert_eq!(*changes, 2, "{report:#}");
}

/// The scenario in which only the coordinator moves, twice, and the group began at the end.
const COORDINATOR_MOVES: &str = "broker/coordinator-moves-from-the-end";

fn the_mended_recipe_is_acquitted() {
    let programs = Programs::build();
    let mended = programs.command("sarama-mended", &[]);
    let ended = run_on_kafka(&["recipes", "--keeps", "consumers.commit"], &mended);
    assert_eq!(ended.code, 0, "{}{}", ended.failures(), ended.stderr);
    let report = ended.json();
    assert_eq!(report["totals"]["schedules"], 3, "{report:#}");
    assert_eq!(report["not_executed"], Value::Array(Vec::new()));
}

/// Interrupts a run in its middle: its summary says that nothing ran, and no process is left.
fn an_interrupted_run_takes_its_members_along() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut running = Running::start(folder.path(), &["quick/member-killed"], &[]);
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

/// Keeps a cluster: one run that breaks its brokers and one that is killed while a broker is down
/// leave it as the next one wants it, and it is removed at last.
fn a_kept_cluster_serves_runs_until_it_is_taken_down() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cluster = |what: &str| {
        let _alone = alone();
        let output = on_engine(&mut command(folder.path(), &["cluster", what])).output();
        let output = output.expect("the program starts");
        let code = output.status.code().expect("it ends by itself");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (code, said + &String::from_utf8_lossy(&output.stderr))
    };
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

    let ended = Running::start(folder.path(), &["quick/leader-dies"], &[]).end();
    assert_eq!(ended.code, 0, "{}{}", ended.failures(), ended.stderr);
    let (code, said) = cluster("status");
    assert_eq!((code, said.matches("running").count()), (0, 3), "{said}");

    let mut running = Running::start(folder.path(), &["quick/leader-dies"], &[]);
    while !cluster_of(folder.path()).contains("stopped") {
        running.wait_a_moment();
    }
    running.child.kill().expect("SIGKILL");
    running.child.wait().expect("its end");
    drop(running);
    let (code, said) = cluster("status");
    assert_eq!((code, said.contains("brings it back")), (0, true), "{said}");

    let ended = Running::start(folder.path(), &["quick/member-killed"], &[]).end();
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

/// Takes down what a failing test leaves up.
struct Down<'a>(&'a Path);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        let _ = on_engine(&mut command(self.0, &["cluster", "down"])).output();
    }
}

/// Returns what the program says of the kept cluster, also while a run uses it.
fn cluster_of(folder: &Path) -> String {
    let output = on_engine(&mut command(folder, &["cluster", "status"])).output();
    String::from_utf8_lossy(&output.expect("the program starts").stdout).into_owned()
}

/// Returns the addresses of brokers in what the program says of a cluster.
fn addresses(said: &str) -> Vec<&str> {
    let words = said.split_whitespace();
    words
        .filter(|word| word.starts_with("127.0.0.1:"))
        .collect()
}

/// Asserts that the command breaks these properties, and that the failing run is kept.
fn convicts(arguments: &[&str], command: &[String], properties: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = Running::start(folder.path(), arguments, command).end();
    assert_eq!(ended.code, 10, "{}", ended.transcript());
    let report = ended.json();
    let failures = report["scenarios"][0]["failures"]
        .as_array()
        .expect("a list");
    for property in properties {
        let failure = failures.iter().find(|f| f["property"] == *property);
        let failure = failure.unwrap_or_else(|| panic!("no {property} in {}", ended.stdout));
        for file in [&failure["regression"], &failure["seen"]["trace"]] {
            let path = folder.path().join(file.as_str().expect("it was written"));
            let text = fs::read_to_string(path).expect("it is there");
            assert!(text.lines().count() > 20, "{failure:#}");
        }
    }
}

/// Runs scenarios on real Kafka; `command` is the subject, or empty for the scenarios' own.
fn run_on_kafka(arguments: &[&str], command: &[String]) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Running::start(folder.path(), arguments, command).end()
}

/// Waits for the turn of a run that has brokers.
fn alone() -> MutexGuard<'static, ()> {
    BROKERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells a command where the container engine is, and which image; and gives the kept cluster a
/// name of its own, so that tests neither use nor remove one that is there.
fn on_engine(command: &mut Command) -> &mut Command {
    for name in ["PATH", "HOME", "DOCKER_HOST", "PLIMSOLL_KAFKA_IMAGE"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    let folder = command
        .get_current_dir()
        .expect("the command has one")
        .to_owned();
    command
        .env("PLIMSOLL_CLUSTER", format!("test-{}", process::id()))
        .env("XDG_CACHE_HOME", folder)
}

/// A run on real Kafka, the only one at its time.
struct Running {
    child: Child,
    folder: PathBuf,
    started: Instant,
    _alone: MutexGuard<'static, ()>,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str], subject: &[String]) -> Self {
        let run = ["run", "--backend", "kafka", "--format", "json"];
        Self::begin(folder, &[&run[..], arguments].concat(), subject)
    }

    /// Starts the program with these arguments and the command of a subject.
    fn begin(folder: &Path, arguments: &[&str], subject: &[String]) -> Self {
        let alone = alone();
        let mut all = arguments.to_vec();
        if !subject.is_empty() {
            all.push("--");
            all.extend(subject.iter().map(String::as_str));
        }
        let mut command = command(folder, &all);
        on_engine(&mut command);
        let to = |name: &str| File::create(folder.join(name)).expect("a file in the folder");
        let child = command.stdout(to("stdout")).stderr(to("stderr")).spawn();
        Self {
            child: child.expect("the program starts"),
            folder: folder.to_owned(),
            started: Instant::now(),
            _alone: alone,
        }
    }

    /// Returns the ids of its child processes.
    fn members(&self) -> Vec<u32> {
        let harness = self.child.id();
        let children = fs::read_dir(format!("/proc/{harness}/task"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
        children
            .flat_map(|pids| {
                let pids = pids.split_whitespace().map(str::parse);
                pids.flatten().collect::<Vec<u32>>()
            })
            .collect()
    }

    /// Waits, and fails where the run has ended already or takes too long.
    fn wait_a_moment(&mut self) {
        let ended = self.child.try_wait().expect("it can be asked");
        assert!(ended.is_none(), "{}", self.printed("stderr"));
        assert!(self.started.elapsed() < DEADLINE, "it takes too long");
        thread::sleep(Duration::from_millis(200));
    }

    fn end(mut self) -> Ended {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be asked") {
                break status;
            }
            if self.started.elapsed() > DEADLINE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!("it takes too long: {}", self.printed("stderr"));
            }
            thread::sleep(Duration::from_millis(200));
        };
        Ended {
            code: status.code().expect("the program ends by itself"),
            stdout: self.printed("stdout"),
            stderr: self.printed("stderr"),
        }
    }

    fn printed(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

/// The programs of `examples/subjects`.
struct Programs {
    folder: tempfile::TempDir,
}

impl Programs {
    /// Builds them.
    fn build() -> Self {
        Self::build_with(&["./..."])
    }

    /// Builds the recipe with the last Sarama whose sessions end when the coordinator moves.
    fn build_on_sarama_1_60() -> Self {
        Self::build_with(&["-modfile=sarama-1.60.mod", "./cmd/sarama-recipe"])
    }

    fn build_with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let built = Command::new(go().expect("the test needs it"))
            .arg("build")
            .arg("-o")
            .arg(folder.path())
            .args(arguments)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/subjects"))
            .output()
            .expect("go starts");
        let stderr = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "go build: {stderr}");
        Self { folder }
    }

    /// Returns the command that starts one of them with this environment.
    fn command(&self, program: &str, environment: &[&str]) -> Vec<String> {
        let mut command = vec!["env".to_owned()];
        command.extend(environment.iter().map(ToString::to_string));
        let path = self.folder.path().join(program);
        command.push(path.to_str().expect("UTF-8").to_owned());
        command
    }
}
