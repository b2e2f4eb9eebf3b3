//! Runs of the program on real Kafka, and the clusters that are kept for them.

use crate::program::{Ended, command};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command};
use std::sync::{
    Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::{Duration, Instant};
use std::{env, thread};

/// The time that a run may take: many times what it should.
const DEADLINE: Duration = Duration::from_secs(1200);

/// The kept cluster that runs share, which saves each of them forty seconds.
const SHARED: &str = "shared";

/// The turns on the shared cluster.
static SHARED_TURNS: RwLock<()> = RwLock::new(());

/// The number of tests that have the shared cluster before all others.
static FIRST: Mutex<u32> = Mutex::new(0);

/// Notified when there is one fewer.
static FIRST_ENDED: Condvar = Condvar::new();

/// The turns on a cluster beside the shared one: a small machine can take no third one.
static OWN_TURNS: Mutex<()> = Mutex::new(());

/// The addresses of the brokers of the shared cluster, once it is up.
static ADDRESSES: OnceLock<String> = OnceLock::new();

/// The precedence of a test that has the shared cluster before all others, until it is dropped with
/// the test, also with one that is not run.
pub(crate) struct First;

impl First {
    /// Lets others wait for a test.
    pub(crate) fn new() -> Self {
        *FIRST.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for First {
    fn drop(&mut self) {
        *FIRST.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FIRST_ENDED.notify_all();
    }
}

/// The right of a run to its brokers.
pub(crate) enum Seat {
    /// The shared cluster, without others beside it: the run breaks its brokers.
    Shared {
        _turn: RwLockWriteGuard<'static, ()>,
    },
    /// The shared cluster, beside other runs.
    Beside { _turn: RwLockReadGuard<'static, ()> },
    /// A cluster beside the shared one: the kept one of this name, or, where none is kept under it,
    /// brokers that the run starts.
    Own(&'static str),
}

impl Seat {
    /// Waits for the shared cluster without others beside it.
    pub(crate) fn shared() -> Self {
        let turn = SHARED_TURNS.write();
        let _turn = turn.unwrap_or_else(PoisonError::into_inner);
        shared_brokers();
        Self::Shared { _turn }
    }

    /// Waits for a place on the shared cluster beside other runs.
    pub(crate) fn beside() -> Self {
        let first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
        drop(FIRST_ENDED.wait_while(first, |first| *first > 0));
        let turn = SHARED_TURNS.read();
        let _turn = turn.unwrap_or_else(PoisonError::into_inner);
        shared_brokers();
        Self::Beside { _turn }
    }

    /// Returns the name of the kept cluster, and the arguments that lead to it.
    fn brokers(&self) -> (&str, [&str; 2]) {
        match self {
            Self::Shared { .. } => (SHARED, CONTAINERS),
            Self::Beside { .. } => (SHARED, ["--bootstrap", shared_brokers()]),
            Self::Own(name) => (name, CONTAINERS),
        }
    }
}

/// The arguments that choose a kept cluster, or brokers of the run's own.
const CONTAINERS: [&str; 2] = ["--brokers", "containers"];

/// Waits until no other test has a cluster beside the shared one.
pub(crate) fn own() -> MutexGuard<'static, ()> {
    OWN_TURNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings the shared cluster up, where it is not; returns the addresses of its brokers as a list
/// for clients.
pub(crate) fn shared_brokers() -> &'static str {
    ADDRESSES.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (code, said) = cluster(folder.path(), SHARED, "up");
        assert_eq!(code, 0, "{said}");
        addresses(&said).join(",")
    })
}

/// Takes the shared cluster down, where it was brought up.
pub(crate) fn take_down() {
    if ADDRESSES.get().is_some() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (code, said) = cluster(folder.path(), SHARED, "down");
        assert_eq!(code, 0, "{said}");
    }
}

/// Executes `plimsoll cluster` for the kept cluster of this name; returns the exit code, and what
/// it said.
pub(crate) fn cluster(folder: &Path, name: &str, what: &str) -> (i32, String) {
    let mut command = command(folder, &["cluster", what]);
    let output = on_engine(&mut command, name).output();
    let output = output.expect("the program starts");
    let code = output.status.code().expect("it ends by itself");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (code, said + &String::from_utf8_lossy(&output.stderr))
}

/// Returns the addresses of brokers in what the program says of a cluster.
pub(crate) fn addresses(said: &str) -> Vec<&str> {
    let words = said.split_whitespace();
    words
        .filter(|word| word.starts_with("127.0.0.1:"))
        .collect()
}

/// Runs scenarios here; `command` is the subject, or empty for the scenarios' own.
pub(crate) fn run_on_kafka(seat: Seat, arguments: &[&str], command: &[String]) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Running::start(folder.path(), seat, arguments, command).end()
}

/// Tells a command where the container engine is, and which image; and gives the kept cluster a
/// name of this process, so that tests neither use nor remove one that is there.
fn on_engine<'a>(command: &'a mut Command, cluster: &str) -> &'a mut Command {
    for name in ["PATH", "HOME", "DOCKER_HOST", "PLIMSOLL_KAFKA_IMAGE"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    let folder = command
        .get_current_dir()
        .expect("the command has one")
        .to_owned();
    let cluster = format!("test-{}-{cluster}", process::id());
    command
        .env("PLIMSOLL_CLUSTER", cluster)
        .env("XDG_CACHE_HOME", folder)
}

/// A run on real Kafka.
pub(crate) struct Running {
    pub child: Child,
    folder: PathBuf,
    started: Instant,
    _seat: Seat,
}

impl Running {
    /// Starts a run in this folder.
    pub(crate) fn start(folder: &Path, seat: Seat, arguments: &[&str], subject: &[String]) -> Self {
        let run = ["run", "--backend", "kafka", "--format", "json"];
        Self::begin(folder, seat, &[&run[..], arguments].concat(), subject)
    }

    /// Starts the program with these arguments and the command of a subject.
    pub(crate) fn begin(folder: &Path, seat: Seat, arguments: &[&str], subject: &[String]) -> Self {
        let (cluster, brokers) = seat.brokers();
        let mut all = [arguments, &brokers].concat();
        if !subject.is_empty() {
            all.push("--");
            all.extend(subject.iter().map(String::as_str));
        }
        let mut command = command(folder, &all);
        on_engine(&mut command, cluster);
        let to = |name: &str| File::create(folder.join(name)).expect("a file in the folder");
        let child = command.stdout(to("stdout")).stderr(to("stderr")).spawn();
        Self {
            child: child.expect("the program starts"),
            folder: folder.to_owned(),
            started: Instant::now(),
            _seat: seat,
        }
    }

    /// Returns the ids of its child processes.
    pub(crate) fn members(&self) -> Vec<u32> {
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
    pub(crate) fn wait_a_moment(&mut self) {
        let ended = self.child.try_wait().expect("it can be asked");
        assert!(ended.is_none(), "{}", self.printed("stderr"));
        assert!(self.started.elapsed() < DEADLINE, "it takes too long");
        thread::sleep(Duration::from_millis(200));
    }

    pub(crate) fn end(mut self) -> Ended {
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
