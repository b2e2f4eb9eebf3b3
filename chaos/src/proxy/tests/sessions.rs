use super::super::session::Session;
use super::*;
use kafka_protocol::messages::FetchRequest;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};

fn fetch(epoch: i32, partitions: &[(i32, i64)], forgotten: &[i32]) -> FetchRequest {
    let partitions = partitions.iter().map(|(partition, offset)| {
        FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(*offset)
    });
    let topic = FetchTopic::default()
        .with_topic(name("orders"))
        .with_partitions(partitions.collect());
    let forgotten = ForgottenTopic::default()
        .with_topic(name("orders"))
        .with_partitions(forgotten.to_vec());
    FetchRequest::default()
        .with_session_epoch(epoch)
        .with_topics(vec![topic])
        .with_forgotten_topics_data(vec![forgotten])
}

fn partitions(seen: &[Seen]) -> Vec<(u32, u64)> {
    let partition = |seen: &Seen| match seen {
        Seen::Fetching {
            partition, offset, ..
        } => (*partition, *offset),
        other => panic!("{other:?} is no fetch"),
    };
    seen.iter().map(partition).collect()
}

#[test]
fn without_a_session_every_request_names_all_partitions() {
    let mut session = Session::default();
    for offset in 0..3 {
        let seen = session.fetch(&fetch(-1, &[(0, offset), (1, 5)], &[]), 1);
        assert_eq!(partitions(&seen), [(0, offset as u64), (1, 5)]);
    }
    let seen = session.fetch(&fetch(-1, &[(0, 9)], &[]), 2);
    assert_eq!(partitions(&seen), [(0, 9)]);
}

#[test]
fn what_stays_in_a_session_is_told_once_after_each_assignment() {
    let mut session = Session::default();
    let seen = session.fetch(&fetch(0, &[(0, 10), (1, 20), (2, 30)], &[]), 1);
    assert_eq!(partitions(&seen), [(0, 10), (1, 20), (2, 30)]);
    let seen = session.fetch(&fetch(1, &[(1, 21)], &[]), 1);
    assert_eq!(partitions(&seen), [(1, 21)]);
    let seen = session.fetch(&fetch(2, &[], &[2]), 1);
    assert_eq!(partitions(&seen), []);
    let seen = session.fetch(&fetch(3, &[(3, 40)], &[]), 2);
    assert_eq!(partitions(&seen), [(0, 10), (1, 21), (3, 40)]);
    let seen = session.fetch(&fetch(4, &[], &[]), 2);
    assert_eq!(partitions(&seen), []);
}

#[test]
fn a_new_session_forgets_the_old_one() {
    let mut session = Session::default();
    session.fetch(&fetch(0, &[(0, 10), (1, 20)], &[]), 1);
    session.fetch(&fetch(0, &[(1, 22)], &[]), 1);
    let seen = session.fetch(&fetch(1, &[], &[]), 2);
    assert_eq!(partitions(&seen), [(1, 22)]);
}
