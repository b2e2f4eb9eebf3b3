//! FindCoordinator.

use super::{Call, Caller, result};
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use plimsoll_protocol::{GroupIndex, Response};

/// The coordinators of groups (`FindCoordinatorRequest.CoordinatorType`).
const GROUP: i8 = 0;

impl Caller<'_> {
    pub(super) fn find_coordinator(&mut self, group: GroupIndex) -> Option<Call> {
        let version = self.version;
        let key = self.names.group_id(group)?.0;
        let request = kafka::FindCoordinatorRequest::default().with_key_type(GROUP);
        let request = match version {
            ..4 => request.with_key(key),
            _ => request.with_coordinator_keys(vec![key]),
        };
        self.asks(
            &request,
            move |names, mut response: kafka::FindCoordinatorResponse| {
                let found = match version {
                    ..4 => Coordinator::default()
                        .with_error_code(response.error_code)
                        .with_node_id(response.node_id)
                        .with_host(response.host)
                        .with_port(response.port),
                    _ => response.coordinators.pop()?,
                };
                let found = match result(found.error_code) {
                    Ok(()) => Ok(names.take_address(found.node_id, &found.host, found.port)?),
                    Err(error) => Err(error),
                };
                Some(Response::FindCoordinator(found))
            },
        )
    }
}
