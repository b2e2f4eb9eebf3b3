//! Faults of processes and of the sink, which need no brokers: the members are processes that
//! sleep.

use super::*;
use crate::channel::Sender;
use crate::cluster::Cluster;
use crate::options::SubjectCommand;
use crate::sink::Call;
use crate::testing::plan;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{Entry, Missed};
use std::collections::BTreeSet;
use tempfile::TempDir;
use tokio::sync::oneshot;

const A: MemberId = MemberId(0);
const B: MemberId = MemberId(1);

/// A world whose members sleep, with these faults begun. The folder has what the members print.
async fn world(faults: &str) -> (World, TempDir) {
    world_of(faults, &["sleep", "60"]).await
}

async fn world_of(faults: &str, command: &[&str]) -> (World, TempDir) {
    let plan = Arc::new(plan(1, faults, ""));
    let logs = tempfile::tempdir().expect("a folder");
    let names = Arc::new(Names::new(&plan, "test"));
    let inbox = Inbox::new();
    let proxy = Proxy::start(2, &[], &inbox.sender(Event::Proxy)).await;
    let proxy = proxy.expect("it needs no listener");
    let command = SubjectCommand::External {
        program: command[0].into(),
        arguments: command[1..].iter().map(|&word| word.into()).collect(),
    };
    let subject = Subject {
        command,
        plan: plan.clone(),
        names: names.clone(),
        bootstraps: proxy.bootstraps(),
        sink: String::new(),
        logs: logs.path().to_owned(),
    };
    let brokers = Brokers {
        cluster: Arc::new(Cluster::without_brokers()),
        names: names.clone(),
        reports: inbox.sender(Event::Brokers),
    };
    let mut world = World::new(Parts {
        plan,
        names,
        clock: Clock::start(),
        log: Arc::default(),
        subject,
        proxy,
        leaders: Leaders::default(),
        brokers,
        inbox,
        stalls: Stalls::default(),
    });
    for member in [A, B] {
        world.handle(Event::Start(member)).expect("it starts");
    }
    world.drive_all().expect("faults begin");
    (world, logs)
}

/// Makes what is seen of a member that joins, and owns nothing.
fn joining() -> Seen {
    Seen::Joining {
        owned: Vec::new(),
        wishes: Wishes::default(),
    }
}

impl World {
    fn runs(&self, member: MemberId) -> bool {
        self.members.processes.runs(member)
    }

    /// Takes in what happens until something is so.
    async fn until(&mut self, is_so: impl Fn(&Self) -> bool) -> Result<(), ChaosError> {
        while !is_so(self) {
            self.step().await?;
        }
        Ok(())
    }

    async fn until_over(&mut self) {
        let over = self.until(|world| world.faults.schedule.is_over()).await;
        over.expect("no failure");
    }

    /// Ends the safety phase, and takes in what happens until all faults are over.
    async fn end_faults(&mut self) {
        let (reply, ended) = oneshot::channel();
        let end = Event::Course(course::Report::EndFaults(reply));
        self.handle(end).expect("no failure");
        self.settle().expect("no failure");
        self.until_over().await;
        ended.await.expect("the course goes on");
    }
}

/// What was observed after the members started.
fn observed(world: &mut World) -> Vec<Entry> {
    world.take_trace().entries()[2..].to_vec()
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

/// Lets the proxy report a commit that a member sent.
fn commit_sent(world: &mut World, member: MemberId) {
    passed(world, member, vec![Seen::CommitSent { broker: 0 }]);
}

/// Lets the proxy report what passed between a member and a broker.
fn passed(world: &mut World, member: MemberId, seen: Vec<Seen>) {
    let (noted, mut is_noted) = oneshot::channel();
    let passed = proxy::Report::Passed {
        member,
        seen,
        noted,
    };
    world.handle(Event::Proxy(passed)).expect("no failure");
    assert_eq!(is_noted.try_recv(), Ok(()));
}

/// Lets a handler of a member write its effect; returns whether it was answered.
fn effect_written(world: &mut World, member: MemberId) -> bool {
    let message = world.plan.messages[0].id;
    let (reply, mut begun) = oneshot::channel();
    let call = Call {
        member,
        partition: TopicPartition::new(0, 0),
        offset: Offset::new(0),
        record: StoredMessage { message, key: None },
    };
    let called = sink::Report::Called { call, reply };
    world.handle(Event::Sink(called)).expect("no failure");
    let begun = begun.try_recv().expect("it begins");
    let (reply, mut answer) = oneshot::channel();
    let id = begun.handler.id();
    let due = sink::Report::Due { id, reply };
    world.handle(Event::Sink(due)).expect("no failure");
    answer.try_recv().is_ok()
}

#[tokio::test]
async fn what_an_observation_triggers_is_done_before_the_observer_goes_on() {
    let (mut world, _logs) = world(r#"{ when = "commit-in-flight", do = "crash" }"#).await;
    commit_sent(&mut world, B);
    assert!(world.runs(A));
    assert!(!world.runs(B));
    world.end_faults().await;
    assert!(world.runs(B));
    let expected = [
        "CommitSent",
        "FaultBegan",
        "MemberCrashed",
        "FaultEnded",
        "MemberStarted",
    ];
    assert_eq!(events(&observed(&mut world)), expected);
}

/// A client that gets a partition back may hand out what a fetch over the rebalance had brought.
#[tokio::test]
async fn a_member_that_gets_a_partition_back_owns_it_from_what_it_handles_first() {
    let (mut world, _logs) = world("").await;
    let fetching = |offset| Seen::Fetching {
        topic: world.names.topics[0].clone(),
        partition: 0,
        offset,
    };
    let synced = || Seen::Synced {
        partitions: vec![(world.names.topics[0].clone(), 0)],
    };
    let joined = |generation| Seen::Joined { generation };
    let first = vec![joined(1), synced(), fetching(7), joining()];
    let again = vec![joined(2), synced(), fetching(9)];
    passed(&mut world, A, first);
    passed(&mut world, A, again);
    effect_written(&mut world, A);
    let observed = observed(&mut world);
    let expected = [
        "Assigned",
        "Revoked",
        "Released",
        "Assigned",
        "HandlerStarted",
        "Effect",
    ];
    assert_eq!(events(&observed), expected);
    let assigned = |entry: &Entry| match entry.event {
        TraceEvent::Assigned { position, .. } => Some(position.get()),
        _ => None,
    };
    let positions: Vec<_> = observed.iter().filter_map(assigned).collect();
    assert_eq!(positions, [7, 0]);
}

#[tokio::test]
async fn a_fault_with_a_time_begins_and_ends_by_itself() {
    let faults = r#"{ at = "50ms", do = "pause", member = "consumer-2", for = "100ms" }"#;
    let (mut world, _logs) = world(faults).await;
    world.until_over().await;
    let observed = observed(&mut world);
    let expected = ["FaultBegan", "MemberPaused", "FaultEnded", "MemberResumed"];
    assert_eq!(events(&observed), expected);
    let lasted = observed[2].at - observed[0].at;
    assert!(lasted >= Duration::from_millis(100), "{lasted:?}");
}

#[tokio::test]
async fn a_process_dies_between_its_effect_and_the_answer() {
    let faults = r#"{ at = "0s", do = "crash-after-effect", member = "consumer-1" }"#;
    let (mut world, _logs) = world(faults).await;
    // Its timer.
    world.step().await.expect("no failure");
    assert_eq!(events(&observed(&mut world)), ["FaultBegan"]);
    effect_written(&mut world, B);
    assert!(world.runs(A) && world.runs(B));
    effect_written(&mut world, A);
    assert!(!world.runs(A));
    effect_written(&mut world, A);
    world.end_faults().await;
    assert!(world.runs(A));
    let trace = world.take_trace();
    let handler = ["HandlerStarted", "Effect"];
    let mut expected = [handler, handler].concat();
    expected.push("MemberCrashed");
    expected.extend(handler);
    expected.extend(["FaultEnded", "MemberStarted"]);
    assert_eq!(events(trace.entries()), expected);
}

#[tokio::test]
async fn a_rolling_restart_lasts_until_the_last_process_is_back() {
    let faults = r#"{ at = "10ms", do = "rolling-restart", for = "200ms" }"#;
    let (mut world, _logs) = world(faults).await;
    world.until_over().await;
    let observed = observed(&mut world);
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

/// The group is stable with such a member, and all is handled and committed: the run would end, and
/// acquit it.
#[tokio::test]
async fn a_run_is_not_quiet_while_a_member_ignores_that_it_is_to_stop() {
    let stop = r#"{ at = "200ms", do = "stop", member = "consumer-1", for = "10ms" }"#;
    for (command, ends) in [("sleep 60", true), ("trap '' TERM; sleep 60 & wait", false)] {
        let (mut world, _logs) = world_of(stop, &["sh", "-c", command]).await;
        world.produced = true;
        assert!(world.is_at_rest());
        let is_stopping = world.until(|world| world.members.processes.is_stopping());
        is_stopping.await.expect("no failure");
        assert!(!world.is_at_rest());
        if ends {
            let is_at_rest = world.until(World::is_at_rest);
            is_at_rest.await.expect("no failure");
        } else {
            let within = Duration::from_millis(300);
            let waited = tokio::time::timeout(within, world.until(World::is_at_rest)).await;
            assert!(waited.is_err(), "{waited:?}");
        }
    }
}

/// Such a subject is no consumer, or cannot reach what it needs: it is not one that leaves records
/// behind.
#[tokio::test]
async fn a_group_that_no_member_asks_to_join_is_no_trial() {
    let command = "echo 'no such option: --topic' >&2; exec sleep 60";
    let (mut world, _logs) = world_of("", &["sh", "-c", command]).await;
    passed(&mut world, A, vec![Seen::Hidden]);
    // It takes a moment until the process has written that.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let error = world.handle(Event::JoinDeadline(())).expect_err("it fails");
    let expected = "no member ever asked to join the group: consumer-1 asked for \
                    ConsumerGroupHeartbeat (KIP-848), which is hidden; use the classic protocol \
                    (`group.protocol=classic`); consumer-1 runs, and its standard error ends \
                    with:\n  no such option: --topic";
    assert_eq!(error.to_string(), expected);
    passed(&mut world, B, vec![joining()]);
    world.handle(Event::JoinDeadline(())).expect("it joined");
}

/// Its members may have had no time to start. At the end of the run there is nothing to judge.
#[tokio::test]
async fn on_a_machine_that_stalls_members_have_until_the_end_to_join() {
    let (mut world, _logs) = world("").await;
    let stalls = Stalls::default();
    stalls.note(Duration::from_secs(2), "a timer was late by");
    world.unexplained = Unexplained::new(&world.plan, stalls);
    world.handle(Event::JoinDeadline(())).expect("it waits");
    let (noted, _) = oneshot::channel();
    let ended = course::Report::Observed(TraceEvent::Ended { lag: 1 }, noted);
    let error = world.handle(Event::Course(ended)).expect_err("it fails");
    assert!(error.to_string().starts_with("no member ever"), "{error}");
}

#[tokio::test]
async fn a_member_whose_commits_cannot_be_read_is_not_judged() {
    let (mut world, _logs) = world("").await;
    let (noted, _) = oneshot::channel();
    let passed = proxy::Report::Passed {
        member: A,
        seen: vec![Seen::CommitInTransaction],
        noted,
    };
    let error = world.handle(Event::Proxy(passed)).expect_err("it fails");
    let text = error.to_string();
    assert!(
        text.starts_with("consumer-1 commits in transactions"),
        "{text}"
    );
}

#[tokio::test]
async fn what_brokers_refuse_fails_the_run() {
    let faults = r#"{ at = "10ms", do = "broker-stop", broker = "broker-1", for = "10ms" }"#;
    let (mut world, _logs) = world(faults).await;
    let failed = world.until(|_| false).await;
    let error = failed.expect_err("it fails").to_string();
    assert!(error.contains("cannot be broken"), "{error}");
    assert_eq!(events(&observed(&mut world)), ["FaultBegan"]);
}

#[tokio::test]
async fn what_the_proxy_cannot_do_fails_the_run() {
    let faults = r#"{ at = "10ms", do = "throttle", broker = "broker-2", by = "1s", for = "1s" }"#;
    let (mut world, _logs) = world(faults).await;
    let failed = world.until(|_| false).await;
    let error = failed.expect_err("it fails").to_string();
    assert_eq!(error, "the cluster has no broker-2");
}

#[tokio::test]
async fn a_fault_that_waits_for_a_broker_that_is_down_does_nothing() {
    let faults = r#"{ at = "10ms", do = "broker-crash", broker = "broker-1" }"#;
    let (mut world, _logs) = world(faults).await;
    world.faults.goes_down(0);
    world.until_over().await;
    assert_eq!(events(&observed(&mut world)), ["FaultMissed"]);
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
    let (mut world, _logs) = world(&faults.join(",")).await;
    let commits = |observed: Sender<workload::Report>| {
        std::thread::spawn(move || {
            for _ in 0..10 {
                let event = TraceEvent::CommitSent { member: A };
                observed.send(workload::Report::Observed(event));
                std::thread::sleep(Duration::from_micros(300));
            }
        })
    };
    let threads: Vec<_> = (0..4)
        .map(|_| commits(world.inbox.sender(Event::Workload)))
        .collect();
    let middle = world.now() + Duration::from_millis(2);
    let some = world.until(|world| world.now() > middle);
    some.await.expect("no failure");
    // In the middle of it all.
    world.end_faults().await;
    for thread in threads {
        thread.join().expect("it ends");
    }
    let mut active = BTreeSet::new();
    let mut begun = BTreeSet::new();
    let mut missed = BTreeSet::new();
    for entry in observed(&mut world) {
        match entry.event {
            TraceEvent::FaultBegan { fault, .. } => {
                assert!(begun.insert(fault) && active.insert(fault), "{fault:?}");
            }
            TraceEvent::FaultEnded { fault } => assert!(active.remove(&fault), "{fault:?}"),
            // No handler meets these: they begin, end, and are told to have changed nothing.
            TraceEvent::FaultMissed {
                reason: Missed::NoEffect,
                ..
            } => {}
            TraceEvent::FaultMissed { fault, .. } => assert!(missed.insert(fault), "{fault:?}"),
            _ => {}
        }
    }
    assert!(active.is_empty(), "{active:?}");
    assert!(!begun.is_empty());
    assert!(begun.is_disjoint(&missed), "{missed:?}");
}

/// A verdict over a fault that did not happen is worth nothing, so that is told.
#[tokio::test]
async fn faults_that_change_nothing_are_told() {
    let stop = r#"do = "stop", member = "consumer-1""#;
    for (faults, vain) in [
        (vec![r#"do = "slow", member = "consumer-1", by = 3"#], 1),
        (vec![r#"do = "handler-hang", member = "consumer-1""#], 1),
        (vec![r#"do = "handler-outage""#], 1),
        (vec![r#"do = "pause", member = "consumer-1""#], 0),
        // One that was asked to stop cannot be asked.
        (vec![stop, stop], 1),
    ] {
        let faults = faults
            .iter()
            .map(|fault| format!(r#"{{ at = "0s", {fault}, for = "50ms" }}"#));
        let faults: Vec<_> = faults.collect();
        let (mut world, _logs) = world(&faults.join(", ")).await;
        world.until_over().await;
        let is_vain = |entry: &&Entry| matches!(entry.event, TraceEvent::FaultMissed { reason, .. } if reason == Missed::NoEffect);
        let trace = observed(&mut world);
        assert_eq!(trace.iter().filter(is_vain).count(), vain, "{faults:?}");
    }
}
