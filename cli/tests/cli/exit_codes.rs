//! Every documented exit code, and the words that go with it.

use crate::program::{command, plimsoll, plimsoll_in};
use insta::assert_snapshot;
use std::fs;
use std::io::Read;
use std::process::Stdio;

const MET: i32 = 0;
const INTERNAL: i32 = 1;
const MISTAKE: i32 = 2;
const ENVIRONMENT: i32 = 3;
const VIOLATED: i32 = 10;

#[test]
fn a_scenario_that_holds_ends_with_0() {
    let ended = plimsoll(&["run", "reference", "--seeds", "20", "--jobs", "1"]);
    assert_eq!(ended.code, MET, "{}", ended.transcript());
    assert!(ended.stdout.contains("1 scenario: every expectation met."));
    assert_eq!(ended.stderr, "");
}

#[test]
fn the_embedded_library_has_no_mistakes() {
    let ended = plimsoll(&["list"]);
    assert_eq!(ended.code, MET, "{}", ended.transcript());
    assert!(ended.stdout.lines().count() >= 20);
    assert!(
        ended
            .stdout
            .lines()
            .any(|line| line.starts_with("reference "))
    );
}

#[test]
fn a_mistake_in_the_command_ends_with_2() {
    for arguments in [
        &["run", "refrence"][..],
        &["run", "reference", "--subject", "sarama-auto-makr"],
        &["run", "reference", "--seeds", "7..7"],
        &["run", "reference", "--seeds", "10..5"],
        &["run", "reference", "--seeds", "-1"],
        &["run", "reference", "--jobs", "0"],
        &["replay", "reference"],
        &["shrink", "reference"],
        &["bench", "commit-interval", "--intervals", "1s,soon"],
        &["chek"],
    ] {
        let ended = plimsoll(arguments);
        assert_eq!(ended.code, MISTAKE, "{}", ended.transcript());
        assert_snapshot!(
            arguments.join("_").replace(['.', ',', '-'], "_"),
            ended.stderr
        );
    }
}

#[test]
fn every_mistake_of_every_file_is_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("the file is written");
    };
    write("broken.toml", "[cluster]\nbrokers = 3\nreplicas = 3\n");
    write("not.toml", "[cluster\n");
    let ended = plimsoll_in(
        folder.path(),
        &["check", "broken.toml", "reference", "not.toml"],
    );
    assert_eq!(ended.code, MISTAKE);
    assert_eq!(ended.stdout, "ok  reference\n");
    for part in [
        "2 of 3 scenarios have a mistake",
        "[broken.toml:3:1]",
        "[not.toml:1:9]",
    ] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert!(
        ended.stderr.contains("did you mean `replication`?"),
        "{}",
        ended.stderr
    );
    let run = plimsoll_in(folder.path(), &["run", "."]);
    assert_eq!(run.code, MISTAKE);
    assert_eq!(run.stdout, "");
}

#[test]
fn an_empty_folder_and_a_file_that_is_not_text_are_mistakes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(plimsoll_in(folder.path(), &["run", "."]).code, MISTAKE);
    fs::write(folder.path().join("binary.toml"), [0xff, 0x00]).expect("the file is written");
    let ended = plimsoll_in(folder.path(), &["check", "binary.toml"]);
    assert_eq!(ended.code, MISTAKE);
    assert!(ended.stderr.contains("binary.toml is not UTF-8 text"));
}

#[test]
fn a_file_that_cannot_be_written_ends_with_3() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("file"), "").expect("the file is written");
    let arguments = [
        "run",
        "reference",
        "--seeds",
        "1",
        "--trace",
        "file/trace.jsonl",
    ];
    let ended = plimsoll_in(folder.path(), &arguments);
    assert_eq!(ended.code, ENVIRONMENT, "{}", ended.transcript());
    assert!(ended.stderr.contains("cannot write file/trace.jsonl"));
    assert_eq!(ended.stdout, "", "something ran before");
}

/// Names scenarios that have no mistake: the simulator runs them.
#[test]
#[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
fn a_scenario_named_on_its_own_that_the_backend_cannot_run_ends_with_3() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("the file is written");
    };
    write("recipe.toml", "[consumers]\nsubject = \"auto-commit\"\n");
    // Some seeds draw what breaks brokers, some do not.
    write(
        "random.toml",
        "[faults.random]\ncount = 1\nbetween = \"1s..2s\"\nfor = \"1s\"\n\
         weights = { crash = 1, broker-crash = 1 }\n",
    );
    for (arguments, reason) in [
        (
            &["broker/commit-errors", "--bootstrap", "localhost:1"][..],
            "an error of choice",
        ),
        (&["recipe.toml"], "exists in the simulator only"),
        (
            &["random.toml", "--bootstrap", "localhost:1", "--seeds", "20"],
            "are not broken",
        ),
    ] {
        let on_kafka = [&["run", "--backend", "kafka"], arguments].concat();
        let ended = plimsoll_in(folder.path(), &on_kafka);
        assert_eq!(ended.code, ENVIRONMENT, "{}", ended.transcript());
        assert!(ended.stderr.contains(reason), "{}", ended.transcript());
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn help_and_readme_document_the_same_exit_codes() {
    let leading_number = |line: &str| {
        let digits = line.trim_start_matches(['|', ' ']).split(' ').next();
        digits.and_then(|digits| digits.parse::<u8>().ok())
    };
    let documented = |text: &str, heading: &str| -> Vec<u8> {
        let (_, table) = text.split_once(heading).expect("it documents exit codes");
        let (table, _) = table.split_once("\n\nThese").unwrap_or((table, ""));
        table.lines().filter_map(leading_number).collect()
    };
    let readme = include_str!("../../../README.md");
    let readme = documented(readme, "## Exit codes\n");
    assert_eq!(readme, [0, 1, 2, 3, 10, 130]);
    let help = plimsoll(&["--help"]).stdout;
    assert_eq!(documented(&help, "Exit codes:\n"), readme);
}

#[test]
fn a_trace_that_is_not_the_recorded_one_ends_with_1() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = plimsoll_in(
        folder.path(),
        &[
            "run",
            "reference",
            "--seeds",
            "20",
            "--subject",
            "auto-commit",
            "--format",
            "json",
        ],
    );
    assert_eq!(ended.code, VIOLATED, "{}", ended.transcript());
    let report = ended.json();
    let file = report["scenarios"][0]["failures"][0]["regression"]
        .as_str()
        .expect("a regression was written");
    let text = fs::read_to_string(folder.path().join(file)).expect("the regression is there");
    let (before, hash) = text.split_once("trace = \"").expect("it records a hash");
    let other = if hash.starts_with('0') { "1" } else { "0" };
    let changed = format!("{before}trace = \"{other}{}", &hash[1..]);
    fs::write(folder.path().join("changed.toml"), changed).expect("the file is written");
    let replayed = plimsoll_in(folder.path(), &["replay", "changed.toml"]);
    assert_eq!(replayed.code, INTERNAL, "{}", replayed.transcript());
    assert!(replayed.stdout.contains("but the trace differs"));
    let run = plimsoll_in(folder.path(), &["run", "changed.toml"]);
    assert_eq!(run.code, INTERNAL, "{}", run.transcript());

    // The same file with a subject that does not fail: what it records is not violated.
    let acquitted = text.replace("subject = \"auto-commit\"", "subject = \"plimsoll\"");
    assert_ne!(acquitted, text);
    fs::write(folder.path().join("acquitted.toml"), acquitted).expect("the file is written");
    let replayed = plimsoll_in(folder.path(), &["replay", "acquitted.toml"]);
    assert_eq!(replayed.code, VIOLATED, "{}", replayed.transcript());
    assert!(replayed.stdout.contains("Recorded, and not violated: "));
}

/// Goes away before it has read everything, as `plimsoll schema | head -c 1` does.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = command(folder.path(), &["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let status = child.wait().expect("the program ends");
    let mut stderr = String::new();
    let mut pipe = child.stderr.take().expect("piped");
    pipe.read_to_string(&mut stderr).expect("UTF-8");
    assert_eq!(stderr, "");
    assert_eq!(status.code(), Some(MET));
}

/// Names a partition that has no owner yet, so that the fault finds nothing.
const IN_VAIN: &str = "[workload]\nmessages = 5\n\
                       [[faults]]\nat = \"1ms\"\ndo = \"crash\"\nmember = \"owner of orders-0\"\n";

#[test]
fn a_fault_that_never_takes_effect_ends_with_10() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("in-vain.toml"), IN_VAIN).expect("the file is written");
    let ended = plimsoll_in(folder.path(), &["run", "in-vain.toml", "--seeds", "100"]);
    assert_eq!(ended.code, VIOLATED, "{}", ended.transcript());
    let fault = r#"at = "1ms", do = "crash", member = "owner of orders-0""#;
    let said = format!("never took effect in 100 schedules (no-target):\n  {fault}\n");
    assert!(ended.stdout.contains(&said), "{}", ended.stdout);
    let counted = format!("{fault}\n      took effect in 0 of 100 runs, 100 no-target\n");
    assert!(ended.stdout.contains(&counted), "{}", ended.stdout);
}

#[test]
fn under_few_seeds_what_did_not_happen_is_told_and_fails_only_where_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("in-vain.toml"), IN_VAIN).expect("the file is written");
    let few = ["run", "in-vain.toml", "--seeds", "5"];
    let ended = plimsoll_in(folder.path(), &few);
    assert_eq!(ended.code, MET, "{}", ended.transcript());
    assert!(ended.stdout.contains("Did not happen"), "{}", ended.stdout);
    let strictly = plimsoll_in(folder.path(), &[&few[..], &["--strict"]].concat());
    assert_eq!(strictly.code, VIOLATED, "{}", strictly.transcript());
    let json = plimsoll_in(folder.path(), &[&few[..], &["--format", "json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&json.stdout).expect("it is JSON");
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["outcome"], "held");
    assert_eq!(scenario["faults"][0]["planned"], 5);
    assert_eq!(scenario["faults"][0]["took_effect"], 0);
    assert_eq!(scenario["faults"][0]["missed_because"]["no-target"], 5);
    assert_eq!(scenario["untried"][0]["kind"], "never-took-effect");
}
