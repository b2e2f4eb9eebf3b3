//! Groups: their coordinators, their members, and what tools ask of them.

use super::{Context, Plan, body};
use crate::protocol::{
    AdminRequest, AdminResponse, GroupDescription, GroupState, JoinError, JoinGroupRequest,
    JoinedMember, Leaving, Left, Request, Response, Sender,
};
use crate::wire::dialect::{Client, Supported, Wire};
use crate::wire::names::{Names, kafka_broker};
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::join_group_response::JoinGroupResponseMember;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::protocol::StrBytes;
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// Types of coordinators (`FindCoordinatorRequest.CoordinatorType`).
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// The type of groups that there are (`Group.GroupType`).
const CLASSIC: &str = "classic";

fn millis(millis: i32) -> Duration {
    Duration::from_millis(millis.max(0) as u64)
}

impl Context<'_, '_> {
    pub(super) fn find_coordinator(&mut self, request: kafka::FindCoordinatorRequest) -> Plan {
        let version = self.version;
        let keys = match version {
            ..4 => vec![request.key],
            _ => request.coordinator_keys,
        };
        let key_type = request.key_type;
        let groups = keys.iter().filter(|_| key_type == GROUP);
        let parts: Vec<_> = groups
            .map(|key| Request::FindCoordinator {
                group: self.names.group(self.at.shared, key),
            })
            .collect();
        Plan::of_broker(parts, move |names, at, answers| {
            let mut answers = answers.into_iter();
            let found = keys.into_iter().map(|key| {
                let coordinator = Coordinator::default().with_key(key);
                let node = match answers.next() {
                    Some(Response::FindCoordinator(Ok(node))) if at.open.contains(node) => Ok(node),
                    Some(Response::Failed(error)) => Err(error.code()),
                    // Transactions have no coordinator here.
                    _ if matches!(key_type, GROUP | TRANSACTION) => {
                        Err(ErrorName::CoordinatorNotAvailable.code())
                    }
                    _ => Err(ResponseError::InvalidRequest.code()),
                };
                match node {
                    Ok(node) => {
                        let (host, port) = names.address(kafka_broker(node));
                        coordinator
                            .with_node_id(kafka_broker(node))
                            .with_host(host)
                            .with_port(port)
                    }
                    Err(code) => coordinator
                        .with_error_code(code)
                        .with_node_id((-1).into())
                        .with_port(-1),
                }
            });
            let mut found: Vec<Coordinator> = found.collect();
            let response = kafka::FindCoordinatorResponse::default();
            let response = match version {
                ..4 => {
                    let only = found.pop()?;
                    response
                        .with_error_code(only.error_code)
                        .with_node_id(only.node_id)
                        .with_host(only.host)
                        .with_port(only.port)
                }
                _ => response.with_coordinators(found),
            };
            body(&response, version)
        })
    }

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
            member: self.names.member(member),
            instance: self.names.instance(instance),
        }
    }

    pub(super) fn leave_group(&mut self, request: kafka::LeaveGroupRequest) -> Plan {
        let version = self.version;
        if let Some(error) = refused_id(&request.group_id) {
            let response = kafka::LeaveGroupResponse::default().with_error_code(error.code());
            return Plan::answer(body(&response, version));
        }
        let asked: Vec<(StrBytes, Option<StrBytes>)> = match version {
            ..3 => vec![(request.member_id, None)],
            _ => {
                let members = request.members.into_iter();
                members
                    .map(|m| (m.member_id, m.group_instance_id))
                    .collect()
            }
        };
        let members = asked.iter().map(|(member, instance)| Leaving {
            member: self.names.member(member),
            instance: self.names.instance(instance),
        });
        let members = members.collect();
        let leave = Request::LeaveGroup {
            group: self.names.group(self.at.shared, &request.group_id),
            members,
        };
        Plan::of_broker([leave], move |_, _, mut answers| {
            let left: Vec<i16> = match answers.pop()? {
                Response::LeaveGroup(Ok(left)) => left.iter().map(left_code).collect(),
                Response::LeaveGroup(Err(error)) | Response::Failed(error) => {
                    let response =
                        kafka::LeaveGroupResponse::default().with_error_code(error.code());
                    return body(&response, version);
                }
                _ => return None,
            };
            let response = match version {
                ..3 => kafka::LeaveGroupResponse::default()
                    .with_error_code(left.first().copied().unwrap_or(0)),
                _ => {
                    let members = asked.into_iter().zip(left);
                    let members = members.map(|((member, instance), code)| {
                        MemberResponse::default()
                            .with_member_id(member)
                            .with_group_instance_id(instance)
                            .with_error_code(code)
                    });
                    kafka::LeaveGroupResponse::default().with_members(members.collect())
                }
            };
            body(&response, version)
        })
    }

    pub(super) fn describe_groups(&mut self, request: kafka::DescribeGroupsRequest) -> Plan {
        let version = self.version;
        let groups = request.groups;
        let parts: Vec<_> = groups
            .iter()
            .map(|name| {
                let group = self.names.group(self.at.shared, name);
                Request::from(AdminRequest::DescribeGroup { group })
            })
            .collect();
        Plan::of_broker(parts, move |names, _, answers| {
            let described = groups.into_iter().zip(answers).map(|(name, answer)| {
                let described = DescribedGroup::default()
                    .with_group_id(name)
                    .with_authorized_operations(i32::MIN);
                match described_group(answer) {
                    Ok(group) => describe(names, described, group),
                    // Before version 6 that is no error (KIP-1043).
                    Err(ErrorName::GroupIdNotFound) => described
                        .with_error_code(match version {
                            ..6 => 0,
                            6.. => ErrorName::GroupIdNotFound.code(),
                        })
                        .with_group_state("Dead".into()),
                    Err(error) => described.with_error_code(error.code()),
                }
            });
            let groups = described.collect();
            body(
                &kafka::DescribeGroupsResponse::default().with_groups(groups),
                version,
            )
        })
    }

    pub(super) fn list_groups(&mut self, request: kafka::ListGroupsRequest) -> Plan {
        let version = self.version;
        let list = Request::from(AdminRequest::ListGroups);
        Plan::of_broker([list], move |names, _, mut answers| {
            let result = match answers.pop()? {
                Response::Admin(answer) => match *answer {
                    AdminResponse::ListGroups(result) => result,
                    _ => return None,
                },
                Response::Failed(error) => Err(error),
                _ => return None,
            };
            let response = kafka::ListGroupsResponse::default();
            let response = match result {
                Ok(groups) => {
                    let groups = groups.into_iter().map(|group| {
                        let kind = group.protocol_type;
                        ListedGroup::default()
                            .with_group_id(
                                StrBytes::from_string(names.group_name(group.group).to_owned())
                                    .into(),
                            )
                            .with_protocol_type(
                                kind.map(|kind| names.protocol_type_name(kind))
                                    .unwrap_or_default(),
                            )
                            .with_group_state(state(group.state))
                            .with_group_type(StrBytes::from_static_str(CLASSIC))
                    });
                    let states = &request.states_filter;
                    let is_wanted = |group: &ListedGroup| {
                        let is = |state: &StrBytes| state.eq_ignore_ascii_case(&group.group_state);
                        let is_type = |kind: &StrBytes| kind.eq_ignore_ascii_case(CLASSIC);
                        let types = &request.types_filter;
                        (states.is_empty() || states.iter().any(is))
                            && (types.is_empty() || types.iter().any(is_type))
                    };
                    response.with_groups(groups.filter(is_wanted).collect())
                }
                Err(error) => response.with_error_code(error.code()),
            };
            body(&response, version)
        })
    }

    pub(super) fn delete_groups(&mut self, request: kafka::DeleteGroupsRequest) -> Plan {
        let version = self.version;
        let groups = request.groups_names;
        let parts: Vec<_> = groups
            .iter()
            .map(|name| {
                let group = self.names.group(self.at.shared, name);
                Request::from(AdminRequest::DeleteGroup { group })
            })
            .collect();
        Plan::of_broker(parts, move |_, _, answers| {
            let results = groups.into_iter().zip(answers).map(|(name, answer)| {
                let error = match answer {
                    Response::Admin(answer) => match *answer {
                        AdminResponse::DeleteGroup(result) => result.err(),
                        _ => None,
                    },
                    Response::Failed(error) => Some(error),
                    _ => None,
                };
                DeletableGroupResult::default()
                    .with_group_id(name)
                    .with_error_code(error.map_or(0, ErrorName::code))
            });
            let results = results.collect();
            body(
                &kafka::DeleteGroupsResponse::default().with_results(results),
                version,
            )
        })
    }
}

/// Returns why no group with members can have this id
/// (`GroupCoordinatorService.isGroupIdNotEmpty`).
pub(super) fn refused_id(group: &str) -> Option<ResponseError> {
    group.is_empty().then_some(ResponseError::InvalidGroupId)
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

fn left_code(left: &Left) -> i16 {
    left.as_ref().err().map_or(0, |(_, error)| error.code())
}

fn described_group(answer: Response<Wire>) -> Result<GroupDescription<Wire>, ErrorName> {
    match answer {
        Response::Admin(answer) => match *answer {
            AdminResponse::DescribeGroup(result) => result,
            _ => Err(ErrorName::NotCoordinator),
        },
        Response::Failed(error) => Err(error),
        _ => Err(ErrorName::NotCoordinator),
    }
}

fn describe(
    names: &mut Names,
    described: DescribedGroup,
    group: GroupDescription<Wire>,
) -> DescribedGroup {
    let members = group.members.into_iter().map(|member| {
        DescribedGroupMember::default()
            .with_member_id(names.member_id(member.member, &member.client.id))
            .with_group_instance_id(names.instance_name(member.instance))
            .with_client_id(member.client.id)
            .with_client_host(member.client.host)
            .with_member_metadata(member.subscription.map(|s| s.first()).unwrap_or_default())
            .with_member_assignment(member.assignment)
    });
    let members = members.collect();
    let kind = group
        .protocol_type
        .map(|kind| names.protocol_type_name(kind));
    described
        .with_group_state(state(group.state))
        .with_protocol_type(kind.unwrap_or_default())
        .with_protocol_data(group.protocol.unwrap_or_default())
        .with_members(members)
}

fn state(state: GroupState) -> StrBytes {
    StrBytes::from_static_str(match state {
        GroupState::Empty => "Empty",
        GroupState::PreparingRebalance => "PreparingRebalance",
        GroupState::CompletingRebalance => "CompletingRebalance",
        GroupState::Stable => "Stable",
    })
}
