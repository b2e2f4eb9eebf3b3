//! The producer: every message of the plan, at its time, to its partition.

use crate::world::Shared;
use plimsoll_scenarios::Plan;
use plimsoll_serve::inside::{Host as _, Producer};
use std::sync::Arc;

/// Produces the whole workload, and then more messages for as long as it is polled.
pub(crate) async fn produce(plan: Arc<Plan>, world: Shared) {
    let probes = plan.probes();
    let (always, later) = probes.messages.split_at(probes.always);
    let mut producer = Producer::new(plan.clone(), world.clone());
    producer.produce(&plan.messages).await;
    producer.produce(always).await;
    world.with(|world| world.note_produced(true));
    for message in later {
        world.sleep_until(message.at).await;
        world.with(|world| world.note_produced(false));
        producer.produce(&[*message]).await;
        world.with(|world| world.note_produced(true));
    }
}
