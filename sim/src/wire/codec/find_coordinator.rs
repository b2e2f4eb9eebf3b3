//! FindCoordinator.

use super::{Context, Plan, body};
use crate::protocol::{Request, Response};
use crate::wire::names::kafka_broker;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use plimsoll_oracle::ErrorName;

/// Types of coordinators (`FindCoordinatorRequest.CoordinatorType`).
const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

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
                        let (host, port) = names.address(node);
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
}
