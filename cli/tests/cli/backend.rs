//! The choice of a backend, as far as it needs no Kafka.

use crate::program::{Ended, plimsoll, plimsoll_in};
use insta::assert_snapshot;
use std::fs;

const MISTAKE: i32 = 2;
const ENVIRONMENT: i32 = 3;

#[test]
fn arguments_that_do_not_go_together_are_mistakes() {
    for (name, arguments) in [
        ("unknown", &["--backend", "kavka"][..]),
        ("bootstrap_in_sim", &["--bootstrap", "localhost:9092"]),
        (
            "no_address",
            &["--backend", "kafka", "--bootstrap", "localhost"],
        ),
        ("command_in_sim", &["--", "cat"]),
        (
            "no_program",
            &["--backend", "kafka", "--", "no-such-program", "-v"],
        ),
        (
            "two_subjects",
            &["--backend", "kafka", "--subject", "plimsoll", "--", "cat"],
        ),
        (
            "recipe",
            &["--backend", "kafka", "--subject", "sarama-auto-mark"],
        ),
    ] {
        let ended = plimsoll(&[&["run", "reference"], arguments].concat());
        assert_eq!(ended.code, MISTAKE, "{}", ended.transcript());
        assert_snapshot!(name, ended.stderr);
    }
}

/// Needs no Docker: plans are refused before anything is started.
#[test]
fn what_kafka_cannot_run_is_refused_with_the_reason() {
    let ended = on_kafka(&["broker/commit-errors"]);
    assert_eq!(ended.code, ENVIRONMENT, "{}", ended.transcript());
    assert_snapshot!("refused", ended.stderr);

    // The brokers of a cluster that Plimsoll did not start are not broken.
    let ended = on_kafka(&["broker/leader-killed", "--bootstrap", "localhost:1"]);
    assert_eq!(ended.code, ENVIRONMENT, "{}", ended.transcript());
    assert!(
        ended.stderr.contains("are not broken"),
        "{}",
        ended.transcript()
    );
}

#[test]
fn a_folder_of_which_nothing_can_be_run_is_refused_line_by_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("the file is written");
    };
    write("slow.toml", "duration = \"50s\"\n");
    write("unmarked.toml", "duration = \"5s\"\n");
    write(
        "recipe.toml",
        "duration = \"5s\"\nreal_time = true\n[consumers]\nsubject = \"auto-commit\"\n",
    );
    let ended = plimsoll_in(folder.path(), &["run", ".", "--backend", "kafka"]);
    assert_eq!(ended.code, ENVIRONMENT, "{}", ended.transcript());
    assert_snapshot!("refused_folder", ended.stderr);
}

#[test]
fn without_a_container_engine_there_is_no_cluster() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = crate::program::command(
        folder.path(),
        &["run", "quick/member-killed", "--backend", "kafka"],
    )
    .env("DOCKER_HOST", "unix:///no/such/engine.sock")
    .output()
    .expect("the program starts");
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(ENVIRONMENT), "{stderr}");
    assert!(stderr.contains("no Docker engine answers"), "{stderr}");
}

fn on_kafka(arguments: &[&str]) -> Ended {
    plimsoll(&[&["run", "--backend", "kafka"], arguments].concat())
}
