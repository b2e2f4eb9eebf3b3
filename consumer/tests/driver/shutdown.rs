//! Shutdowns of the driver.

use crate::client::{P, Seen, config, settle, start};
use plimsoll::Message;
use plimsoll_core::{Command, CommitOutcome, Event};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_shutdown_finishes_what_is_in_flight_commits_and_closes() {
    let seen = Seen::default();
    let log = seen.clone();
    let mut running = start(config(), move |message: Message| {
        let log = log.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            log.note(format!("{}", message.offset()));
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0, 1]);
    settle().await;
    running.stop();
    assert_eq!(running.commit().await, 1);
    assert_eq!(running.command().await, Command::Close);
    assert_eq!(running.driver.await.unwrap(), Ok(()));
    assert_eq!(seen.take(), ["0"]);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_in_time_whatever_handlers_and_brokers_do() {
    let mut running = start(config(), |message: Message| async move {
        if message.offset() == 1 {
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0, 1]);
    settle().await;
    running.stop();
    let began = tokio::time::Instant::now();
    // The commit is never answered.
    assert!(matches!(running.command().await, Command::Commit { .. }));
    while running.command().await != Command::Close {}
    assert!(
        began.elapsed() <= Duration::from_millis(12_510),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(running.driver.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn the_last_commit_is_tried_until_it_is_accepted() {
    let mut running = start(config(), |_: Message| async { Ok(()) });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0, 1]);
    settle().await;
    running.stop();
    let began = tokio::time::Instant::now();
    for outcome in [CommitOutcome::Failed; 90] {
        let Command::Commit { commit, offsets } = running.command().await else {
            panic!("expected Commit");
        };
        assert_eq!(offsets[0].next.get(), 2);
        running.tell(Event::CommitFinished { commit, outcome });
    }
    assert_eq!(running.commit().await, 2);
    assert_eq!(running.command().await, Command::Close);
    assert!(
        began.elapsed() > Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(running.driver.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_without_partitions_stops_at_once() {
    let mut running = start(config(), |_: Message| async { Ok(()) });
    settle().await;
    running.stop();
    assert_eq!(running.command().await, Command::Close);
    assert_eq!(running.driver.await.unwrap(), Ok(()));
}
