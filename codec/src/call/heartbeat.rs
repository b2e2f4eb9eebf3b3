//! Heartbeat, and how members say in what they ask which they are.

use super::{Call, Caller, result};
use kafka_protocol::messages as kafka;
use plimsoll_protocol::{Response, Sender};

impl Caller<'_> {
    pub(super) fn heartbeat(&mut self, sender: &Sender) -> Option<Call> {
        let request = kafka::HeartbeatRequest::default()
            .with_group_id(self.names.group_id(sender.group)?)
            .with_generation_id(sender.generation)
            .with_member_id(self.names.known_member_id(sender.member)?)
            .with_group_instance_id(self.names.instance_name(sender.instance));
        self.asks(&request, |_, response: kafka::HeartbeatResponse| {
            Some(Response::Heartbeat(result(response.error_code)))
        })
    }
}
