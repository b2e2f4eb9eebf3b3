//! Recipes, event by event.

mod java;

use super::{Payload, SubjectSpec};
use plimsoll_core::{
    Assignment, AssignmentEpoch, Command, CommitId, CommitOutcome, CommitPolicy, Config, Event,
    InitialPosition, Instant, Machine, NextOffset, Offset, Outcome, RebalanceId, Record,
    TopicPartition,
};
use plimsoll_oracle::MessageId;
use plimsoll_scenarios::Subject;
use std::time::Duration;

const P0: TopicPartition = TopicPartition::new(0, 0);
const P1: TopicPartition = TopicPartition::new(0, 1);

struct Driver {
    machine: Box<dyn Machine<Payload>>,
    now: Instant,
    rebalances: u32,
}

impl Driver {
    fn new(subject: Subject, initial: InitialPosition) -> Self {
        let config = Config {
            initial,
            commit: CommitPolicy {
                interval: Some(Duration::from_secs(1)),
                every: None,
            },
            ..Config::default()
        };
        Self {
            machine: (SubjectSpec::of(subject).expect("it is ours").build)(&config),
            now: Instant::from_millis(10_000),
            rebalances: 0,
        }
    }

    fn tell(&mut self, event: Event<Payload>) -> Vec<Command<Payload>> {
        self.machine.handle_event(self.now, event);
        self.commands()
    }

    fn commands(&mut self) -> Vec<Command<Payload>> {
        std::iter::from_fn(|| self.machine.poll_command()).collect()
    }

    fn rebalance(&mut self) -> RebalanceId {
        self.rebalances += 1;
        RebalanceId(self.rebalances)
    }

    /// Assigns two partitions of 10 records, offset 2 committed for the first.
    fn assign(&mut self) -> Vec<(u64, AssignmentEpoch)> {
        let rebalance = self.rebalance();
        let assignment = |partition, committed| Assignment {
            partition,
            committed,
            log_start: NextOffset::new(1),
            high_watermark: NextOffset::new(10),
            founding_partitions: None,
            partitions: 2,
        };
        let partitions = vec![
            assignment(P0, Some(NextOffset::new(2))),
            assignment(P1, None),
        ];
        let commands = self.tell(Event::Assigned {
            rebalance,
            partitions,
        });
        let [Command::CompleteAssign { starts, .. }] = &commands[..] else {
            panic!("{commands:?}");
        };
        starts
            .iter()
            .map(|start| (start.position.get(), start.epoch))
            .collect()
    }

    fn fetch(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offsets: &[u64],
    ) -> Vec<Command<Payload>> {
        let records = offsets.iter().map(|offset| Record {
            offset: Offset::new(*offset),
            key: None,
            bytes: 1,
            payload: Payload {
                message: MessageId(*offset as u32),
                key: None,
            },
        });
        let records = records.collect();
        self.tell(Event::Fetched {
            partition,
            epoch,
            records,
        })
    }

    fn process(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offset: u64,
        outcome: Outcome,
    ) -> Vec<Command<Payload>> {
        let offset = Offset::new(offset);
        self.tell(Event::Processed {
            partition,
            epoch,
            offset,
            attempt: 1,
            outcome,
        })
    }

    fn revoke(&mut self) -> Vec<Command<Payload>> {
        let rebalance = self.rebalance();
        self.tell(Event::Revoked {
            rebalance,
            partitions: vec![P0, P1],
        })
    }

    fn pass(&mut self, millis: u64) -> Vec<Command<Payload>> {
        self.now += Duration::from_millis(millis);
        self.machine.handle_timeout(self.now);
        self.commands()
    }

    fn committed(&mut self, id: u32, outcome: CommitOutcome) -> Vec<Command<Payload>> {
        self.tell(Event::CommitFinished {
            commit: CommitId(id),
            outcome,
        })
    }
}

/// Returns the offsets of the records that are dispatched.
fn dispatched(commands: &[Command<Payload>]) -> Vec<u64> {
    let offsets = commands.iter().filter_map(|command| match command {
        Command::Dispatch { record, .. } => Some(record.offset.get()),
        _ => None,
    });
    offsets.collect()
}

/// Returns what the commits among the commands carry.
fn commits(commands: &[Command<Payload>]) -> Vec<Vec<(u32, u64)>> {
    let commits = commands.iter().filter_map(|command| match command {
        Command::Commit { offsets, .. } => {
            let offsets = offsets
                .iter()
                .map(|o| (o.partition.partition, o.next.get()));
            Some(offsets.collect())
        }
        _ => None,
    });
    commits.collect()
}

fn gives_up(commands: &[Command<Payload>]) -> bool {
    matches!(commands.last(), Some(Command::CompleteRevoke { .. }))
}

#[test]
fn without_a_commit_recipes_start_where_the_configuration_says_each_time() {
    for subject in [
        Subject::SaramaManualMark,
        Subject::SaramaAutoMark,
        Subject::AutoCommit,
    ] {
        for (initial, start) in [
            (InitialPosition::Earliest, 1),
            (InitialPosition::Latest, 10),
        ] {
            let mut driver = Driver::new(subject, initial);
            for _ in 0..2 {
                let starts: Vec<u64> = driver.assign().iter().map(|(at, _)| *at).collect();
                assert_eq!(starts, [2, start], "{subject}");
                assert!(gives_up(&driver.revoke()), "{subject}");
            }
        }
    }
}

#[test]
fn sarama_handles_one_message_of_each_claim_at_a_time_and_goes_on_after_a_failure() {
    let mut driver = Driver::new(Subject::SaramaAutoMark, InitialPosition::Earliest);
    let epochs = driver.assign();
    assert_eq!(dispatched(&driver.fetch(P0, epochs[0].1, &[2, 3])), [2]);
    assert_eq!(dispatched(&driver.fetch(P1, epochs[1].1, &[1, 2])), [1]);
    assert_eq!(
        dispatched(&driver.process(P0, epochs[0].1, 2, Outcome::Retryable)),
        [3]
    );
    assert_eq!(
        dispatched(&driver.process(P0, epochs[0].1, 3, Outcome::Ok)),
        [0; 0]
    );
    // The failed record is below what is committed.
    assert_eq!(commits(&driver.pass(1_000)), [vec![(0, 4)]]);
}

#[test]
fn auto_mark_commits_at_the_tick_and_only_what_changed() {
    let mut driver = Driver::new(Subject::SaramaAutoMark, InitialPosition::Earliest);
    let epochs = driver.assign();
    assert_eq!(driver.machine.poll_timeout(), None);
    driver.fetch(P0, epochs[0].1, &[2, 3]);
    driver.pass(300);
    driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    // The ticker counts from the beginning of the session.
    assert_eq!(
        driver.machine.poll_timeout(),
        Some(Instant::from_millis(11_000))
    );
    assert_eq!(commits(&driver.pass(700)), [vec![(0, 3)]]);
    driver.process(P0, epochs[0].1, 3, Outcome::Ok);
    assert_eq!(
        driver.machine.poll_timeout(),
        None,
        "the commit in flight blocks the ticker"
    );
    driver.committed(1, CommitOutcome::Ok);
    assert_eq!(commits(&driver.pass(1_000)), [vec![(0, 4)]]);
    driver.committed(2, CommitOutcome::Failed);
    assert_eq!(
        commits(&driver.pass(1_000)),
        [vec![(0, 4)]],
        "what failed is sent again"
    );
    driver.committed(3, CommitOutcome::Ok);
    assert_eq!(driver.machine.poll_timeout(), None);
}

#[test]
fn a_session_ends_after_the_messages_at_hand_and_flushes_only_with_auto_commit() {
    for (subject, flushes) in [
        (Subject::SaramaManualMark, false),
        (Subject::SaramaAutoMark, true),
    ] {
        let mut driver = Driver::new(subject, InitialPosition::Earliest);
        let epochs = driver.assign();
        driver.fetch(P0, epochs[0].1, &[2, 3, 4]);
        assert_eq!(driver.revoke(), [], "a handler is in flight");
        // `range claim.Messages()` ends with the last message that the channel holds.
        for next in [3, 4] {
            let commands = driver.process(P0, epochs[0].1, next - 1, Outcome::Ok);
            assert_eq!(dispatched(&commands), [next]);
        }
        assert_eq!(driver.fetch(P0, epochs[0].1, &[5]), [], "no others come");
        let commands = driver.process(P0, epochs[0].1, 4, Outcome::Ok);
        if flushes {
            assert_eq!(commits(&commands), [vec![(0, 5)]]);
            assert!(gives_up(&driver.committed(1, CommitOutcome::Ok)));
        } else {
            assert!(gives_up(&commands));
        }
    }
}

#[test]
fn a_mark_is_a_maximum() {
    let mut driver = Driver::new(Subject::SaramaAutoMark, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[5, 3]);
    driver.process(P0, epochs[0].1, 5, Outcome::Ok);
    driver.process(P0, epochs[0].1, 3, Outcome::Ok);
    assert_eq!(commits(&driver.pass(1_000)), [vec![(0, 6)]]);
}

#[test]
fn manual_mark_never_commits() {
    let mut driver = Driver::new(Subject::SaramaManualMark, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2, 3]);
    driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    driver.process(P0, epochs[0].1, 3, Outcome::Ok);
    assert_eq!(driver.machine.poll_timeout(), None);
    assert_eq!(driver.pass(60_000), []);
    assert_eq!(driver.tell(Event::Shutdown), [Command::Close]);
}

#[test]
fn a_flush_is_tried_again_three_times() {
    let mut driver = Driver::new(Subject::SaramaAutoMark, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2]);
    driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    driver.revoke();
    for id in 1..=3 {
        assert_eq!(
            commits(&driver.committed(id, CommitOutcome::Failed)).len(),
            1,
            "{id}"
        );
    }
    assert!(gives_up(&driver.committed(4, CommitOutcome::Failed)));
}

#[test]
fn a_lost_session_waits_for_its_claims_and_commits_nothing() {
    let mut driver = Driver::new(Subject::SaramaAutoMark, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2, 3]);
    driver.revoke();
    let rebalance = driver.rebalance();
    let partitions = vec![P0, P1];
    assert_eq!(
        driver.tell(Event::Lost {
            rebalance,
            partitions
        }),
        []
    );
    assert_eq!(
        dispatched(&driver.process(P0, epochs[0].1, 2, Outcome::Ok)),
        [3]
    );
    let commands = driver.process(P0, epochs[0].1, 3, Outcome::Ok);
    assert_eq!(commands, [Command::CompleteRevoke { rebalance }]);
}

#[test]
fn auto_commit_commits_what_was_polled_whatever_becomes_of_it() {
    let mut driver = Driver::new(Subject::AutoCommit, InitialPosition::Earliest);
    let epochs = driver.assign();
    assert_eq!(dispatched(&driver.fetch(P0, epochs[0].1, &[2, 3])), [2]);
    assert_eq!(
        dispatched(&driver.fetch(P1, epochs[1].1, &[1])),
        [0; 0],
        "one at a time"
    );
    assert_eq!(
        dispatched(&driver.process(P0, epochs[0].1, 2, Outcome::Permanent)),
        [3]
    );
    // Offset 3 was polled and is being handled: it counts.
    assert_eq!(commits(&driver.pass(1_000)), [vec![(0, 4)]]);
}

#[test]
fn auto_commit_commits_when_it_gives_up_and_when_it_closes() {
    let mut driver = Driver::new(Subject::AutoCommit, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2]);
    driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    let commands = driver.revoke();
    assert_eq!(commits(&commands), [vec![(0, 3)]]);
    assert!(gives_up(&commands), "the client waits for the commit");
    assert_eq!(driver.committed(1, CommitOutcome::Failed), []);

    // The answer to a loss clears its mark before what is stored is looked at.
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2]);
    driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    let rebalance = driver.rebalance();
    let commands = driver.tell(Event::Lost {
        rebalance,
        partitions: vec![P0, P1],
    });
    assert_eq!(commits(&commands), [vec![(0, 3)]]);
    assert!(gives_up(&commands));
    assert_eq!(driver.committed(2, CommitOutcome::Failed), []);
    assert_eq!(commits(&driver.pass(10_000)), [[]; 0], "it is forgotten");

    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2, 3]);
    assert_eq!(
        driver.tell(Event::Shutdown),
        [],
        "the handler is in the poll loop"
    );
    let commands = driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    assert_eq!(commits(&commands), [vec![(0, 3)]]);
    assert_eq!(commands.last(), Some(&Command::Close));
    assert_eq!(driver.committed(3, CommitOutcome::Ok), []);
}

#[test]
fn out_of_range_goes_to_the_initial_position() {
    for (initial, to) in [
        (InitialPosition::Earliest, 5),
        (InitialPosition::Latest, 10),
    ] {
        let mut driver = Driver::new(Subject::AutoCommit, initial);
        let epoch = driver.assign()[0].1;
        let commands = driver.tell(Event::OutOfRange {
            partition: P0,
            epoch,
            position: NextOffset::new(2),
            log_start: NextOffset::new(5),
            high_watermark: NextOffset::new(10),
        });
        let position = NextOffset::new(to);
        assert_eq!(
            commands,
            [Command::Seek {
                partition: P0,
                epoch,
                position
            }]
        );
        // A claim of Sarama begins in range, and ends where its client is told otherwise.
        let mut driver = Driver::new(Subject::SaramaAutoMark, initial);
        let rebalance = driver.rebalance();
        let commands = driver.tell(Event::Assigned {
            rebalance,
            partitions: vec![Assignment {
                partition: P0,
                committed: Some(NextOffset::new(2)),
                log_start: NextOffset::new(5),
                high_watermark: NextOffset::new(10),
                founding_partitions: None,
                partitions: 2,
            }],
        });
        let [Command::CompleteAssign { starts, .. }] = &commands[..] else {
            panic!("{commands:?}");
        };
        assert_eq!(starts[0].position, position);
    }
}

#[test]
fn what_is_not_given_up_goes_on() {
    for subject in [Subject::SaramaAutoMark, Subject::AutoCommit] {
        let mut driver = Driver::new(subject, InitialPosition::Earliest);
        let epochs = driver.assign();
        driver.fetch(P0, epochs[0].1, &[2]);
        driver.process(P0, epochs[0].1, 2, Outcome::Ok);
        let rebalance = driver.rebalance();
        let partitions = vec![P1];
        let mut commands = driver.tell(Event::Revoked {
            rebalance,
            partitions,
        });
        if !gives_up(&commands) {
            commands = driver.committed(1, CommitOutcome::Ok);
        }
        assert!(gives_up(&commands), "{subject}");
        assert_eq!(
            dispatched(&driver.fetch(P0, epochs[0].1, &[3])),
            [3],
            "{subject}"
        );
    }
}

#[test]
fn auto_commit_tries_again_what_was_not_committed() {
    let mut driver = Driver::new(Subject::AutoCommit, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2]);
    driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    assert_eq!(commits(&driver.pass(1_000)), [vec![(0, 3)]]);
    driver.committed(1, CommitOutcome::Failed);
    assert_eq!(commits(&driver.pass(1_000)), [vec![(0, 3)]]);
    driver.committed(2, CommitOutcome::Ok);
    assert_eq!(commits(&driver.pass(10_000)), Vec::<Vec<_>>::new());
}
