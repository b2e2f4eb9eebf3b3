//! Fewer members.

use super::{Search, targets};
use crate::Plan;
use crate::scenario::{FaultKind, MemberTarget};
use plimsoll_oracle::MemberId;

/// Leaves members out, the last ones first. The faults of a member go with it, or hit another.
pub(super) fn pass(search: &mut Search<'_>) {
    let count = search.best.starts.len();
    if count > 2 && search.attempt_with(keep_only_the_first) {
        return;
    }
    for gone in (0..count as u32).rev().map(MemberId) {
        if search.best.starts.len() < 2 {
            return;
        }
        let removed = search.attempt_with(|plan| remove(plan, gone));
        for heir in (0..search.best.starts.len() as u32).map(MemberId) {
            if removed || heir == gone {
                continue;
            }
            if search.attempt_with(|plan| {
                hand_faults_over(plan, gone, heir);
                remove(plan, gone);
            }) {
                break;
            }
        }
    }
}

/// All faults hit the first member, which is the only one.
fn keep_only_the_first(plan: &mut Plan) {
    for gone in (1..plan.starts.len() as u32).rev().map(MemberId) {
        hand_faults_over(plan, gone, MemberId(0));
        remove(plan, gone);
    }
}

/// Aims the faults that name a member at another. A `join` cannot be handed over.
fn hand_faults_over(plan: &mut Plan, from: MemberId, to: MemberId) {
    for fault in &mut plan.faults {
        if let Some(MemberTarget::Member(member)) = fault.kind.member_mut()
            && *member == from
        {
            *member = to;
        }
    }
}

/// Removes a member with the faults that name it; later members move up.
fn remove(plan: &mut Plan, gone: MemberId) {
    plan.starts.remove(gone.0 as usize);
    plan.faults
        .retain(|fault| !targets::names_member(&fault.kind, gone));
    for fault in &mut plan.faults {
        let member = match &mut fault.kind {
            FaultKind::Join(member) => member,
            kind => match kind.member_mut() {
                Some(MemberTarget::Member(member)) => member,
                _ => continue,
            },
        };
        if *member > gone {
            member.0 -= 1;
        }
    }
}
