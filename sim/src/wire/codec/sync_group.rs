//! SyncGroup.

use super::call::{Call, Caller, result};
use super::heartbeat::refused_id;
use super::{Context, Plan, body};
use crate::protocol::{GroupMemberId, Request, Response, Sender, SyncGroupResponse, VotedProtocol};
use crate::wire::dialect::Wire;
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;

impl Context<'_, '_> {
    pub(super) fn sync_group(&mut self, request: kafka::SyncGroupRequest) -> Plan {
        let version = self.version;
        // `SyncGroupRequest.areMandatoryProtocolTypeAndNamePresent`.
        let names_protocol = request.protocol_type.is_some() && request.protocol_name.is_some();
        let refused = match version {
            5.. if !names_protocol => Some(ResponseError::InconsistentGroupProtocol),
            _ => refused_id(&request.group_id),
        };
        if let Some(error) = refused {
            let response = kafka::SyncGroupResponse::default().with_error_code(error.code());
            return Plan::answer(body(&response, version));
        }
        let sender = self.sender(
            &request.group_id,
            request.generation_id,
            &request.member_id,
            &request.group_instance_id,
        );
        let kind = request
            .protocol_type
            .and_then(|kind| self.names.protocol_type(&kind));
        let assignments = request.assignments.into_iter();
        let sync = Request::SyncGroup {
            sender,
            protocol: kind.zip(request.protocol_name),
            assignments: assignments
                .map(|given| (self.names.member(&given.member_id), given.assignment))
                .collect(),
        };
        Plan::of_broker([sync], move |names, _, mut answers| {
            let response = kafka::SyncGroupResponse::default();
            let response = match answers.pop()? {
                Response::SyncGroup(Ok(synced)) => {
                    let (kind, name) = names.voted(synced.protocol);
                    response
                        .with_protocol_type(kind)
                        .with_protocol_name(name)
                        .with_assignment(synced.assignment)
                }
                Response::SyncGroup(Err(error)) | Response::Failed(error) => {
                    response.with_error_code(error.code())
                }
                _ => return None,
            };
            body(&response, version)
        })
    }
}

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
            let synced = result(response.error_code)?.map(|()| SyncGroupResponse {
                protocol: names.told_protocol(response.protocol_type, response.protocol_name),
                assignment: response.assignment,
            });
            Some(Response::SyncGroup(synced))
        })
    }
}
