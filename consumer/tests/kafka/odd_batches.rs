//! Batches with what is rare: names of headers that are no text, and ends of transactions.

use crate::bytes::{places, stand_before};
use crate::cluster::{Handled, Member, PATIENCE, Topic, wait_until};
use crate::gauges;
use plimsoll::Message;
use plimsoll_serve::Served;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, FutureRecord, Producer as _};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// The name of a header, whose last byte is changed.
const NAME: &[u8] = b"name?";

/// The key of a marker that commits a transaction: a version, and a kind (`ControlRecordType`).
const COMMIT: &[u8] = &[0, 0, 0, 1];

/// The value of what becomes a marker.
const MARKER: &[u8] = b"marker";

/// Places in a batch (`DefaultRecordBatch`).
const LENGTH: usize = 8;
const CHECKSUM: usize = 17;
const ATTRIBUTES: usize = 21;

/// Attributes of a batch.
const TRANSACTIONAL: u8 = 0x10;
const CONTROL: u8 = 0x20;

/// Kafka's own consumer reads the name of a header as text too, whatever its bytes are.
pub(crate) async fn a_header_whose_name_is_no_text_is_there(cluster: Arc<Served>) {
    let change = |bytes: &mut [u8]| {
        for place in places(bytes, NAME) {
            change_batch(bytes, place, |batch, place| batch[place + 4] = 0xff);
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
    let member = Member::start(topic.consumer(), move |message: Message| {
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
    let member = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
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

/// Of a transaction, a member gets what was committed, and its position goes on over the rest.
pub(crate) async fn transactions_are_read_as_they_end() {
    gauges::watch();
    let topic = Topic::create("transactions", 1).await;
    topic.produce(0..10, |_| 0).await;
    transact(&topic, 10..20, false).await;
    transact(&topic, 20..30, true).await;
    transact(&topic, 30..40, false).await;
    let handled = Handled::default();
    let member = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
    handled.wait_for(20).await;
    // Each transaction has a marker at its end.
    assert!(wait_until(|| topic.committed(1) == [Some(43)]).await);
    let lag = || gauges::value("kafka_consumergroup_group_lag", &topic.name);
    assert!(wait_until(|| lag() == Some(0.0)).await, "{:?}", lag());
    member.stop().await;
    let expected: Vec<u32> = (0..10).chain(20..30).collect();
    assert_eq!((handled.numbers(), handled.repeated()), (expected, 0));
}

/// Produces messages in a transaction, which is committed or taken back.
async fn transact(topic: &Topic, numbers: Range<u32>, commits: bool) {
    let mut config = topic.client();
    config.set("transactional.id", &topic.name);
    let name = topic.name.clone();
    let transact = move || {
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(PATIENCE).expect("it may");
        producer.begin_transaction().expect("it may");
        for number in numbers {
            let value = number.to_string();
            let record = BaseRecord::<(), str>::to(&name)
                .partition(0)
                .payload(&value);
            let sent = producer.send(record).map_err(|(error, _)| error);
            sent.expect("room in the queue");
        }
        producer.flush(PATIENCE).expect("the broker acknowledges");
        match commits {
            true => producer.commit_transaction(PATIENCE),
            false => producer.abort_transaction(PATIENCE),
        }
    };
    let ended = tokio::task::spawn_blocking(transact).await;
    ended.unwrap().expect("the transaction ends");
}

/// Returns what the proxies make a marker of.
fn marker(topic: &str) -> FutureRecord<'_, [u8], [u8]> {
    FutureRecord::to(topic).key(COMMIT).payload(MARKER)
}

/// Makes markers of the batches of one record that are to be such.
fn into_markers(bytes: &mut [u8]) {
    for value in places(bytes, MARKER) {
        change_batch(bytes, value, |batch, _| {
            batch[ATTRIBUTES + 1] |= TRANSACTIONAL | CONTROL;
        });
    }
}

/// Changes the batch around a place, whose number in the batch the change gets, and its checksum
/// with it.
fn change_batch(bytes: &mut [u8], place: usize, change: impl Fn(&mut [u8], usize)) {
    let starts = (0..place).rev();
    let mut batches = starts.filter_map(|start| {
        let length = bytes.get(start + LENGTH..start + LENGTH + 4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        let batch = bytes.get(start..start + LENGTH + 4 + length)?;
        let checksum = crc32c::crc32c(batch.get(ATTRIBUTES..)?).to_be_bytes();
        (batch[CHECKSUM..ATTRIBUTES] == checksum).then_some(start..start + batch.len())
    });
    // A batch that is cut here is read again: the member has it whole by then.
    let Some(range) = batches.next() else {
        return;
    };
    let start = range.start;
    let batch = &mut bytes[range];
    change(batch, place - start);
    let checksum = crc32c::crc32c(&batch[ATTRIBUTES..]).to_be_bytes();
    batch[CHECKSUM..ATTRIBUTES].copy_from_slice(&checksum);
}
