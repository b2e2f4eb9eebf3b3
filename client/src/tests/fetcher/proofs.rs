//! Positions whose leader is asked whether its log has what lies below them (KIP-320).

use super::*;
use plimsoll_protocol::{FoundOffset, OffsetsRequest, Wanted};

/// Returns a fetcher that behaves so, with `P0` from offset 7 on: the record before it was written
/// under leader epoch 2, as the group's commit says.
fn begun(view: &View, behaviour: Behaviour) -> Fetcher {
    let mut fetcher = Fetcher::new(like(behaviour), 3, view.topology.len());
    fetcher.begin(P0, NextOffset::new(7), Some(2));
    fetcher.assign(P0, EPOCH, NextOffset::new(7));
    fetcher.fetch_all(NOW, view);
    fetcher
}

/// Lets `P0` have another leader, of this epoch.
fn elect(view: &mut View, fetcher: &mut Fetcher, leader: u16, epoch: u32) {
    let news = told_of(vec![info(P0, leader, epoch)]);
    view.metadata.handle_answer(NOW, Ok(news));
    fetcher.handle_metadata(NOW, view);
}

/// Takes the question about `P0`, and nothing else. Returns the broker that it asks, the epochs that
/// it names, of the leader and of the record before the position, and the version that it carries.
fn question(fetcher: &mut Fetcher) -> (Node, u32, u32, u32) {
    let Some(Action::Ask(Ask {
        to, request, then, ..
    })) = fetcher.poll_action()
    else {
        panic!("nothing is asked");
    };
    let (Request::Offsets(asked), Continuation::Proof(P0, version, under)) = (request, then) else {
        panic!("{then:?}");
    };
    let OffsetsRequest {
        partition: P0,
        leader_epoch,
        wanted: Wanted::EndOfEpoch(epoch),
    } = asked
    else {
        panic!("{asked:?}");
    };
    assert_eq!(under, leader_epoch);
    assert_eq!(told(|| fetcher.poll_action()), [""; 0]);
    (to, leader_epoch, epoch, version)
}

fn end_at(offset: u64, leader_epoch: Option<u32>) -> Option<FoundOffset> {
    Some(FoundOffset {
        offset,
        leader_epoch,
        timestamp: None,
    })
}

/// `SubscriptionState.seekUnvalidated`, `rd_kafka_toppar_seek`.
#[test]
fn a_start_is_fetched_once_the_leader_has_what_lies_below_it() {
    let view = knowledge();
    let mut fetcher = begun(&view, Behaviour::PLIMSOLL);
    let (to, leader_epoch, epoch, version) = question(&mut fetcher);
    assert_eq!((to, leader_epoch, epoch), (Node(0), 0, 2));
    let of = (P0, version, 0);
    fetcher.handle_proof(NOW, &view, of, Ok(end_at(7, Some(2))));
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(0))"]);
    assert_eq!(poll(&mut fetcher, Node(0)).positions.iter().count(), 1);
}

/// `rd_kafka_toppar_fetch_start` fetches at once; Sarama has no such question.
#[test]
fn a_start_is_fetched_at_once_where_it_is_not_proved_or_its_epoch_is_not_known() {
    let view = knowledge();
    for behaviour in [Behaviour::LIBRDKAFKA, Behaviour::SARAMA_1_61] {
        let mut fetcher = begun(&view, behaviour);
        assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(0))"]);
    }
    let mut fetcher = Fetcher::new(like(Behaviour::PLIMSOLL), 3, view.topology.len());
    fetcher.begin(P0, NextOffset::new(7), None);
    fetcher.assign(P0, EPOCH, NextOffset::new(7));
    fetcher.fetch_all(NOW, &view);
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(0))"]);
}

/// `rd_kafka_toppar_leader_update`: "epoch updated from metadata".
#[test]
fn a_new_leader_is_asked_before_it_is_fetched_from() {
    let mut view = knowledge();
    let mut fetcher = begun(&view, Behaviour::LIBRDKAFKA);
    told(|| fetcher.poll_action());
    let mut response = answer(P0, None, &[7, 8]);
    response.entries[1].leader_epoch = 3;
    fetcher.handle_fetched(NOW, &view, Node(0), &mut response);
    assert_eq!(delivered(&mut fetcher), Some(vec![7, 8]));
    told(|| fetcher.poll_action());
    elect(&mut view, &mut fetcher, 1, 4);
    let (to, leader_epoch, epoch, version) = question(&mut fetcher);
    assert_eq!((to, leader_epoch, epoch), (Node(1), 4, 3));
    fetcher.handle_proof(NOW, &view, (P0, version, 4), Ok(end_at(9, Some(3))));
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(1))"]);
    // In Sarama's place there is none.
    let mut fetcher = begun(&view, Behaviour::SARAMA_1_61);
    told(|| fetcher.poll_action());
    elect(&mut view, &mut fetcher, 2, 5);
    assert_eq!(told(|| fetcher.poll_action()), ["Poll(Node(2))"]);
}

#[test]
fn a_log_that_was_cut_is_out_of_range_although_it_has_grown_again() {
    let view = knowledge();
    for found in [end_at(5, Some(2)), end_at(9, None), None] {
        let mut fetcher = begun(&view, Behaviour::PLIMSOLL);
        let (.., version) = question(&mut fetcher);
        fetcher.handle_proof(NOW, &view, (P0, version, 0), Ok(found));
        let of = asked(|| fetcher.poll_action());
        let [(Node(0), Continuation::ResetOffsets(P0, version, None))] = of[..] else {
            panic!("{of:?}");
        };
        let (start, end) = (NextOffset::new(0), NextOffset::new(30));
        fetcher.handle_range(NOW, &view, (P0, version, Some(start)), Ok(end));
        let told = told(|| fetcher.poll_action());
        let [ref told] = told[..] else {
            panic!("{told:?}");
        };
        assert!(
            told.contains("OutOfRange") && told.contains("high_watermark: NextOffset(6)"),
            "{told}"
        );
        // The records that it goes back to are others: nothing is known of them.
        fetcher.seek(NOW, &view, (P0, EPOCH), start);
        assert_eq!(fetcher.epoch_before(P0, NextOffset::new(7)), None);
        let actions = self::told(|| fetcher.poll_action());
        assert_eq!(actions, ["Poll(Node(0))"]);
    }
}

/// `rd_kafka_toppar_handle_OffsetForLeaderEpoch`: "Seek to the updated end offset".
#[test]
fn librdkafka_goes_back_to_where_the_logs_part() {
    let mut view = knowledge();
    let mut fetcher = begun(&view, Behaviour::LIBRDKAFKA);
    told(|| fetcher.poll_action());
    elect(&mut view, &mut fetcher, 1, 4);
    let (.., version) = question(&mut fetcher);
    fetcher.handle_proof(NOW, &view, (P0, version, 4), Ok(end_at(5, Some(2))));
    let back = "WentBack(PartitionIndex(0), NextOffset(7), NextOffset(5))";
    assert_eq!(told(|| fetcher.poll_action()), [back, "Poll(Node(1))"]);
    let positions = poll(&mut fetcher, Node(1)).positions;
    assert_eq!(positions.iter().map(|p| p.offset).collect::<Vec<_>>(), [5]);
}

#[test]
fn a_leader_that_does_not_tell_is_asked_again_and_answers_to_older_questions_mean_nothing() {
    let view = knowledge();
    let mut fetcher = begun(&view, Behaviour::PLIMSOLL);
    let (.., version) = question(&mut fetcher);
    let refused = Err(Failure::Refused(ErrorName::UnknownLeaderEpoch));
    fetcher.handle_proof(NOW, &view, (P0, version, 0), refused);
    assert_eq!(told(|| fetcher.poll_action()), ["RefreshMetadata"]);
    assert_eq!(fetcher.poll_timeout(), NOW + ms(500));
    fetcher.fetch_all(NOW + ms(500), &view);
    let (.., version) = question(&mut fetcher);
    // The group takes it away, and gives it again.
    fetcher.unassign(P0);
    fetcher.assign(P0, EPOCH, NextOffset::new(7));
    fetcher.fetch_all(NOW + ms(500), &view);
    question(&mut fetcher);
    fetcher.handle_proof(NOW, &view, (P0, version, 0), Ok(end_at(7, Some(2))));
    assert_eq!(told(|| fetcher.poll_action()), [""; 0]);
}
