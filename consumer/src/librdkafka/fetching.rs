//! One partition that is fetched: its queue, and the position in it.

use super::context::{Context, RawConsumer};
use super::lookups::Wanted;
use super::outbox::Waker;
use super::trouble::Trouble;
use crate::Batch;
use plimsoll_core::{AssignmentEpoch, NextOffset, Offset, TopicPartition};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use rdkafka::types::RDKafkaErrorCode;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The limits of what is read from a queue before another one gets its turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchLimits {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

/// A partition that is fetched under one assignment.
///
/// It has a queue of its own, apart from that of the other partitions and of the rebalances. To
/// pause it means not to read its queue: librdkafka stops fetching once the queue is full, and
/// what it holds is there when the partition is resumed. librdkafka's own pause would throw the
/// queue away, and fetch it again each time.
pub(super) struct Fetching {
    pub(super) epoch: AssignmentEpoch,
    /// The offset of the first record that was not delivered yet.
    pub(super) next: NextOffset,
    pub(super) paused: bool,
    /// Whether librdkafka has stopped fetching: the position was refused.
    pub(super) refused: bool,
    /// The trouble that reading has, if any.
    trouble: Option<Trouble>,
    /// A token that is dropped with the partition: then its questions need no answer.
    pub(super) wanted: Wanted,
    topic: Arc<str>,
    partition: u32,
    queue: PartitionQueue<Context>,
    /// Whether something came into the queue since it was last read to its end.
    ready: Arc<AtomicBool>,
    /// The number of records and of bytes in the last batch: the next one will be alike.
    last_size: (usize, usize),
}

/// What was read from a queue.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The records, if there were any.
    pub(super) batch: Option<Batch>,
    /// The refusal of the position, if it was refused.
    pub(super) refused: Option<Truncated>,
}

/// Whether the log was cut below a position that was refused.
pub(super) type Truncated = bool;

impl Fetching {
    /// Takes the partition out of the common queue. Must be called before the partition is
    /// assigned: then all of its records come into its own queue.
    pub(super) fn new(
        consumer: &Arc<RawConsumer>,
        waker: &Arc<Waker>,
        topic: &Arc<str>,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        next: NextOffset,
    ) -> Option<Self> {
        let number = i32::try_from(partition.partition).ok()?;
        let mut queue = consumer.split_partition_queue(topic, number)?;
        let ready = Arc::new(AtomicBool::new(true));
        let (flag, waker) = (Arc::clone(&ready), Arc::clone(waker));
        queue.set_nonempty_callback(move || {
            flag.store(true, Ordering::Release);
            waker.wake();
        });
        Some(Self {
            epoch,
            next,
            paused: false,
            refused: false,
            trouble: None,
            wanted: Wanted::default(),
            topic: Arc::clone(topic),
            partition: partition.partition,
            queue,
            ready,
            last_size: (0, 0),
        })
    }

    /// Lets the next read look into the queue, whether or not something came.
    pub(super) fn look_again(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Throws away the records that librdkafka has marked as outdated, which would stay in memory
    /// otherwise. Must be called after the partition was unassigned.
    pub(super) fn discard(self) {
        let _ = self.queue.poll(Duration::ZERO);
    }

    /// Returns whether it is time for reading to begin anew after an error, once.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        self.trouble
            .as_mut()
            .is_some_and(|trouble| trouble.take_due(now))
    }

    /// Returns whether reading has failed, and is not known to be well again.
    pub(super) fn is_failing(&mut self, now: Instant) -> bool {
        self.trouble.take_if(|trouble| trouble.is_over(now));
        self.trouble.is_some()
    }

    /// Goes on at a position that librdkafka is told next.
    pub(super) fn begin_at(&mut self, position: NextOffset) {
        self.next = position;
        self.refused = false;
        if let Some(trouble) = &mut self.trouble {
            trouble.begin(Instant::now());
        }
        self.look_again();
    }

    /// Reads the queue, to its end, to the limits or to an error.
    pub(super) fn read(&mut self, context: &Context, limits: BatchLimits) -> Read {
        let mut read = Read::default();
        if self.paused || self.trouble.is_some_and(Trouble::stops) {
            return read;
        }
        if !self.ready.swap(false, Ordering::AcqRel) {
            return read;
        }
        loop {
            if let Some(batch) = &read.batch
                && (batch.len() >= limits.records || batch.bytes() >= limits.bytes)
            {
                self.look_again();
                break;
            }
            match self.queue.poll(Duration::ZERO) {
                None => break,
                Some(Ok(message)) => {
                    self.trouble = None;
                    let batch = read.batch.get_or_insert_with(|| {
                        let topic = Arc::clone(&self.topic);
                        let (records, bytes) = self.last_size;
                        Batch::with_capacity(topic, self.partition, records, bytes)
                    });
                    if let Some(next) = push(batch, &message) {
                        self.next = next;
                    }
                }
                Some(Err(error)) if is_refusal(&error) => {
                    let reason = context.take_error().unwrap_or_default();
                    self.refused = true;
                    read.refused = Some(is_truncation(&reason));
                    break;
                }
                Some(Err(error)) => {
                    self.stop(&error);
                    break;
                }
            }
        }
        if let Some(batch) = &read.batch {
            self.last_size = (batch.len(), batch.bytes());
        }
        read
    }

    /// Stops reading after an error.
    fn stop(&mut self, error: &KafkaError) {
        let trouble = Trouble::after(self.trouble, Instant::now());
        self.trouble = Some(trouble);
        tracing::warn!(
            %error,
            topic = &*self.topic,
            partition = self.partition,
            next = self.next.get(),
            pause = ?trouble.pause(),
            "reading a partition failed; it stands still, and is read again after a pause"
        );
    }
}

/// Copies a message into a batch; returns the offset after it.
fn push(batch: &mut Batch, message: &BorrowedMessage<'_>) -> Option<NextOffset> {
    // Not negative, in a message of a broker.
    let offset = Offset::new(u64::try_from(message.offset()).ok()?);
    let timestamp = message.timestamp().to_millis();
    batch.push(offset, message.key(), message.payload(), timestamp);
    if let Some(headers) = message.headers() {
        for index in 0..headers.count() {
            // The crate panics at a name that is not UTF-8, which Kafka does not rule out.
            let header = catch_unwind(AssertUnwindSafe(|| headers.try_get(index)));
            match header {
                Ok(Some(header)) => batch.push_header(header.key, header.value),
                Ok(None) => {}
                Err(_) => tracing::error!(
                    topic = message.topic(),
                    partition = message.partition(),
                    offset = offset.get(),
                    "left out a header whose name is not UTF-8"
                ),
            }
        }
    }
    Some(offset.next())
}

/// Returns whether librdkafka stopped fetching because of the position.
fn is_refusal(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::AutoOffsetReset
                | RDKafkaErrorCode::LogTruncation
                | RDKafkaErrorCode::OffsetOutOfRange
        )
    )
}

/// Returns whether the text of an error says that the log was cut: its code is the same as for a
/// position that was deleted.
fn is_truncation(reason: &str) -> Truncated {
    ["log truncation", "No epoch found"]
        .iter()
        .any(|words| reason.contains(words))
}
