//! The group's state as it lies in `__consumer_offsets`, for the coordinators to come.

use super::group::{Group, GroupState, Member};
use super::snapshot::GroupSnapshot;
use crate::cluster::log::Log;
use crate::protocol::{Content, Dialect};
use plimsoll_core::Instant;
use plimsoll_scenarios::scenario::BrokerSettings;

/// Returns the latest state in a log.
///
/// Kafka loads up to the log's end: what is not replicated yet counts, as it counted for the
/// coordinator that wrote it.
pub(super) fn latest<'a, D: Dialect>(
    log: &Log<D>,
    snapshots: &'a [GroupSnapshot<D>],
) -> Option<&'a GroupSnapshot<D>> {
    log.all()
        .iter()
        .rev()
        .find_map(|record| match record.content {
            Content::Group(index) => snapshots.get(index as usize),
            _ => None,
        })
}

impl<D: Dialect> Group<D> {
    /// Restores the group for a new coordinator: members have their sessions from `ready_at` on.
    pub(crate) fn load(
        settings: &BrokerSettings,
        snapshot: Option<&GroupSnapshot<D>>,
        ready_at: Instant,
    ) -> Self {
        let mut group = Self::new(settings);
        if let Some(snapshot) = snapshot {
            group.exists = true;
            group.generation = snapshot.generation;
            group.leader = snapshot.leader;
            group.members = snapshot
                .members
                .iter()
                .map(|profile| Member::new(profile.clone(), ready_at + profile.session_timeout))
                .collect();
            if !group.members.is_empty() {
                group.state = GroupState::Stable;
            }
        }
        group
    }

    /// Returns the group's state with the assignments that its members have.
    pub(super) fn snapshot(&self) -> GroupSnapshot<D> {
        GroupSnapshot {
            generation: self.generation,
            leader: self.leader,
            members: self
                .members
                .iter()
                .map(|member| member.profile.clone())
                .collect(),
        }
    }
}
