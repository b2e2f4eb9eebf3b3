use super::*;
use plimsoll::{Handler, HandlerError, Message};
use plimsoll_core::{Assignment, NextOffset, Offset, RebalanceId, Record, TopicPartition};
use plimsoll_oracle::MessageId;
use std::sync::{Arc, Mutex};

const P: TopicPartition = TopicPartition::new(0, 0);

/// Starts a process with a handler of one's own.
fn with_handler(handler: impl Handler) -> Driven {
    Driven::start(Config::default(), Workload::default(), |parts| {
        let handler = Counted {
            handler,
            rest: parts.handler.rest,
        };
        let stopped = asked_to_stop(parts.stopped);
        Driver::with_core(parts.client, handler, parts.core).run(stopped)
    })
}

/// Starts a process in which a task wakes itself without end, in place of the driver.
fn spinning() -> Driven {
    Driven::start(Config::default(), Workload::default(), |_| async {
        loop {
            tokio::task::yield_now().await;
        }
    })
}

/// Gives a process its partition, and in it a record for each offset; returns what follows.
fn give(process: &mut Driven, offsets: impl IntoIterator<Item = u64>) -> Vec<Command<Payload>> {
    let assigned = Event::Assigned {
        rebalance: RebalanceId(1),
        partitions: vec![Assignment {
            partition: P,
            committed: Some(NextOffset::ZERO),
            log_start: NextOffset::ZERO,
            high_watermark: NextOffset::ZERO,
            founding_partitions: Some(1),
            partitions: 1,
        }],
    };
    process.handle_event(Instant::ZERO, assigned);
    let Some(Command::CompleteAssign { starts, .. }) = process.poll_command() else {
        panic!("expected CompleteAssign");
    };
    let records = offsets.into_iter().map(|offset| Record {
        offset: Offset::new(offset),
        key: None,
        bytes: 1,
        payload: Payload {
            message: MessageId(offset as u32),
            key: None,
        },
    });
    let fetched = Event::Fetched {
        partition: P,
        epoch: starts[0].epoch,
        records: records.collect(),
    };
    process.handle_event(Instant::ZERO, fetched);
    std::iter::from_fn(|| process.poll_command()).collect()
}

/// The ends of handlers: offset, and time in milliseconds.
type Ends = Arc<Mutex<Vec<(u64, u128)>>>;

/// Starts a process whose handlers sleep as long as `pauses` says, one after the other.
fn sleeping(pauses: &'static [u64]) -> (Driven, Ends) {
    let ends = Ends::default();
    let noted = Arc::clone(&ends);
    let process = with_handler(move |message: Message| {
        let noted = Arc::clone(&noted);
        async move {
            let began = tokio::time::Instant::now();
            for pause in pauses {
                tokio::time::sleep(Duration::from_millis(*pause)).await;
            }
            let took = began.elapsed().as_millis();
            noted.lock().unwrap().push((message.offset(), took));
            Ok::<(), HandlerError>(())
        }
    });
    (process, ends)
}

/// Calls a process whenever it wants to be, until `until`; returns how often.
fn call_until(process: &mut Driven, until: Instant) -> u32 {
    let mut calls = 0;
    while let Some(at) = process.poll_timeout().filter(|at| *at <= until) {
        process.handle_timeout(at);
        while process.poll_command().is_some() {}
        calls += 1;
    }
    calls
}

#[test]
fn a_timer_of_a_handler_fires_at_its_millisecond() {
    let (mut process, ends) = sleeping(&[5, 2]);
    give(&mut process, [0, 1]);
    let mut at = Instant::ZERO;
    while ends.lock().unwrap().is_empty() {
        at = process.poll_timeout().expect("a handler sleeps");
        process.handle_timeout(at);
        assert_eq!(process.poll_command(), None);
    }
    assert_eq!(at, Instant::from_millis(7));
}

#[test]
fn a_long_pause_costs_few_calls_and_all_timers_on_the_way_fire_in_their_time() {
    let (mut process, ends) = sleeping(&[1_000; 10]);
    give(&mut process, [0]);
    let calls = call_until(&mut process, Instant::from_millis(12_000));
    assert!(calls < 150, "{calls} calls");
    assert_eq!(*ends.lock().unwrap(), [(0, 10_000)]);
}

#[test]
fn a_process_that_stood_still_finds_its_clock_moved() {
    let (mut process, ends) = sleeping(&[1_000; 3]);
    give(&mut process, [0]);
    process.handle_timeout(Instant::from_millis(20_000));
    assert_eq!(process.poll_command(), None);
    call_until(&mut process, Instant::from_millis(24_000));
    assert_eq!(*ends.lock().unwrap(), [(0, 22_000)]);
}

#[test]
fn a_process_that_only_waits_for_the_sink_is_not_called() {
    let mut process = Driven::new(Config::default());
    let commands = give(&mut process, [0, 1]);
    assert!(
        matches!(commands[..], [Command::Dispatch { .. }]),
        "{commands:?}"
    );
    let calls = call_until(&mut process, Instant::from_millis(4_000));
    assert_eq!(calls, 0);
}

#[test]
fn a_driver_that_wakes_itself_without_end_is_a_process_that_ends_unasked() {
    let mut process = spinning();
    process.handle_timeout(Instant::ZERO);
    assert_eq!(process.poll_command(), Some(Command::Close));
    assert_eq!(process.poll_command(), None);
    process.handle_timeout(Instant::from_millis(1));
    assert_eq!(process.poll_command(), None);
    assert_eq!(process.poll_timeout(), None);
}

#[test]
fn one_that_was_asked_to_stop_does_not() {
    let mut process = spinning();
    process.handle_event(Instant::ZERO, Event::Shutdown);
    assert_eq!(process.poll_command(), None);
    assert_eq!(process.poll_timeout(), None);
}

#[test]
fn a_handler_that_wakes_itself_without_end_is_a_process_that_ends_unasked() {
    let mut process = with_handler(|_: Message| async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(give(&mut process, [0]), [Command::Close]);
}
