//! The position of the application, which is what comes after all that it was given, and the end of
//! a log.

use rdkafka::TopicPartitionList;
use rdkafka::bindings::{rd_kafka_get_watermark_offsets, rd_kafka_position};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::types::RDKafkaRespErr;
use std::ffi::CString;

/// Sets the offset of each partition in a list to the position of the application there, which has
/// also passed the markers of transactions. An offset that is none stands where nothing was read.
pub fn read_positions<C: ConsumerContext>(consumer: &BaseConsumer<C>, list: &TopicPartitionList) {
    let client = consumer.client().native_ptr();
    // SAFETY: the client lives as long as the consumer, and the list as long as the call, which
    // nothing else uses meanwhile. The function always succeeds.
    unsafe { rd_kafka_position(client, list.ptr()) };
}

/// Returns the high watermark of a partition as its leader told it with the last answer to a fetch;
/// `None` where there was none yet. Asks no broker.
pub fn high_watermark<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    topic: &str,
    partition: u32,
) -> Option<i64> {
    let client = consumer.client().native_ptr();
    let topic = CString::new(topic).ok()?;
    let partition = partition.cast_signed();
    let (mut low, mut high) = (0, 0);
    // SAFETY: the client lives as long as the consumer, and the name and the numbers as long as the
    // call, which nothing else uses meanwhile.
    let error = unsafe {
        rd_kafka_get_watermark_offsets(
            client,
            topic.as_ptr(),
            partition,
            &raw mut low,
            &raw mut high,
        )
    };
    // What is not known yet is below zero.
    let is_known = error == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0;
    is_known.then_some(high)
}
