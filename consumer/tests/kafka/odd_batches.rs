//! Batches with what is rare: names of headers that are no text, and ends of transactions.

use crate::bytes::{places, stand_before};
use crate::cluster::{Handled, Member, PATIENCE, Topic, wait_until};
use crate::gauges;
use plimsoll::Message;
use plimsoll_serve::Served;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use std::sync::Arc;
use std::time::Duration;

/// The name of a header, whose last byte is changed.
const NAME: &[u8] = b"name?";

/// The key of a marker that commits a transaction: a version, and a kind (`ControlRecordType`).
const COMMIT: &[u8] = &[0, 0, 0, 1];

/// The value of what becomes a marker.
const MARKER: &[u8] = b"marker";

/// Attributes of a batch (`DefaultRecordBatch`).
const TRANSACTIONAL: u8 = 0x10;
const CONTROL: u8 = 0x20;

/// Kafka's own consumer reads the name of a header as text too, whatever its bytes are.
pub(crate) async fn a_header_whose_name_is_no_text_is_there(cluster: Arc<Served>) {
    let change = |bytes: &mut [u8]| {
        for place in places(bytes, NAME) {
            bytes[place + 4] = 0xff;
        }
    };
    stand_before(&cluster, Arc::new(change)).await;
    let topic = Topic::create("names", 1).await;
    let header = |key, value| Header {
        key,
        value: Some(value),
    };
    let headers = OwnedHeaders::new().insert(header("plain", "1"));
    let headers = headers.insert(header(str::from_utf8(NAME).unwrap(), "2"));
    let record = FutureRecord::<(), _>::to(&topic.name).payload(&b"5"[..]);
    topic.produce_record(record.headers(headers)).await;
    let (seen, mut found) = tokio::sync::mpsc::unbounded_channel();
    let consumer = topic.consumer().set("check.crcs", "false");
    let member = Member::start(consumer, move |message: Message| {
        let texts = message
            .headers()
            .map(|h| (h.name.to_owned(), h.value.map(<[u8]>::to_vec)));
        let _ = seen.send(texts.collect::<Vec<_>>());
        async { Ok(()) }
    });
    let found = tokio::time::timeout(PATIENCE, found.recv()).await;
    let expected = [("plain", &b"1"[..]), ("name\u{fffd}", b"2")];
    let expected = expected.map(|(name, value)| (name.to_owned(), Some(value.to_vec())));
    assert_eq!(found.expect("it is handled").unwrap(), expected);
    member.stop().await;
}

/// A transaction ends with a marker, which takes an offset and is no message.
pub(crate) async fn a_marker_at_the_end_of_a_log_is_no_lag(cluster: Arc<Served>) {
    gauges::watch();
    stand_before(&cluster, Arc::new(into_markers)).await;
    let topic = Topic::create("marked", 1).await;
    topic.produce(0..10, |_| 0).await;
    topic.produce_record(marker(&topic.name)).await;
    let handled = Handled::default();
    let consumer = topic.consumer().set("check.crcs", "false");
    let member = Member::start(consumer, handled.handler(Duration::ZERO));
    assert!(wait_until(|| topic.committed(1) == [Some(11)]).await);
    let lag = || gauges::value("kafka_consumergroup_group_lag", &topic.name);
    assert!(wait_until(|| lag() == Some(0.0)).await, "{:?}", lag());
    topic.produce(10..20, |_| 0).await;
    topic.produce_record(marker(&topic.name)).await;
    assert!(wait_until(|| topic.committed(1) == [Some(22)]).await);
    member.stop().await;
    let expected: Vec<u32> = (0..20).collect();
    assert_eq!((handled.numbers(), handled.repeated()), (expected, 0));
}

/// Returns what the proxies make a marker of.
fn marker(topic: &str) -> FutureRecord<'_, [u8], [u8]> {
    FutureRecord::to(topic).key(COMMIT).payload(MARKER)
}

/// Makes markers of the batches of one record that are to be such.
fn into_markers(bytes: &mut [u8]) {
    for value in places(bytes, MARKER) {
        // 61 bytes of the batch, and then seven numbers of the record, of one byte each, and its key.
        let Some(batch) = value.checked_sub(61 + 6 + COMMIT.len()) else {
            continue;
        };
        let attributes = batch + 8 + 4 + 4 + 1 + 4;
        bytes[attributes + 1] |= TRANSACTIONAL | CONTROL;
    }
}
