//! Faults of processes and of the sink, which need no brokers: the members are processes that
//! sleep.

use crate::SubjectCommand;
use crate::cluster::Cluster;
use crate::names::Names;
use crate::processes::Processes;
use crate::subject::Subject;
use crate::world::World;
use plimsoll_core::Instant;
use plimsoll_oracle::{Entry, MemberId, TraceEvent};
use plimsoll_scenarios::{Plan, Scenario};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Handle;

const SCENARIO: &str = r#"
description = "Members that sleep."
duration = "60s"

[[topics]]
name = "orders"
partitions = 1

[workload]
messages = 1
rate = "1/s"

[consumers]
members = 2
"#;

const A: MemberId = MemberId(0);
const B: MemberId = MemberId(1);

/// A world whose members run, with these faults begun. The folder has what the members print.
fn world(faults: &str) -> (Arc<World>, TempDir) {
    let scenario = format!("faults = [{faults}]\n{SCENARIO}");
    let scenario = Scenario::parse("sleepers.toml", &scenario).expect("it is a scenario");
    let plan = Plan::draw(&scenario, 1);
    let logs = tempfile::tempdir().expect("a folder");
    let command = SubjectCommand::External {
        program: "sleep".into(),
        arguments: vec!["60".into()],
    };
    let subject = Subject::new(command, String::new(), logs.path().to_owned());
    let world = Arc::new(World::new(
        plan.clone(),
        Names::new(&plan, "test"),
        Arc::new(Cluster::without_brokers()),
        Processes::new(subject, 2),
        Handle::current(),
    ));
    for member in [A, B] {
        world.start_member(member).expect("it starts");
    }
    world.begin_faults();
    (world, logs)
}

/// What was observed after the members started.
fn observed(world: &World) -> Vec<Entry> {
    world.recorder.take().entries()[2..].to_vec()
}

fn events(entries: &[Entry]) -> Vec<String> {
    let name = |entry: &Entry| {
        let text = format!("{:?}", entry.event);
        text.split([' ', '{']).next().unwrap_or_default().to_owned()
    };
    entries.iter().map(name).collect()
}

#[track_caller]
fn time_of(entries: &[Entry], is_it: impl Fn(&TraceEvent) -> bool) -> Instant {
    let mut entries = entries.iter().rev();
    entries
        .find(|entry| is_it(&entry.event))
        .expect("observed")
        .at
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_observation_triggers_is_done_before_the_observer_goes_on() {
    let (world, _logs) = world(r#"{ when = "commit-in-flight", do = "crash" }"#);
    world.observe(TraceEvent::CommitSent { member: B });
    assert!(world.processes.runs(A));
    assert!(!world.processes.runs(B));
    world.end_all_faults().await;
    assert!(world.processes.runs(B));
    let expected = [
        "CommitSent",
        "FaultBegan",
        "MemberCrashed",
        "FaultEnded",
        "MemberStarted",
    ];
    assert_eq!(events(&observed(&world)), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_with_a_time_begins_and_ends_by_itself() {
    let faults = r#"{ at = "50ms", do = "pause", member = "consumer-2", for = "100ms" }"#;
    let (world, _logs) = world(faults);
    while !world.faults.are_over() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let observed = observed(&world);
    let expected = ["FaultBegan", "MemberPaused", "FaultEnded", "MemberResumed"];
    assert_eq!(events(&observed), expected);
    let lasted = observed[2].at - observed[0].at;
    assert!(lasted >= Duration::from_millis(100), "{lasted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_dies_between_its_effect_and_the_answer() {
    let (world, _logs) =
        world(r#"{ at = "0s", do = "crash-after-effect", member = "consumer-1" }"#);
    while !events(world.recorder.take().entries()).contains(&"FaultBegan".to_owned()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.effect_written(B);
    assert!(world.processes.runs(A) && world.processes.runs(B));
    world.effect_written(A);
    assert!(!world.processes.runs(A));
    world.effect_written(A);
    world.end_all_faults().await;
    assert!(world.processes.runs(A));
    let trace = world.recorder.take();
    let expected = ["MemberCrashed", "FaultEnded", "MemberStarted"];
    assert_eq!(events(trace.entries()), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_lasts_until_the_last_process_is_back() {
    let (world, _logs) = world(r#"{ at = "10ms", do = "rolling-restart", for = "200ms" }"#);
    while !world.faults.are_over() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let observed = observed(&world);
    let began = time_of(&observed, |event| {
        matches!(event, TraceEvent::FaultBegan { .. })
    });
    let started = time_of(&observed, |event| {
        matches!(event, TraceEvent::MemberStarted { .. })
    });
    let ended = time_of(&observed, |event| {
        matches!(event, TraceEvent::FaultEnded { .. })
    });
    assert!(started <= ended);
    assert!(ended - began >= Duration::from_millis(200));
    let expected = [
        "FaultBegan",
        "MemberStopping",
        "MemberStopped",
        "MemberStarted",
        "MemberStopping",
        "MemberStopped",
        "MemberStarted",
        "FaultEnded",
    ];
    assert_eq!(events(&observed), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_brokers_refuse_fails_the_run_and_is_over() {
    let faults = r#"{ at = "10ms", do = "broker-stop", broker = "broker-1", for = "10ms" },
                    { at = "500ms", do = "broker-crash", broker = "broker-1" }"#;
    let (world, _logs) = world(faults);
    let error = world.failed().await.to_string();
    assert!(error.contains("cannot be broken"), "{error}");
    tokio::time::sleep(Duration::from_millis(600)).await;
    world.end_all_faults().await;
    // The second found the broker down, and did nothing.
    let expected = ["FaultBegan", "FaultEnded", "FaultMissed"];
    assert_eq!(events(&observed(&world)), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_begins_once_and_ends_once_however_many_threads_observe() {
    let fault = |number: u32| {
        let nth = 1 + number * 7 % 40;
        format!(
            r#"{{ when = "commit-in-flight", nth = {nth}, do = "handler-outage", for = "1ms" }}"#
        )
    };
    let faults: Vec<_> = (0..40).map(fault).collect();
    let (world, _logs) = world(&faults.join(","));
    let commits = |world: Arc<World>| {
        std::thread::spawn(move || {
            for _ in 0..10 {
                world.observe(TraceEvent::CommitSent { member: A });
                std::thread::sleep(Duration::from_micros(300));
            }
        })
    };
    let threads: Vec<_> = (0..4).map(|_| commits(world.clone())).collect();
    tokio::time::sleep(Duration::from_millis(2)).await;
    // In the middle of it all.
    world.end_all_faults().await;
    for thread in threads {
        thread.join().expect("it ends");
    }
    assert!(world.faults.are_over());
    let mut active = std::collections::BTreeSet::new();
    let mut begun = std::collections::BTreeSet::new();
    let mut missed = std::collections::BTreeSet::new();
    for entry in observed(&world) {
        match entry.event {
            TraceEvent::FaultBegan { fault, .. } => {
                assert!(begun.insert(fault) && active.insert(fault), "{fault:?}");
            }
            TraceEvent::FaultEnded { fault } => assert!(active.remove(&fault), "{fault:?}"),
            TraceEvent::FaultMissed { fault, .. } => assert!(missed.insert(fault), "{fault:?}"),
            _ => {}
        }
    }
    assert!(active.is_empty(), "{active:?}");
    assert!(!begun.is_empty());
    assert!(begun.is_disjoint(&missed), "{missed:?}");
    assert_eq!(begun.len() + missed.len(), 40);
}
