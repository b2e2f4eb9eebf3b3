//! The choice of a backend, as far as it needs no Kafka.

use crate::program::{Ended, command, plimsoll, plimsoll_in};
use insta::assert_snapshot;
use std::fs;

const MISTAKE: i32 = 2;
const ENVIRONMENT: i32 = 3;

/// Tries Plimsoll's own consumer in real time.
const KAFKA: [&str; 3] = ["run", "--backend", "kafka"];

#[test]
fn arguments_that_do_not_go_together_are_mistakes() {
    for (name, arguments) in [
        ("unknown", &["--backend", "kavka"][..]),
        (
            "bootstrap_in_sim",
            &["--backend", "sim", "--bootstrap", "localhost:9092"],
        ),
        (
            "no_address",
            &["--backend", "kafka", "--bootstrap", "localhost"],
        ),
        (
            "brokers_in_sim",
            &["--backend", "sim", "--brokers", "embedded"],
        ),
        (
            "two_clusters",
            &[
                "--backend",
                "kafka",
                "--brokers",
                "embedded",
                "--bootstrap",
                "localhost:9092",
            ],
        ),
        ("command_in_sim", &["--backend", "sim", "--", "cat"]),
        ("listen_in_sim", &["--listen", "127.0.0.1"]),
        (
            "two_subjects",
            &["--backend", "kafka", "--subject", "plimsoll", "--", "cat"],
        ),
    ] {
        mistake(name, arguments);
    }
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn a_subject_that_real_kafka_cannot_try_is_a_mistake() {
    let on_kafka = ["--backend", "kafka", "--brokers", "containers"];
    for (name, subject) in [
        ("no_program", ["--", "no-such-program"]),
        ("recipe", ["--subject", "sarama-auto-mark"]),
    ] {
        mistake(name, &[&on_kafka[..], &subject[..]].concat());
    }
}

/// Runs in a folder with two properties files, and returns the words of the mistake.
fn words_of_mistake(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("it is written");
    };
    write(
        "typo.properties",
        "security.protocol=SASL_SSL\nsasl.mecanism=PLAIN\n",
    );
    write(
        "store.properties",
        "security.protocol=SSL\nssl.truststore.location=none.jks\n",
    );
    let run = ["run", "quick/member-killed", "--backend", "kafka"];
    let ended = plimsoll_in(folder.path(), &[&run[..], arguments].concat());
    assert_eq!(ended.code, MISTAKE, "{}", ended.transcript());
    let words = ended.stderr.split_whitespace().filter(|word| *word != "│");
    words.collect::<Vec<_>>().join(" ")
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn mistakes_on_the_way_to_brokers_are_told_with_their_place() {
    let there = ["--bootstrap", "localhost:1"];
    for (file, said) in [
        (
            "typo.properties",
            "typo.properties:2: `sasl.mecanism`: it is not known; did you mean `sasl.mechanism`?",
        ),
        ("store.properties", "store.properties: cannot read none.jks"),
        ("none.properties", "cannot read none.properties"),
    ] {
        let said_here = words_of_mistake(&[&there[..], &["--command-config", file]].concat());
        assert!(said_here.contains(said), "{said_here}");
    }
    // It is about the brokers of --bootstrap.
    let alone = words_of_mistake(&["--command-config", "typo.properties"]);
    assert!(alone.contains("--bootstrap"), "{alone}");
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn mistakes_on_the_way_to_subjects_are_told() {
    for (arguments, said) in [
        (&["--listen", "0.0.0.0"][..], "Say with --advertise HOST"),
        (
            &["--listen", "eth0"],
            "expected an address of this machine, as in 172.17.0.1 or 0.0.0.0",
        ),
        (&["--advertise", "x"], "--listen"),
        (
            &["--listen", "0.0.0.0", "--advertise", "http://x:80"],
            "expected a host without a port",
        ),
    ] {
        let said_here = words_of_mistake(arguments);
        assert!(said_here.contains(said), "{said_here}");
    }
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn what_real_kafka_cannot_run_it_does_not_shrink() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "[cluster.settings]\n\"broker.session.timeout.ms\" = 6000\n";
    fs::write(folder.path().join("x.toml"), text).expect("it is written");
    let shrink = ["shrink", "x.toml", "--seed", "0", "--backend", "kafka"];
    let shrink = [&shrink[..], &["--brokers", "containers"]].concat();
    let ended = plimsoll_in(folder.path(), &shrink);
    assert_eq!(ended.code, ENVIRONMENT, "{}", ended.transcript());
    assert!(
        ended.stderr.contains("x.toml cannot run on real Kafka"),
        "{}",
        ended.stderr
    );
    let recipe = ["--subject", "sarama-auto-mark"];
    let ended = plimsoll_in(folder.path(), &[&shrink[..], &recipe].concat());
    assert_eq!(ended.code, MISTAKE, "{}", ended.transcript());
}

fn mistake(name: &str, arguments: &[&str]) {
    let ended = plimsoll(&[&["run", "reference"], arguments].concat());
    assert_eq!(ended.code, MISTAKE, "{}", ended.transcript());
    assert_snapshot!(name, ended.stderr);
}

/// Needs no Docker: plans are refused before anything is started.
#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn what_kafka_cannot_run_is_refused_with_the_reason() {
    let ended = on_kafka(&["--brokers", "containers", "broker/commit-errors"]);
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
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
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
    let run = ["run", ".", "--backend", "kafka", "--brokers", "embedded"];
    let ended = plimsoll_in(folder.path(), &run);
    assert_eq!(ended.code, ENVIRONMENT, "{}", ended.transcript());
    assert_snapshot!("refused_folder", ended.stderr);
}

#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn without_a_container_engine_there_are_no_containers() {
    let ended = without_engine(&["quick/member-killed", "--brokers", "containers"]);
    assert_eq!(ended.code, ENVIRONMENT, "{}", ended.transcript());
    for said in ["no Docker engine answers", "--brokers embedded"] {
        assert!(ended.stderr.contains(said), "{}", ended.transcript());
    }
}

/// A plan is refused that no brokers can do, so that nothing is run here.
#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn without_a_container_engine_brokers_are_embedded_and_it_is_said() {
    let ended = without_engine(&["quick/member-killed", "--subject", "sarama-auto-mark"]);
    assert_eq!(ended.code, MISTAKE, "{}", ended.transcript());
    let why = "no Docker engine answers at unix:///no/such/engine.sock: the brokers are simulated";
    assert!(ended.stderr.contains(why), "{}", ended.transcript());
}

fn without_engine(arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = command(folder.path(), &[&KAFKA, arguments].concat());
    Ended::without_engine(&mut command)
}

fn on_kafka(arguments: &[&str]) -> Ended {
    plimsoll(&[&KAFKA, arguments].concat())
}

#[test]
fn what_is_declared_wrongly_is_a_mistake() {
    for (arguments, said) in [
        (["--keeps", "consumers.commit"], "--keeps"),
        (["--set", "consumers.commit"], "KEY=VALUE"),
        (["--set", "consumers.comit.interval=5s"], "comit"),
        (["--set", "consumers.commit.interval=soon"], "soon"),
    ] {
        let ended = plimsoll(&[&["run", "reference"][..], &arguments].concat());
        assert_eq!(ended.code, MISTAKE, "{}", ended.transcript());
        assert!(ended.stderr.contains(said), "{}", ended.transcript());
    }
}

/// A recipe is taken for the consumer of the scenario.
#[test]
fn a_setting_of_the_command_line_stands_over_the_scenario() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "[workload]\nmessages = 60\n[handler]\ntime = \"100ms..1s\"\n[[faults]]\n\
                at = \"6s\"\ndo = \"crash\"\n";
    fs::write(folder.path().join("kept.toml"), text).expect("the file is written");
    let run = ["run", "kept.toml", "--seeds", "20"];
    let kept = plimsoll_in(folder.path(), &run);
    assert_eq!(kept.code, 0, "{}", kept.transcript());
    let set = ["--set", "consumers.subject=auto-commit"];
    let broken = plimsoll_in(folder.path(), &[&run[..], &set].concat());
    assert_eq!(broken.code, 10, "{}", broken.transcript());
}
