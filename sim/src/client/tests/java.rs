//! A member on Java, whose poll returns the records of many messages.

use super::*;
use plimsoll_oracle::ErrorName;
use plimsoll_oracle::RequestKind as K;

fn java() -> Bench {
    probe::reset();
    let spec = SubjectSpec {
        build: probe::build,
        polling: Polling::Batches {
            awaits_commits: false,
        },
        behaviour: Behaviour::JAVA,
        seams: None,
    };
    Bench::of(spec, "").joined()
}

/// Returns how many records each event had that brought some.
fn sizes(bench: &mut Bench) -> Vec<usize> {
    let learned = bench.learned();
    let sizes = learned.iter().filter_map(|event| match event {
        Event::Fetched { records, .. } => Some(records.len()),
        _ => None,
    });
    sizes.collect()
}

#[test]
fn a_rebalance_is_told_behind_the_batch_and_heartbeats_go_on_until_then() {
    let mut bench = java();
    probe::dispatch();
    bench.env.sink.attempts.hang(MEMBER);
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(100));
    assert_eq!(sizes(&mut bench), [1]);
    bench.asked();
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.run(ms(10_000));
    let asked = bench.asked();
    let beats = asked.iter().filter(|kind| **kind == K::Heartbeat);
    assert!(beats.count() >= 3, "{asked:?}");
    assert_eq!(bench.learned(), [], "the loop is in its handler");
    let handlers = bench.env.sink.unhang(MEMBER);
    bench.step(WorldEvent::HandlerDone(handlers[0]));
    bench.run(ms(100));
    let learned = bench.learned();
    let is_revoked = |event: &Event<Payload>| matches!(event, Event::Revoked { .. });
    assert!(learned.iter().any(is_revoked), "{learned:?}");
    assert!(bench.asked().contains(&K::JoinGroup));
}

/// `FetchCollector.collectFetch` goes on until it has `max.poll.records`.
#[test]
fn a_poll_takes_what_has_come_of_all_partitions() {
    let mut bench = java();
    probe::dispatch();
    bench.kafka.append(&mut bench.env, P0, 1);
    bench.run(ms(10));
    assert_eq!(sizes(&mut bench), [1]);
    bench.kafka.append(&mut bench.env, P0, 2);
    bench.kafka.append(&mut bench.env, P1, 3);
    bench.run(ms(50));
    assert_eq!(sizes(&mut bench), [0; 0], "a handler takes 100 ms");
    bench.run(ms(50));
    assert_eq!(sizes(&mut bench).len(), 2);
}
