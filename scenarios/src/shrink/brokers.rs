//! Fewer brokers, fewer replicas.

use super::Search;
use crate::Plan;
use crate::scenario::BrokerTarget;
use std::sync::Arc;

/// Tries fewer brokers, one at best; then fewer replicas, and fewer of them in sync.
pub(super) fn pass(search: &mut Search<'_>) {
    for brokers in 1..search.best.settings.cluster.brokers {
        if search.attempt_with(|plan| limit_brokers(plan, brokers)) {
            break;
        }
    }
    for replication in 1..search.best.settings.cluster.replication {
        if search.attempt_with(|plan| limit_replication(plan, replication)) {
            break;
        }
    }
    for min_insync in 1..search.best.settings.cluster.min_insync {
        if search.attempt_settings(|settings| settings.cluster.min_insync = min_insync) {
            break;
        }
    }
}

/// Limits the brokers; faults that name one above the limit hit one below it.
fn limit_brokers(plan: &mut Plan, brokers: u32) {
    Arc::make_mut(&mut plan.settings).cluster.brokers = brokers;
    limit_replication(plan, brokers);
    for fault in &mut plan.faults {
        for argument in fault.kind.arguments_mut() {
            if let Some(BrokerTarget::Broker(broker)) = argument.broker_mut() {
                broker.0 %= brokers;
            }
        }
    }
}

fn limit_replication(plan: &mut Plan, replication: u32) {
    let cluster = &mut Arc::make_mut(&mut plan.settings).cluster;
    cluster.replication = cluster.replication.min(replication);
    cluster.min_insync = cluster.min_insync.min(cluster.replication);
}
