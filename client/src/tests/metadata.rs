//! Metadata: when it is asked for, and which news count.

use super::*;

/// Lets the next request fail, and returns the pause before the one after it.
fn pause_after_failure(metadata: &mut Metadata, connections: &Connections) -> u64 {
    let now = metadata.poll_timeout();
    metadata.handle_timeout(now, connections);
    assert!(metadata.poll_action().is_some());
    assert_eq!(metadata.poll_timeout(), Instant::FAR_FUTURE, "in flight");
    assert!(!metadata.handle_answer(now, Err(Failure::Lost)));
    metadata.poll_timeout().as_nanos() / 1_000_000 - now.as_nanos() / 1_000_000
}

#[test]
fn pauses_double_up_to_a_second_until_there_is_news() {
    let View {
        mut metadata,
        connections,
        ..
    } = ignorance();
    let pauses: Vec<u64> = (0..6)
        .map(|_| pause_after_failure(&mut metadata, &connections))
        .collect();
    assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000]);
    let now = metadata.poll_timeout();
    metadata.handle_timeout(now, &connections);
    metadata.handle_answer(now, Ok(told_of(vec![info(P0, 1, 0)])));
    assert_eq!(metadata.poll_timeout(), now + ms(30_000));
    metadata.want(now);
    assert_eq!(
        metadata.poll_timeout(),
        now + ms(100),
        "news end the pauses"
    );
}

#[test]
fn one_broker_after_the_other_is_asked_and_none_that_cannot_be_reached() {
    let View {
        mut metadata,
        mut connections,
        ..
    } = ignorance();
    connections.handle_broken(at(0), Node(0), Channels::ALL);
    metadata.handle_timeout(at(0), &connections);
    assert_eq!(metadata.poll_action(), Some(Node(1)));
    assert_eq!(metadata.poll_action(), None);
    metadata.handle_answer(at(0), Err(Failure::Lost));
    metadata.handle_timeout(at(99), &connections);
    assert_eq!(metadata.poll_action(), None, "not before the pause is over");
    for broker in 0..3 {
        connections.handle_broken(at(99), Node(broker), Channels::ALL);
    }
    metadata.handle_timeout(at(100), &connections);
    assert!(
        metadata.poll_action().is_some(),
        "where none can be reached, one of them is asked all the same"
    );
}

#[test]
fn a_broker_that_is_behind_tells_no_news() {
    let mut metadata = knowledge().metadata;
    metadata.handle_answer(at(1), Ok(told_of(vec![info(P0, 2, 5)])));
    metadata.handle_answer(at(2), Ok(told_of(vec![info(P0, 1, 4)])));
    assert_eq!(metadata.leader(P0), Some((Node(2), 5)));
}

#[test]
fn a_broker_that_is_named_no_more_is_gone_once_and_new_when_it_comes_back() {
    let View {
        mut metadata,
        mut connections,
        ..
    } = ignorance();
    let named = |alive| ClusterMetadata {
        alive: BrokerSet(alive),
        ..ClusterMetadata::default()
    };
    metadata.handle_answer(at(1), Ok(named(0b111)));
    assert_eq!(metadata.poll_gone(&mut connections), None);
    for _ in 0..9 {
        connections.handle_broken(at(1), Node(0), Channels::ALL);
    }
    metadata.handle_answer(at(2), Ok(named(0b110)));
    assert_eq!(metadata.poll_gone(&mut connections), Some(Node(0)));
    assert_eq!(metadata.poll_gone(&mut connections), None);
    let asked = metadata.choose_broker(at(20_000), &connections);
    assert_ne!(asked, Node(0), "it is asked no more");
    metadata.handle_answer(at(3), Ok(named(0b111)));
    assert_eq!(metadata.poll_gone(&mut connections), None);
    assert!(!connections.are_broken(Node(0)));
}

#[test]
fn a_broker_without_a_long_fetch_is_asked_first() {
    let View {
        mut metadata,
        mut connections,
        ..
    } = ignorance();
    let chosen = metadata.choose_broker(at(1), &connections);
    connections.handle_fetch(chosen, ms(999));
    assert_eq!(metadata.choose_broker(at(1), &connections), chosen);
    connections.handle_fetch(chosen, ms(1_000));
    let other = metadata.choose_broker(at(1), &connections);
    assert_ne!(other, chosen);
    // Where all are fetched from, one of them is asked all the same.
    for broker in 0..3 {
        connections.handle_fetch(Node(broker), ms(1_000));
    }
    assert_eq!(metadata.choose_broker(at(1), &connections), other);
    connections.handle_fetched(chosen);
    assert_eq!(metadata.choose_broker(at(1), &connections), chosen);
}

#[test]
fn a_beat_does_not_move_with_what_is_asked_for_between() {
    let connections = Connections::new(Sharing::GroupApart, 3);
    let beat = Renewal::Beat {
        interval: ms(3_000),
        next: at(3_000),
    };
    let mut metadata = Metadata::new(at(60), (3, Node(0)), 1, beat, ms(100));
    for (asked, next) in [(60, 3_000), (2_900, 3_000), (3_000, 6_000), (9_000, 12_000)] {
        metadata.want(at(asked));
        metadata.handle_timeout(at(asked), &connections);
        metadata.handle_answer(at(asked), Ok(told_of(Vec::new())));
        assert_eq!(metadata.poll_timeout(), at(next), "asked at {asked} ms");
    }
}
