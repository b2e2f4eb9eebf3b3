//! JoinGroup.

use super::{Call, Caller, millis, result};
use crate::dialect::{Supported, Wire};
use crate::names::Names;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use plimsoll_protocol::ErrorName;
use plimsoll_protocol::{
    GroupMemberId, JoinError, JoinGroupRequest, JoinGroupResponse, JoinedMember, Response,
};

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
            .with_session_timeout_ms(millis(join.session_timeout)?)
            .with_rebalance_timeout_ms(millis(join.rebalance_timeout)?)
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
                let joined = match result(response.error_code) {
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
