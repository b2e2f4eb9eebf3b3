//! The consumer against a real broker: the one that `PLIMSOLL_TEST_BOOTSTRAP` names, as
//! `HOST:PORT`. Without it, the tests are ignored.

mod cluster;
mod dead_letters;
mod members;
mod positions;
mod stops;

use plimsoll_testing::{BROKER, run, tests};
use std::future::Future;
use std::process::ExitCode;

fn main() -> ExitCode {
    run(tests!([&BROKER] by on_two_threads:
        dead_letters::messages_that_fail_for_good_are_dead_lettered_and_the_rest_goes_on,
        dead_letters::a_failure_holds_up_only_its_partition,
        members::cooperative_rebalances_lose_and_repeat_nothing,
        members::eager_rebalances_lose_and_repeat_nothing,
        members::a_static_member_comes_back_to_its_partitions,
        members::a_member_whose_handlers_take_long_stays_in_the_group,
        positions::a_group_that_starts_at_the_end_loses_nothing_afterwards,
        positions::partitions_added_meanwhile_are_read_from_their_start,
        positions::reading_goes_on_with_the_first_message_that_is_left,
        positions::reading_goes_on_at_the_end_or_not_at_all_where_that_is_asked_for,
        stops::a_clean_stop_repeats_nothing,
        stops::a_crash_repeats_no_more_than_was_not_committed,
        stops::a_static_member_whose_name_is_taken_ends_with_an_error,
    ))
}

/// Runs a test on a runtime of its own.
fn on_two_threads<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("threads").block_on(test());
}
