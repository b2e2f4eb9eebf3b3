//! Schedules in which real consumers lost, repeated or reordered records, each as the trace that
//! it leaves, with every property that it breaks. In brackets stands the report.

use super::{Ask, broken};
use crate::Property::{self, *};

#[track_caller]
fn convicts(asks: &[Ask], script: &str, expected: &[Property]) {
    assert_eq!(broken(asks, script), expected);
}

/// Crashes between effect and commit (the control): a bounded duplicate, and no loss.
#[test]
fn crash_between_effect_and_commit() {
    let script = "keys 1\nA assigned p0 0\nstore p0 0..3\nA does p0 0..2\n@2\nA begins p0 2\nA ok p0 2\nA crashes\n@13\nB assigned p0 0\nB does p0 0..3\nB commits p0 3\nend";
    convicts(&[], script, &[]);
}

/// Never commits, with auto-commit off (Sarama): from oldest everything comes again.
#[test]
fn manual_never_commits_from_oldest() {
    let script = "A assigned p0 0\nstore p0 0..5\nA does p0 0..5\n@20\nA stopping\nA stopped\n@21\nstore p0 5..10\n@30\nA starts\nA assigned p0 0\nA does p0 0..10\nend late";
    convicts(&[], script, &[BoundedDuplicates, Liveness, CleanShutdown]);
}

/// Never commits, from newest: what arrived while it was down is lost (sarama#1570).
#[test]
fn manual_never_commits_from_newest() {
    let script = "A assigned p0 0\nstore p0 0..5\nA does p0 0..5\n@20\nA stopping\nA stopped\n@21\nstore p0 5..10\n@30\nA starts\nA assigned p0 10\nend late";
    convicts(&[Ask::Latest], script, &[NoLoss, Liveness]);
}

/// Marks a success after a failed record, with a mark that is a maximum (sarama-cluster#148).
#[test]
fn mark_past_failure() {
    let script = "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA begins p0 1\nA fails p0 1\nA does p0 2\nA commits p0 3\n@5\nA crashes\n@16\nB assigned p0 3\nend";
    convicts(&[], script, &[NoLoss, CommitCoversOnlyFinished]);
}

/// Commits the highest record that is done, with workers side by side (vector#24215).
#[test]
fn parallel_max_commit() {
    let script = "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA begins p0 1\nA does p0 2\nA commits p0 3\nA crashes\nA cancelled p0 1\n@12\nB assigned p0 3\nend";
    convicts(&[], script, &[NoLoss, CommitCoversOnlyFinished]);
}

/// Stores an offset before the work (librdkafka#1122).
#[test]
fn autostore_before_process() {
    let script = "A assigned p0 0\nstore p0 0\nA begins p0 0\nA commits p0 1\nA crashes\nA cancelled p0 0\n@12\nB assigned p0 1\nend";
    convicts(&[], script, &[NoLoss, CommitCoversOnlyFinished]);
}

/// Commits on closing what was only polled (the Java client).
#[test]
fn close_commits_unprocessed() {
    let script = "A assigned p0 0\nstore p0 0..5\nA does p0 0\nA begins p0 1\nA fails p0 1\nA stopping\nA commits p0 5\nA stopped\nB assigned p0 5\nend";
    convicts(&[], script, &[NoLoss, CommitCoversOnlyFinished]);
}

/// Commits on a revocation the highest seen, with the work still to do (parallel-consumer#826).
#[test]
fn commit_highest_seen() {
    let script = "A assigned p0 0\nstore p0 0\nA revoked p0\nA commits p0 1\nA released p0\nB assigned p0 1\nend";
    convicts(&[], script, &[NoLoss, CommitCoversOnlyFinished]);
}

/// Commits after the partition went to another (connect#4477): what B had not done is lost.
#[test]
fn commit_after_revoke() {
    let script = "A assigned p0 0\nstore p0 0..9\nA begins p0 3\nA does p0 0..3\nA revoked p0\nA released p0\nB assigned p0 3\nB commits p0 3\nA commits p0 9\nB crashes\n@15\nC assigned p0 9\nend";
    convicts(&[], script, &[NoLoss, CommitCoversOnlyFinished, NoZombie]);
}

/// Repeats a commit that timed out, after a newer one (spring-kafka PR2088).
#[test]
fn async_retry_reorders() {
    let script = "A assigned p0 0\nstore p0 0..7\nA does p0 0..7\nA sends\nA unknown\nA commits p0 7\nA commits p0 3\n@1\nA crashes\n@12\nB assigned p0 3\nB does p0 3..7\nB commits p0 7\nend";
    convicts(&[], script, &[NoRewind]);
}

/// Commits an offset that is one too high (confluent-kafka-go#195).
#[test]
fn wrong_plus_one() {
    let script = "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 2\nA crashes\nstore p0 1\n@12\nB assigned p0 2\nend late";
    convicts(&[], script, &[NoLoss, CommitCoversOnlyFinished, Liveness]);
}

/// Delivers a buffer that outlives the revocation (kafka-go#1398).
#[test]
fn revoked_buffer_delivered() {
    let script = "keys 1\nA assigned p0 0\nstore p0 0..6\nA does p0 0..3\nA revoked p0\nA commits p0 3\nA released p0\nB assigned p0 3\nB begins p0 3\nA does p0 5\nB ok p0 3\nB does p0 4..6\nB commits p0 6\nend";
    convicts(&[], script, &[NoZombie, KeyOrder]);
}

/// Starts from latest, and commits nothing while idle (kafka-go#904).
#[test]
fn latest_uncommitted() {
    let script = "A assigned p0 0\n@30\nA stopping\nA stopped\nstore p0 0..5\n@40\nB assigned p0 5\nend late";
    convicts(&[Ask::Latest], script, &[NoLoss, Liveness]);
}

/// Starts from latest on a partition that was added (sarama#1739, KAFKA-12261).
#[test]
fn latest_new_partition() {
    let script =
        "A assigned p0 0\nA commits p0 0\nstore p2 0..5\n@20\nA assigned p2 5\nA commits p2 5\nend";
    convicts(&[Ask::Latest], script, &[NoLoss, CommitCoversOnlyFinished]);
}

/// Does not await a dead letter, which the broker rejects (agent-kernel PR630).
#[test]
fn dead_letter_not_awaited() {
    let script = "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA commits p0 1\nend";
    convicts(
        &[],
        script,
        &[NoLoss, CommitCoversOnlyFinished, DeadLetterExact],
    );
}

/// Delivers a poison record again and again (spring-kafka#1287).
#[test]
fn poison_loop() {
    let script = "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nend late";
    convicts(&[], script, &[BoundedRedelivery, Liveness]);
}

/// Outlasts the poll deadline with a handler; both members write, and the late commit is refused
/// (confluent-kafka-dotnet#1155). A handler that began in time breaks no promise of ours: the
/// effect is a bounded duplicate.
#[test]
fn max_poll_zombie() {
    let script = "A assigned p0 0\nstore p0 0\nA begins p0 0\n@70\nB assigned p0 0\nB does p0 0\nB commits p0 1\nA ok p0 0\nA sends\nA refused\nA lost p0\nend";
    convicts(&[], script, &[]);
}

/// Goes on with its buffer, as a zombie that has learned of the loss.
#[test]
fn zombie_goes_on() {
    let script = "A assigned p0 0\nstore p0 0..2\nA begins p0 0\n@70\nB assigned p0 0\nB does p0 0..2\nB commits p0 2\nA ok p0 0\nA lost p0\nA does p0 1\nend";
    convicts(&[], script, &[NoZombie]);
}
