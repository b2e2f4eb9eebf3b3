//! The groups as they lie in `__consumer_offsets`, for the coordinators to come.

use super::group::{Group, Member};
use super::snapshot::GroupSnapshot;
use crate::cluster::log::Log;
use crate::cluster::shared::Shared;
use crate::protocol::{Commit, Content, Dialect, GroupIndex, GroupState};
use plimsoll_core::Instant;
use std::collections::BTreeMap;
use std::time::Duration;

/// Returns the groups in a log, each with its latest state; `None`: it only committed
/// (`OffsetMetadataManager.replay` makes an empty group of it).
///
/// Kafka loads up to the log's end: what is not replicated yet counts, as it counted for the
/// coordinator that wrote it.
pub(super) fn latest<'a, D: Dialect>(
    log: &Log<D>,
    shared: &'a Shared<D>,
) -> BTreeMap<GroupIndex, Option<&'a GroupSnapshot<D>>> {
    let mut groups = BTreeMap::new();
    for entry in log.all() {
        match &entry.content {
            // One that is not kept any more has a later one behind it in the log.
            Content::Group { group, snapshot } => {
                groups.insert(*group, shared.snapshot(*group, *snapshot));
            }
            Content::GroupTombstone(group) => {
                groups.remove(group);
            }
            Content::Commit(Commit { group, .. }) | Content::Reset { group, .. } => {
                groups.entry(*group).or_default();
            }
            Content::OffsetTombstone { .. } | Content::Batch(_) => {}
        }
    }
    groups
}

impl<D: Dialect> Group<D> {
    /// Restores a group for a new coordinator: members have their sessions from `ready_at` on.
    pub(super) fn load(
        initial_delay: Duration,
        snapshot: Option<&GroupSnapshot<D>>,
        ready_at: Instant,
    ) -> Self {
        let mut group = Self::new(initial_delay);
        if let Some(snapshot) = snapshot {
            group.generation = snapshot.generation;
            group.protocol_type = snapshot.protocol_type;
            group.protocol = snapshot.protocol.clone();
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

    /// Returns the group's state with the assignments that its members have. Of what they said of
    /// themselves it has the part under the protocol for which they voted
    /// (`GroupCoordinatorRecordHelpers.newGroupMetadataRecord`).
    pub(super) fn snapshot(&self) -> GroupSnapshot<D> {
        let protocol = self.protocol.as_ref();
        let profiles = self.members.iter().map(|member| &member.profile);
        GroupSnapshot {
            generation: self.generation,
            protocol_type: self.protocol_type,
            protocol: self.protocol.clone(),
            leader: self.leader,
            members: profiles.map(|profile| profile.under(protocol)).collect(),
        }
    }
}
