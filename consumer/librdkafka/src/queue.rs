//! The queue of one partition.

use crate::Message;
use rdkafka::bindings::{
    rd_kafka_consume_batch_queue, rd_kafka_message_destroy, rd_kafka_message_errstr,
    rd_kafka_message_t, rd_kafka_queue_cb_event_enable, rd_kafka_queue_destroy,
    rd_kafka_queue_forward, rd_kafka_queue_get_partition, rd_kafka_queue_t, rd_kafka_t,
};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::types::RDKafkaErrorCode;
use std::any::Any;
use std::ffi::{CStr, CString, c_void};
use std::fmt;
use std::ops::ControlFlow;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// The queue of one partition, apart from that of the consumer, which is read in batches.
pub struct PartitionQueue {
    raw: NonNull<rd_kafka_queue_t>,
    /// The places for a batch. All are empty between two reads.
    room: Vec<Option<Owned>>,
    /// The function that librdkafka calls, at an address that stays.
    _nonempty: Box<Nonempty>,
    /// The consumer, which must outlive its queue.
    _consumer: Arc<dyn Any + Send + Sync>,
}

/// A function that is called when something comes into an empty queue.
type Nonempty = Box<dyn Fn() + Send + Sync>;

// SAFETY: librdkafka's queues may be used by any thread; `room` is empty between two reads.
unsafe impl Send for PartitionQueue {}

/// An error that stands in a queue in the place of a message.
#[derive(Debug)]
pub struct PartitionError {
    /// The code.
    pub code: RDKafkaErrorCode,
    /// The error in librdkafka's words.
    pub reason: String,
    /// The offset to which it belongs. At the end of a partition: that of what comes next.
    pub offset: i64,
}

impl PartitionQueue {
    /// Takes the queue of a partition out of that of the consumer; `nonempty` is called, on a
    /// thread of librdkafka's, when something comes into it while it is empty.
    ///
    /// Returns `None` where the name has a zero in it, or librdkafka has no such queue.
    pub fn new<C: ConsumerContext + 'static>(
        consumer: &Arc<BaseConsumer<C>>,
        topic: &str,
        partition: i32,
        nonempty: impl Fn() + Send + Sync + 'static,
    ) -> Option<Self> {
        let topic = CString::new(topic).ok()?;
        let client = consumer.client().native_ptr();
        // SAFETY: the client lives as long as the consumer; the name is copied.
        let raw = unsafe { rd_kafka_queue_get_partition(client, topic.as_ptr(), partition) };
        let raw = NonNull::new(raw)?;
        // SAFETY: the queue is good; without a target, it is forwarded no more.
        unsafe { rd_kafka_queue_forward(raw.as_ptr(), ptr::null_mut()) };
        let nonempty: Box<Nonempty> = Box::new(Box::new(nonempty));
        let opaque = ptr::from_ref::<Nonempty>(&nonempty).cast_mut().cast();
        // SAFETY: the function stays at its address until `Drop` has told librdkafka to forget it.
        unsafe { rd_kafka_queue_cb_event_enable(raw.as_ptr(), Some(call), opaque) };
        Some(Self {
            raw,
            room: Vec::new(),
            _nonempty: nonempty,
            _consumer: Arc::clone(consumer) as Arc<dyn Any + Send + Sync>,
        })
    }

    /// Takes what is there, up to a number of messages and errors, without waiting, and shows each
    /// to `take`, in order; returns the number. Where `take` breaks off, the rest is thrown away.
    ///
    /// Where it notes the position of the application, from which a rebalance goes on,
    /// `rd_kafka_consume_batch_queue` takes an error for a message (`rd_kafka_q_serve_rkmessages`;
    /// unlike `rd_kafka_fetch_op_app_prepare`). So after an error one must begin anew at a position of
    /// one's own; and ends of partitions must not be asked for (`enable.partition.eof`): one at offset
    /// 7 would move the position to 8, and the record at 7 would never be read.
    ///
    /// (`rd_kafka_consume_callback_queue` takes errors for what they are. But it notes the markers of
    /// transactions also where the records before them are thrown away, as outdated by a rebalance:
    /// `rd_kafka_op_handle_std` does not look at the version.)
    pub fn read(
        &mut self,
        limit: usize,
        mut take: impl FnMut(Result<Message<'_>, PartitionError>) -> ControlFlow<()>,
    ) -> usize {
        if self.room.len() < limit {
            self.room.resize_with(limit, || None);
        }
        let places = self.room.as_mut_ptr().cast::<*mut rd_kafka_message_t>();
        // SAFETY: there are at least `limit` places, each of which has the size of a pointer, and
        // is empty, so that nothing is lost when librdkafka writes its messages there.
        let count = unsafe { rd_kafka_consume_batch_queue(self.raw.as_ptr(), 0, places, limit) };
        let count = usize::try_from(count).unwrap_or(0);
        let mut flow = ControlFlow::Continue(());
        for place in &mut self.room[..count] {
            if let Some(owned) = place.take()
                && flow.is_continue()
            {
                flow = take(owned.get());
            }
        }
        count
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: the queue is good until it is destroyed here, before its consumer is.
        unsafe {
            rd_kafka_queue_cb_event_enable(self.raw.as_ptr(), None, ptr::null_mut());
            rd_kafka_queue_destroy(self.raw.as_ptr());
        }
    }
}

impl fmt::Debug for PartitionQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionQueue").finish_non_exhaustive()
    }
}

/// Calls the function of a queue.
unsafe extern "C" fn call(_: *mut rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: it is what `PartitionQueue::new` gave.
    let nonempty = unsafe { &*opaque.cast::<Nonempty>() };
    nonempty();
}

/// A message, or an error, that librdkafka has given away.
///
/// An `Option` of it has the form of a pointer that may be null.
#[repr(transparent)]
struct Owned(NonNull<rd_kafka_message_t>);

impl Owned {
    fn get(&self) -> Result<Message<'_>, PartitionError> {
        // SAFETY: the message lives until it is dropped.
        let raw = unsafe { self.0.as_ref() };
        let code = RDKafkaErrorCode::from(raw.err);
        if code == RDKafkaErrorCode::NoError {
            // SAFETY: librdkafka gave it to this consumer, and it lives until it is dropped.
            return Ok(unsafe { Message::new(self.0) });
        }
        // SAFETY: the pointer is good.
        let reason = unsafe { rd_kafka_message_errstr(raw) };
        let reason = if reason.is_null() {
            String::new()
        } else {
            // SAFETY: it is a string that ends with a zero, of the message, or a constant.
            unsafe { CStr::from_ptr(reason) }.to_string_lossy().into()
        };
        Err(PartitionError {
            code,
            reason,
            offset: raw.offset,
        })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: nothing else has it.
        unsafe { rd_kafka_message_destroy(self.0.as_ptr()) };
    }
}
