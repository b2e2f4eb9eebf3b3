//! krafka, a client in pure Rust, at the command line: `create PARTITIONS`, `produce COUNT`,
//! `consume`, and `reset PARTITIONS`, which lets the group begin anew. `consume` prints what it has
//! read, a partition and an offset a line, and commits it; SIGTERM asks it to stop.
//!
//! Brokers, group and topic stand in the environment, as for the programs of `examples/subjects`.

use krafka::admin::NewTopic;
use krafka::consumer::{AutoOffsetReset, TopicPartition};
use krafka::{Kafka, Record};
use std::env;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

type Done = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> Done {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = arguments.get(1).map_or(Ok(0), |number| number.parse());
    let kafka = Kafka::builder(told("KAFKA_BOOTSTRAP_SERVERS")?);
    let kafka = kafka.connect().await?;
    let topic = told("KAFKA_TOPIC")?;
    match arguments.first().map(String::as_str) {
        Some("create") => create(&kafka, &topic, number?).await,
        Some("produce") => produce(&kafka, &topic, number?).await,
        Some("consume") => consume(&kafka, &topic).await,
        Some("reset") => reset(&kafka, &topic, number?).await,
        _ => Err("create PARTITIONS, produce COUNT, consume or reset PARTITIONS".into()),
    }
}

async fn create(kafka: &Kafka, topic: &str, partitions: i32) -> Done {
    let admin = kafka.admin();
    let topic = NewTopic::new(topic, partitions, -1)?;
    let created = admin.create_topics([topic], Default::default()).await?;
    for (_, result) in created {
        result?;
    }
    Ok(admin.close().await?)
}

/// Produces records with different keys, and waits until they are stored.
async fn produce(kafka: &Kafka, topic: &str, count: i32) -> Done {
    let producer = kafka.producer().build().await?;
    for number in 0..count {
        let record = Record::new(topic, "a record").key(number.to_string());
        let _stored = producer.send(record).await?;
    }
    Ok(producer.close().await?)
}

async fn consume(kafka: &Kafka, topic: &str) -> Done {
    let consumer = kafka
        .consumer(told("KAFKA_GROUP_ID")?)
        .auto_offset_reset(AutoOffsetReset::Earliest)
        .enable_auto_commit(false)
        .heartbeat_interval(Duration::from_millis(500))
        .build()
        .await?;
    consumer.subscribe([topic]).await?;
    let stops = Arc::new(AtomicBool::new(false));
    let mut asked = signal(SignalKind::terminate())?;
    let noted = stops.clone();
    tokio::spawn(async move {
        asked.recv().await;
        noted.store(true, Relaxed);
    });
    while !stops.load(Relaxed) {
        let records = consumer.poll(Duration::from_millis(200)).await?;
        for record in &records {
            println!("{} {}", record.partition, record.offset);
        }
        if !records.is_empty() {
            consumer.commit().await?;
        }
    }
    Ok(consumer.close().await?)
}

/// Sets what the group has committed to the first offset of each partition.
async fn reset(kafka: &Kafka, topic: &str, partitions: i32) -> Done {
    let admin = kafka.admin();
    let partition = |number| (TopicPartition::new(topic, number), 0);
    let starts: Vec<_> = (0..partitions).map(partition).collect();
    let group = told("KAFKA_GROUP_ID")?;
    let altered = admin.alter_consumer_group_offsets(group, starts, Default::default());
    for (_, result) in altered.await? {
        result?;
    }
    Ok(admin.close().await?)
}

fn told(variable: &str) -> Result<String, String> {
    env::var(variable).map_err(|_| format!("{variable} is not set"))
}
