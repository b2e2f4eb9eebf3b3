//! The files of `--report DIR`, as the programs that read them meet them.

use crate::program::{Ended, command, plimsoll, plimsoll_in};
use boon::{Compiler, SchemaIndex, Schemas};
use insta::assert_snapshot;
use quick_junit::TestCaseStatus;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Runs a scenario that fails, and has its report written into the folder `report`.
fn run(folder: &Path, more: &[&str]) -> Ended {
    let scenario = ["run", "crash/consumer-killed", "--seeds", "1"];
    let subject = ["--subject", "sarama-auto-mark", "--report", "report"];
    plimsoll_in(folder, &[&scenario[..], &subject[..], more].concat())
}

fn read(folder: &Path, name: &str) -> String {
    let path = folder.join("report").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns a document without what depends on the machine.
fn without_timing(document: &str) -> Value {
    let mut document: Value = serde_json::from_str(document).expect("it is JSON");
    let fields = document.as_object_mut().expect("an object");
    assert!(fields.remove("timing").is_some());
    document
}

#[test]
fn a_report_is_written_beside_the_one_on_the_screen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = run(folder.path(), &[]);
    assert_eq!(ended.code, 10, "{}", ended.transcript());
    let last: Vec<&str> = ended.stdout.lines().rev().take(2).collect();
    assert_eq!(
        last,
        ["1 of 1 scenario failed.", "Report written to report."]
    );
    let printed = run(folder.path(), &["--format", "json"]);
    assert_eq!(
        without_timing(&read(folder.path(), "report.json")),
        without_timing(&printed.stdout)
    );
}

#[test]
fn a_report_replaces_an_earlier_one_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = folder.path().join("report");
    fs::create_dir(&report).expect("a folder");
    for name in ["report.json", "bug-7-no-loss.perfetto.json", "notes.txt"] {
        fs::write(report.join(name), "mine\n").expect("it is written");
    }
    run(folder.path(), &[]);
    without_timing(&read(folder.path(), "report.json"));
    assert_eq!(read(folder.path(), "notes.txt"), "mine\n");
    // A run of an earlier report would pass for one of this.
    assert!(!report.join("bug-7-no-loss.perfetto.json").exists());
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_before_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("report"), "a file\n").expect("it is written");
    let ended = run(folder.path(), &[]);
    assert_eq!(ended.code, 3, "{}", ended.transcript());
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("cannot write report/report.json"),
        "{}",
        ended.stderr
    );
}

/// Each event says what it is and whom it is about, in the words of a trace and in a sentence.
#[test]
fn the_timeline_of_a_conviction_is_events() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path(), &[]);
    let report = without_timing(&read(folder.path(), "report.json"));
    let shrunk = &report["scenarios"][0]["failures"][0]["shrunk"];
    assert_eq!(shrunk["names"]["topics"][0]["name"], "orders");
    let timeline = shrunk["timeline"].as_array().expect("a list");
    let is = |event: &&Value, what: &str| event["event"] == what;
    let committed = timeline.iter().find(|event| is(event, "committed"));
    let committed = committed.expect("a commit");
    assert_eq!(committed["topic"], 0, "{committed:#}");
    assert!(committed["at_ns"].is_u64(), "{committed:#}");
    assert!(committed["next"].is_u64(), "{committed:#}");
    let member = committed["member"].as_u64().expect("a member") as usize;
    assert_eq!(committed["actor"], shrunk["names"]["members"][member]);
    let marked = timeline.iter().filter(|event| event["marked"] == true);
    assert!(marked.count() > 0);
    assert_snapshot!("json_conviction", format!("{shrunk:#}"));
}

/// Runs what shows failures of every kind, and returns the folder with its report.
fn of_every_kind() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("it is written");
    };
    write(
        "tame.toml",
        "description = \"Expects what does not happen, <on> purpose.\"\n\
         [workload]\nmessages = 3\n\
         [[faults]]\nwhen = \"100th dead-lettered\"\ndo = \"crash\"\nmember = \"consumer-1\"\n\
         [expect]\nviolated = [\"no-rewind\"]\nsometimes = [\"duplicate\"]\n",
    );
    let losing = ["run", "crash/consumer-killed", "--seeds", "1"];
    let subject = ["--subject", "sarama-auto-mark"];
    plimsoll_in(folder.path(), &[&losing[..], &subject[..]].concat());
    let other = "regressions/crash-consumer-killed-sarama-auto-mark-no-loss-0.toml";
    let text = fs::read_to_string(folder.path().join(other)).expect("a regression");
    let (before, after) = text.split_once("trace = \"").expect("it records a trace");
    write("other.toml", &format!("{before}trace = \"0{}", &after[1..]));
    let run = ["run", "tame.toml", "other.toml", "reference", "--strict"];
    let more = ["--seeds", "1", "--report", "report"];
    plimsoll_in(folder.path(), &[&run[..], &more[..]].concat());
    folder
}

/// Returns a text without hashes of traces: each change of the simulator changes them.
fn without_hashes(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 32 && word.chars().all(|one| one.is_ascii_hexdigit());
    let words = text.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric());
    words
        .map(|word| match word.split_at_checked(32) {
            Some((hash, rest)) if is_hash(hash) => format!("(hash){rest}"),
            _ => word.to_owned(),
        })
        .collect()
}

/// The schema that `plimsoll schema --report` prints, ready to judge reports.
struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        const LOCATION: &str = "file:///report.json";
        let schema = plimsoll(&["schema", "--report"]).json();
        let mut compiler = Compiler::new();
        compiler
            .add_resource(LOCATION, schema)
            .expect("the schema is JSON");
        let mut schemas = Schemas::new();
        let index = compiler
            .compile(LOCATION, &mut schemas)
            .expect("the schema is one");
        Self { schemas, index }
    }

    fn check(&self, report: &Value) {
        if let Err(error) = self.schemas.validate(report, self.index) {
            panic!("{error:#}\n{report:#}");
        }
    }
}

/// Returns the kinds of the failures of a report.
fn kinds(report: &Value) -> BTreeSet<&str> {
    let scenarios = report["scenarios"].as_array().expect("a list").iter();
    let failures = scenarios.flat_map(|one| one["failures"].as_array().expect("a list"));
    failures
        .map(|failure| failure["kind"].as_str().expect("a word"))
        .collect()
}

#[test]
fn every_report_is_as_the_schema_says() {
    let validator = Validator::new();
    let kinds_of = of_every_kind();
    let report: Value = serde_json::from_str(&read(kinds_of.path(), "report.json")).expect("JSON");
    validator.check(&report);
    let expected = [
        "never-happened",
        "never-took-effect",
        "not-violated",
        "trace-differs",
    ];
    assert_eq!(kinds(&report), BTreeSet::from(expected), "{report:#}");

    // An early commit, with the crash that makes a loss of it.
    let early = ["run", "recipes/alarm-ruler-oldest", "--seeds", "1..2"];
    let subject = ["--subject", "auto-commit", "--format", "json"];
    let report = plimsoll(&[&early[..], &subject[..], &["--print-hashes"]].concat()).json();
    validator.check(&report);
    let failures = report["scenarios"][0]["failures"]
        .as_array()
        .expect("a list");
    let mut deaths = failures
        .iter()
        .map(|failure| &failure["shrunk"]["with_a_crash"]);
    let death = deaths
        .find(|death| death.is_object())
        .expect("it was searched for");
    assert_eq!(death["property"], "no-loss");
    assert!(
        death["timeline"].as_array().expect("a list").len() > 3,
        "{death:#}"
    );

    validator.check(&plimsoll(&["run", "quick", "--seeds", "3", "--format", "json"]).json());

    // The schema says something: a report that lacks a part is none.
    let mut lacking = report;
    lacking["scenarios"][0]["failures"][0]["shrunk"]["timeline"][0]
        .as_object_mut()
        .expect("an event")
        .remove("at_ns");
    let judged = validator.schemas.validate(&lacking, validator.index);
    assert!(judged.is_err());
}

#[test]
fn of_junit_every_scenario_is_a_suite_and_every_promise_a_case() {
    let folder = of_every_kind();
    let text = read(folder.path(), "report.xml");
    let report = quick_junit::Report::deserialize_from_str(&text).expect("it is JUnit");
    let suites: Vec<&str> = report
        .test_suites
        .iter()
        .map(|suite| suite.name.as_str())
        .collect();
    assert_eq!(suites, ["tame.toml", "other.toml", "reference"]);
    let mut cases: BTreeMap<&str, usize> = BTreeMap::new();
    for suite in &report.test_suites {
        for case in &suite.test_cases {
            *cases.entry(case.name.as_str()).or_default() += 1;
        }
    }
    assert_eq!(cases["no-loss"], 3);
    assert_eq!(cases["every schedule has a verdict"], 3);
    assert_eq!(cases["the trace is the recorded one"], 1);
    assert_snapshot!("junit_of_every_kind", without_hashes(&text));
}

#[test]
fn junit_tells_a_conviction_in_full() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path(), &[]);
    let text = read(folder.path(), "report.xml");
    let report = quick_junit::Report::deserialize_from_str(&text).expect("it is JUnit");
    let mut cases = report.test_suites[0].test_cases.iter();
    let lost = cases.find(|case| case.name.as_str() == "no-loss");
    let lost = lost.expect("a case");
    let class = lost.classname.as_ref().expect("a class");
    assert_eq!(class.as_str(), "crash.consumer-killed");
    let TestCaseStatus::NonSuccess {
        message,
        description,
        ..
    } = &lost.status
    else {
        panic!("{:?}", lost.status);
    };
    let [message, description] =
        [message, description].map(|text| text.as_ref().expect("a text").as_str());
    assert_snapshot!("junit_conviction", format!("{message}\n---\n{description}"));
}

#[test]
fn markdown_tells_how_it_ended_and_each_bug_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path(), &[]);
    assert_snapshot!("markdown", read(folder.path(), "report.md"));
    let folder = of_every_kind();
    let text = read(folder.path(), "report.md");
    assert_snapshot!("markdown_of_every_kind", without_hashes(&text));
}

/// A step of GitHub Actions may have written something before.
#[test]
fn a_step_of_github_actions_gets_the_summary() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("summary.md");
    fs::write(&file, "Built.\n\n").expect("it is written");
    let ended = command(folder.path(), &["run", "quick", "--seeds", "2"])
        .env("GITHUB_STEP_SUMMARY", &file)
        .output()
        .expect("the program starts");
    assert!(ended.status.success());
    let summary = fs::read_to_string(&file).expect("it is there");
    assert!(summary.starts_with("Built.\n\n# Plimsoll: "), "{summary}");
    assert!(!folder.path().join("report").exists());
}

/// Returns the files of a report that are the runs of bugs, with their names.
fn runs_of_bugs(folder: &Path) -> Vec<(String, Value)> {
    let entries = fs::read_dir(folder.join("report")).expect("the folder");
    let names = entries.map(|entry| entry.expect("readable").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    let mut names: Vec<String> = names.filter(|name| name.starts_with("bug-")).collect();
    names.sort();
    let run = |name: String| {
        let document = serde_json::from_str(&read(folder, &name)).expect("it is JSON");
        (name, document)
    };
    names.into_iter().map(run).collect()
}

/// Checks what viewers need: named tracks, whole microseconds, slices of a track that do not cross,
/// and the violation. Returns a line for each event.
fn checked(document: &Value) -> String {
    let events = document["traceEvents"].as_array().expect("a list");
    let number = |event: &Value, field: &str| event[field].as_u64().expect("a whole number");
    let track = |event: &Value| (number(event, "pid"), number(event, "tid"));
    let (names, events): (Vec<&Value>, Vec<&Value>) =
        events.iter().partition(|event| event["ph"] == "M");
    let names = names.into_iter().filter_map(|event| {
        let name = event["args"]["name"].as_str()?;
        Some((track(event), name))
    });
    let names: BTreeMap<(u64, u64), &str> = names.collect();
    let mut listing = String::new();
    let mut before = 0;
    // By track, the ends of the slices that are open.
    let mut open: BTreeMap<(u64, u64), Vec<u64>> = BTreeMap::new();
    for event in &events {
        let from = number(event, "ts");
        assert!(before <= from, "events are in order");
        before = from;
        let long = if event["ph"] == "X" {
            let to = from + number(event, "dur");
            let ends = open.entry(track(event)).or_default();
            ends.retain(|end| *end > from);
            assert!(ends.last().is_none_or(|end| to <= *end), "{event:#}");
            ends.push(to);
            format!("+{}", to - from)
        } else {
            assert_eq!(event["ph"], "i");
            assert!(event["s"] == "t" || event["s"] == "g", "{event:#}");
            String::new()
        };
        let part = names[&(number(event, "pid"), 0)];
        let row = names[&track(event)];
        let mark = if event["cat"] == "violation" {
            ">"
        } else {
            " "
        };
        let name = event["name"].as_str().expect("a name");
        writeln!(listing, "{mark} {from:>9} {long:<9} {part} / {row}: {name}").expect("a string");
    }
    let over_all = events.iter().filter(|event| event["s"] == "g");
    assert_eq!(over_all.count(), 1, "the violation");
    let marked = events.iter().filter(|event| event["cat"] == "violation");
    assert!(marked.count() > 1, "what shows it");
    listing
}

#[test]
fn the_run_of_a_bug_opens_in_perfetto() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path(), &[]);
    let runs = runs_of_bugs(folder.path());
    assert_eq!(runs[0].0, "bug-1-no-loss.perfetto.json");
    for (_, document) in &runs {
        checked(document);
    }
    assert_snapshot!("perfetto", checked(&runs[0].1));
}

/// With the crash that makes a loss of an early commit; in full, where nothing may be shrunk.
#[test]
fn a_run_with_faults_opens_in_perfetto() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let early = ["run", "recipes/alarm-ruler-oldest", "--seeds", "1..2"];
    let more = ["--subject", "auto-commit", "--report", "report"];
    plimsoll_in(folder.path(), &[&early[..], &more[..]].concat());
    let runs = runs_of_bugs(folder.path());
    let crash = runs
        .iter()
        .find(|(name, _)| name.ends_with("-with-a-crash.perfetto.json"));
    let (_, crash) = crash.expect("it was searched for");
    assert_snapshot!("perfetto_with_a_crash", checked(crash));

    let whole = [
        "run",
        "reference",
        "swarm",
        "--seeds",
        "25",
        "--shrink-schedules",
        "1",
    ];
    let ended = plimsoll_in(folder.path(), &[&whole[..], &more[..]].concat());
    assert_eq!(ended.code, 10, "{}", ended.transcript());
    let runs = runs_of_bugs(folder.path());
    let listings: Vec<String> = runs.iter().map(|(_, document)| checked(document)).collect();
    let faults = ["pause: consumer-", "stands still"];
    for fault in faults {
        assert!(listings.iter().any(|one| one.contains(fault)), "{fault}");
    }
}

/// Of the simulator, all but the timing is the same.
#[test]
fn files_do_not_depend_on_the_number_of_threads() {
    let files = |jobs: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let scenario = ["run", "reference", "recipes", "--seeds", "50", "-j", jobs];
        let subject = ["--subject", "auto-commit", "--report", "report"];
        let ended = plimsoll_in(folder.path(), &[&scenario[..], &subject[..]].concat());
        assert_eq!(ended.code, 10, "{}", ended.transcript());
        let entries = fs::read_dir(folder.path().join("report")).expect("the folder");
        let files = entries.map(|entry| {
            let name = entry.expect("readable").file_name();
            let name = name.into_string().expect("UTF-8");
            let text = read(folder.path(), &name);
            let text = match name.as_str() {
                "report.json" => without_timing(&text).to_string(),
                _ => text,
            };
            (name, text)
        });
        files.collect::<BTreeMap<_, _>>()
    };
    let one = files("1");
    assert!(one.len() > 3, "{:?}", one.keys());
    assert_eq!(one, files("3"));
}
