//! The ways of messages through handlers that succeed, fail, panic or hang.

use crate::client::{NotesItsEnd, P, Seen, config, settle, start};
use plimsoll::{ClientError, Config, HandlerError, Message, Ordering};
use plimsoll_core::{Command, Event, NextOffset};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn messages_are_handled_in_order_and_committed_after_the_interval() {
    let seen = Seen::default();
    let log = seen.clone();
    let mut running = start(config(), move |message: Message| {
        log.note(format!("{}", message.offset()));
        async { Ok(()) }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0, 1, 2]);
    settle().await;
    assert_eq!(seen.take(), ["0", "1", "2"]);
    assert!(running.is_quiet(), "no commit before the interval");
    assert_eq!(running.commit().await, 3);
    running.fetch(epoch, [3]);
    assert_eq!(running.commit().await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_failed_message_is_tried_again_with_its_error_and_holds_up_its_partition() {
    let seen = Seen::default();
    let log = seen.clone();
    let mut running = start(config(), move |message: Message| {
        let error = message.last_error().unwrap_or("-").to_owned();
        log.note(format!(
            "{} {} {error}",
            message.offset(),
            message.attempt()
        ));
        async move {
            match message.attempt() {
                1 if message.offset() == 0 => Err(HandlerError::retryable("busy")),
                _ => Ok(()),
            }
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0, 1]);
    settle().await;
    assert_eq!(seen.take(), ["0 1 -"]);
    assert_eq!(running.commit().await, 2);
    assert_eq!(seen.take(), ["0 2 busy", "1 1 -"]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_handled_is_dead_lettered_and_acknowledged_before_it_counts() {
    let mut running = start(config(), |message: Message| async move {
        match message.offset() {
            0 => Err(HandlerError::permanent("no such order")),
            1 => Err(HandlerError::retryable(format!(
                "busy {}",
                message.attempt()
            ))),
            _ => Ok(()),
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0, 1, 2]);
    for (offset, attempts, error) in [(0, 1, "no such order"), (1, 3, "busy 3")] {
        let Command::DeadLetter { record, .. } = running.command().await else {
            panic!("expected DeadLetter");
        };
        let message = record.payload;
        assert_eq!((message.offset(), message.attempt()), (offset, attempts));
        assert_eq!(message.last_error(), Some(error));
        tokio::time::sleep(Duration::from_secs(5)).await;
        let before = offset;
        if before > 0 {
            assert_eq!(running.commit().await, before);
        }
        assert!(running.is_quiet(), "nothing counts as finished");
        running.tell(Event::DeadLettered {
            partition: P,
            epoch,
            offset: record.offset,
            acknowledged: true,
        });
        settle().await;
    }
    assert_eq!(running.commit().await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_whether_at_once_or_later() {
    let seen = Seen::default();
    let log = seen.clone();
    let mut running = start(config(), move |message: Message| {
        log.note(message.last_error().unwrap_or("-"));
        assert!(message.attempt() != 1, "in the call");
        async move {
            if message.attempt() == 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
                panic!("in a task");
            }
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    assert_eq!(running.commit().await, 1);
    let seen = seen.take();
    assert_eq!(seen[..2], ["-", "the handler panicked: in the call"]);
    assert_eq!(seen[2], "the handler panicked: in a task");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_dropped_and_called_again() {
    let seen = Seen::default();
    let log = seen.clone();
    let mut running = start(config(), move |message: Message| {
        let guard = NotesItsEnd(log.clone());
        async move {
            let _guard = guard;
            if message.attempt() == 1 {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    tokio::time::sleep(Duration::from_millis(4_900)).await;
    assert!(seen.take().is_empty());
    assert_eq!(running.commit().await, 1);
    assert_eq!(seen.take(), ["dropped", "dropped"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_attempt_waits_until_a_handler_that_was_stopped_has_ended() {
    let seen = Seen::default();
    let log = seen.clone();
    let config = Config {
        handler_deadline: Some(Duration::from_millis(300)),
        ..config()
    };
    let mut running = start(config, move |message: Message| {
        let end = NotesItsEnd(log.clone());
        end.0.note(format!("attempt {}", message.attempt()));
        async move {
            tokio::task::yield_now().await;
            if message.attempt() == 1 {
                // Blocks its thread, which nothing can stop, past the start of the next attempt.
                std::thread::sleep(Duration::from_millis(550));
                std::future::pending::<()>().await;
            }
            drop(end);
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    assert_eq!(running.commit().await, 1);
    assert_eq!(
        seen.take(),
        ["attempt 1", "dropped", "attempt 2", "dropped"]
    );
}

/// A handler knows when it is stopped; it has a while to end by itself then, and the next attempt
/// waits for it.
#[tokio::test(start_paused = true)]
async fn a_handler_that_asks_is_told_that_it_is_stopped_and_ends_by_itself() {
    let seen = Seen::default();
    let log = seen.clone();
    let began = tokio::time::Instant::now();
    let mut running = start(config(), move |message: Message| {
        let log = log.clone();
        async move {
            if message.attempt() > 1 {
                log.note("again");
                return Ok(());
            }
            let deadline = message.deadline().expect("there is one");
            assert!(deadline - began <= Duration::from_secs(5));
            message.cancellation().cancelled().await;
            let late = tokio::time::Instant::now() - deadline;
            log.note(format!("stopped after {} s", late.as_secs()));
            tokio::time::sleep(Duration::from_secs(2)).await;
            log.note("ended");
            // Too late to count.
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    assert_eq!(running.commit().await, 1);
    assert_eq!(seen.take(), ["stopped after 0 s", "ended", "again"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_told_and_goes_on_is_dropped() {
    let seen = Seen::default();
    let log = seen.clone();
    let mut running = start(config(), move |message: Message| {
        let end = NotesItsEnd(log.clone());
        async move {
            let cancellation = message.cancellation();
            if message.attempt() == 1 {
                std::future::pending::<()>().await;
            }
            assert!(!cancellation.is_cancelled(), "that was another attempt");
            drop(end);
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    tokio::time::sleep(Duration::from_millis(7_900)).await;
    assert!(seen.take().is_empty());
    assert_eq!(running.commit().await, 1);
    assert_eq!(seen.take(), ["dropped", "dropped"]);
}

/// What a handler has started elsewhere counts as its work, where it has the cancellation.
#[tokio::test(start_paused = true)]
async fn the_next_attempt_waits_for_work_that_outlives_the_handler() {
    let seen = Seen::default();
    let log = seen.clone();
    let mut running = start(config(), move |message: Message| {
        let log = log.clone();
        async move {
            log.note(format!("attempt {}", message.attempt()));
            if message.attempt() == 1 {
                let cancellation = message.cancellation();
                tokio::spawn(async move {
                    cancellation.cancelled().await;
                    tokio::time::sleep(Duration::from_secs(4)).await;
                    log.note("done");
                });
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, [0]);
    assert_eq!(running.commit().await, 1);
    assert_eq!(seen.take(), ["attempt 1", "done", "attempt 2"]);
}

#[tokio::test(start_paused = true)]
async fn keys_are_handled_side_by_side_up_to_the_limit() {
    let seen = Seen::default();
    let log = seen.clone();
    let config = Config {
        ordering: Ordering::Key,
        max_in_flight: 3,
        ..config()
    };
    let mut running = start(config, move |message: Message| {
        let log = log.clone();
        async move {
            log.note(format!("+{}", message.offset()));
            tokio::time::sleep(Duration::from_millis(100 - message.offset())).await;
            log.note(format!("-{}", message.offset()));
            Ok(())
        }
    });
    let epoch = running.assign(P).await;
    running.fetch(epoch, 0..4);
    assert_eq!(running.commit().await, 4);
    assert_eq!(
        seen.take(),
        ["+0", "+1", "+2", "-2", "+3", "-1", "-0", "-3"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_messages_does_not_hold_up_commits() {
    // Real time passes in the handlers only.
    let mut running = start(config(), |_: Message| async { Ok(()) });
    let epoch = running.assign(P).await;
    let events = running.events.clone();
    let feeder = tokio::spawn(async move {
        for offset in 0_u64.. {
            let mut batch = plimsoll::Batch::new("orders".into(), 0);
            batch.push(plimsoll_core::Offset::new(offset), None, None, None);
            let event = Event::Fetched {
                partition: P,
                epoch,
                records: batch.into_records(),
            };
            if events.send(Ok(event)).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
    });
    let first = running.commit().await;
    assert!(running.commit().await > first);
    feeder.abort();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_go_on_ends_the_run() {
    let mut running = start(config(), |_: Message| async { Ok(()) });
    running.assign(P).await;
    let error = ClientError::Fatal {
        reason: "fenced".into(),
    };
    running.events.send(Err(error.clone())).unwrap();
    assert_eq!(running.driver.await.unwrap(), Err(error));
}

/// Each handler computes until another one runs beside it, or for a while.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn handlers_that_compute_run_side_by_side() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let config = Config {
        ordering: Ordering::Unordered,
        ..config()
    };
    let mut driver = start(config, move |_: Message| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        async move {
            running.fetch_add(1, Relaxed);
            let begun = std::time::Instant::now();
            while begun.elapsed() < Duration::from_millis(100) {
                most.fetch_max(running.load(Relaxed), Relaxed);
                std::hint::spin_loop();
            }
            running.fetch_sub(1, Relaxed);
            Ok(())
        }
    });
    let epoch = driver.assign(P).await;
    driver.fetch(epoch, 0..6);
    while driver.commit().await < 6 {}
    assert!(seen.load(Relaxed) > 1, "one at a time");
}

#[tokio::test(start_paused = true)]
async fn a_record_where_the_log_was_cut_has_no_error_of_its_predecessor() {
    let seen = Seen::default();
    let log = seen.clone();
    let config = Config {
        ordering: Ordering::Unordered,
        ..config()
    };
    let mut running = start(config, move |message: Message| {
        log.note(message.last_error().unwrap_or("-"));
        async move {
            match message.offset() {
                5 => Err(HandlerError::retryable("busy")),
                6 => std::future::pending().await,
                _ => Ok(()),
            }
        }
    });
    let epoch = running.assign(P).await;
    for first in [5, 6] {
        running.fetch(epoch, [first]);
        settle().await;
        running.tell(Event::OutOfRange {
            partition: P,
            epoch,
            position: NextOffset::new(first + 1),
            log_start: NextOffset::ZERO,
            high_watermark: NextOffset::new(3),
        });
        settle().await;
        running.fetch(epoch, [first]);
        settle().await;
    }
    assert_eq!(seen.take(), ["-"; 4]);
}
