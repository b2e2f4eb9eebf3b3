//! The simulated Kafka cluster: brokers and the controller.

mod broker;
mod controller;

pub use broker::Broker;
pub use controller::Controller;

/// The group's state as it goes into `__consumer_offsets`.
#[derive(Clone, Debug, Default)]
pub struct GroupSnapshot {}
