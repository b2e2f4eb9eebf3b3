//! Plimsoll's own consumer as a member: what `plimsoll member` runs.
//!
//! It is a subject like any other. What it needs to know beyond the contract of external subjects
//! (ordering, retries, deadlines) it reads from a scenario in its environment, and it prints what
//! its group tells it, as Kafka's `VerifiableConsumer` does.

use crate::post::Url;
use crate::sink::http::PANIC_HEADER;
use crate::subject::SETTINGS;
use axum::http::StatusCode;
use plimsoll::{
    Assignor, Config, Consumer, Driver, GroupClient, Handler, HandlerError, Message, Watch,
    Watched, shutdown,
};
use plimsoll_core::{Command, Event, Start, TopicPartition};
use plimsoll_native::{NativeClient, Settings};
use plimsoll_scenarios::scenario::{self, Consumers};
use plimsoll_scenarios::{Client, Scenario};
use serde_json::json;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, io};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Runs one member of the group with Plimsoll's own consumer, configured by its environment: this
/// is the command `plimsoll member`.
pub fn member_main() -> ExitCode {
    end_with_the_harness();
    let filter = env::var("RUST_LOG").ok();
    let filter = filter.and_then(|filter| filter.parse::<Targets>().ok());
    let log = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry()
        .with(log)
        .with(filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO)))
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(consume()),
        Err(error) => Err(error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plimsoll member: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Asks the system to kill this member when the harness is killed.
#[cfg(target_os = "linux")]
fn end_with_the_harness() {
    use rustix::process::{Signal, set_parent_process_death_signal};

    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        eprintln!("cannot ask the system to end this member with the harness: {error}");
    }
}

/// Does nothing: only Linux can be asked to kill this member when the harness is killed.
#[cfg(not(target_os = "linux"))]
fn end_with_the_harness() {}

async fn consume() -> Result<(), String> {
    let text = variable(SETTINGS)?;
    let scenario = Scenario::parse(SETTINGS, &text).map_err(|error| error.to_string())?;
    let mut consumers = scenario.settings.consumers;
    consumers.config.jitter_seed = u64::from(std::process::id());
    match consumers.client {
        Client::Librdkafka => {
            let (client, config) = over_librdkafka(&consumers)?.into_parts();
            consume_by(client, config).await
        }
        Client::Native => consume_by(native(&consumers)?, consumers.config).await,
    }
}

async fn consume_by(client: impl GroupClient, config: Config) -> Result<(), String> {
    let handler = handler(variable("PLIMSOLL_SINK_URL")?)?;
    let driver = Driver::new(Watched::new(client, Report), handler, config);
    let result = driver.run(shutdown::signal()).await;
    result.map_err(|error| error.to_string())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("the environment lacks {name}: `plimsoll run` sets it"))
}

/// Builds the client in Rust alone that the environment describes.
fn native(consumers: &Consumers) -> Result<NativeClient, String> {
    let topics = variable("KAFKA_TOPIC")?;
    let brokers = variable("KAFKA_BOOTSTRAP_SERVERS")?;
    let mut settings = Settings::new(brokers, variable("KAFKA_GROUP_ID")?, topics.split(','));
    settings.client_id = variable("PLIMSOLL_MEMBER")?;
    settings.assignor = consumers.assignor;
    // Without dead letters there is no such topic, and nothing is written to one.
    let letters = variable("PLIMSOLL_DEAD_LETTER_TOPIC").ok();
    settings.dead_letter_topic = letters.or_else(|| Some(format!("{topics}.dead-letters")));
    if consumers.instance(0).is_some() {
        settings.instance = Some(variable("KAFKA_GROUP_INSTANCE_ID")?);
    }
    settings.session_timeout = consumers.session_timeout;
    settings.heartbeat = consumers.heartbeat;
    settings.poll_deadline = consumers.poll_deadline;
    settings.fetch_wait_max = consumers.fetch_wait_max;
    settings.prefetch = consumers.prefetch.max(1);
    settings.request_timeout = consumers.request_timeout;
    settings.retry_backoff = consumers.retry_backoff;
    settings.metadata_refresh = consumers.metadata_refresh;
    NativeClient::new(settings).map_err(|error| error.to_string())
}

/// Builds the consumer over librdkafka that the environment describes.
fn over_librdkafka(consumers: &Consumers) -> Result<Consumer, String> {
    let config = consumers.config;
    let topics = variable("KAFKA_TOPIC")?;
    let mut builder = Consumer::builder()
        .brokers(variable("KAFKA_BOOTSTRAP_SERVERS")?)
        .group(variable("KAFKA_GROUP_ID")?)
        .topics(topics.split(','))
        .assignor(match consumers.assignor {
            scenario::Assignor::Range => Assignor::Range,
            scenario::Assignor::RoundRobin => Assignor::RoundRobin,
            scenario::Assignor::CooperativeSticky => Assignor::CooperativeSticky,
        })
        .config(|settings| *settings = config);
    if config.dead_letters {
        builder = builder.dead_letter_topic(variable("PLIMSOLL_DEAD_LETTER_TOPIC")?);
    }
    let member = variable("PLIMSOLL_MEMBER")?;
    if consumers.instance(0).is_some() {
        builder = builder.instance_id(variable("KAFKA_GROUP_INSTANCE_ID")?);
    }
    for (name, value) in librdkafka(consumers) {
        builder = builder.set(name, value);
    }
    let consumer = builder.set("client.id", member).build();
    consumer.map_err(|error| error.to_string())
}

/// Lists a scenario's settings by librdkafka's names.
fn librdkafka(consumers: &Consumers) -> [(&'static str, String); 8] {
    let millis = |time: Duration| time.as_millis().max(1).to_string();
    [
        ("session.timeout.ms", millis(consumers.session_timeout)),
        ("heartbeat.interval.ms", millis(consumers.heartbeat)),
        ("max.poll.interval.ms", millis(consumers.poll_deadline)),
        ("fetch.wait.max.ms", millis(consumers.fetch_wait_max)),
        ("queued.min.messages", consumers.prefetch.max(1).to_string()),
        ("socket.timeout.ms", millis(consumers.request_timeout)),
        ("retry.backoff.ms", millis(consumers.retry_backoff)),
        (
            "topic.metadata.refresh.interval.ms",
            millis(consumers.metadata_refresh),
        ),
    ]
}

/// Makes the handler of a record: one call of the sink, which answers with the outcome.
fn handler(sink: String) -> Result<impl Handler, String> {
    let sink = Url::parse(&sink)?;
    Ok(move |message: Message| {
        let call = json!({
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
        });
        let answer = sink.post(&call);
        async move {
            let answer = answer.await?;
            let panics = answer.headers().contains_key(PANIC_HEADER);
            assert!(!panics, "the scenario lets this handler panic");
            match answer.status() {
                StatusCode::OK => Ok(()),
                status @ StatusCode::UNPROCESSABLE_ENTITY => {
                    Err(HandlerError::permanent(status.to_string()))
                }
                status => Err(HandlerError::retryable(status.to_string())),
            }
        }
    })
}

/// The lines that tell what the group tells its client.
struct Report;

impl Watch for Report {
    fn see_event(&mut self, client: &impl GroupClient, event: &Event<Message>) {
        match event {
            Event::Revoked { partitions, .. } => print(client, "partitions_revoked", partitions),
            Event::Lost { partitions, .. } => print(client, "partitions_lost", partitions),
            _ => {}
        }
    }

    fn see_command(&mut self, client: &impl GroupClient, command: &Command<Message>) {
        if let Command::CompleteAssign { starts, .. } = command {
            let starts = starts.iter();
            let partitions: Vec<TopicPartition> = starts.map(|s: &Start| s.partition).collect();
            print(client, "partitions_assigned", &partitions);
        }
    }
}

/// Prints what happens to partitions, by the names of their topics.
fn print(client: &impl GroupClient, name: &str, partitions: &[TopicPartition]) {
    let partitions = partitions
        .iter()
        .map(|id| json!({ "topic": client.topic(id.topic), "partition": id.partition }));
    let line = json!({ "name": name, "partitions": partitions.collect::<Vec<_>>() });
    // This fails where the harness is gone: then the run is over.
    let _ = writeln!(io::stdout(), "{line}");
}
