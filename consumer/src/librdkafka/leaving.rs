//! The end of a member: it leaves its group.

use super::context::RawConsumer;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time within which the other threads end as a rule; after it, the member leaves without them.
const THREADS_USUALLY_END: Duration = Duration::from_millis(100);

/// The longest time that leaving waits for the other threads to end.
const THREADS_END: Duration = Duration::from_secs(6);

/// The time that a rebalance gets to end in which a member is that has no partitions: librdkafka
/// unsubscribes after it.
const REBALANCE_ENDS: Duration = Duration::from_secs(3);

/// The time that librdkafka gets to stop reading what was revoked: it does not tell when it has.
const READING_STOPS: Duration = Duration::from_millis(100);

/// Leaves the group and closes librdkafka's consumer, whose context answers rebalances meanwhile.
///
/// A close that comes while an incremental revocation is still carried out leaves the group without
/// a word (`rd_kafka_cgrp_incr_unassign_done` of librdkafka 2.12.1, which forgets
/// `rd_kafka_cgrp_leave_maybe` where its twin of KIP-848 has it): the partitions of the member
/// would stand still for its session timeout. One that comes before the revocation is answered is
/// right, since the answer counts as a full one then (`rd_kafka_cgrp_handle_assign_op`).
///
/// A close that finds nothing to revoke leaves the group without a word too
/// (`rd_kafka_cgrp_revoke_all_rejoin`: "consumer is terminating, skipping rejoin"). So a member
/// without partitions unsubscribes first, which leaves the group.
pub(super) fn leave(consumer: Arc<RawConsumer>, is_static: bool) {
    if !others_end(&consumer, THREADS_USUALLY_END) {
        if !is_static {
            // Gives its partitions up now, whatever the other threads still wait for.
            consumer.unsubscribe();
        }
        others_end(&consumer, THREADS_END);
    }
    if !is_static && has_none(consumer.assignment()) {
        consumer.unsubscribe();
        // In a rebalance it is postponed (`rd_kafka_cgrp_subscribe`).
        let ended = Instant::now() + REBALANCE_ENDS;
        poll_until(&consumer, ended, || has_none(consumer.subscription()));
    }
    while consumer.context().take_answered() {
        poll_until(&consumer, Instant::now() + READING_STOPS, || false);
    }
    // The last owner's drop polls until the group is left.
    drop(consumer);
}

/// Polls until the other threads have ended, or a time is over; returns whether they have ended.
fn others_end(consumer: &Arc<RawConsumer>, time: Duration) -> bool {
    let alone = || Arc::strong_count(consumer) == 1;
    poll_until(consumer, Instant::now() + time, alone);
    alone()
}

/// Returns whether a list is known, and empty.
fn has_none(list: KafkaResult<TopicPartitionList>) -> bool {
    list.is_ok_and(|list| list.count() == 0)
}

fn poll_until(consumer: &RawConsumer, deadline: Instant, over: impl Fn() -> bool) {
    while !over() && Instant::now() < deadline {
        let _ = consumer.poll(Duration::from_millis(20));
    }
}
