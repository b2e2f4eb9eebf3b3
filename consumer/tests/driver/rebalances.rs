//! Partitions that come and go while handlers are in flight.

use crate::client::{NotesItsEnd, P, Seen, config, settle, start};
use plimsoll::{Handler, HandlerError, Message};
use plimsoll_core::{Command, TopicPartition};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A handler that takes a set time, and notes its start and its end.
struct Slow {
    seen: Seen,
    takes: Duration,
}

impl Handler for Slow {
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        self.seen.note(format!("+{}", message.offset()));
        tokio::time::sleep(self.takes).await;
        self.seen.note(format!("-{}", message.offset()));
        Ok(())
    }
}

fn slow(seen: &Seen, takes: Duration) -> Slow {
    let seen = seen.clone();
    Slow { seen, takes }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_waits_for_the_handler_commits_and_answers() {
    let seen = Seen::default();
    let mut running = start(config(), slow(&seen, Duration::from_secs(3)));
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0, 1]);
    settle().await;
    let rebalance = running.revoke();
    assert_eq!(running.commit().await, 1);
    assert_eq!(
        seen.take(),
        ["+0", "-0"],
        "nothing starts after the revocation"
    );
    assert_eq!(
        running.command().await,
        Command::CompleteRevoke { rebalance }
    );
}

#[tokio::test(start_paused = true)]
async fn a_revocation_cancels_what_does_not_end_in_time() {
    let seen = Seen::default();
    let mut config = config();
    config.handler_deadline = None;
    let mut running = start(config, slow(&seen, Duration::from_secs(60)));
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    settle().await;
    let rebalance = running.revoke();
    assert_eq!(
        running.command().await,
        Command::CompleteRevoke { rebalance }
    );
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(seen.take(), ["+0"], "the handler was dropped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_waits_until_a_handler_that_was_cancelled_has_ended() {
    let seen = Seen::default();
    let log = seen.clone();
    let mut config = config();
    config.revoke_deadline = Duration::from_millis(100);
    let mut running = start(config, move |_: Message| {
        let end = NotesItsEnd(log.clone());
        async move {
            tokio::task::yield_now().await;
            // Blocks its thread, which nothing can cancel.
            std::thread::sleep(Duration::from_millis(600));
            std::future::pending::<()>().await;
            drop(end);
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let rebalance = running.revoke();
    assert_eq!(
        running.command().await,
        Command::CompleteRevoke { rebalance }
    );
    assert_eq!(seen.take(), ["dropped"]);
}

/// Work that does not end holds a revocation up within a bound, and other partitions not at all.
#[tokio::test(start_paused = true)]
async fn a_revocation_waits_within_a_bound_and_holds_up_no_other_partition() {
    let seen = Seen::default();
    let log = seen.clone();
    let leaked = Arc::new(Mutex::new(Vec::new()));
    let mut running = start(config(), move |message: Message| {
        let (log, leaked) = (log.clone(), Arc::clone(&leaked));
        async move {
            if message.partition() == P.partition {
                leaked.lock().unwrap().push(message.cancellation());
                std::future::pending::<()>().await;
            }
            log.note(format!("{}", message.offset()));
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    let other = TopicPartition::new(0, 1);
    let other_epoch = running.assign(other).await;
    running.fetch(epoch, [0]);
    settle().await;
    let began = tokio::time::Instant::now();
    let rebalance = running.lose();
    settle().await;
    assert!(running.is_quiet(), "it waits for the handler");
    running.fetch_of(other, other_epoch, [7]);
    settle().await;
    assert_eq!(seen.take(), ["7"]);
    assert_eq!(running.commit().await, 8);
    assert_eq!(
        running.command().await,
        Command::CompleteRevoke { rebalance }
    );
    let waited = began.elapsed().as_millis();
    assert!((5_000..=5_010).contains(&waited), "{waited} ms");
}

/// The attempts at a record are one at a time, also where it was lost and came back meanwhile.
#[tokio::test(start_paused = true)]
async fn a_record_that_comes_back_waits_for_the_end_of_its_old_attempt() {
    let seen = Seen::default();
    let log = seen.clone();
    let mut running = start(config(), move |message: Message| {
        let log = log.clone();
        async move {
            let cancellation = message.cancellation();
            log.note("begun");
            if log.is_first() {
                let log = log.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(8)).await;
                    log.note("ended");
                    drop(cancellation);
                });
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    settle().await;
    let rebalance = running.lose();
    assert_eq!(
        running.command().await,
        Command::CompleteRevoke { rebalance }
    );
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    assert_eq!(running.commit().await, 1);
    assert_eq!(seen.take(), ["begun", "ended", "begun"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_partition_is_dropped_at_once_and_nothing_is_committed() {
    let seen = Seen::default();
    let mut running = start(config(), slow(&seen, Duration::from_secs(3)));
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0, 1]);
    settle().await;
    let rebalance = running.lose();
    assert_eq!(
        running.command().await,
        Command::CompleteRevoke { rebalance }
    );
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(seen.take(), ["+0"]);
    assert!(running.is_quiet());
}

#[tokio::test(start_paused = true)]
async fn records_of_an_old_assignment_are_not_handled() {
    let seen = Seen::default();
    let mut running = start(config(), slow(&seen, Duration::from_millis(1)));
    let old = running.assign(P).await;
    let rebalance = running.revoke();
    assert_eq!(
        running.command().await,
        Command::CompleteRevoke { rebalance }
    );
    let new = running.assign(P).await;
    assert_ne!(old, new);
    running.fetch(old, [0, 1, 2]);
    running.fetch(new, [0]);
    assert_eq!(running.commit().await, 1);
    assert_eq!(seen.take(), ["+0", "-0"]);
}
