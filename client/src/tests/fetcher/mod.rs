//! What is fetched, and what becomes of it.

mod proofs;
mod sessions;

use super::plain::{MARKER, Records, UNREADABLE};
use super::*;
use plimsoll_core::{AssignmentEpoch, Offset};
use plimsoll_protocol::{Content, ErrorName, FetchRequest, FetchedPartition};

type FetchResponse = plimsoll_protocol::FetchResponse<Plain>;
type LogEntry = plimsoll_protocol::LogEntry<Plain>;

const EPOCH: AssignmentEpoch = AssignmentEpoch(1);

/// A partition that broker 0 leads, as it does `P0`.
const P3: PartitionIndex = PartitionIndex(3);

/// Returns a fetcher of these partitions, which has sent its first polls.
fn fetcher(view: &View, partitions: &[PartitionIndex]) -> Fetcher {
    let mut fetcher = Fetcher::new(settings(), 3, view.topology.len());
    for partition in partitions {
        fetcher.assign(*partition, EPOCH, NextOffset::new(0));
    }
    fetcher.fetch_all(NOW, view);
    fetcher
}

fn answer(partition: PartitionIndex, error: Option<ErrorName>, offsets: &[u64]) -> FetchResponse {
    FetchResponse {
        partitions: vec![FetchedPartition {
            partition,
            error,
            entries: offsets.len() as u32,
            high_watermark: 0,
            log_start: 0,
            diverging: None,
        }],
        entries: offsets.iter().map(|offset| record(*offset)).collect(),
        ..FetchResponse::default()
    }
}

fn record(offset: u64) -> LogEntry {
    batch(offset, 1)
}

fn batch(offset: u64, count: u32) -> LogEntry {
    LogEntry {
        offset: Offset::new(offset),
        leader_epoch: 0,
        content: Content::Batch(Records {
            count,
            payload: 0,
            sequence: None,
        }),
    }
}

/// Returns the offsets of the next records for the application.
fn delivered(fetcher: &mut Fetcher) -> Option<Vec<u64>> {
    let fetched = fetcher.poll_records(usize::MAX)?;
    Some(
        fetched
            .records
            .iter()
            .map(|record| record.offset.get())
            .collect(),
    )
}

/// Takes the poll of a broker.
fn poll(fetcher: &mut Fetcher, broker: Node) -> Box<FetchRequest> {
    let ask = fetcher.poll_request(broker, Box::default());
    assert_eq!((ask.to, ask.then), (broker, Continuation::Fetch));
    match ask.request {
        Request::Fetch(request) => request,
        other => panic!("{other:?}"),
    }
}

/// Returns the positions that the poll of a broker asks for.
fn positions(fetcher: &mut Fetcher, broker: Node) -> Vec<(PartitionIndex, u64)> {
    let request = poll(fetcher, broker);
    let positions = request.positions.iter();
    positions.map(|p| (p.partition, p.offset)).collect()
}

#[test]
fn each_leader_has_one_poll_and_the_next_one_goes_on_behind_its_answer() {
    let view = knowledge();
    let mut fetcher = fetcher(&view, &[P0, P1]);
    fetcher.fetch_all(NOW, &view);
    let polls = ["Poll(Node(0))", "Poll(Node(1))"];
    assert_eq!(told(|| fetcher.poll_action()), polls);
    assert_eq!(positions(&mut fetcher, Node(1)), [(P1, 0)]);
    fetcher.handle_fetched(NOW, &view, Node(1), &mut answer(P1, None, &[0, 1, 4]));
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(1))"]);
    assert_eq!(positions(&mut fetcher, Node(1)), [(P1, 5)]);
    assert_eq!(delivered(&mut fetcher), Some(vec![0, 1, 4]));
    assert_eq!(delivered(&mut fetcher), None);
}

/// `DefaultRecordBatch`: a broker answers with whole batches.
#[test]
fn what_lies_before_the_position_in_a_batch_is_left_out() {
    let view = knowledge();
    let mut fetcher = Fetcher::new(settings(), 3, view.topology.len());
    fetcher.assign(P0, EPOCH, NextOffset::new(2));
    fetcher.fetch_all(NOW, &view);
    told(|| fetcher.poll_action());
    let mut answer = answer(P0, None, &[0]);
    answer.entries = vec![batch(0, 4)];
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer);
    assert_eq!(delivered(&mut fetcher), Some(vec![2, 3]));
    told(|| fetcher.poll_action());
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 4)]);
}

/// Returns a fetcher of partition 0 whose pauses keep what was fetched.
fn keeping(view: &View, at_once: u32) -> Fetcher {
    let settings = Settings {
        behaviour: Behaviour {
            pause_keeps: true,
            ..Behaviour::PLIMSOLL
        },
        records_at_once: at_once,
        ..settings()
    };
    let mut fetcher = Fetcher::new(settings, 3, view.topology.len());
    fetcher.assign(P0, EPOCH, NextOffset::new(0));
    fetcher.assign(P3, EPOCH, NextOffset::new(0));
    fetcher.fetch_all(NOW, view);
    fetcher
}

#[test]
fn a_pause_may_keep_what_was_fetched_until_it_ends() {
    let view = knowledge();
    let mut fetcher = keeping(&view, u32::MAX);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[0, 1]));
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P3, None, &[0]));
    fetcher.pause(P0);
    assert_eq!(delivered(&mut fetcher), Some(vec![0]));
    assert_eq!(delivered(&mut fetcher), None);
    // It is fetched all the same.
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[2]));
    told(|| fetcher.poll_action());
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 3), (P3, 1)]);
    assert_eq!(delivered(&mut fetcher), None);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[3]));
    fetcher.resume(NOW, &view, P0);
    let offsets = std::iter::from_fn(|| delivered(&mut fetcher));
    assert_eq!(offsets.collect::<Vec<_>>(), [vec![0, 1], vec![2], vec![3]]);
}

#[test]
fn what_a_pause_keeps_is_dropped_where_something_else_is_wanted() {
    let view = knowledge();
    let drops: [fn(&mut Fetcher, &View); 3] = [
        |fetcher, view| {
            fetcher.seek(NOW, view, (P0, EPOCH), NextOffset::new(0));
        },
        |fetcher, view| fetcher.hold(NOW, view, true),
        |fetcher, _| fetcher.unassign(P0),
    ];
    for drop in drops {
        let mut fetcher = keeping(&view, u32::MAX);
        fetcher.pause(P0);
        fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[0, 1]));
        assert_eq!(delivered(&mut fetcher), None);
        drop(&mut fetcher, &view);
        fetcher.resume(NOW, &view, P0);
        assert!(!fetcher.has_records());
    }
}

#[test]
fn the_application_gets_so_many_records_at_once() {
    let view = knowledge();
    let mut fetcher = keeping(&view, 2);
    let mut told = answer(P0, None, &[0, 1, 2, 3, 4, 5, 6]);
    told.entries[6] = marker(6);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut told);
    for expected in [[0, 1], [2, 3], [4, 5]] {
        assert_eq!(delivered(&mut fetcher), Some(expected.to_vec()));
    }
    assert_eq!(passed(&mut fetcher), Some(7));
    assert_eq!(delivered(&mut fetcher), None);
    let offsets = [7, 8, 9];
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &offsets));
    assert_eq!(delivered(&mut fetcher), Some(vec![7, 8]));
    // What is left is fetched again, where it is not wanted as it is.
    fetcher.hold(NOW, &view, true);
    fetcher.hold(NOW, &view, false);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[]));
    super::told(|| fetcher.poll_action());
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 9), (P3, 0)]);
}

/// Returns a batch of nothing that the application gets, which takes offsets all the same.
fn marker(offset: u64) -> LogEntry {
    let mut entry = batch(offset, 1);
    if let Content::Batch(batch) = &mut entry.content {
        batch.payload = MARKER;
    }
    entry
}

/// Returns the next position that the application learns without a record.
fn passed(fetcher: &mut Fetcher) -> Option<u64> {
    let fetched = fetcher.poll_records(usize::MAX)?;
    assert_eq!(fetched.records.len(), 0);
    Some(fetched.position.get())
}

#[test]
fn a_position_goes_on_over_what_is_no_record() {
    let view = knowledge();
    let mut fetcher = fetcher(&view, &[P0]);
    let mut told = answer(P0, None, &[0, 1, 2, 3]);
    told.entries[0] = marker(0);
    told.entries[3] = marker(3);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut told);
    assert_eq!(delivered(&mut fetcher), Some(vec![1, 2]));
    assert_eq!(passed(&mut fetcher), Some(4));
    assert_eq!(delivered(&mut fetcher), None);
    let mut told = answer(P0, None, &[4]);
    told.entries[0] = marker(4);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut told);
    assert_eq!(passed(&mut fetcher), Some(5));
    // A hold reads again what the application has not got, and nothing of this.
    fetcher.hold(NOW, &view, true);
    fetcher.hold(NOW, &view, false);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[]));
    super::told(|| fetcher.poll_action());
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 5)]);
}

#[test]
fn a_pause_drops_what_is_queued_and_what_is_in_flight() {
    let view = knowledge();
    let mut fetcher = fetcher(&view, &[P0]);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[0, 1]));
    fetcher.pause(P0);
    assert_eq!(delivered(&mut fetcher), None);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[2, 3]));
    assert_eq!(delivered(&mut fetcher), None);
    told(|| fetcher.poll_action());
    fetcher.resume(NOW, &view, P0);
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(0))"]);
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 0)]);
}

#[test]
fn what_an_old_leader_answers_after_the_new_one_was_asked_is_dropped() {
    let mut view = knowledge();
    let mut fetcher = fetcher(&view, &[P0]);
    view.metadata
        .handle_answer(NOW, Ok(told_of(vec![info(P0, 2, 1)])));
    fetcher.handle_metadata(NOW, &view);
    let polls = ["Poll(Node(0))", "Poll(Node(2))"];
    assert_eq!(told(|| fetcher.poll_action()), polls);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[0]));
    assert_eq!(delivered(&mut fetcher), None);
    fetcher.handle_fetched(NOW, &view, Node(2), &mut answer(P0, None, &[0]));
    assert_eq!(delivered(&mut fetcher), Some(vec![0]));
}

#[test]
fn a_partition_of_a_dead_leader_waits_for_it_or_for_news_of_another() {
    let mut view = knowledge();
    let mut fetcher = fetcher(&view, &[P0]);
    told(|| fetcher.poll_action());
    for _ in 0..3 {
        view.connections.handle_broken(NOW, Node(0), Channels::ALL);
    }
    fetcher.handle_failed(NOW, &view, Node(0));
    assert_eq!(told(|| fetcher.poll_action()), ["RefreshMetadata"]);
    assert_eq!(fetcher.poll_timeout(), NOW + ms(400), "it reconnects");
    fetcher.handle_metadata(NOW, &view);
    assert_eq!(told(|| fetcher.poll_action()), ["WantMetadata"]);
    view.metadata
        .handle_answer(NOW, Ok(told_of(vec![info(P0, 1, 1)])));
    fetcher.handle_metadata(NOW, &view);
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(1))"]);
    assert_eq!(fetcher.poll_timeout(), Instant::FAR_FUTURE);
}

#[test]
fn an_answer_about_the_range_that_comes_after_a_seek_is_not_told() {
    let view = knowledge();
    for seeks in [false, true] {
        let mut fetcher = fetcher(&view, &[P0]);
        told(|| fetcher.poll_action());
        let error = Some(ErrorName::OffsetOutOfRange);
        fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, error, &[]));
        let asked = asked(|| fetcher.poll_action());
        let [(Node(0), Continuation::ResetOffsets(P0, version, None))] = asked[..] else {
            panic!("{asked:?}");
        };
        if seeks {
            let to = NextOffset::new(3);
            let from = fetcher.seek(NOW, &view, (P0, EPOCH), to);
            assert_eq!(from, Some(NextOffset::new(0)));
            told(|| fetcher.poll_action());
        }
        let (start, end) = (NextOffset::new(7), NextOffset::new(9));
        fetcher.handle_range(NOW, &view, (P0, version, Some(start)), Ok(end));
        let actions = told(|| fetcher.poll_action());
        assert_eq!(actions.len(), usize::from(!seeks), "{actions:?}");
    }
}

#[test]
fn a_range_that_is_not_told_is_asked_for_by_fetching_again() {
    let view = knowledge();
    let mut fetcher = fetcher(&view, &[P0]);
    let error = Some(ErrorName::OffsetOutOfRange);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, error, &[]));
    let version = match asked(|| fetcher.poll_action())[..] {
        [(_, Continuation::ResetOffsets(_, version, None))] => version,
        ref other => panic!("{other:?}"),
    };
    fetcher.handle_range(NOW, &view, (P0, version, None), Err(Failure::Lost));
    assert_eq!(told(|| fetcher.poll_action()), ["RefreshMetadata"]);
    fetcher.fetch_all(fetcher.poll_timeout(), &view);
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(0))"]);
}

/// `brokerConsumer.handleResponses`: "shut it down and force the user to choose what to do".
#[test]
fn in_sarama_a_position_out_of_range_ends_the_session_and_no_range_is_asked_for() {
    let view = knowledge();
    let mut fetcher = Fetcher::new(like(Behaviour::SARAMA_1_61), 3, view.topology.len());
    fetcher.assign(P0, EPOCH, NextOffset::new(4));
    fetcher.fetch_all(NOW, &view);
    told(|| fetcher.poll_action());
    let mut refused = answer(P0, Some(ErrorName::OffsetOutOfRange), &[]);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut refused);
    let ends = ["OutOfRange(PartitionIndex(0), NextOffset(4))", "EndSession"];
    assert_eq!(told(|| fetcher.poll_action()), ends);
    fetcher.fetch_all(NOW + ms(10_000), &view);
    assert_eq!(told(|| fetcher.poll_action()), [""; 0], "it stands still");
}

/// Creates a fetcher of one partition, which has its first records.
fn filled(behaviour: Behaviour, view: &View) -> Fetcher {
    let mut fetcher = Fetcher::new(like(behaviour), 3, view.topology.len());
    fetcher.assign(P0, EPOCH, NextOffset::new(0));
    fetcher.fetch_all(NOW, view);
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(0))"]);
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 0)]);
    fetcher.handle_fetched(NOW, view, Node(0), &mut answer(P0, None, &[0, 1, 2]));
    fetcher
}

/// `AbstractFetch.fetchablePartitions`, and `max.poll.records`.
#[test]
fn java_fetches_a_partition_again_when_all_that_it_has_of_it_is_taken() {
    let view = knowledge();
    let mut ahead = filled(Behaviour::LIBRDKAFKA, &view);
    assert_eq!(told(|| ahead.poll_action()), ["Poll(Node(0))"]);
    let mut fetcher = filled(Behaviour::JAVA, &view);
    let take = |fetcher: &mut Fetcher, at_most| {
        let records = fetcher.poll_records(at_most).expect("records").records;
        fetcher.fetch_all(NOW, &view);
        let offsets = records.iter().map(|record| record.offset.get());
        (offsets.collect::<Vec<_>>(), told(|| fetcher.poll_action()))
    };
    assert_eq!(take(&mut fetcher, 2), (vec![0, 1], vec![]));
    let polls = vec!["Poll(Node(0))".to_owned()];
    assert_eq!(take(&mut fetcher, 2), (vec![2], polls));
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 3)]);
}

#[test]
fn java_keeps_what_it_has_fetched_while_the_application_answers() {
    let view = knowledge();
    for (behaviour, expected) in [
        (Behaviour::JAVA, Some(vec![0, 1, 2])),
        (Behaviour::LIBRDKAFKA, None),
    ] {
        let mut fetcher = filled(behaviour, &view);
        fetcher.hold(NOW, &view, true);
        fetcher.hold(NOW, &view, false);
        assert_eq!(delivered(&mut fetcher), expected, "{behaviour:?}");
    }
}

#[test]
fn a_partition_whose_queue_is_full_is_fetched_again_after_a_while() {
    let view = knowledge();
    let few = Settings {
        prefetch: 2,
        ..settings()
    };
    let mut fetcher = Fetcher::new(few, 3, view.topology.len());
    fetcher.assign(P0, EPOCH, NextOffset::new(0));
    fetcher.fetch_all(NOW, &view);
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(0))"]);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut answer(P0, None, &[0, 1]));
    assert_eq!(told(|| fetcher.poll_action()), [""; 0], "its queue is full");
    assert_eq!(fetcher.poll_timeout(), NOW + ms(1_000));
    fetcher.fetch_all(NOW + ms(1_000), &view);
    assert_eq!(told(|| fetcher.poll_action()), [""; 0], "it is full still");
    assert_eq!(delivered(&mut fetcher), Some(vec![0, 1]));
    assert_eq!(fetcher.poll_timeout(), NOW + ms(2_000));
    fetcher.fetch_all(NOW + ms(2_000), &view);
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(0))"]);
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 2)]);
    assert_eq!(fetcher.poll_timeout(), Instant::FAR_FUTURE);
}

#[test]
fn what_cannot_be_read_is_fetched_again_after_a_pause_and_nothing_behind_it_is_delivered() {
    let view = knowledge();
    let mut fetcher = fetcher(&view, &[P0]);
    let damaged = LogEntry {
        content: Content::Batch(Records {
            count: 1,
            payload: UNREADABLE,
            sequence: None,
        }),
        ..record(2)
    };
    let mut response = answer(P0, None, &[0, 1, 2, 3]);
    response.entries[2] = damaged;
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 0)]);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut response);
    assert_eq!(delivered(&mut fetcher), Some(vec![0, 1]));
    assert!(fetcher.is_failing(P0));
    let again = NOW + ms(1_000);
    assert_eq!(fetcher.poll_timeout(), again);

    fetcher.fetch_all(again, &view);
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 2)]);
    // A broker answers with whole batches.
    let mut response = answer(P0, None, &[2, 3]);
    response.entries[0] = batch(1, 2);
    fetcher.handle_fetched(again, &view, Node(0), &mut response);
    assert_eq!(delivered(&mut fetcher), Some(vec![2, 3]));
    assert!(!fetcher.is_failing(P0));
}

#[test]
fn a_partition_is_fetched_no_more_while_enough_bytes_of_it_wait() {
    let view = knowledge();
    let settings = Settings {
        prefetch_bytes: 2,
        ..settings()
    };
    let mut fetcher = Fetcher::new(settings, 3, view.topology.len());
    fetcher.assign(P0, EPOCH, NextOffset::new(0));
    fetcher.fetch_all(NOW, &view);
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 0)]);
    let mut response = answer(P0, None, &[0, 1]);
    fetcher.handle_fetched(NOW, &view, Node(0), &mut response);
    let polled = std::iter::from_fn(|| fetcher.poll_action()).count();
    assert_eq!(polled, 1, "there was the first poll alone");
    assert_eq!(delivered(&mut fetcher), Some(vec![0, 1]));
    fetcher.fetch_all(NOW + ms(1_000), &view);
    assert_eq!(positions(&mut fetcher, Node(0)), [(P0, 2)]);
}
