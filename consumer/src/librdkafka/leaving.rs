//! The end of a member: it leaves its group.

use super::context::RawConsumer;
use rdkafka::consumer::Consumer;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the other threads may take to end before the member leaves without them.
const THREADS_USUALLY_END: Duration = Duration::from_millis(100);

/// The longest time that leaving waits for the other threads to end.
const THREADS_END: Duration = Duration::from_secs(6);

/// How long librdkafka is given to stop reading what was revoked. It does not tell when it has.
const READING_STOPS: Duration = Duration::from_millis(100);

/// Leaves the group and closes librdkafka's consumer, whose context answers rebalances meanwhile.
///
/// A close that comes while an incremental revocation is still carried out leaves the group without
/// a word (`rd_kafka_cgrp_incr_unassign_done` of librdkafka 2.12.1, which forgets
/// `rd_kafka_cgrp_leave_maybe` where its twin of KIP-848 has it): the partitions of the member would
/// stand still for its session timeout. One that comes before the revocation is answered is right,
/// since the answer counts as a full one then (`rd_kafka_cgrp_handle_assign_op`).
pub(super) fn leave(consumer: Arc<RawConsumer>, is_static: bool) {
    if !others_end(&consumer, THREADS_USUALLY_END) {
        if !is_static {
            // Gives its partitions up now, whatever the other threads still wait for.
            consumer.unsubscribe();
        }
        others_end(&consumer, THREADS_END);
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

fn poll_until(consumer: &RawConsumer, deadline: Instant, over: impl Fn() -> bool) {
    while !over() && Instant::now() < deadline {
        let _ = consumer.poll(Duration::from_millis(20));
    }
}
