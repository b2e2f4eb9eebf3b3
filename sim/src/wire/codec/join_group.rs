//! JoinGroup.

use super::{Context, Plan, body};
use crate::protocol::{JoinError, JoinGroupRequest, JoinedMember, Request, Response};
use crate::wire::names::Names;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::{Client, Supported, Wire};
use plimsoll_oracle::ErrorName;
use std::time::Duration;

impl Context<'_, '_> {
    pub(super) fn join_group(&mut self, request: kafka::JoinGroupRequest) -> Plan {
        let version = self.version;
        let refused = kafka::JoinGroupResponse::default()
            .with_generation_id(-1)
            .with_protocol_name(Some(StrBytes::default()))
            .with_member_id(request.member_id.clone());
        if request.group_id.is_empty() {
            let refused = refused.with_error_code(ResponseError::InvalidGroupId.code());
            return Plan::answer(body(&refused, version));
        }
        let prefix = match &request.group_instance_id {
            Some(instance) => instance.clone(),
            None => self.client_id.clone(),
        };
        let protocols = request.protocols.into_iter();
        let rebalance_timeout = match version {
            0 => request.session_timeout_ms,
            _ => request.rebalance_timeout_ms,
        };
        let join = JoinGroupRequest {
            group: self.names.group(self.at.shared, &request.group_id),
            member: (!request.member_id.is_empty())
                .then(|| self.names.known.member(&request.member_id)),
            requires_id: version >= 4,
            skips_assignment: version >= 9,
            instance: self.names.known.instance(&request.group_instance_id),
            client: Client {
                id: self.client_id.clone(),
                host: self.client_host.clone(),
            },
            session_timeout: millis(request.session_timeout_ms),
            rebalance_timeout: millis(rebalance_timeout),
            protocol_type: self.names.known.protocol_type(&request.protocol_type),
            subscription: Supported(protocols.map(|p| (p.name, p.metadata)).collect()),
        };
        Plan::of_broker(
            [Request::JoinGroup(Box::new(join))],
            move |names, _, mut answers| {
                let response = match answers.pop()? {
                    Response::JoinGroup(Ok(joined)) => {
                        let (kind, name) = names.known.voted(joined.protocol);
                        let members = joined.members.into_iter();
                        let members = members.map(|member| joined_member(names, member, &prefix));
                        let members = members.collect();
                        kafka::JoinGroupResponse::default()
                            .with_generation_id(joined.generation)
                            .with_protocol_type(kind)
                            .with_protocol_name(name)
                            .with_members(members)
                            .with_skip_assignment(joined.skip_assignment)
                            .with_leader(names.member_id(joined.leader, &prefix))
                            .with_member_id(names.member_id(joined.member, &prefix))
                    }
                    Response::JoinGroup(Err(JoinError::MemberIdRequired(member))) => refused
                        .with_error_code(ErrorName::MemberIdRequired.code())
                        .with_member_id(names.member_id(member, &prefix)),
                    Response::JoinGroup(Err(JoinError::Ended(error, member))) => refused
                        .with_error_code(error.code())
                        .with_member_id(names.member_id(member, &prefix)),
                    Response::JoinGroup(Err(JoinError::Other(error))) | Response::Failed(error) => {
                        refused.with_error_code(error.code())
                    }
                    _ => return None,
                };
                body(&response, version)
            },
        )
    }
}

fn millis(millis: i32) -> Duration {
    Duration::from_millis(millis.max(0) as u64)
}

/// Returns a member, as the group's leader is told of it.
fn joined_member(
    names: &mut Names,
    member: JoinedMember<Wire>,
    prefix: &StrBytes,
) -> JoinGroupResponseMember {
    JoinGroupResponseMember::default()
        .with_member_id(names.member_id(member.member, prefix))
        .with_group_instance_id(names.known.instance_name(member.instance))
        .with_metadata(member.subscription.first())
}
