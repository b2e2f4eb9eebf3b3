//! SyncGroup.

use super::heartbeat::refused_id;
use super::{Context, Plan, body};
use crate::protocol::{Request, Response};
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;

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
            .and_then(|kind| self.names.known.protocol_type(&kind));
        let assignments = request.assignments.into_iter();
        let sync = Request::SyncGroup {
            sender,
            protocol: kind.zip(request.protocol_name),
            assignments: assignments
                .map(|given| (self.names.known.member(&given.member_id), given.assignment))
                .collect(),
        };
        Plan::of_broker([sync], move |names, _, mut answers| {
            let response = kafka::SyncGroupResponse::default();
            let response = match answers.pop()? {
                Response::SyncGroup(Ok(synced)) => {
                    let (kind, name) = names.known.voted(synced.protocol);
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
