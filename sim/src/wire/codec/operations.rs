//! What a client may do, where it asks: everything, since there is no access control
//! (`AuthHelper.authorizedOperations`). The operations that a resource has
//! (`AclEntry.supportedOperations`) are bits, by their codes (`AclOperation`).

const READ: i32 = 1 << 3;
const WRITE: i32 = 1 << 4;
const CREATE: i32 = 1 << 5;
const DELETE: i32 = 1 << 6;
const ALTER: i32 = 1 << 7;
const DESCRIBE: i32 = 1 << 8;
const CLUSTER_ACTION: i32 = 1 << 9;
const DESCRIBE_CONFIGS: i32 = 1 << 10;
const ALTER_CONFIGS: i32 = 1 << 11;
const IDEMPOTENT_WRITE: i32 = 1 << 12;

const ON_CONFIGS: i32 = DESCRIBE_CONFIGS | ALTER_CONFIGS;

/// The operations on a topic.
pub(super) const ON_TOPIC: i32 = READ | WRITE | CREATE | DELETE | ALTER | DESCRIBE | ON_CONFIGS;

/// The operations on a group.
pub(super) const ON_GROUP: i32 = READ | DELETE | DESCRIBE | ON_CONFIGS;

/// The operations on the cluster.
const ON_CLUSTER: i32 = CREATE | ALTER | DESCRIBE | CLUSTER_ACTION | IDEMPOTENT_WRITE | ON_CONFIGS;

/// The answer to a client that did not ask.
pub(super) const NOT_ASKED: i32 = i32::MIN;

/// Returns the operations on the cluster, for a client that asks for them or does not.
pub(super) const fn on_cluster(is_asked: bool) -> i32 {
    match is_asked {
        true => ON_CLUSTER,
        false => NOT_ASKED,
    }
}
