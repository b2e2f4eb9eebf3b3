//! The programs of `examples/subjects`, built and tried as their README says.

use crate::running::{Seat, shared_brokers};
use plimsoll_harness::go;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{LazyLock, OnceLock};
use std::{env, thread};

const FOLDER: &str = "../examples/subjects";

/// A family of each language. Of Python's and Go's others, and of Rust's, which builds for minutes,
/// `examples/subjects/README.md` says when they were tried.
pub(crate) const FAMILIES: [&str; 4] = ["java", "confluent-kafka", "kafkajs", "franz-go"];

/// Asserts that the right program of a family holds, and that the one that commits first is
/// convicted of it.
///
/// # Errors
/// Where the language is not installed, or the machine was too busy for a verdict: says so.
pub(crate) fn is_tried(family: &str) -> Result<(), String> {
    static TRIED: OnceLock<BTreeMap<&str, Tried>> = OnceLock::new();
    let tried = TRIED.get_or_init(|| {
        let _seat = Seat::beside();
        let brokers = shared_brokers();
        let all = thread::scope(|scope| {
            let try_both = |family| move || Tried::run(family, brokers, &[]);
            let families = FAMILIES.map(|family| (family, scope.spawn(try_both(family))));
            families.map(|(family, tried)| (family, tried.join().expect("no panic")))
        });
        // Where the machine was too busy for a verdict: without the others.
        let tried = all.map(|(family, tried)| match tried.has_no_verdict() {
            true => (family, Tried::run(family, brokers, &["--wrong"])),
            false => (family, tried),
        });
        tried.into_iter().collect()
    });
    let Tried { succeeds, said } = &tried[family];
    if let Some((_, reason)) = said.split_once("SKIPPED: ") {
        return Err(reason.trim().to_owned());
    }
    if tried[family].has_no_verdict() {
        return Err(format!(
            "the machine was too busy for a verdict, twice: {said}"
        ));
    }
    assert!(succeeds, "{said}");
    Ok(())
}

/// The result of `try`.
struct Tried {
    succeeds: bool,
    said: String,
}

impl Tried {
    /// Returns whether the wrong program got no verdict.
    fn has_no_verdict(&self) -> bool {
        !self.succeeds && self.said.contains("but of nothing; 0 schedules held")
    }

    /// Tries the programs of a family.
    fn run(family: &str, brokers: &str, options: &[&str]) -> Self {
        let mut path = env::var("PATH").unwrap_or_default();
        if let Some(folder) = go().and_then(|go| Path::new(go).parent()) {
            path = format!("{path}:{}", folder.display());
        }
        let tried = Command::new(Path::new(FOLDER).join("try"))
            .args(options)
            .args(["--in", "quick/member-killed", "--mistake", "commits-first"])
            .args([family, "--", "--bootstrap", brokers, "--jobs", "2"])
            .env("PATH", path)
            .env("PLIMSOLL", env!("CARGO_BIN_EXE_plimsoll"))
            // What was built is there for the next time.
            .env(
                "SUBJECTS",
                concat!(env!("CARGO_TARGET_TMPDIR"), "/subjects"),
            )
            .output();
        let Output {
            status,
            stdout,
            stderr,
        } = tried.expect("bash is there");
        let said = String::from_utf8_lossy(&stdout).into_owned();
        Self {
            succeeds: status.success(),
            said: said + &String::from_utf8_lossy(&stderr),
        }
    }
}

/// The programs of `examples/subjects`.
pub(crate) struct Programs {
    /// The folder with them, where what was built is there for the next time.
    folder: &'static str,
}

impl Programs {
    /// Builds them, once for all tests.
    pub(crate) fn build() -> &'static Self {
        static BUILT: LazyLock<Programs> = LazyLock::new(|| {
            Programs::build_in(concat!(env!("CARGO_TARGET_TMPDIR"), "/go/"), &["./..."])
        });
        &BUILT
    }

    /// Builds the recipe with the last Sarama whose sessions end when the coordinator moves.
    pub(crate) fn build_on_sarama_1_60() -> Self {
        Self::build_in(
            concat!(env!("CARGO_TARGET_TMPDIR"), "/go-sarama-1.60/"),
            &["-modfile=sarama-1.60.mod", "./cmd/sarama-recipe"],
        )
    }

    fn build_in(folder: &'static str, arguments: &[&str]) -> Self {
        let built = Command::new(go().expect("the test needs it"))
            .args(["build", "-o", folder])
            .args(arguments)
            .current_dir(FOLDER)
            .output()
            .expect("go starts");
        let stderr = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "go build: {stderr}");
        Self { folder }
    }

    /// Returns the command that starts one of them with this environment.
    pub(crate) fn command(&self, program: &str, environment: &[&str]) -> Vec<String> {
        let mut command = vec!["env".to_owned()];
        command.extend(environment.iter().map(ToString::to_string));
        command.push(format!("{}{program}", self.folder));
        command
    }
}
