//! LeaveGroup.

use super::heartbeat::refused_id;
use super::{Context, Plan, body};
use crate::protocol::{Leaving, Left, Request, Response};
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::leave_group_response::MemberResponse;
use kafka_protocol::protocol::StrBytes;

impl Context<'_, '_> {
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
            member: self.names.known.member(member),
            instance: self.names.known.instance(instance),
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
}

fn left_code(left: &Left) -> i16 {
    left.as_ref().err().map_or(0, |(_, error)| error.code())
}
