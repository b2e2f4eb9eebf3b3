//! Records as bytes: compressed ones, and such as are flipped on their way from the broker.

use crate::cluster::{Handled, Member, Topic, wait_until};
use crate::gauges;
use plimsoll::{Assignor, HandlerError, Message};
use plimsoll_serve::Served;
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
    let flips = flip_all(&cluster).await;
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

/// Reading begins anew while librdkafka waits for the answer to a revocation. It would take that for
/// the answer, and let the group go on beside the handlers of what is given up.
pub(crate) async fn a_partition_that_is_read_again_does_not_answer_a_revocation(
    cluster: Arc<Served>,
) {
    gauges::watch();
    let flips = flip_all(&cluster).await;
    let topic = Topic::create("flipped-in-a-rebalance", 4).await;
    topic
        .produce(FIRST..FIRST + 4, |number| (number - FIRST) as i32)
        .await;
    let begun = Handled::default();
    let slow = || {
        let begun = begun.clone();
        move |message: Message| {
            begun.note(&message);
            async {
                tokio::time::sleep(Duration::from_secs(8)).await;
                Ok::<(), HandlerError>(())
            }
        }
    };
    let consumer = || topic.consumer().set("session.timeout.ms", "45000");
    let first = Member::start(consumer(), slow());
    begun.wait_for(4).await;
    // Of four partitions, the next member gets the first two.
    topic.produce(FIRST + 10..FIRST + 11, |_| 3).await;
    let fails = || gauges::value(FAILING, &topic.name) == Some(1.0);
    assert!(wait_until(fails).await, "it does not fail visibly");
    let second = Member::start(consumer(), slow());
    // It is read again after a second, and after two more.
    tokio::time::sleep(Duration::from_secs(4)).await;
    flips.store(false, Ordering::Relaxed);
    begun.wait_for(5).await;
    let all = || topic.committed(4) == [1, 1, 1, 2].map(Some);
    assert!(wait_until(all).await, "{:?}", topic.committed(4));
    first.stop().await;
    second.stop().await;
    assert_eq!(begun.repeated(), 0, "two members worked at one record");
}

/// Flips the message that is to be flipped on its way to clients, as long as what it returns is set.
async fn flip_all(cluster: &Served) -> Arc<AtomicBool> {
    let flips = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&flips);
    let change = move |bytes: &mut [u8]| {
        if asked.load(Ordering::Relaxed) {
            flip(bytes);
        }
    };
    stand_before(cluster, Arc::new(change)).await;
    flips
}

/// Flips the message that is to be flipped.
fn flip(bytes: &mut [u8]) {
    for place in places(bytes, FLIPPED) {
        bytes[place + FLIPPED.len() - 1] ^= 1;
    }
}

/// Returns the places at which something stands.
pub(crate) fn places(bytes: &[u8], sought: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(sought.len()).enumerate();
    let found = windows.filter(|(_, window)| *window == sought);
    found.map(|(place, _)| place).collect()
}

/// A function that changes bytes from brokers to clients.
pub(crate) type Change = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// Lets clients reach the brokers through proxies, which change what the brokers say.
pub(crate) async fn stand_before(cluster: &Served, change: Change) {
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
