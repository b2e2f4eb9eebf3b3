//! Where partitions start.

use super::*;
use plimsoll_protocol::ErrorName;

fn start(view: &View) -> Start {
    let mut start = Start::new(like(Behaviour::PLIMSOLL));
    start.begin(NOW, view, 4, vec![P0, P1]);
    start
}

#[test]
fn the_application_gets_partitions_once_everything_is_known() {
    let view = knowledge();
    let mut start = start(&view);
    let expected = [
        (Node(0), Continuation::OffsetFetch(4)),
        (Node(0), Continuation::StartOffsets(4, P0, None)),
        (Node(1), Continuation::StartOffsets(4, P1, None)),
    ];
    assert_eq!(asked(|| start.poll_action()), expected);
    // One request asks for one end: the start of the log comes first.
    let (zero, two) = (NextOffset::new(0), NextOffset::new(2));
    start.handle_end(NOW, &view, (4, P1, None), Ok(two));
    let end = Continuation::StartOffsets(4, P1, Some(two));
    assert_eq!(asked(|| start.poll_action()), [(Node(1), end)]);
    start.handle_end(NOW, &view, (4, P1, Some(two)), Ok(NextOffset::new(9)));
    start.handle_committed(NOW, &view, 4, Ok(Vec::new()));
    start.handle_end(NOW, &view, (4, P0, None), Ok(zero));
    let end = Continuation::StartOffsets(4, P0, Some(zero));
    assert_eq!(asked(|| start.poll_action()), [(Node(0), end)]);
    start.handle_end(NOW, &view, (4, P0, Some(zero)), Ok(NextOffset::new(3)));
    let Some(Action::Assign(assignments, _)) = start.poll_action() else {
        panic!("nothing for the application");
    };
    let ends = assignments.iter();
    let ends = ends.map(|a| (a.log_start.get(), a.high_watermark.get()));
    assert_eq!(ends.collect::<Vec<_>>(), [(0, 3), (2, 9)]);
}

/// Without it an offset is told that is not replicated yet, and may be gone when it is asked again.
#[test]
fn stable_offsets_are_required_where_the_client_does_so() {
    let view = knowledge();
    for (behaviour, requires) in [
        (Behaviour::LIBRDKAFKA, true),
        (Behaviour::PLIMSOLL, true),
        (Behaviour::JAVA, true),
        (Behaviour::SARAMA_1_60, false),
        (Behaviour::SARAMA_1_61, false),
    ] {
        let mut start = Start::new(like(behaviour));
        start.begin(NOW, &view, 4, vec![P0]);
        let asked = std::iter::from_fn(|| start.poll_action());
        let required = asked.into_iter().find_map(|action| match action {
            Action::Ask(Ask {
                request: Request::OffsetFetch { require_stable, .. },
                ..
            }) => Some(require_stable),
            _ => None,
        });
        assert_eq!(required, Some(requires), "{behaviour:?}");
    }
}

#[test]
fn what_is_lost_is_asked_again_and_sets_off_what_may_help() {
    let view = knowledge();
    let mut start = start(&view);
    asked(|| start.poll_action());
    start.handle_committed(NOW, &view, 4, Err(Failure::Lost));
    start.handle_end(NOW, &view, (4, P1, None), Err(Failure::Lost));
    let expected = ["LoseCoordinator", "RefreshMetadata"];
    assert_eq!(told(|| start.poll_action()), expected);
    assert_eq!(start.poll_timeout(&view), NOW + ms(100));
    start.advance(NOW + ms(100), &view);
    assert_eq!(asked(|| start.poll_action()).len(), 2);
    let busy = Failure::Refused(ErrorName::CoordinatorLoadInProgress);
    start.handle_committed(NOW, &view, 4, Err(busy));
    assert_eq!(
        told(|| start.poll_action()),
        [""; 0],
        "it is the coordinator"
    );
}

#[test]
fn answers_to_an_earlier_start_mean_nothing() {
    let view = knowledge();
    let mut start = start(&view);
    start.forget();
    start.begin(NOW, &view, 5, vec![P0]);
    asked(|| start.poll_action());
    start.handle_committed(NOW, &view, 5, Ok(Vec::new()));
    start.handle_end(NOW, &view, (4, P0, None), Ok(NextOffset::new(3)));
    start.handle_end(NOW, &view, (4, P1, None), Err(Failure::Lost));
    assert_eq!(told(|| start.poll_action()), [""; 0]);
    assert_eq!(
        start.poll_timeout(&view),
        NOW + ms(500),
        "the end of its wait"
    );
}

#[test]
fn the_application_gets_what_is_known_in_time_and_the_rest_when_it_is_known() {
    let view = knowledge();
    let mut start = Start::new(like(Behaviour::PLIMSOLL));
    start.begin(NOW, &view, 4, vec![P0, P1, P2]);
    asked(|| start.poll_action());
    let (zero, two) = (NextOffset::new(0), NextOffset::new(2));
    let known = |start: &mut Start, index, now| {
        start.handle_end(now, &view, (4, index, Some(zero)), Ok(two));
    };
    start.handle_committed(NOW, &view, 4, Ok(Vec::new()));
    known(&mut start, P1, NOW);
    assert_eq!(assigned(&mut start), None, "it is not time");
    let now = NOW + ms(500);
    assert_eq!(start.poll_timeout(&view), now);
    start.advance(now, &view);
    assert_eq!(assigned(&mut start), Some(vec![1]));
    assert_eq!(start.poll_timeout(&view), Instant::FAR_FUTURE);
    known(&mut start, P2, now);
    assert_eq!(assigned(&mut start), Some(vec![2]));
    known(&mut start, P0, now);
    assert_eq!(assigned(&mut start), Some(vec![0]));
}

#[test]
fn what_has_not_begun_stays_sought_until_it_is_given_up() {
    let view = knowledge();
    let mut start = Start::new(like(Behaviour::PLIMSOLL));
    let (zero, two) = (NextOffset::new(0), NextOffset::new(2));
    let known = |start: &mut Start, id, index| {
        start.handle_end(NOW, &view, (id, index, Some(zero)), Ok(two));
    };
    start.begin(NOW, &view, 4, vec![P0, P2]);
    known(&mut start, 4, P0);
    asked(|| start.poll_action());
    start.begin(NOW, &view, 5, vec![P1]);
    let asks = asked(|| start.poll_action());
    assert_eq!(
        asks.len(),
        3,
        "what was committed, and where 1 and 2 end: {asks:?}"
    );
    known(&mut start, 4, P2);
    start.handle_committed(NOW, &view, 5, Ok(Vec::new()));
    known(&mut start, 5, P1);
    assert_eq!(assigned(&mut start), None, "the end of 2 is to come");
    start.give_up(&view, &[P2]);
    assert_eq!(assigned(&mut start), Some(vec![0, 1]));
}

/// Returns the partitions that the application gets next.
fn assigned(start: &mut Start) -> Option<Vec<u32>> {
    match start.poll_action()? {
        Action::Assign(assignments, _) => {
            let assigned = assignments.iter();
            Some(assigned.map(|a| a.partition.partition).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// A group that begins at the end begins where that is when it is known what was committed.
#[test]
fn ends_are_asked_for_anew_where_it_took_long_to_learn_what_was_committed() {
    let view = knowledge();
    let loads = Failure::Refused(ErrorName::CoordinatorLoadInProgress);
    let zero = NextOffset::new(0);
    let clients = [
        Behaviour::LIBRDKAFKA,
        Behaviour::SARAMA_1_61,
        Behaviour::JAVA,
    ];
    for behaviour in clients {
        let mut start = Start::new(like(behaviour));
        start.begin(NOW, &view, 4, vec![P1]);
        assert_eq!(asked(|| start.poll_action()).len(), 2);
        start.handle_end(NOW, &view, (4, P1, None), Ok(zero));
        start.handle_committed(NOW, &view, 4, Err(loads));
        start.handle_end(NOW, &view, (4, P1, Some(zero)), Ok(NextOffset::new(3)));
        told(|| start.poll_action());
        let now = NOW + ms(1_000);
        start.advance(now, &view);
        let committed = [(Node(0), Continuation::OffsetFetch(4))];
        assert_eq!(asked(|| start.poll_action()), committed);
        start.handle_committed(now, &view, 4, Ok(Vec::new()));
        let ends = [(Node(1), Continuation::StartOffsets(4, P1, None))];
        assert_eq!(asked(|| start.poll_action()), ends, "{behaviour:?}");
    }
}

/// librdkafka 2.12.1 takes a coordinator that moved for the end of the matter, as
/// `rd_kafka_handle_OffsetFetch_err_action` has no rule of its own; Sarama ends its session after
/// four questions; Java asks in each poll (`ConsumerCoordinator.fetchCommittedOffsets`).
#[test]
fn a_coordinator_that_moved_is_asked_again_as_often_as_the_client_does() {
    let refused = Failure::Refused(ErrorName::NotCoordinator);
    for (behaviour, times, end) in [
        (Behaviour::LIBRDKAFKA, 1, None),
        (Behaviour::PLIMSOLL, 10, None),
        (Behaviour::JAVA, 10, None),
        (Behaviour::SARAMA_1_61, 4, Some("EndSession")),
    ] {
        let view = knowledge();
        let mut start = Start::new(like(behaviour));
        start.begin(NOW, &view, 4, Vec::new());
        let mut now = NOW;
        let mut last = Vec::new();
        for count in 1..=10 {
            let expected = (count <= times).then_some((Node(0), Continuation::OffsetFetch(4)));
            let questions = asked(|| start.poll_action());
            assert_eq!(questions, Vec::from_iter(expected), "{behaviour:?}");
            if count <= times {
                start.handle_committed(now, &view, 4, Err(refused));
                last = told(|| start.poll_action());
            }
            now += ms(2_000);
            start.advance(now, &view);
        }
        let expected: Vec<_> = end.into_iter().chain(["LoseCoordinator"]).collect();
        assert_eq!(last, expected, "{behaviour:?}");
    }
}
