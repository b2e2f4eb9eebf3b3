//! LeaveGroup.

use super::{Call, Caller, result};
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use plimsoll_protocol::{GroupIndex, Leaving, Response};

impl Caller<'_> {
    pub(super) fn leave_group(&mut self, group: GroupIndex, members: &[Leaving]) -> Option<Call> {
        let version = self.version;
        let request =
            kafka::LeaveGroupRequest::default().with_group_id(self.names.group_id(group)?);
        let (request, only) = match (version, members) {
            (3.., _) => {
                let members = members.iter().map(|leaving| {
                    let member = MemberIdentity::default()
                        .with_member_id(self.names.known_member_id(leaving.member)?)
                        .with_group_instance_id(self.names.instance_name(leaving.instance));
                    Some(member)
                });
                (request.with_members(members.collect::<Option<_>>()?), None)
            }
            (_, [only @ Leaving { instance: None, .. }]) => {
                let member = self.names.known_member_id(only.member)?;
                (request.with_member_id(member), Some(*only))
            }
            _ => return None,
        };
        self.asks(
            &request,
            move |names, response: kafka::LeaveGroupResponse| {
                let whole = result(response.error_code);
                if let Some(only) = only {
                    let left = whole.map(|()| only).map_err(|error| (only, error));
                    return Some(Response::LeaveGroup(Ok(vec![left])));
                }
                let mut left = Vec::new();
                for member in response.members {
                    let leaving = Leaving {
                        member: names.told_member(&member.member_id),
                        instance: names.instance(&member.group_instance_id),
                    };
                    let result = result(member.error_code);
                    left.push(result.map(|()| leaving).map_err(|error| (leaving, error)));
                }
                Some(Response::LeaveGroup(whole.map(|()| left)))
            },
        )
    }
}
