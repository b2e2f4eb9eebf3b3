//! The consumer, and bare clients of librdkafka, against brokers over TCP: those of the simulator,
//! and a real one, which `PLIMSOLL_TEST_BOOTSTRAP` names, as `HOST:PORT`. Without it, the tests
//! against that are ignored.

mod bare;
mod bytes;
mod cluster;
mod dead_letters;
mod epochs;
mod faults;
mod gauges;
mod members;
mod positions;
#[path = "../recorder/mod.rs"]
mod recorder;
mod stops;
mod topics;

use plimsoll_harness::{BROKER, broker, run_side_by_side, tests};
use plimsoll_serve::{Options, Served, serve};
use std::future::Future;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

/// Lists the tests; what they need, and what runs them.
macro_rules! suite {
    ($needs:tt by $run:path) => {
        tests!($needs by $run:
            bare::loops_share_go_on_from_commits_and_go_back_where_offsets_are_reset,
            bytes::compressed_messages_are_read,
            dead_letters::messages_that_fail_for_good_are_dead_lettered_and_the_rest_goes_on,
            dead_letters::a_failure_holds_up_only_its_partition,
            dead_letters::one_that_is_too_large_is_compressed_and_else_pointed_to,
            dead_letters::one_that_is_refused_for_good_goes_on_once_it_is_taken,
            dead_letters::one_that_is_refused_for_good_is_told_to_a_callback,
            members::cooperative_rebalances_lose_and_repeat_nothing,
            members::eager_rebalances_lose_and_repeat_nothing,
            members::a_static_member_comes_back_to_its_partitions,
            members::a_member_whose_handlers_take_long_stays_in_the_group,
            positions::the_lag_of_a_partition_that_stands_still_grows,
            positions::a_group_that_starts_at_the_end_loses_nothing_afterwards,
            positions::reading_goes_back_where_offsets_are_reset,
            positions::partitions_added_meanwhile_are_read_from_their_start,
            positions::reading_goes_on_with_the_first_message_that_is_left,
            positions::reading_goes_on_at_the_end_or_not_at_all_where_that_is_asked_for,
            topics::a_topic_that_is_not_there_is_told_and_read_once_it_is,
            stops::a_clean_stop_repeats_nothing,
            stops::a_member_that_stops_leaves_its_group,
            stops::a_member_without_partitions_leaves_its_group,
            stops::a_crash_repeats_no_more_than_was_not_committed,
            stops::a_static_member_whose_name_is_taken_ends_with_an_error,
        )
    };
}

fn main() -> ExitCode {
    let served = suite!((Vec::new()) by on_served_brokers).map(|test| test.within("served"));
    let faulty = tests!([] by on_faulty_brokers:
        bytes::a_header_whose_name_is_no_text_is_there,
        bytes::a_marker_at_the_end_of_a_log_is_no_lag,
        bytes::a_message_whose_bytes_are_flipped_is_read_again_and_none_is_skipped,
        epochs::a_log_that_was_cut_meanwhile_is_not_read_over,
        epochs::commits_name_the_leader_epochs_of_what_was_handled,
        faults::a_broker_that_tells_no_ends_holds_up_no_other,
        faults::a_member_that_stops_while_a_start_is_late_leaves_its_group,
        faults::a_partition_without_a_leader_holds_up_no_other,
        faults::a_start_at_the_end_that_comes_late_is_committed_first,
    )
    .map(|test| test.within("served"));
    let served = served.into_iter().chain(faulty);
    // Tests wait more than they work.
    run_side_by_side(8, served.chain(suite!([&BROKER] by on_kafka)))
}

fn on_kafka<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    on_two_threads(&broker().expect("the test needs it"), test);
}

fn on_served_brokers<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    static SERVED: LazyLock<Served> =
        LazyLock::new(|| serve(Options::default()).expect("there are free ports"));
    on_two_threads(&SERVED.bootstrap(), test);
}

/// Runs a test against brokers of its own, which it gets.
fn on_faulty_brokers<F: Future<Output = ()>>(test: impl FnOnce(Arc<Served>) -> F) {
    let cluster = Arc::new(faults::two_brokers());
    on_two_threads(&cluster.bootstrap(), || test(Arc::clone(&cluster)));
}

/// Runs a test against these brokers, on a runtime of its own.
fn on_two_threads<F: Future<Output = ()>>(brokers: &str, test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let test = cluster::BROKERS.scope(brokers.to_owned(), test());
    runtime.expect("threads").block_on(test);
}
