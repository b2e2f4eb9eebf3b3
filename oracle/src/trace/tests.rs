//! What is made of a trace: its hash, its JSON lines, its timeline.

use super::{Entry, Fingerprint, Header, Names, Timeline, Trace, TraceEvent};
use crate::{BrokerId, ErrorName, FaultId, MemberId, MessageId, Missed, RequestKind, Word};
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, Outcome, TopicPartition};

const MEMBER: MemberId = MemberId(1);
const PARTITION: TopicPartition = TopicPartition::new(0, 3);
const OFFSET: Offset = Offset::new(7);
const NEXT: NextOffset = NextOffset::new(8);
const MESSAGE: MessageId = MessageId(42);

/// Returns one entry of each kind; fields that may be absent are present.
fn every_kind() -> Vec<TraceEvent> {
    use TraceEvent as E;
    let (member, partition, offset, message) = (MEMBER, PARTITION, OFFSET, MESSAGE);
    let (next, key, attempt) = (NEXT, Some(5), 2);
    vec![
        E::Stored {
            message,
            partition,
            offset,
            key,
        },
        E::Acknowledged {
            message,
            partition,
            offset,
        },
        E::ProduceFailed { message },
        E::Removed {
            partition,
            log_start: next,
        },
        E::LeaderChanged {
            partition,
            leader: BrokerId(2),
            epoch: 9,
        },
        E::CoordinatorChanged {
            broker: BrokerId(2),
        },
        E::MemberStarted { member },
        E::MemberStopping { member },
        E::MemberStopped { member },
        E::MemberCrashed { member },
        E::MemberPaused { member },
        E::MemberResumed { member },
        E::Assigned {
            member,
            partition,
            epoch: AssignmentEpoch(4),
            position: next,
            generation: 7,
        },
        E::Revoked {
            member,
            partition,
            in_flight: 3,
        },
        E::Released { member, partition },
        E::Lost { member, partition },
        E::PositionReset {
            member,
            partition,
            from: next,
            to: NextOffset::ZERO,
        },
        E::CommitSent { member },
        E::Committed {
            member,
            partition,
            next,
            generation: -1,
            rebalancing: true,
        },
        E::CommitRefused {
            member,
            error: ErrorName::IllegalGeneration,
        },
        E::CommitUnknown { member },
        E::OffsetsReset { partition, next },
        E::HandlerStarted {
            member,
            partition,
            offset,
            message,
            attempt,
        },
        E::Effect {
            member,
            partition,
            offset,
            message,
            key,
            attempt,
            outcome: Outcome::Retryable,
        },
        E::HandlerStopped {
            member,
            partition,
            offset,
            attempt,
        },
        E::DeadLettered {
            member,
            partition,
            offset,
            message,
            epoch: Some(AssignmentEpoch(3)),
        },
        E::FaultBegan {
            fault: FaultId(6),
            member: Some(member),
            broker: Some(BrokerId(1)),
        },
        E::FaultEnded { fault: FaultId(6) },
        E::ResponseLost {
            member,
            request: RequestKind::OffsetCommit,
        },
        E::Healed,
        E::Quiet,
        E::Ended { lag: 12 },
        E::Truncated {
            partition,
            log_end: next,
        },
        E::OutOfRange {
            member,
            partition,
            position: next,
        },
        E::MemberExited {
            member,
            status: Some(137),
        },
        E::FaultMissed {
            fault: FaultId(6),
            reason: Missed::NoTarget,
        },
        E::DeadLetterAcknowledged {
            member,
            partition,
            offset,
            message,
            epoch: Some(AssignmentEpoch(3)),
        },
        E::LateCommit { member, partition },
    ]
}

fn trace(events: &[TraceEvent]) -> Trace {
    let mut trace = Trace::new();
    for (index, event) in (0..).zip(events) {
        trace.push(Instant::from_nanos(index * 1_500_000), *event);
    }
    trace
}

/// Returns the header of a trace with one member, three brokers, and the terms' topics.
fn header() -> Header {
    let names = Names::new(&crate::check::terms_by_hand(), 1, 3);
    Header {
        plimsoll: "0.1.0".into(),
        ..Header::new("crash/late", 7, "plimsoll", "sim", names)
    }
}

fn jsonl(trace: &Trace) -> String {
    let mut bytes = Vec::new();
    let written = trace.write_jsonl(&header(), &mut bytes);
    written.expect("a Vec takes all");
    String::from_utf8(bytes).expect("JSON is text")
}

macro_rules! numbers {
    ($($number:literal $kind:ident $name:literal { $($field:ident),* })*) => {
        const NUMBERS: &[u8] = &[$($number),*];
    };
}

super::layout::with_layout!(numbers);

#[test]
fn every_kind_is_here_under_a_number_of_its_own() {
    assert!(NUMBERS.is_sorted_by(|a, b| a < b));
    let mut kinds = every_kind();
    kinds.dedup_by_key(|kind| std::mem::discriminant(kind));
    assert_eq!(kinds.len(), NUMBERS.len());
}

/// Regressions hold hashes: where this test fails, every committed regression is void.
#[test]
fn the_hash_of_a_fixed_trace_never_changes() {
    // The kinds of the first edition; later ones have numbers of their own.
    let hash = trace(&every_kind()[..32]).fingerprint();
    assert_eq!(hash.to_string(), "a1919e6b7693453617d731b168c3d280");
    let empty = Trace::new().fingerprint();
    assert_eq!(empty.to_string(), "99aa06d3014798d86001c324468d497f");
}

#[test]
fn the_hash_depends_on_the_block_in_no_way() {
    // Long enough to be hashed in several pieces; an entry more or less shifts them all.
    let events: Vec<TraceEvent> = every_kind().into_iter().cycle().take(2_000).collect();
    let mut hashes: Vec<u128> = (1_000..1_100)
        .map(|length| trace(&events[..length]).fingerprint().0)
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 100);
    // In one piece, by hand, for the first kinds.
    let one = trace(&[TraceEvent::Ended { lag: 12 }]);
    let bytes = [&0u64.to_le_bytes()[..], &[32], &12u64.to_le_bytes()].concat();
    let by_hand = Fingerprint(xxhash_rust::xxh3::xxh3_128(&bytes));
    assert_eq!(one.fingerprint(), by_hand);
}

/// Each number in each line of JSON is a field; changing any of them changes the hash.
#[test]
fn the_hash_covers_every_field() {
    let whole = trace(&every_kind());
    let text = jsonl(&whole);
    let mut changed = 0;
    for (number, line) in text.lines().enumerate().skip(1) {
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).expect("an object");
        for (name, value) in &fields {
            let mut other = fields.clone();
            let different = match value {
                serde_json::Value::Number(_) if name == "at_ns" => continue,
                serde_json::Value::Number(value) => (value.as_i64().unwrap() + 1).into(),
                serde_json::Value::Bool(value) => (!value).into(),
                serde_json::Value::String(_) => match name.as_str() {
                    "error" => "UNKNOWN_MEMBER_ID".into(),
                    "request" => "Fetch".into(),
                    "outcome" => "permanent".into(),
                    "reason" => "no-effect".into(),
                    "event" => continue,
                    _ => panic!("a new text field: {name}"),
                },
                _ => panic!("every field is present: {name}"),
            };
            other.insert(name.clone(), different);
            let line = serde_json::to_string(&other).expect("an object");
            let mut lines: Vec<&str> = text.lines().collect();
            lines[number] = &line;
            let (_, read) = Trace::read_jsonl(&lines.join("\n")).expect("a valid trace");
            assert_ne!(read.fingerprint(), whole.fingerprint(), "{name}: {line}");
            changed += 1;
        }
    }
    assert!(changed > 80, "{changed}");
}

#[test]
fn absent_is_not_zero() {
    let began = |broker| TraceEvent::FaultBegan {
        fault: FaultId(6),
        member: None,
        broker,
    };
    let [none, zero] =
        [None, Some(BrokerId(0))].map(|broker| trace(&[began(broker)]).fingerprint());
    assert_ne!(none, zero);
}

#[test]
fn json_lines_come_back_as_they_were() {
    let mut events = every_kind();
    events.push(TraceEvent::Stored {
        message: MessageId(u32::MAX),
        partition: PARTITION,
        offset: Offset::new(u64::MAX),
        key: None,
    });
    events.push(TraceEvent::FaultBegan {
        fault: FaultId(0),
        member: None,
        broker: None,
    });
    let trace = trace(&events);
    assert_eq!(Trace::read_jsonl(&jsonl(&trace)), Ok((header(), trace)));
}

#[test]
fn every_name_comes_back() {
    let member = MEMBER;
    let refused = ErrorName::ALL
        .iter()
        .map(|&error| TraceEvent::CommitRefused { member, error });
    let lost = RequestKind::ALL
        .iter()
        .map(|&request| TraceEvent::ResponseLost { member, request });
    let trace = trace(&refused.chain(lost).collect::<Vec<_>>());
    assert_eq!(Trace::read_jsonl(&jsonl(&trace)), Ok((header(), trace)));
}

#[test]
fn the_lines_are_those_that_others_read() {
    insta::assert_snapshot!("jsonl", jsonl(&trace(&every_kind())));
}

#[test]
fn what_is_no_entry_is_named_by_its_line() {
    for (text, expected) in [
        (
            "{",
            "line 2: EOF while parsing an object at line 1 column 1",
        ),
        ("\n{}", "line 3: expected a whole number in `at_ns`"),
        ("{\"at_ns\":1}", "line 2: expected a text in `event`"),
        (
            "{\"at_ns\":1,\"event\":\"heeled\"}",
            "line 2: no event is called `heeled`",
        ),
        (
            "{\"at_ns\":1,\"event\":\"member-started\",\"member\":-1}",
            "line 2: expected a whole number in `member`",
        ),
        (
            "{\"at_ns\":1,\"event\":\"commit-refused\",\"member\":1,\"error\":\"OOPS\"}",
            "line 2: expected the name of an error of Kafka's in `error`",
        ),
        (
            "{\"at_ns\":2,\"event\":\"healed\"}\n{\"at_ns\":1,\"event\":\"quiet\"}",
            "line 3: it is earlier than the line before",
        ),
    ] {
        let text = jsonl(&Trace::new()) + text;
        let error = Trace::read_jsonl(&text).expect_err(&text);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn what_does_not_begin_with_a_header_is_no_trace() {
    let line = jsonl(&Trace::new());
    for (text, expected) in [
        ("".into(), NO_HEADER),
        ("{\"at_ns\":2,\"event\":\"healed\"}".into(), NO_HEADER),
        ("[1]".into(), NO_HEADER),
        (
            line.replace("\"version\":1", "\"version\":2"),
            "line 1: the trace has version 2, and this version of Plimsoll reads 1",
        ),
        (
            line.replace("\"seed\":7,", ""),
            "line 1: in the header: missing field `seed`",
        ),
    ] {
        let error = Trace::read_jsonl(&text).expect_err(&text);
        assert_eq!(error.to_string(), expected);
    }
}

const NO_HEADER: &str = "line 1: expected the header of a trace, \
                         {\"format\":\"plimsoll-trace\",...}; traces of earlier versions of \
                         Plimsoll have none";

#[test]
fn a_timeline_says_each_kind_in_a_sentence() {
    let terms = crate::check::terms_by_hand();
    let trace = trace(&every_kind());
    insta::assert_snapshot!("timeline", Timeline::new(&terms, &trace).to_string());
}

#[test]
fn a_timeline_of_chosen_entries() {
    let terms = crate::check::terms_by_hand();
    let trace = trace(&every_kind());
    let all: Vec<_> = Timeline::new(&terms, &trace).lines().collect();
    // The last of these is none of the trace's entries.
    let chosen = [9, 18, 1_000];
    let lines: Vec<_> = Timeline::of(&terms, &trace, &chosen).lines().collect();
    assert_eq!(lines, [all[9].clone(), all[18].clone()]);
    let Entry { at, .. } = trace.entries()[18];
    assert_eq!(lines[1].0, at);
    assert_eq!(lines[1].1, "consumer-2");
    assert_eq!(lines[1].2, "commits 8 for orders-3, during a rebalance");
}
