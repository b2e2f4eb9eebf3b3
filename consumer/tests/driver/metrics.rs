//! Metrics and the health of a driver.

use crate::client::{P, config, settle, start};
use crate::recorder::Gauges;
use metrics::{Gauge, GaugeFn, Key};
use plimsoll::{Health, Message, Phase};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

/// A gauge that counts how often it is set.
#[derive(Clone, Default)]
struct Updates(Arc<AtomicUsize>);

impl GaugeFn for Updates {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, _: f64) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Moves the clock on, without a pause for other tasks.
async fn spend(time: Duration) {
    let mut advance = pin!(tokio::time::advance(time));
    poll_fn(|cx| {
        let _ = advance.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
}

/// Each handler takes a tenth of a millisecond, and the next records are always there.
#[test]
fn a_backlog_does_not_hold_up_the_metrics() {
    let updates = Updates::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let recorder = Gauges(|key: &Key| match key.name() {
        "plimsoll_in_flight" => Gauge::from_arc(Arc::new(updates.clone())),
        _ => Gauge::noop(),
    });
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let mut running = start(config(), |_: Message| async {
                spend(Duration::from_micros(100)).await;
                Ok(())
            });
            let epoch = running.assign(P).await;
            for offset in 0..50_000 {
                running.fetch(epoch, [offset]);
            }
            settle().await;
            while running.commit().await < 50_000 {}
        });
    });
    let updates = updates.0.load(Ordering::Relaxed);
    assert!((10..=20).contains(&updates), "{updates} updates in 5 s");
}

/// A partition that stands still fetches nothing that would tell the end of its log.
#[tokio::test(start_paused = true)]
async fn the_ends_of_logs_are_asked_for_while_a_handler_hangs() {
    let mut running = start(config(), |_: Message| std::future::pending());
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let asked = running.asked.load(Ordering::Relaxed);
    assert!((2..=3).contains(&asked), "{asked} questions in 4 s");
}

/// Returns whether it is ready, the number of its partitions, and what cannot be read.
async fn probe(health: &Health) -> (bool, usize, Vec<(String, u32)>, Vec<String>) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let report = health.report();
    let is_ready = report.is_ready();
    let topics = report.unavailable_topics;
    (is_ready, report.partitions, report.standing_still, topics)
}

#[tokio::test(start_paused = true)]
async fn health_tells_what_cannot_be_read_and_the_end() {
    assert!(
        !Health::default().report().is_ready(),
        "it does not run yet"
    );
    let mut running = start(config(), async |_: Message| Ok(()));
    let health = running.health.clone();
    assert_eq!(probe(&health).await, (true, 0, vec![], vec![]));
    running.assign(P).await;
    assert_eq!(probe(&health).await, (true, 1, vec![], vec![]));
    running.failing.store(true, Ordering::Relaxed);
    let still = vec![("orders".to_owned(), P.partition)];
    assert_eq!(probe(&health).await, (false, 1, still, vec![]));
    running.failing.store(false, Ordering::Relaxed);
    running.unavailable.store(true, Ordering::Relaxed);
    let topics = vec!["orders".to_owned()];
    assert_eq!(probe(&health).await, (false, 1, vec![], topics));
    running.driver.abort();
    settle().await;
    assert_eq!(health.report().phase, Phase::Ended);
}
