//! Whether a consumer is a member of its group.

use rdkafka::bindings::{
    rd_kafka_consumer_group_metadata, rd_kafka_consumer_group_metadata_destroy,
    rd_kafka_consumer_group_metadata_generation_id, rd_kafka_consumer_group_metadata_member_id,
};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use std::ffi::CStr;

/// Returns whether the group has let a consumer go that was its member: librdkafka has then forgotten
/// its id or its generation (`rd_kafka_cgrp_handle_Heartbeat`, `rd_kafka_cgrp_op_handle_OffsetCommit`),
/// also where it does not tell a loss, because it waits for the answer to a rebalance. Asks
/// librdkafka's main thread, and waits for its answer.
pub fn is_dismissed<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> bool {
    let client = consumer.client().native_ptr();
    // SAFETY: the client lives as long as the consumer.
    let metadata = unsafe { rd_kafka_consumer_group_metadata(client) };
    if metadata.is_null() {
        return false;
    }
    // SAFETY: the metadata is good until it is destroyed, and so is the string in it, which ends with
    // a zero where there is one.
    unsafe {
        let id = rd_kafka_consumer_group_metadata_member_id(metadata);
        let has_id = !id.is_null() && !CStr::from_ptr(id).is_empty();
        let generation = rd_kafka_consumer_group_metadata_generation_id(metadata);
        rd_kafka_consumer_group_metadata_destroy(metadata);
        !has_id || generation < 0
    }
}
