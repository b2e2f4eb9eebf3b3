//! What is said where it is not known how the subject is set, beside the same where it is.

use super::{Ask, Held, NotObserved, Trial, Violated, broken, check};
use crate::{Property, Setting};

/// Checks one script with the setting known and unknown.
#[track_caller]
fn differs(property: Property, setting: Setting, script: &'static str, known: super::Expected) {
    let trial = |asks, expected| Trial {
        name: script,
        asks,
        script,
        expected,
    };
    check(property, &[trial(&[], known)]);
    let unknown: &'static [Ask] = Vec::leak(vec![Ask::Unknown(setting)]);
    check(property, &[trial(unknown, NotObserved)]);
}

#[test]
fn a_commit_is_not_late_by_an_interval_that_is_not_known() {
    let overdue = "A assigned p0 0\nstore p0 0\n@1\nA does p0 0\n@20\nA crashes\n@33\n\
                   B assigned p0 0\nB does p0 0\nend";
    differs(
        Property::BoundedDuplicates,
        Setting::Commits,
        overdue,
        Violated(1),
    );
    let uncommitted = "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 2\n@10\n\
                       healed\n@71\nended 1";
    differs(
        Property::Liveness,
        Setting::Commits,
        uncommitted,
        Violated(1),
    );
    // A wait that is short enough may be too long by the subject's own interval.
    let short = "A assigned p0 0\nstore p0 0\nA does p0 0\n@20\nA crashes\n@33\n\
                 B assigned p0 1\nend";
    differs(Property::BoundedDuplicates, Setting::Commits, short, Held);
}

#[test]
fn what_no_interval_allows_is_convicted() {
    let committed = "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\nA commits p0 2\nA crashes\n\
                     @40\nB assigned p0 0\nB does p0 0\nend";
    let unknown = broken(&[Ask::Unknown(Setting::Commits)], committed);
    assert!(
        unknown.contains(&Property::BoundedDuplicates),
        "{unknown:?}"
    );
}

#[test]
fn a_budget_that_is_not_known_convicts_of_nothing() {
    let four = "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\n\
                A fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA ok p0 0\n\
                A commits p0 1\nend";
    differs(
        Property::BoundedRedelivery,
        Setting::Attempts,
        four,
        Violated(1),
    );
    let early = "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA dead-letters p0 0\n\
                 A commits p0 1\nend";
    differs(
        Property::DeadLetterExact,
        Setting::Attempts,
        early,
        Violated(1),
    );
    let blocked = "A assigned p0 0\nstore p0 0\n@10\nhealed\nA begins p0 0\nA fails p0 0\n@70\n\
                   A begins p0 0\nA fails p0 0\n@71\nended 1";
    differs(Property::Liveness, Setting::Attempts, blocked, Violated(1));
}

/// A handler that says that it failed for good has had its say; one that says that it may be tried
/// again has not.
#[test]
fn a_record_that_failed_for_good_may_be_passed_and_one_that_may_be_tried_again_not() {
    let asks = [Ask::Unknown(Setting::Attempts), Ask::Unknown(Setting::Pace)];
    let passed = |outcome: &str| {
        let script = format!(
            "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA {outcome} p0 0\nA does p0 1\n\
             A commits p0 2\nend"
        );
        broken(&asks, &script)
    };
    assert_eq!(passed("permanent"), []);
    let skipped = passed("fails");
    assert!(skipped.contains(&Property::NoLoss), "{skipped:?}");
    let covers = Property::CommitCoversOnlyFinished;
    assert!(skipped.contains(&covers), "{skipped:?}");
}

#[test]
fn a_partition_that_was_added_need_not_be_found_in_time() {
    let added = "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 1\nstore p2 0\n@10\n\
                 healed\n@71\nended 1";
    differs(Property::Liveness, Setting::Metadata, added, Violated(1));
}

#[test]
fn an_order_that_is_not_known_is_not_kept_either() {
    let in_order = "keys 1\nA assigned p0 0\nstore p0 0..2\nA does p0 0..2\nA commits p0 2\nend";
    differs(Property::KeyOrder, Setting::Ordering, in_order, Held);
}
