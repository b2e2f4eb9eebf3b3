//! The callbacks of librdkafka. They note what happened, and answer only while closing.

use super::generations::{Generations, Interrupted};
use super::topics::Topics;
use plimsoll_core::TopicPartition;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// librdkafka's consumer with these callbacks.
pub(super) type RawConsumer = BaseConsumer<Context>;

/// A rebalance that librdkafka reported, and whose answer it awaits.
#[derive(Debug)]
pub(super) enum Callback {
    Assign(Vec<TopicPartition>),
    Revoke(Vec<TopicPartition>),
    Lost(Vec<TopicPartition>),
    /// A rebalance after which the member cannot go on.
    Interrupted(Interrupted),
}

/// The callbacks of one consumer.
#[derive(Debug)]
pub(super) struct Context {
    topics: Arc<Topics>,
    callbacks: Mutex<VecDeque<Callback>>,
    /// The generations of a static member of a cooperative group.
    generations: Option<Mutex<Generations>>,
    closing: AtomicBool,
    /// Whether a rebalance was answered on the spot since that was asked for last.
    answered: AtomicBool,
    /// The number of callbacks so far: a poll that served one may have left more.
    served: AtomicU32,
}

impl Context {
    /// Creates the callbacks of a consumer. `checks_generations` says whether it is a static member
    /// of a cooperative group.
    pub(super) fn new(topics: Arc<Topics>, checks_generations: bool) -> Self {
        Self {
            topics,
            generations: checks_generations.then(Mutex::default),
            callbacks: Mutex::default(),
            closing: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            served: AtomicU32::new(0),
        }
    }

    /// Answers rebalances on the spot from now on: no record is awaited any more, and librdkafka
    /// does not close before it has its answer.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Answers a rebalance on the spot, without any record in mind.
    pub(super) fn answer(&self, consumer: &RawConsumer, assigns: bool, list: &TopicPartitionList) {
        let answered = match assigns {
            true => assign(consumer, &TopicPartitionList::new()),
            false => assigned(consumer, list).and_then(|list| unassign(consumer, &list)),
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "a rebalance could not be answered while closing");
        }
        self.answered.store(true, Ordering::Release);
    }

    /// Returns whether a rebalance was answered on the spot since the last call.
    pub(super) fn take_answered(&self) -> bool {
        self.answered.swap(false, Ordering::AcqRel)
    }

    pub(super) fn next_callback(&self) -> Option<Callback> {
        let mut callbacks = self
            .callbacks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        callbacks.pop_front()
    }

    /// Returns the number of callbacks so far.
    pub(super) fn served(&self) -> u32 {
        self.served.load(Ordering::Relaxed)
    }

    /// Returns why the member cannot go on after a rebalance, if so.
    fn note_generation(&self, callback: &Callback) -> Result<(), Interrupted> {
        let Some(generations) = &self.generations else {
            return Ok(());
        };
        let mut generations = generations.lock().unwrap_or_else(PoisonError::into_inner);
        match callback {
            Callback::Assign(partitions) => generations.assigned(partitions.len()),
            Callback::Revoke(partitions) => generations.revoked(partitions.len()),
            Callback::Lost(partitions) => {
                generations.lost(partitions.len());
                Ok(())
            }
            Callback::Interrupted(_) => Ok(()),
        }
    }

    fn count(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }
}

impl ConsumerContext for Context {
    /// Notes a rebalance. librdkafka calls this from a poll: an answer here would hold up polling
    /// until the last handler of the partitions has ended.
    fn rebalance(
        &self,
        consumer: &RawConsumer,
        kind: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        self.count();
        // Asked for first: any answer resets it.
        let lost = consumer.assignment_lost();
        let assigns = kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let partitions = self.topics.partitions(list);
        if tracing::enabled!(tracing::Level::DEBUG) {
            let partitions = self.topics.shown(partitions.iter().copied());
            tracing::debug!(partitions, assigns, lost, "rebalance");
        }
        if self.closing.load(Ordering::Acquire) {
            return self.answer(consumer, assigns, list);
        }
        let callback = if assigns {
            Callback::Assign(partitions)
        } else if lost {
            Callback::Lost(partitions)
        } else {
            Callback::Revoke(partitions)
        };
        let noted = self.note_generation(&callback);
        let callback = noted.map_or_else(Callback::Interrupted, |()| callback);
        let mut callbacks = self
            .callbacks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        callbacks.push_back(callback);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.count();
        if let (Some(generations), "JOINGROUP") = (&self.generations, facility) {
            let mut generations = generations.lock().unwrap_or_else(PoisonError::into_inner);
            generations.read(message);
        }
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.count();
        tracing::warn!(target: "librdkafka", %error, reason, "the client reports an error");
    }
}

/// Begins to fetch partitions: in addition to the others where the group rebalances cooperatively,
/// else instead of them.
pub(super) fn assign(consumer: &RawConsumer, list: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.assign(list),
    }
}

/// Stops fetching partitions: those of the list, or all where the group rebalances eagerly.
pub(super) fn unassign(consumer: &RawConsumer, list: &TopicPartitionList) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => consumer.unassign(),
    }
}

/// Returns the partitions of a list that librdkafka fetches. It refuses to stop fetching partitions
/// of which there is one that it does not fetch: one whose start was not known yet, for example.
fn assigned(consumer: &RawConsumer, list: &TopicPartitionList) -> KafkaResult<TopicPartitionList> {
    let assignment = consumer.assignment()?;
    let mut assigned = TopicPartitionList::new();
    for element in list.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        if assignment.find_partition(topic, partition).is_some() {
            assigned.add_partition(topic, partition);
        }
    }
    Ok(assigned)
}

/// Writes a line of librdkafka's log into the process's own log.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::error!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}
