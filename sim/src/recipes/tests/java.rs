//! Java's recipes, event by event.

use super::*;

const JAVA: [Subject; 2] = [Subject::JavaAutoCommit, Subject::JavaCommitSync];

/// What a poll returned is committed by the next one, and that comes when all of it is handled.
#[test]
fn auto_commit_commits_nothing_of_which_the_handler_has_not_returned() {
    let mut driver = Driver::new(Subject::JavaAutoCommit, InitialPosition::Earliest);
    let epochs = driver.assign();
    assert_eq!(dispatched(&driver.fetch(P0, epochs[0].1, &[2, 3])), [2]);
    assert_eq!(driver.pass(1_500), [], "the loop is in its handler");
    let commands = driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    assert_eq!(dispatched(&commands), [3]);
    assert_eq!(
        commits(&commands),
        Vec::<Vec<_>>::new(),
        "nor is it polling"
    );
    let commands = driver.process(P0, epochs[0].1, 3, Outcome::Ok);
    // The position of the other partition is committed with it: nothing was before.
    assert_eq!(commits(&commands), [vec![(0, 4), (1, 1)]]);
}

#[test]
fn auto_commit_asks_nobody_whether_a_handler_failed() {
    let mut driver = Driver::new(Subject::JavaAutoCommit, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2]);
    driver.process(P0, epochs[0].1, 2, Outcome::Permanent);
    assert_eq!(commits(&driver.pass(1_000)), [vec![(0, 3), (1, 1)]]);
}

#[test]
fn auto_commit_commits_all_positions_in_each_interval() {
    let mut driver = Driver::new(Subject::JavaAutoCommit, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2]);
    driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    assert_eq!(commits(&driver.pass(1_000)), [vec![(0, 3), (1, 1)]]);
    for (number, outcome) in [(1, CommitOutcome::Failed), (2, CommitOutcome::Ok)] {
        assert_eq!(driver.pass(10_000), [], "one is in flight");
        let commands = driver.committed(number, outcome);
        assert_eq!(commits(&commands), [vec![(0, 3), (1, 1)]]);
    }
}

#[test]
fn commit_sync_commits_what_a_poll_returned_past_what_failed() {
    let mut driver = Driver::new(Subject::JavaCommitSync, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2, 3]);
    driver.process(P0, epochs[0].1, 2, Outcome::Retryable);
    assert_eq!(driver.pass(10_000), [], "there is no timer");
    let commands = driver.process(P0, epochs[0].1, 3, Outcome::Ok);
    assert_eq!(commits(&commands), [vec![(0, 4), (1, 1)]]);
}

/// `onJoinPrepare` commits with auto-commit alone; the loop has committed before the next poll.
#[test]
fn a_revocation_waits_for_the_commit_of_auto_commit() {
    for subject in JAVA {
        let mut driver = Driver::new(subject, InitialPosition::Earliest);
        let epochs = driver.assign();
        driver.fetch(P0, epochs[0].1, &[2]);
        driver.process(P0, epochs[0].1, 2, Outcome::Ok);
        if subject == Subject::JavaCommitSync {
            driver.committed(1, CommitOutcome::Ok);
            assert!(gives_up(&driver.revoke()));
        } else {
            let commands = driver.revoke();
            assert_eq!(commits(&commands), [vec![(0, 3), (1, 1)]]);
            assert!(!gives_up(&commands));
            assert!(gives_up(&driver.committed(1, CommitOutcome::Failed)));
        }
    }
}

/// `onJoinPrepare` commits, and `onJoinComplete` only revokes.
#[test]
fn auto_commit_commits_before_a_cooperative_join_and_not_when_partitions_go_after_it() {
    let mut driver = Driver::new(Subject::JavaAutoCommit, InitialPosition::Earliest);
    for commit in [1, 2] {
        let epochs = driver.assign();
        let rebalance = driver.rebalance();
        let commands = driver.tell(Event::Revoked {
            rebalance,
            partitions: Vec::new(),
        });
        assert_eq!(commits(&commands), [vec![(0, 2), (1, 1)]]);
        assert!(gives_up(&driver.committed(commit, CommitOutcome::Ok)));
        driver.fetch(P0, epochs[0].1, &[2]);
        driver.process(P0, epochs[0].1, 2, Outcome::Ok);
        let commands = driver.revoke();
        assert_eq!(commits(&commands), Vec::<Vec<_>>::new());
        assert!(gives_up(&commands));
    }
}

#[test]
fn the_loop_ends_behind_the_records_of_its_last_poll() {
    for subject in JAVA {
        let mut driver = Driver::new(subject, InitialPosition::Earliest);
        let epochs = driver.assign();
        driver.fetch(P0, epochs[0].1, &[2, 3]);
        assert_eq!(driver.tell(Event::Shutdown), [], "{subject}");
        let commands = driver.process(P0, epochs[0].1, 2, Outcome::Ok);
        assert_eq!(dispatched(&commands), [3], "{subject}");
        let commands = driver.process(P0, epochs[0].1, 3, Outcome::Ok);
        assert_eq!(commits(&commands), [vec![(0, 4), (1, 1)]], "{subject}");
        let commands = driver.committed(1, CommitOutcome::Ok);
        assert_eq!(commands, [Command::Close], "{subject}");
    }
}

/// `ConsumerUtils.DEFAULT_CLOSE_TIMEOUT_MS`.
#[test]
fn a_close_waits_for_its_commit_no_longer_than_half_a_minute() {
    let mut driver = Driver::new(Subject::JavaAutoCommit, InitialPosition::Earliest);
    let epochs = driver.assign();
    driver.fetch(P0, epochs[0].1, &[2]);
    driver.process(P0, epochs[0].1, 2, Outcome::Ok);
    assert_eq!(commits(&driver.tell(Event::Shutdown)).len(), 1);
    assert_eq!(driver.pass(29_999), []);
    assert_eq!(driver.pass(1), [Command::Close]);
}

#[test]
fn what_is_lost_is_forgotten_and_the_rest_goes_on() {
    for subject in JAVA {
        let mut driver = Driver::new(subject, InitialPosition::Earliest);
        let epochs = driver.assign();
        let rebalance = driver.rebalance();
        let commands = driver.tell(Event::Lost {
            rebalance,
            partitions: vec![P1],
        });
        assert_eq!(commands, [Command::CompleteRevoke { rebalance }]);
        assert_eq!(driver.fetch(P1, epochs[1].1, &[1]), [], "{subject}");
        let commands = driver.fetch(P0, epochs[0].1, &[2]);
        assert_eq!(dispatched(&commands), [2], "{subject}");
    }
}
