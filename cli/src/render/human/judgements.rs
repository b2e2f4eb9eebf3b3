//! The judgement of each property of one scenario: a mark where it was kept, a number where it was
//! violated or not always observed.

use super::super::page::{BAD, FAINT, GOOD, Page, styled};
use super::super::{counted, thousands};
use crate::runner::{Count, Tally};
use crate::trial::Expectation;
use plimsoll_oracle::{Property, Word};

/// Adds a line for each property.
pub(crate) fn judgements(page: &mut Page, tally: &Tally, expectation: &Expectation) {
    for (property, count) in tally.counts() {
        let mark = match count {
            Count { violated: 1.., .. } if expectation.names(property) => styled(GOOD, "✗"),
            Count { violated: 1.., .. } => styled(BAD, "✗"),
            Count { held: 1.., .. } => styled(GOOD, "✓"),
            Count { .. } => styled(FAINT, "-"),
        };
        let remark = remark(property, count, tally, expectation);
        if remark.is_empty() {
            page.line(&format!("  {mark} {property}"));
        } else {
            page.paragraph(&format!("  {mark} {:<27}  ", property.word()), &remark);
        }
    }
}

/// Returns what there is to say of a property beside its mark.
pub(in super::super) fn remark(
    property: Property,
    count: Count,
    tally: &Tally,
    expectation: &Expectation,
) -> String {
    let reasons = tally.reasons_of(property);
    let reasons: Vec<&str> = reasons.iter().map(|(reason, _)| *reason).collect();
    let reasons = reasons.join("; ");
    let alone = tally.schedules == 1;
    match count {
        Count {
            violated: runs @ 1..,
            first,
            ..
        } => {
            let mut text = String::from("violated");
            if expectation.names(property) {
                text += ", as expected";
            }
            if !alone {
                text += &format!(" in {}", of_runs(runs, tally.schedules));
            }
            if let (Some(seed), false) = (first, alone) {
                text += &format!(", first with seed {seed}");
            }
            text
        }
        Count { held: 0, .. } => format!("not observed: {reasons}"),
        Count {
            not_observed: 1..,
            held,
            ..
        } => format!(
            "in {}; in the others: {reasons}",
            of_runs(held, tally.schedules)
        ),
        Count { .. } => String::new(),
    }
}

/// Writes a number of runs among all.
pub(in super::super) fn of_runs(runs: u64, all: u64) -> String {
    match (runs, all) {
        (1, 1) => "the only run".into(),
        _ if runs == all => format!("all {}", counted(all, "run")),
        _ => format!("{} of {}", thousands(runs), counted(all, "run")),
    }
}
