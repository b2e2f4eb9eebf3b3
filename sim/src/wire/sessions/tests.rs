//! Sessions over several fetches.

use super::*;
use bytes::Bytes;

const NEVER: fn(Uuid) -> Option<TopicName> = |_| None;

fn sessions(slots: usize) -> FetchSessions {
    FetchSessions::with_slots(slots, Rng::substream(1, Purpose::Ties, 2))
}

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1_000)
}

fn asked(index: i32) -> Asked {
    Asked {
        topic: TopicName("orders".into()),
        topic_id: Uuid::nil(),
        index,
        wanted: Wanted {
            offset: 0,
            leader_epoch: -1,
            last_fetched_epoch: -1,
            max_bytes: 1_000,
        },
    }
}

fn opening(session: i32, epoch: i32, indexes: &[i32]) -> Opening {
    Opening {
        session,
        epoch,
        uses_topic_ids: false,
        asked: indexes.iter().copied().map(asked).collect(),
        forgotten: Vec::new(),
    }
}

/// Returns an answer that tells of records up to a high watermark.
fn data(high_watermark: i64, records: &'static str) -> PartitionData {
    PartitionData::default()
        .with_high_watermark(high_watermark)
        .with_log_start_offset(0)
        .with_records(Some(Bytes::from_static(records.as_bytes())))
}

/// Fetches, and returns the session with the partitions that the answer tells of.
fn fetch(
    sessions: &mut FetchSessions,
    now: Instant,
    opening: Opening,
    answer: impl Fn(i32) -> PartitionData,
) -> Result<(i32, Vec<i32>), ResponseError> {
    let (context, asked) = sessions.begin(now, opening, NEVER)?;
    let answers = asked.into_iter().map(|asked| {
        let data = answer(asked.index);
        (asked, data)
    });
    let mut answers = answers.collect();
    let id = sessions.end(now, context, &mut answers)?;
    Ok((id, answers.iter().map(|(asked, _)| asked.index).collect()))
}

/// Makes a session with a number of partitions. Returns its id.
fn open(sessions: &mut FetchSessions, now: Instant, partitions: i32) -> i32 {
    let indexes: Vec<i32> = (0..partitions).collect();
    let opened = fetch(sessions, now, opening(0, 0, &indexes), |_| data(0, ""));
    opened.expect("no session is named").0
}

#[test]
fn a_partition_with_records_has_its_next_turn_behind_the_others() {
    let mut sessions = sessions(9);
    let id = open(&mut sessions, at(1), 3);
    let with_records = |index| data(1, if index == 0 { "records" } else { "" });
    let second = fetch(&mut sessions, at(2), opening(id, 1, &[]), with_records);
    assert_eq!(
        second,
        Ok((id, vec![0, 1, 2])),
        "all have a new high watermark"
    );
    let third = fetch(&mut sessions, at(3), opening(id, 2, &[]), |_| {
        data(1, "records")
    });
    assert_eq!(third, Ok((id, vec![1, 2, 0])));
    let fourth = fetch(&mut sessions, at(4), opening(id, 3, &[]), |_| data(1, ""));
    assert_eq!(fourth, Ok((id, vec![])));
}

#[test]
fn a_partition_is_told_again_when_its_error_is_gone() {
    let mut sessions = sessions(9);
    let id = open(&mut sessions, at(1), 2);
    let failed = |index| data(0, "").with_error_code(if index == 1 { 6 } else { 0 });
    let second = fetch(&mut sessions, at(2), opening(id, 1, &[]), failed);
    assert_eq!(second, Ok((id, vec![1])));
    let third = fetch(&mut sessions, at(3), opening(id, 2, &[]), |_| data(0, ""));
    assert_eq!(third, Ok((id, vec![1])));
}

#[test]
fn a_session_without_partitions_ends() {
    let mut sessions = sessions(9);
    let id = open(&mut sessions, at(1), 1);
    let mut last = opening(id, 1, &[]);
    last.forgotten.push(asked(0).key());
    let told = fetch(&mut sessions, at(2), last, |_| data(0, ""));
    assert_eq!(told, Ok((NO_SESSION, vec![])));
    let gone = fetch(&mut sessions, at(3), opening(id, 2, &[0]), |_| data(0, ""));
    assert_eq!(gone, Err(ResponseError::FetchSessionIdNotFound));
}

#[test]
fn a_fetch_that_another_one_overtook_is_refused() {
    let mut sessions = sessions(9);
    let id = open(&mut sessions, at(1), 1);
    let (first, _) = sessions
        .begin(at(2), opening(id, 1, &[]), NEVER)
        .expect("its epoch is right");
    let second = fetch(&mut sessions, at(2), opening(id, 2, &[]), |_| data(0, ""));
    assert_eq!(second, Ok((id, vec![])));
    let late = sessions.end(at(3), first, &mut Vec::new());
    assert_eq!(late, Err(ResponseError::InvalidFetchSessionEpoch));
}

#[test]
fn a_topic_that_was_not_known_by_its_id_is_found_later() {
    let mut sessions = sessions(9);
    let id = Uuid::from_u128(7);
    let by_id = |session, epoch, mut asked: Vec<Asked>| {
        for one in &mut asked {
            one.topic_id = id;
            one.topic = TopicName::default();
        }
        Opening {
            uses_topic_ids: true,
            asked,
            ..opening(session, epoch, &[])
        }
    };
    let unknown = |_| data(-1, "").with_error_code(100);
    let first = fetch(&mut sessions, at(1), by_id(0, 0, vec![asked(0)]), unknown);
    let (session, _) = first.expect("no session is named");
    let known = |_| Some(TopicName("orders".into()));
    let begun = sessions.begin(at(2), by_id(session, 1, Vec::new()), known);
    let (_, found) = begun.expect("its epoch is right");
    assert_eq!(found[0].topic, TopicName("orders".into()));
    // It is deleted: the session knows the name on.
    let begun = sessions.begin(at(3), by_id(session, 2, Vec::new()), NEVER);
    let (_, found) = begun.expect("its epoch is right");
    assert_eq!(found[0].topic, TopicName("orders".into()));
}

#[test]
fn where_there_is_no_room_fetches_have_no_session() {
    let mut sessions = sessions(2);
    let (small, large) = (open(&mut sessions, at(1), 1), open(&mut sessions, at(2), 3));
    assert_eq!(
        open(&mut sessions, at(121), 9),
        NO_SESSION,
        "both are in use"
    );
    fetch(&mut sessions, at(122), opening(small, 1, &[]), |_| {
        data(0, "")
    })
    .expect("it lives");
    fetch(&mut sessions, at(123), opening(large, 1, &[]), |_| {
        data(0, "")
    })
    .expect("it lives");
    assert_eq!(
        open(&mut sessions, at(124), 1),
        NO_SESSION,
        "none is smaller"
    );
    assert_ne!(open(&mut sessions, at(125), 2), NO_SESSION);
    let gone = fetch(&mut sessions, at(126), opening(small, 2, &[]), |_| {
        data(0, "")
    });
    assert_eq!(gone, Err(ResponseError::FetchSessionIdNotFound));
    // The large one is the one that was not used for longest.
    assert_ne!(open(&mut sessions, at(244), 1), NO_SESSION);
    let gone = fetch(&mut sessions, at(244), opening(large, 2, &[]), |_| {
        data(0, "")
    });
    assert_eq!(gone, Err(ResponseError::FetchSessionIdNotFound));
}
