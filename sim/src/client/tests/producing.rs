//! The producer.

use super::*;
use crate::protocol::{Channels, Content, Value};
use plimsoll_oracle::ErrorName;
use plimsoll_oracle::RequestKind as K;

fn bench(producer: &str) -> Bench {
    let mut bench = Bench::new(Polling::Always, producer);
    bench.run(ms(1));
    bench
}

/// Returns the first `count` messages of the plan for one partition.
fn messages(bench: &Bench, count: usize) -> (PartitionIndex, Vec<usize>) {
    let plan = bench.env.plan;
    let of = plan.messages[0].partition;
    let all = (0..plan.messages.len()).filter(|m| plan.messages[*m].partition == of);
    (
        bench.env.topology.index(of).expect("it exists"),
        all.take(count).collect(),
    )
}

fn produce(bench: &mut Bench, messages: &[usize]) {
    for message in messages {
        let message = bench.env.plan.messages[*message];
        bench.producer.produce(&mut bench.env, &message);
    }
}

/// Returns the messages as they lie in the log, by their place in `sent`.
fn stored(bench: &Bench, partition: PartitionIndex, sent: &[usize]) -> Vec<usize> {
    let records = bench.kafka.records[usize::from(partition.0)].iter();
    let ids = records.filter_map(|record| match record.content {
        Content::Batch(Value::Message { id, .. }) => Some(id),
        _ => None,
    });
    let place = |id| {
        sent.iter()
            .position(|m| bench.env.plan.messages[*m].id == id)
    };
    ids.filter_map(place).collect()
}

fn acknowledged(bench: &Bench) -> usize {
    bench.count(|event| matches!(event, TraceEvent::Acknowledged { .. }))
}

#[test]
fn messages_are_acknowledged_with_their_offsets() {
    let mut bench = bench("");
    let (partition, sent) = messages(&bench, 3);
    produce(&mut bench, &sent);
    assert!(!bench.producer.is_done());
    bench.run(ms(50));
    assert_eq!(stored(&bench, partition, &sent), [0, 1, 2]);
    assert_eq!(acknowledged(&bench), 3);
    assert!(bench.producer.is_done());
}

#[test]
fn at_most_five_are_in_flight() {
    let mut bench = bench("");
    let (_, sent) = messages(&bench, 8);
    bench.kafka.ignores.push(K::Produce);
    produce(&mut bench, &sent);
    bench.run(ms(50));
    let requests = bench.requests();
    let produces = requests
        .iter()
        .filter(|asked| asked.request.kind() == Some(K::Produce));
    assert_eq!(produces.count(), 5);
}

#[test]
fn an_idempotent_producer_keeps_order_and_stores_once_when_one_fails() {
    for error in [
        ErrorName::NotEnoughReplicas,
        ErrorName::NotEnoughReplicasAfterAppend,
    ] {
        let mut bench = bench("");
        let (partition, sent) = messages(&bench, 4);
        produce(&mut bench, &sent[..1]);
        bench.run(ms(50));
        bench.kafka.refuse(K::Produce, error);
        produce(&mut bench, &sent[1..]);
        bench.run(ms(500));
        assert_eq!(stored(&bench, partition, &sent), [0, 1, 2, 3]);
        assert_eq!(acknowledged(&bench), 4);
    }
}

#[test]
fn a_lost_answer_is_repeated_and_stored_once_or_without_idempotence_twice() {
    let without = "[workload]\nidempotence = false\n";
    for (workload, expected) in [("", vec![0]), (without, vec![0, 0])] {
        let mut bench = bench(workload);
        let (partition, sent) = messages(&bench, 1);
        bench.run(ms(10));
        produce(&mut bench, &sent);
        // The request is there: the answer is on its way.
        bench.run(Duration::from_micros(1_500));
        let leader = bench.kafka.leaders[usize::from(partition.0)]
            .leader
            .expect("a leader");
        let producer = bench.env.producer();
        assert_eq!(stored(&bench, partition, &sent), [0], "it is stored");
        bench.env.cut(producer, leader, Channels::ALL);
        bench.run(ms(500));
        assert_eq!(stored(&bench, partition, &sent), expected);
        assert_eq!(acknowledged(&bench), 1);
    }
}

#[test]
fn a_new_leader_gets_what_the_old_one_refused() {
    let mut bench = bench("");
    let (partition, sent) = messages(&bench, 2);
    produce(&mut bench, &sent[..1]);
    bench.run(ms(50));
    let old = bench.kafka.leaders[usize::from(partition.0)]
        .leader
        .expect("a leader");
    bench.kafka.lead(partition, Some(Node((old.0 + 1) % 3)));
    produce(&mut bench, &sent[1..]);
    bench.run(ms(300));
    assert_eq!(stored(&bench, partition, &sent), [0, 1]);
    assert!(bench.producer.is_done());
}

#[test]
fn what_takes_too_long_is_given_up_and_leaves_no_gap() {
    let mut bench = bench("");
    let (partition, sent) = messages(&bench, 3);
    produce(&mut bench, &sent[..1]);
    bench.run(ms(50));
    bench.kafka.ignores.push(K::Produce);
    produce(&mut bench, &sent[1..2]);
    bench.run(ms(10));
    let leader = bench.kafka.leaders[usize::from(partition.0)].leader;
    bench.kafka.lead(partition, None);
    bench.run(ms(121_000));
    let failed = bench.count(|event| matches!(event, TraceEvent::ProduceFailed { .. }));
    assert_eq!(failed, 1);
    assert!(bench.producer.is_done());
    bench.kafka.ignores.clear();
    bench.kafka.lead(partition, leader);
    produce(&mut bench, &sent[2..]);
    bench.run(ms(3_000));
    assert_eq!(stored(&bench, partition, &sent), [0, 1, 2]);
    assert_eq!(
        acknowledged(&bench),
        2,
        "what was given up is never acknowledged"
    );
}

#[test]
fn what_was_never_sent_is_given_up_for_good() {
    let mut bench = Bench::new(Polling::Always, "");
    let (partition, sent) = messages(&bench, 2);
    bench.kafka.lead(partition, None);
    bench.run(ms(10));
    produce(&mut bench, &sent[..1]);
    bench.run(ms(121_000));
    let leader = Some(Node(1));
    bench.kafka.lead(partition, leader);
    produce(&mut bench, &sent[1..]);
    bench.run(ms(1_000));
    assert_eq!(stored(&bench, partition, &sent), [1]);
}
