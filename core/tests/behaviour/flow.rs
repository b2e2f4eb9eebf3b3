//! Back-pressure, refetched records, and positions out of range.

use crate::driver::{Driver, committed, config, id};
use plimsoll_core::{CommitOutcome, Config, Event, Offset, Ordering, OutOfRangePolicy, Outcome};

fn unordered() -> Config {
    Config {
        ordering: Ordering::Unordered,
        max_in_flight: 1_000,
        ..config()
    }
}

fn without_handlers(lines: &[String]) -> Vec<&String> {
    lines.iter().filter(|l| !l.starts_with("handle")).collect()
}

#[test]
fn pauses_at_the_limit_and_resumes_at_half() {
    for limit in [
        Config {
            max_buffered_records: 4,
            ..unordered()
        },
        Config {
            max_buffered_bytes: 40,
            ..unordered()
        },
        Config {
            max_span: 4,
            ..unordered()
        },
    ] {
        let mut driver = Driver::owning_one(limit);
        for offset in 10..13 {
            assert_eq!(without_handlers(&driver.fetch(0, [offset])), [""; 0]);
        }
        assert_eq!(without_handlers(&driver.fetch(0, [13])), ["pause 0"]);
        assert_eq!(driver.ok(0, 10), [""; 0]);
        assert_eq!(driver.ok(0, 11), ["resume 0"]);
    }
}

#[test]
fn a_batch_counts_until_its_last_record_is_finished() {
    let mut driver = Driver::owning_one(Config {
        max_buffered_bytes: 60,
        ..unordered()
    });
    driver.fetch(0, 10..15);
    for offset in 11..15 {
        driver.ok(0, offset);
    }
    assert_eq!(without_handlers(&driver.fetch(0, [15])), ["pause 0"]);
    driver.ok(0, 15);
    assert_eq!(driver.ok(0, 10), ["resume 0"]);
}

#[test]
fn each_partition_has_an_equal_share_of_the_total() {
    let mut driver = Driver::new(Config {
        max_total_bytes: 80,
        ..unordered()
    });
    driver.assign(1, &[committed(0, 10)]);
    assert_eq!(without_handlers(&driver.fetch(0, 10..15)), [""; 0]);
    let lines = driver.assign(2, &[committed(1, 10)]);
    assert_eq!(lines, ["assigned 2: 1@10", "pause 0"]);
    assert_eq!(without_handlers(&driver.fetch(1, 10..13)), [""; 0]);
    assert_eq!(without_handlers(&driver.fetch(1, [13])), ["pause 1"]);
    assert_eq!(driver.lose(3, &[1])[4..], ["revoked 3"]);
    for offset in 10..14 {
        assert_eq!(driver.ok(0, offset), [""; 0], "the batch counts");
    }
    assert_eq!(driver.ok(0, 14), ["resume 0"]);
}

#[test]
fn a_record_that_is_larger_than_the_total_is_read() {
    let mut driver = Driver::owning_one(Config {
        max_total_bytes: 1,
        ..unordered()
    });
    for offset in 10..13 {
        let expected = [format!("handle 0/{offset} #1"), "pause 0".to_owned()];
        let mut lines = driver.fetch(0, [offset]);
        lines.sort();
        assert_eq!(lines, expected);
        assert_eq!(driver.ok(0, offset), ["resume 0"]);
    }
}

#[test]
fn the_span_is_bounded_while_one_record_is_stuck() {
    let mut driver = Driver::owning_one(Config {
        max_span: 100,
        ..unordered()
    });
    for offset in 10..109 {
        assert_eq!(without_handlers(&driver.fetch(0, [offset])), [""; 0]);
        if offset > 10 {
            driver.ok(0, offset);
        }
    }
    assert_eq!(without_handlers(&driver.fetch(0, [109])), ["pause 0"]);
    driver.ok(0, 109);
    assert_eq!(driver.ok(0, 10), ["resume 0"]);
}

#[test]
fn a_partition_that_was_resumed_without_a_command_is_paused_again() {
    let mut driver = Driver::owning_one(Config {
        max_buffered_records: 4,
        ..unordered()
    });
    assert_eq!(without_handlers(&driver.fetch(0, 10..14)), ["pause 0"]);
    let lines = driver.fetch(0, 14..16);
    assert_eq!(without_handlers(&lines), ["pause 0"]);
    assert_eq!(lines.len(), 3, "the records are kept: {lines:?}");
}

#[test]
fn a_partition_is_paused_again_below_the_limit_too() {
    let mut driver = Driver::owning_one(Config {
        max_buffered_records: 8,
        ..unordered()
    });
    assert_eq!(without_handlers(&driver.fetch(0, 10..18)), ["pause 0"]);
    for offset in 15..18 {
        assert_eq!(driver.ok(0, offset), [""; 0], "there is no room yet");
    }
    assert_eq!(without_handlers(&driver.fetch(0, [18])), ["pause 0"]);
}

#[test]
fn records_that_came_before_are_ignored() {
    let mut driver = Driver::owning_one(unordered());
    driver.fetch(0, 10..13);
    driver.ok(0, 11);
    assert_eq!(driver.fetch(0, 9..14), ["handle 0/13 #1"]);
    assert_eq!(driver.consumer.counters().refetched, 4);
}

#[test]
fn a_position_that_moves_over_gaps_takes_the_commit_along() {
    let mut driver = Driver::owning_one(unordered());
    driver.fetch(0, 10..12);
    driver.passed(0, 14);
    driver.ok(0, 11);
    assert_eq!(driver.at(6_000), [""; 0], "10 is still to be finished");
    driver.ok(0, 10);
    assert_eq!(driver.at(11_000), ["commit 1: 0=14"]);
    driver.commit_ends(1, CommitOutcome::Ok);
    assert_eq!(driver.passed(0, 12), [""; 0], "it never goes back");
    driver.passed(0, 15);
    assert_eq!(driver.at(22_000), ["commit 2: 0=15"]);
    assert_eq!(driver.fetch(0, [15]), ["handle 0/15 #1"]);
}

#[test]
fn records_that_are_gone_are_skipped_once_what_was_fetched_is_finished() {
    for (policy, target) in [
        (OutOfRangePolicy::Earliest, 50),
        (OutOfRangePolicy::Latest, 90),
    ] {
        let mut driver = Driver::owning_one(Config {
            out_of_range: policy,
            ..unordered()
        });
        driver.fetch(0, 10..12);
        assert_eq!(
            driver.out_of_range(0, 12, 50..90),
            [format!("seek 0 to {target}")]
        );
        driver.ok(0, 11);
        assert_eq!(driver.at(6_000), [""; 0], "10 is still to be finished");
        driver.ok(0, 10);
        assert_eq!(driver.at(11_000), [format!("commit 1: 0={target}")]);
    }
}

#[test]
fn a_log_that_was_cut_is_read_again_and_the_commit_goes_back() {
    for (policy, target) in [
        (OutOfRangePolicy::Earliest, 3),
        (OutOfRangePolicy::Latest, 8),
    ] {
        let mut driver = Driver::owning_one(Config {
            out_of_range: policy,
            ..unordered()
        });
        driver.fetch(0, 10..12);
        assert_eq!(
            driver.out_of_range(0, 12, 3..8),
            [
                "cancel 0/10".to_owned(),
                "cancel 0/11".to_owned(),
                format!("seek 0 to {target}")
            ]
        );
        assert_eq!(driver.at(5_000), [format!("commit 1: 0={target}")]);
        assert_eq!(driver.fetch(0, [target]), [format!("handle 0/{target} #2")]);
    }
}

#[test]
fn the_result_of_a_record_that_was_cut_is_not_that_of_its_successor() {
    let mut driver = Driver::owning_one(unordered());
    driver.fetch(0, 10..12);
    let epoch = driver.consumer.partition(id(0)).unwrap().epoch;
    driver.out_of_range(0, 12, 3..8);
    driver.fetch(0, 3..12);
    let late = Event::Processed {
        partition: id(0),
        epoch,
        offset: Offset::new(10),
        attempt: 1,
        outcome: Outcome::Ok,
    };
    driver.tell(late);
    assert_eq!(driver.consumer.buffered_records(), 9);
}

#[test]
fn halted_it_stands_still_and_says_so() {
    let mut driver = Driver::owning_one(Config {
        out_of_range: OutOfRangePolicy::Halt,
        ..unordered()
    });
    driver.fetch(0, [10]);
    assert_eq!(driver.out_of_range(0, 11, 50..90), ["pause 0"]);
    assert_eq!(driver.consumer.halted().collect::<Vec<_>>(), [id(0)]);
    driver.ok(0, 10);
    assert_eq!(
        driver.at(5_000),
        ["commit 1: 0=11"],
        "what was fetched is finished"
    );
    assert_eq!(driver.fetch(0, [50]), ["pause 0"], "and nothing is skipped");
}

#[test]
fn a_refusal_of_a_good_position_skips_nothing() {
    let mut driver = Driver::owning_one(unordered());
    driver.fetch(0, 10..12);
    assert_eq!(driver.out_of_range(0, 12, 0..90), ["seek 0 to 12"]);
    assert_eq!(driver.consumer.buffered_records(), 2);
}
