//! Ids of producers.

use super::{Context, Plan, body};
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;

impl Context<'_, '_> {
    /// Gives an id to a producer: without transactions a new one each time, whatever it says of
    /// itself (`KafkaApis.handleInitProducerIdRequest`,
    /// `TransactionCoordinator.handleInitProducerId`).
    pub(super) fn init_producer_id(&mut self, request: kafka::InitProducerIdRequest) -> Plan {
        let is_half = (request.producer_id.0 == -1) != (request.producer_epoch == -1);
        let given = match &request.transactional_id {
            _ if is_half => Err(ResponseError::InvalidRequest),
            Some(id) if id.is_empty() => Err(ResponseError::InvalidRequest),
            // Transactions have no coordinator here.
            Some(_) => Err(ResponseError::CoordinatorNotAvailable),
            None => Ok(self.names.new_producer()),
        };
        let response = kafka::InitProducerIdResponse::default();
        let response = match given {
            Ok(id) => response.with_producer_id(id.into()).with_producer_epoch(0),
            Err(error) => response
                .with_error_code(error.code())
                .with_producer_id((-1).into())
                .with_producer_epoch(-1),
        };
        Plan::answer(body(&response, self.version))
    }
}
