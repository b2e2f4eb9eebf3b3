//! The position of the application: what comes after all that it was given.

use rdkafka::TopicPartitionList;
use rdkafka::bindings::rd_kafka_position;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};

/// Sets the offset of each partition in a list to the position of the application there, which has
/// also passed the markers of transactions. An offset that is none stands where nothing was read.
pub fn read_positions<C: ConsumerContext>(consumer: &BaseConsumer<C>, list: &TopicPartitionList) {
    let client = consumer.client().native_ptr();
    // SAFETY: the client lives as long as the consumer, and the list as long as the call, which
    // nothing else uses meanwhile. The function always succeeds.
    unsafe { rd_kafka_position(client, list.ptr()) };
}
