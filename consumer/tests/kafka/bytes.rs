//! Records as bytes: compressed ones, names of headers that are no text, and such as are changed on
//! their way from the broker.

use crate::cluster::{Handled, Member, PATIENCE, Topic, wait_until};
use crate::gauges;
use plimsoll::{Assignor, Message};
use plimsoll_serve::Served;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// The first message. All have the same number of digits.
const FIRST: u32 = 1_000_000_000;

/// The value of the message that is flipped, the eleventh: into the twelfth.
const FLIPPED: &[u8] = b"1000000010";

/// The name of a header, whose last byte is changed.
const NAME: &[u8] = b"name?";

/// The key of a marker that commits a transaction: a version, and a kind (`ControlRecordType`).
const COMMIT: &[u8] = &[0, 0, 0, 1];

/// The value of what becomes a marker.
const MARKER: &[u8] = b"marker";

/// Attributes of a batch (`DefaultRecordBatch`).
const TRANSACTIONAL: u8 = 0x10;
const CONTROL: u8 = 0x20;

const FAILING: &str = "plimsoll_partition_failing";

pub(crate) async fn compressed_messages_are_read() {
    for codec in ["gzip", "snappy", "lz4", "zstd"] {
        let topic = Topic::create(codec, 1).await;
        let mut producer = topic.client();
        producer
            .set("compression.type", codec)
            .set("linger.ms", "100");
        topic.produce_by(&producer, 0..1_000, |_| 0).await;
        let handled = Handled::default();
        let member = Member::start(topic.consumer(), handled.handler(Duration::ZERO));
        handled.wait_for(1_000).await;
        member.stop().await;
        assert_eq!(topic.committed(1), [Some(1_000)], "{codec}");
    }
}

pub(crate) async fn a_message_whose_bytes_are_flipped_is_read_again_and_none_is_skipped(
    cluster: Arc<Served>,
) {
    gauges::watch();
    let flips = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&flips);
    let change = move |bytes: &mut [u8]| {
        if asked.load(Ordering::Relaxed) {
            flip(bytes);
        }
    };
    stand_before(&cluster, Arc::new(change)).await;
    for assignor in [Assignor::CooperativeSticky, Assignor::Range] {
        flips.store(true, Ordering::Relaxed);
        let topic = Topic::create("flipped", 1).await;
        topic.produce(FIRST..FIRST + 5, |_| 0).await;
        let handled = Handled::default();
        let consumer = topic.consumer().assignor(assignor);
        let member = Member::start(consumer, handled.handler(Duration::ZERO));
        handled.wait_for(5).await;
        let is = |failing| gauges::value(FAILING, &topic.name) == Some(failing);
        assert!(wait_until(|| is(0.0)).await, "it does not tell its state");
        topic.produce(FIRST + 5..FIRST + 15, |_| 0).await;
        assert!(wait_until(|| is(1.0)).await, "it does not fail visibly");
        topic.produce(FIRST + 15..FIRST + 20, |_| 0).await;
        // It is tried again, without success.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let numbers = handled.numbers();
        assert!(numbers.iter().all(|n| *n < FIRST + 10), "{numbers:?}");
        assert!(is(1.0));
        flips.store(false, Ordering::Relaxed);
        handled.wait_for(20).await;
        assert!(wait_until(|| is(0.0)).await, "it fails for ever");
        member.stop().await;
        let expected: Vec<u32> = (FIRST..FIRST + 20).collect();
        assert_eq!((handled.numbers(), handled.repeated()), (expected, 0));
        assert_eq!(topic.committed(1), [Some(20)], "{assignor:?}");
    }
}

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

/// Flips the message that is to be flipped.
fn flip(bytes: &mut [u8]) {
    for place in places(bytes, FLIPPED) {
        bytes[place + FLIPPED.len() - 1] ^= 1;
    }
}

/// Returns the places at which something stands.
fn places(bytes: &[u8], sought: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(sought.len()).enumerate();
    let found = windows.filter(|(_, window)| *window == sought);
    found.map(|(place, _)| place).collect()
}

/// A function that changes bytes from brokers to clients.
type Change = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// Lets clients reach the brokers through proxies, which change what the brokers say.
async fn stand_before(cluster: &Served, change: Change) {
    for (broker, address) in cluster.brokers().to_vec() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let advertise = cluster.call_async(move |cluster, _| {
            cluster.advertise(broker, "127.0.0.1".into(), port);
        });
        advertise.await;
        tokio::spawn(accept(listener, address, Arc::clone(&change)));
    }
}

async fn accept(listener: TcpListener, broker: String, change: Change) {
    while let Ok((client, _)) = listener.accept().await {
        let broker = TcpStream::connect(&broker).await.expect("a broker");
        let (mut from_client, to_client) = client.into_split();
        let (from_broker, mut to_broker) = broker.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_broker).await });
        tokio::spawn(pass_on(from_broker, to_client, Arc::clone(&change)));
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, change: Change) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &mut buffer[..length];
        change(bytes);
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
