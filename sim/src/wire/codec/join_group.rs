//! JoinGroup.

use super::call::{self, Call, Caller, result};
use super::{Context, Plan, body};
use crate::protocol::{
    GroupMemberId, JoinError, JoinGroupRequest, JoinGroupResponse, JoinedMember, Request, Response,
};
use crate::wire::dialect::{Client, Supported, Wire};
use crate::wire::names::Names;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::protocol::StrBytes;
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
            member: (!request.member_id.is_empty()).then(|| self.names.member(&request.member_id)),
            requires_id: version >= 4,
            skips_assignment: version >= 9,
            instance: self.names.instance(&request.group_instance_id),
            client: Client {
                id: self.client_id.clone(),
                host: self.client_host.clone(),
            },
            session_timeout: millis(request.session_timeout_ms),
            rebalance_timeout: millis(rebalance_timeout),
            protocol_type: self.names.protocol_type(&request.protocol_type),
            subscription: Supported(protocols.map(|p| (p.name, p.metadata)).collect()),
        };
        Plan::of_broker(
            [Request::JoinGroup(Box::new(join))],
            move |names, _, mut answers| {
                let response = match answers.pop()? {
                    Response::JoinGroup(Ok(joined)) => {
                        let (kind, name) = names.voted(joined.protocol);
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

impl Caller<'_> {
    pub(super) fn join_group(&mut self, join: &JoinGroupRequest<Wire>) -> Option<Call> {
        let version = self.version;
        // This much a client says by the version alone.
        let is_said = join.requires_id == (version >= 4)
            && join.skips_assignment == (version >= 9)
            && (version >= 1 || join.rebalance_timeout == join.session_timeout);
        if !is_said {
            return None;
        }
        let member = join.member.unwrap_or(GroupMemberId::EMPTY);
        let kind = join.protocol_type;
        let protocols = join.subscription.0.iter().map(|(name, metadata)| {
            JoinGroupRequestProtocol::default()
                .with_name(name.clone())
                .with_metadata(metadata.clone())
        });
        let request = kafka::JoinGroupRequest::default()
            .with_group_id(self.names.group_id(join.group)?)
            .with_session_timeout_ms(call::millis(join.session_timeout)?)
            .with_rebalance_timeout_ms(call::millis(join.rebalance_timeout)?)
            .with_member_id(self.names.known_member_id(member)?)
            .with_group_instance_id(self.names.instance_name(join.instance))
            .with_protocol_type(
                kind.map(|kind| self.names.protocol_type_name(kind))
                    .unwrap_or_default(),
            )
            .with_protocols(protocols.collect());
        self.asks(
            &request,
            move |names, response: kafka::JoinGroupResponse| {
                let told = names.told_member(&response.member_id);
                let joined = match result(response.error_code)? {
                    Ok(()) => {
                        let mut joined = joined(names, response);
                        if version < 7 {
                            // The type is the one that it asked with.
                            joined.protocol = kind.zip(joined.protocol.map(|(_, name)| name));
                        }
                        Ok(Box::new(joined))
                    }
                    Err(ErrorName::MemberIdRequired) => Err(JoinError::MemberIdRequired(told)),
                    Err(error) if told == member => Err(JoinError::Other(error)),
                    Err(error) => Err(JoinError::Ended(error, told)),
                };
                Some(Response::JoinGroup(joined))
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
        .with_group_instance_id(names.instance_name(member.instance))
        .with_metadata(member.subscription.first())
}

/// Reads a new generation.
fn joined(names: &mut Names, response: kafka::JoinGroupResponse) -> JoinGroupResponse<Wire> {
    let protocol = response.protocol_name.clone().unwrap_or_default();
    let members = response.members.into_iter().map(|member| JoinedMember {
        member: names.told_member(&member.member_id),
        instance: names.instance(&member.group_instance_id),
        subscription: Supported(vec![(protocol.clone(), member.metadata)]),
    });
    let members = members.collect();
    JoinGroupResponse {
        generation: response.generation_id,
        protocol: names.told_protocol(response.protocol_type, response.protocol_name),
        member: names.told_member(&response.member_id),
        leader: names.told_member(&response.leader),
        skip_assignment: response.skip_assignment,
        members,
    }
}
