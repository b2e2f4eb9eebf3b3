//! SyncGroup.

use super::{Call, Caller, result};
use crate::dialect::Wire;
use bytes::Bytes;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use plimsoll_protocol::{GroupMemberId, Response, Sender, SyncGroupResponse, VotedProtocol};

impl Caller<'_> {
    pub(super) fn sync_group(
        &mut self,
        sender: &Sender,
        protocol: Option<&VotedProtocol<Wire>>,
        assignments: &[(GroupMemberId, Bytes)],
    ) -> Option<Call> {
        // Since version 5 it must be said (KIP-559), and before it cannot be.
        if protocol.is_some() != (self.version >= 5) {
            return None;
        }
        let (kind, name) = self.names.voted(protocol.cloned());
        let assignments = assignments.iter().map(|(member, assignment)| {
            let given = SyncGroupRequestAssignment::default()
                .with_member_id(self.names.known_member_id(*member)?)
                .with_assignment(assignment.clone());
            Some(given)
        });
        let request = kafka::SyncGroupRequest::default()
            .with_group_id(self.names.group_id(sender.group)?)
            .with_generation_id(sender.generation)
            .with_member_id(self.names.known_member_id(sender.member)?)
            .with_group_instance_id(self.names.instance_name(sender.instance))
            .with_protocol_type(kind)
            .with_protocol_name(name)
            .with_assignments(assignments.collect::<Option<_>>()?);
        self.asks(&request, |names, response: kafka::SyncGroupResponse| {
            let synced = result(response.error_code).map(|()| SyncGroupResponse {
                protocol: names.told_protocol(response.protocol_type, response.protocol_name),
                assignment: response.assignment,
            });
            Some(Response::SyncGroup(synced))
        })
    }
}
