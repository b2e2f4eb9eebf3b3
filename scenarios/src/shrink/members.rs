//! Fewer members.

use super::Search;
use crate::Plan;
use crate::scenario::{Fault, MemberTarget};
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

/// Aims all faults at the first member, which is the only one.
fn keep_only_the_first(plan: &mut Plan) {
    for gone in (1..plan.starts.len() as u32).rev().map(MemberId) {
        hand_faults_over(plan, gone, MemberId(0));
        remove(plan, gone);
    }
}

/// Aims the faults that name a member at another. A `join` cannot be handed over.
fn hand_faults_over(plan: &mut Plan, from: MemberId, to: MemberId) {
    for fault in &mut plan.faults {
        for argument in fault.kind.arguments_mut() {
            if let Some(target) = argument.member_mut()
                && *target == MemberTarget::Member(from)
            {
                *target = MemberTarget::Member(to);
            }
        }
    }
}

/// Removes a member with the faults that name it; later members move up.
fn remove(plan: &mut Plan, gone: MemberId) {
    plan.starts.remove(gone.0 as usize);
    plan.faults
        .retain_mut(|fault| !named_members(fault).any(|member| *member == gone));
    for member in plan.faults.iter_mut().flat_map(named_members) {
        if *member > gone {
            member.0 -= 1;
        }
    }
}

/// Lists the members that a fault names by their numbers.
fn named_members(fault: &mut Fault) -> impl Iterator<Item = &mut MemberId> {
    let arguments = fault.kind.arguments_mut().into_iter();
    arguments.filter_map(|argument| argument.member_id_mut())
}
