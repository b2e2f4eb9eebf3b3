//! A thread of the client that panics, as one that writes a log line to a pipe that is closed.

#[allow(
    dead_code,
    reason = "only the topic is used of what the tests on brokers share"
)]
#[path = "kafka/cluster.rs"]
mod cluster;
#[path = "kafka/subject.rs"]
mod subject;

use cluster::{BROKERS, PATIENCE, Topic};
use plimsoll::{ClientError, Error, HandlerError, Message};
use plimsoll_serve::{ErrorName, Faulty, Options, RequestKind, Served, serve};
use std::sync::Mutex;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// A log that panics at the lines of one module.
struct PanickingLog;

/// The module.
static PANICS_AT: Mutex<&str> = Mutex::new("");

impl Subscriber for PanickingLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("plimsoll::librdkafka")
    }

    fn event(&self, event: &Event<'_>) {
        let panics_at = *PANICS_AT.lock().expect("a name");
        assert_ne!(event.metadata().target(), panics_at, "the log is closed");
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_panics_ends_the_consumer_with_an_error() {
    tracing::subscriber::set_global_default(PanickingLog).expect("there is no other log");
    let brokers = serve(Options::default()).expect("there are free ports");
    for (module, thread) in [
        ("plimsoll::librdkafka::rebalances", "plimsoll-poll"),
        ("plimsoll::librdkafka::commits", "plimsoll-commit"),
        ("plimsoll::librdkafka::lookups", "plimsoll-ends"),
    ] {
        let end = BROKERS.scope(brokers.bootstrap(), run_until_panic(&brokers, module));
        match end.await {
            Err(Error::Client(ClientError::Fatal { reason })) => {
                assert!(reason.contains(thread), "{reason}");
            }
            end => panic!("expected a fatal error of {thread}, got {end:?}"),
        }
    }
}

/// Runs a consumer with a log that panics at the lines of a module.
async fn run_until_panic(brokers: &Served, module: &'static str) -> Result<(), Error> {
    let topic = Topic::create("panics", 1).await;
    topic.produce(0..10, |_| 0).await;
    if module.ends_with("lookups") {
        // The log has no line of what succeeds.
        let lookups = Faulty {
            request: RequestKind::ListOffsets,
            broker: None,
            group: None,
            client_id: None,
            count: u32::MAX,
        };
        let fail = |cluster: &mut plimsoll_serve::ServedCluster, _| {
            cluster.fail(lookups, ErrorName::NotLeaderOrFollower);
        };
        brokers.call_async(fail).await;
    }
    *PANICS_AT.lock().expect("a name") = module;
    let handler = async |_: Message| Ok::<(), HandlerError>(());
    let consumer = topic.consumer().run_until(std::future::pending(), handler);
    let end = tokio::time::timeout(PATIENCE, consumer).await;
    *PANICS_AT.lock().expect("a name") = "";
    end.expect("the consumer ends")
}
