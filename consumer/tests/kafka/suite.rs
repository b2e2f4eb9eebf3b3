//! What every client has to show under the driver: the one list for them all.

/// Lists the tests; what they need, and what runs them.
macro_rules! of_every_client {
    ($needs:tt by $run:path) => {
        plimsoll_harness::tests!($needs by $run:
            bytes::compressed_messages_are_read,
            dead_letters::messages_that_fail_for_good_are_dead_lettered_and_the_rest_goes_on,
            dead_letters::a_failure_holds_up_only_its_partition,
            dead_letters::one_that_is_refused_for_good_goes_on_once_it_is_taken,
            members::cooperative_rebalances_lose_and_repeat_nothing,
            members::eager_rebalances_lose_and_repeat_nothing,
            members::rebalances_at_the_ends_of_logs_pass_no_record,
            members::a_static_member_comes_back_to_its_partitions,
            members::a_member_whose_handlers_take_long_stays_in_the_group,
            positions::the_lag_of_a_partition_that_stands_still_grows,
            positions::a_group_that_starts_at_the_end_loses_nothing_afterwards,
            positions::reading_goes_back_where_offsets_are_reset,
            positions::partitions_added_meanwhile_are_read_from_their_start,
            positions::reading_goes_on_with_the_first_message_that_is_left,
            positions::reading_goes_on_at_the_end_or_not_at_all_where_that_is_asked_for,
            stops::a_clean_stop_repeats_nothing,
            stops::a_member_that_stops_leaves_its_group,
            stops::a_member_without_partitions_leaves_its_group,
            stops::a_crash_repeats_no_more_than_was_not_committed,
            stops::a_static_member_whose_name_is_taken_ends_with_an_error,
            topics::a_topic_that_is_not_there_is_told_and_read_once_it_is,
        )
    };
}

/// Lists the tests that need brokers that fail.
macro_rules! of_every_client_over_faults {
    () => {
        plimsoll_harness::tests!([] by brokers::on_faulty_brokers:
            bytes::a_message_whose_bytes_are_flipped_is_read_again_and_none_is_skipped,
            bytes::a_partition_that_is_read_again_does_not_answer_a_revocation,
            epochs::a_log_that_was_cut_meanwhile_is_not_read_over,
            epochs::commits_name_the_leader_epochs_of_what_was_handled,
            faults::a_broker_that_tells_no_ends_holds_up_no_other,
            faults::a_member_that_stops_while_a_start_is_late_leaves_its_group,
            faults::a_partition_without_a_leader_holds_up_no_other,
            faults::a_start_at_the_end_that_comes_late_is_committed_first,
            odd_batches::a_header_whose_name_is_no_text_is_there,
            odd_batches::a_marker_at_the_end_of_a_log_is_no_lag,
        )
    };
}

/// Lists the tests that need what the brokers of the simulator have not: transactions.
macro_rules! of_every_client_on_kafka {
    () => {
        plimsoll_harness::tests!([&BROKER] by brokers::on_kafka:
            odd_batches::transactions_are_read_as_they_end,
        )
    };
}
