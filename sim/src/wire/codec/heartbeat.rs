//! Heartbeat, and how members say in what they ask which they are.

use super::{Context, Plan, body};
use crate::protocol::{Request, Response, Sender};
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::protocol::StrBytes;
use plimsoll_oracle::ErrorName;

impl Context<'_, '_> {
    pub(super) fn heartbeat(&mut self, request: kafka::HeartbeatRequest) -> Plan {
        let version = self.version;
        if let Some(error) = refused_id(&request.group_id) {
            let response = kafka::HeartbeatResponse::default().with_error_code(error.code());
            return Plan::answer(body(&response, version));
        }
        let sender = self.sender(
            &request.group_id,
            request.generation_id,
            &request.member_id,
            &request.group_instance_id,
        );
        Plan::of_broker([Request::Heartbeat(sender)], move |_, _, mut answers| {
            let error = match answers.pop()? {
                Response::Heartbeat(result) => result.err(),
                Response::Failed(error) => Some(error),
                _ => return None,
            };
            let code = error.map_or(0, ErrorName::code);
            body(
                &kafka::HeartbeatResponse::default().with_error_code(code),
                version,
            )
        })
    }

    /// Makes of its names a member, as it says of itself in what it asks.
    pub(super) fn sender(
        &mut self,
        group: &str,
        generation: i32,
        member: &StrBytes,
        instance: &Option<StrBytes>,
    ) -> Sender {
        Sender {
            group: self.names.group(self.at.shared, group),
            generation,
            member: self.names.known.member(member),
            instance: self.names.known.instance(instance),
        }
    }
}

/// Returns why no group with members can have this id
/// (`GroupCoordinatorService.isGroupIdNotEmpty`).
pub(super) fn refused_id(group: &str) -> Option<ResponseError> {
    group.is_empty().then_some(ResponseError::InvalidGroupId)
}
