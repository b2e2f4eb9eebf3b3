//! What tools ask of groups.

use super::operations::{NOT_ASKED, ON_GROUP};
use super::{Context, Plan, body};
use crate::protocol::{
    AdminRequest, AdminResponse, GroupDescription, GroupState, Request, Response,
};
use crate::wire::names::Names;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::protocol::StrBytes;
use plimsoll_codec::Wire;
use plimsoll_oracle::ErrorName;

/// The type of groups that there are (`Group.GroupType`).
const CLASSIC: &str = "classic";

impl Context<'_, '_> {
    pub(super) fn describe_groups(&mut self, request: kafka::DescribeGroupsRequest) -> Plan {
        let version = self.version;
        let groups = request.groups;
        let operations = match request.include_authorized_operations {
            true => ON_GROUP,
            false => NOT_ASKED,
        };
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
                    .with_authorized_operations(NOT_ASKED);
                let described = match described_group(answer) {
                    Ok(group) => describe(names, described, group),
                    // Before version 6 that is no error (KIP-1043).
                    Err(ErrorName::GroupIdNotFound) => described
                        .with_error_code(match version {
                            ..6 => 0,
                            6.. => ErrorName::GroupIdNotFound.code(),
                        })
                        .with_group_state("Dead".into()),
                    Err(error) => described.with_error_code(error.code()),
                };
                match described.error_code {
                    0 => described.with_authorized_operations(operations),
                    _ => described,
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
                                StrBytes::from_string(
                                    names.known.group_name(group.group).to_owned(),
                                )
                                .into(),
                            )
                            .with_protocol_type(
                                kind.map(|kind| names.known.protocol_type_name(kind))
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
            .with_group_instance_id(names.known.instance_name(member.instance))
            .with_client_id(member.client.id)
            .with_client_host(member.client.host)
            .with_member_metadata(member.subscription.map(|s| s.first()).unwrap_or_default())
            .with_member_assignment(member.assignment)
    });
    let members = members.collect();
    let kind = group
        .protocol_type
        .map(|kind| names.known.protocol_type_name(kind));
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
