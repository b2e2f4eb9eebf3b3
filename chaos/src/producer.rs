//! The harness's producer: over raw requests, one after the other for each partition, so that
//! nothing overtakes what is sent again.

use crate::admin::{self, Admin, Connection, Failure, check};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{InitProducerIdRequest, ProduceResponse};
use plimsoll_core::Offset;
use plimsoll_scenarios::scenario::{self, Acks};
use plimsoll_serve::produce::{self, Identity, NewRecord};
use std::collections::BTreeMap;
use std::sync::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

/// The client id; `error` faults find it, as they do in the simulator.
const CLIENT_ID: &str = "plimsoll-producer";

/// The size from which on a batch takes no more records, in bytes.
const BATCH: usize = 256 << 10;

/// The newest versions that name topics rather than numbering them.
const PRODUCE: i16 = 9;
const INIT_PRODUCER_ID: i16 = 4;

/// The fate of a record: its offset, where the broker tells one. There is no answer of one that was
/// given up.
pub(crate) type Delivery = oneshot::Receiver<Option<Offset>>;

/// The producer; what it still has to do ends with it.
#[derive(Debug)]
pub(crate) struct Producer {
    settings: scenario::Producer,
    admin: Admin,
    lanes: Mutex<Lanes>,
}

/// The partitions that were produced to, and the tasks that do so.
#[derive(Debug, Default)]
struct Lanes {
    queues: BTreeMap<(String, u32), mpsc::UnboundedSender<Pending>>,
    tasks: JoinSet<()>,
}

impl Producer {
    /// Makes a producer with the settings of a plan; it goes straight to the brokers.
    pub(crate) fn new(settings: scenario::Producer, admin: Admin) -> Self {
        Self {
            settings,
            admin,
            lanes: Mutex::default(),
        }
    }

    /// Begins to produce a record.
    pub(crate) fn send(&self, topic: &str, partition: u32, record: NewRecord) -> Delivery {
        let (reply, delivery) = oneshot::channel();
        let pending = Pending {
            record,
            give_up: Instant::now() + self.settings.delivery_timeout,
            reply,
        };
        let mut lanes = crate::lock::lock(&self.lanes);
        let Lanes { queues, tasks } = &mut *lanes;
        let queue = queues.entry((topic.to_owned(), partition));
        let queue = queue.or_insert_with(|| {
            let (sender, queue) = mpsc::unbounded_channel();
            let lane = Lane {
                settings: self.settings.clone(),
                admin: self.admin.clone(),
                topic: topic.to_owned(),
                partition,
                connection: None,
                identity: None,
            };
            tasks.spawn(lane.run(queue));
            sender
        });
        // A lane ends with the producer alone.
        let _ = queue.send(pending);
        delivery
    }
}

/// A record under way; without its reply it is given up.
#[derive(Debug)]
struct Pending {
    record: NewRecord,
    give_up: Instant,
    reply: oneshot::Sender<Option<Offset>>,
}

/// The way to one partition.
struct Lane {
    settings: scenario::Producer,
    admin: Admin,
    topic: String,
    partition: u32,
    connection: Option<Connection>,
    /// Each partition has one of its own: what is given up there concerns no other.
    identity: Option<Identity>,
}

impl Lane {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Pending>) {
        while let Some(first) = queue.recv().await {
            let mut bytes = first.record.value.len();
            let mut batch = vec![first];
            while bytes < BATCH
                && let Ok(next) = queue.try_recv()
            {
                bytes += next.record.value.len();
                batch.push(next);
            }
            self.deliver(batch).await;
        }
    }

    /// Tries until all of a batch is acknowledged, refused or given up.
    async fn deliver(&mut self, mut batch: Vec<Pending>) {
        while let Some(end) = batch.iter().map(|pending| pending.give_up).min() {
            let why = match timeout_at(end, self.try_again_and_again(&batch)).await {
                Ok(Ok(base)) => {
                    for (offset, pending) in (0..).zip(batch) {
                        // This fails where the run is over.
                        let _ = pending
                            .reply
                            .send(base.map(|base| Offset::new(base + offset)));
                    }
                    return;
                }
                Ok(Err(why)) => {
                    batch.clear();
                    why
                }
                Err(_) => {
                    batch.retain(|pending| pending.give_up > end);
                    "its time is over".into()
                }
            };
            tracing::warn!(
                "a message to {}/{} is lost: {why}",
                self.topic,
                self.partition
            );
            // A broker may have what was sent: a number in place of its own would not be taken.
            (self.connection, self.identity) = (None, None);
        }
    }

    /// Sends a batch until it is acknowledged, perhaps with its first offset, or refused for good.
    async fn try_again_and_again(&mut self, batch: &[Pending]) -> Result<Option<u64>, String> {
        loop {
            match self.attempt(batch).await {
                Ok(base) => {
                    if let Some(identity) = &mut self.identity {
                        identity.advance(batch.len());
                    }
                    return Ok(base);
                }
                Err(Failure::Final(why)) => return Err(why),
                Err(Failure::Passing(why)) => {
                    tracing::debug!("producing to {}/{}: {why}", self.topic, self.partition);
                    self.connection = None;
                    sleep(self.settings.retry_backoff).await;
                }
            }
        }
    }

    async fn attempt(&mut self, batch: &[Pending]) -> Result<Option<u64>, Failure> {
        let limit = self.settings.request_timeout;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let (topic, partition) = (&self.topic, self.partition);
                let opened = self.admin.connect_with_leader(topic, partition, CLIENT_ID);
                self.connection.insert(opened.await?)
            }
        };
        if self.settings.idempotence && self.identity.is_none() {
            let request = InitProducerIdRequest::default()
                .with_transactional_id(None)
                .with_producer_id((-1).into())
                .with_producer_epoch(-1);
            let answer = connection.call(&request, INIT_PRODUCER_ID);
            let answer = admin::within(limit, answer).await?;
            check(answer.error_code)?;
            self.identity = Some(Identity {
                id: answer.producer_id.0,
                epoch: answer.producer_epoch,
                next: 0,
            });
        }
        let place = (self.topic.as_str(), self.partition);
        let records = batch.iter().map(|pending| &pending.record);
        let request = produce::request(&self.settings, place, self.identity, records);
        let request = request.map_err(Failure::Final)?;
        if self.settings.acks == Acks::None {
            admin::within(limit, connection.tell(&request, PRODUCE)).await?;
            return Ok(None);
        }
        let answer = connection.call(&request, PRODUCE);
        base_offset(&admin::within(limit, answer).await?)
    }
}

/// Reads where the first record of a batch stands. Of one that was there already, because the first
/// answer was lost, a broker need not tell.
fn base_offset(answer: &ProduceResponse) -> Result<Option<u64>, Failure> {
    let mut partitions = answer
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses);
    let partition = partitions.next();
    let partition = partition.ok_or_else(|| Failure::Passing("an empty answer".into()))?;
    if partition.error_code == ResponseError::DuplicateSequenceNumber.code() {
        return Ok(None);
    }
    check(partition.error_code)?;
    Ok(u64::try_from(partition.base_offset).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Sender;
    use crate::cluster::Cluster;
    use crate::names::Names;
    use crate::tail;
    use plimsoll_core::TopicPartition;
    use plimsoll_oracle::MessageId;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::sync::watch;
    use tokio::time::timeout;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Produces while the leader dies, and reads from before that.
    #[tokio::test]
    async fn each_record_is_read_once_and_where_the_producer_was_told() {
        let plan = crate::testing::plan(1, "", "");
        let names = Arc::new(Names::new(&plan, "tag"));
        let cluster = Cluster::embedded(&plan.settings.cluster, 0).await;
        let cluster = cluster.expect("it is served");
        let (admin, orders) = (cluster.admin(), names.topic(0));
        for topic in [orders, &names.dead_letters] {
            let created = admin.create_topic(topic, 1, 3, 2).await;
            created.expect("it is created");
        }
        let (_counts, shown) = watch::channel([(0, 1)].into());
        let (read, mut reads) = mpsc::unbounded_channel();
        let read = Sender::new(move |one| read.send(one).expect("the test reads"));
        let mut tasks = JoinSet::new();
        tasks.spawn(tail::read_topics(admin.clone(), names.clone(), shown, read));

        let producer = Producer::new(plan.settings.producer.clone(), admin.clone());
        let mut deliveries = Vec::new();
        for message in 0..40 {
            if message == 20 {
                let leader = admin.leader_now(orders, 0).await.expect("there is one");
                cluster.kill(leader).await.expect("it dies");
            }
            let record = NewRecord {
                key: None,
                value: "value".into(),
                message: message.to_string().into(),
            };
            deliveries.push(producer.send(orders, 0, record));
            sleep(Duration::from_millis(10)).await;
        }
        for (message, delivery) in deliveries.into_iter().enumerate() {
            let told = timeout(PATIENCE, delivery).await.expect("an answer");
            assert!(told.is_ok(), "message {message} is lost");
            let read = timeout(PATIENCE, reads.recv()).await.expect("a record");
            let read = read.expect("it is read");
            assert_eq!(read.partition, TopicPartition::new(0, 0));
            assert_eq!(read.message, MessageId(message as u32));
            assert_eq!(told, Ok(Some(read.offset)));
        }
        assert!(reads.try_recv().is_err(), "a record was read twice");
    }
}
