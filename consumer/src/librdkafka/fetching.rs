//! One partition that is fetched: its queue, and the position in it.

use super::context::RawConsumer;
use super::leader_epochs::LeaderEpochs;
use super::lookups::Wanted;
use super::outbox::Waker;
use super::trouble::Trouble;
use crate::Batch;
use plimsoll_core::{AssignmentEpoch, NextOffset, Offset, TopicPartition};
use plimsoll_librdkafka::{Message, PartitionError, PartitionQueue};
use rdkafka::types::RDKafkaErrorCode;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

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
    /// Whether librdkafka has still to compare the position with the leader epochs of the log: until
    /// then, only a refusal of the position counts.
    pub(super) unproved: bool,
    /// Whether a record was read since librdkafka was told where to begin: until then, its position
    /// may be an old one.
    has_read: bool,
    /// The trouble that reading has, if any.
    trouble: Option<Trouble>,
    /// A token that is dropped with the partition: then its questions need no answer.
    pub(super) wanted: Wanted,
    id: TopicPartition,
    topic: Arc<str>,
    queue: PartitionQueue,
    /// Whether something came into the queue since it was last read to its end.
    ready: Arc<AtomicBool>,
    /// The number of records and of bytes in the last batch: the next one will be alike.
    last_size: (usize, usize),
    /// The leader epochs under which records were written, and the last one of these.
    epochs: Arc<LeaderEpochs>,
    last_epoch: Option<i32>,
}

/// The yield of one reading of a queue.
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
        epochs: &Arc<LeaderEpochs>,
        topic: &Arc<str>,
        id: TopicPartition,
        epoch: AssignmentEpoch,
        next: NextOffset,
    ) -> Option<Self> {
        let number = i32::try_from(id.partition).ok()?;
        let ready = Arc::new(AtomicBool::new(true));
        let (flag, waker) = (Arc::clone(&ready), Arc::clone(waker));
        let nonempty = move || {
            flag.store(true, Ordering::Release);
            waker.wake();
        };
        Some(Self {
            epoch,
            next,
            paused: false,
            refused: false,
            unproved: epochs.before(id, next).is_some(),
            has_read: false,
            trouble: None,
            wanted: Wanted::default(),
            id,
            topic: Arc::clone(topic),
            queue: PartitionQueue::new(consumer, topic, number, nonempty)?,
            ready,
            last_size: (0, 0),
            epochs: Arc::clone(epochs),
            last_epoch: None,
        })
    }

    /// Lets the next read look into the queue, whether or not something came.
    pub(super) fn look_again(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Throws away the records that librdkafka has marked as outdated, which would stay in memory
    /// otherwise. Must be called after the partition was unassigned.
    pub(super) fn discard(mut self) {
        self.queue.read(1, |_| ControlFlow::Break(()));
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
        self.has_read = false;
        self.last_epoch = None;
        self.unproved = self.epochs.before(self.id, position).is_some();
        if let Some(trouble) = &mut self.trouble {
            trouble.begin(Instant::now());
        }
        self.look_again();
    }

    /// Reads the queue, to its end, to the limits or to an error.
    pub(super) fn read(&mut self, limits: BatchLimits) -> Read {
        let mut read = Read::default();
        if self.paused || self.stands_still() {
            return read;
        }
        if !self.ready.swap(false, Ordering::AcqRel) {
            return read;
        }
        while let Some(room) = self.room(&read, limits) {
            if !self.read_some(&mut read, room) || self.unproved {
                break;
            }
        }
        if let Some(batch) = &read.batch {
            self.last_size = (batch.len(), batch.bytes());
        }
        read
    }

    /// Returns whether librdkafka's position is known to be that behind what was read: also behind
    /// markers of transactions, which are no records.
    pub(super) fn has_position(&self) -> bool {
        self.has_read && !self.unproved && !self.stands_still()
    }

    /// Goes on at librdkafka's position, if that has moved on without a record.
    pub(super) fn pass(&mut self, position: NextOffset) -> bool {
        let has_moved = self.has_position() && position > self.next;
        if has_moved {
            self.next = position;
        }
        has_moved
    }

    /// Returns whether nothing is read until librdkafka is told where to begin anew.
    fn stands_still(&self) -> bool {
        self.refused || self.trouble.is_some_and(Trouble::stops)
    }

    /// Returns the number of messages that may be read at once, as far as their size can be told
    /// from those before; `None` where the limits are reached, and there may be more.
    fn room(&self, read: &Read, limits: BatchLimits) -> Option<usize> {
        let (records, bytes) = read.batch.as_ref().map_or((0, 0), |b| (b.len(), b.bytes()));
        if records >= limits.records || bytes >= limits.bytes {
            self.look_again();
            return None;
        }
        let (seen, size) = if records > 0 {
            (records, bytes)
        } else {
            self.last_size
        };
        let each = size.checked_div(seen).unwrap_or(limits.bytes).max(1);
        let fitting = ((limits.bytes - bytes) / each).max(1);
        Some(fitting.min(limits.records - records))
    }

    /// Reads up to a number of messages, or to an error; returns whether there may be more.
    fn read_some(&mut self, read: &mut Read, room: usize) -> bool {
        let mut failed = None;
        let count = self.queue.read(room, |next| {
            match next {
                // It is read again from a position that is proved.
                Ok(_) if self.unproved => {}
                Ok(message) => {
                    self.trouble = None;
                    let batch = read.batch.get_or_insert_with(|| {
                        let topic = Arc::clone(&self.topic);
                        let (records, bytes) = self.last_size;
                        Batch::with_capacity(topic, self.id.partition, records, bytes)
                    });
                    if let Some(offset) = push(batch, &message) {
                        self.next = offset.next();
                        self.has_read = true;
                        let epoch = message.leader_epoch();
                        if self.last_epoch != epoch {
                            self.last_epoch = epoch;
                            self.epochs.note(self.id, offset, epoch);
                        }
                    }
                }
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        match failed {
            Some(error) if is_refusal(&error) => {
                self.refused = true;
                read.refused = Some(is_truncation(&error.reason));
                false
            }
            Some(error) => {
                self.stop(&error);
                false
            }
            None => count == room,
        }
    }

    /// Stops reading after an error.
    fn stop(&mut self, error: &PartitionError) {
        let trouble = Trouble::after(self.trouble, Instant::now());
        self.trouble = Some(trouble);
        tracing::warn!(
            error = error.reason,
            topic = &*self.topic,
            partition = self.id.partition,
            next = self.next.get(),
            pause = ?trouble.pause(),
            "reading a partition failed; it stands still, and is read again after a pause"
        );
    }
}

/// Copies a message into a batch; returns its offset.
fn push(batch: &mut Batch, message: &Message<'_>) -> Option<Offset> {
    // Not negative, in a message of a broker.
    let offset = Offset::new(u64::try_from(message.offset()).ok()?);
    batch.push(
        offset,
        message.key(),
        message.payload(),
        message.timestamp(),
    );
    for header in message.headers() {
        // As Kafka's own consumer reads names that are not UTF-8 (`RecordHeader.key`, `Utils.utf8`).
        let name = String::from_utf8_lossy(header.name);
        batch.push_header(&name, header.value);
    }
    Some(offset)
}

/// Returns whether librdkafka stopped fetching because of the position.
fn is_refusal(error: &PartitionError) -> bool {
    matches!(
        error.code,
        RDKafkaErrorCode::AutoOffsetReset
            | RDKafkaErrorCode::LogTruncation
            | RDKafkaErrorCode::OffsetOutOfRange
    )
}

/// Returns whether the text of an error says that the log was cut: its code is the same as for a
/// position that was deleted.
fn is_truncation(reason: &str) -> Truncated {
    ["log truncation", "No epoch found"]
        .iter()
        .any(|words| reason.contains(words))
}
