//! Where an assigned partition starts, and that its start is committed.

use crate::driver::{Driver, committed, config, id, uncommitted};
use plimsoll_core::{
    Assignment, Command, CommitOutcome, Config, Consumer, Event, InitialPosition, Instant, Machine,
    NextOffset, RebalanceId,
};

fn latest() -> Config {
    Config {
        initial: InitialPosition::Latest,
        ..config()
    }
}

fn founded_with(partition: u32, founding: u32) -> Assignment {
    Assignment {
        founding_partitions: Some(founding),
        ..uncommitted(partition)
    }
}

#[test]
fn a_committed_position_is_taken_as_it_is() {
    for start in [config(), latest()] {
        let mut driver = Driver::new(start);
        let lines = driver.assign(1, &[committed(0, 10), committed(1, 2_000)]);
        assert_eq!(lines, ["assigned 1: 0@10 1@2000"]);
    }
}

#[test]
fn from_earliest_the_start_is_committed_at_once() {
    let mut driver = Driver::new(config());
    let lines = driver.assign(1, &[uncommitted(0)]);
    assert_eq!(lines, ["assigned 1: 0@0", "commit 1: 0=0"]);
}

#[test]
fn from_latest_nothing_is_fetched_before_the_start_is_committed() {
    let mut driver = Driver::new(latest());
    assert_eq!(driver.assign(1, &[uncommitted(0)]), ["commit 1: 0=100"]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Unknown), [""; 0]);
    assert_eq!(driver.at(1_000), ["commit 2: 0=100"]);
    assert_eq!(driver.commit_ends(2, CommitOutcome::Failed), [""; 0]);
    assert_eq!(driver.at(2_000), ["commit 3: 0=100"]);
    assert_eq!(
        driver.commit_ends(3, CommitOutcome::Ok),
        ["assigned 1: 0@100"]
    );
}

#[test]
fn a_partition_that_was_added_later_is_read_from_its_start() {
    let mut driver = Driver::new(latest());
    let lines = driver.assign(1, &[founded_with(2, 2)]);
    assert_eq!(lines, ["assigned 1: 2@0", "commit 1: 2=0"]);
    let lines = Driver::new(latest()).assign(1, &[founded_with(0, 0)]);
    assert_eq!(
        lines,
        ["assigned 1: 0@0", "commit 1: 0=0"],
        "all were added later"
    );
}

#[test]
fn a_commit_names_the_partitions_that_the_topic_had_at_first() {
    for (assignment, expected) in [(uncommitted(0), 4), (founded_with(0, 3), 3)] {
        let mut consumer = Consumer::<()>::new(config());
        let event = Event::Assigned {
            rebalance: RebalanceId(1),
            partitions: vec![assignment],
        };
        consumer.handle_event(Instant::ZERO, event);
        let commands = std::iter::from_fn(|| consumer.poll_command());
        let founding = commands.filter_map(|command| match command {
            Command::Commit { offsets, .. } => Some(offsets[0].founding_partitions),
            _ => None,
        });
        assert_eq!(founding.collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn a_start_is_committed_before_the_partition_is_given_up_if_that_is_possible_in_time() {
    let mut driver = Driver::new(latest());
    driver.assign(1, &[uncommitted(0)]);
    assert_eq!(driver.revoke(2, &[0]), ["assigned 1:"]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Failed), [""; 0]);
    assert_eq!(driver.at(100), ["commit 2: 0=100"]);
    assert_eq!(driver.commit_ends(2, CommitOutcome::Failed), [""; 0]);
    assert_eq!(driver.at(200), ["commit 3: 0=100"]);
    assert_eq!(driver.at(12_500), ["revoked 2"]);
}

#[test]
fn assigned_again_it_begins_anew() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..12);
    let lines = driver.assign(2, &[committed(0, 20)]);
    assert_eq!(lines, ["cancel 0/10", "assigned 2: 0@20"]);
    assert_eq!(driver.consumer.in_flight(), 0);
    let status = driver.consumer.partition(id(0)).unwrap();
    assert_eq!(status.watermark, NextOffset::new(20));
}
