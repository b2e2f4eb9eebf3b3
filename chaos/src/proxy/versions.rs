//! Which versions of which APIs a member may use: those that the proxy can read.

use super::frame::{Unreadable, decode};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, ApiVersionsResponse};
use kafka_protocol::protocol::Encodable;

/// APIs by which a member of a group would not be seen as such: those of consumer groups as of
/// KIP-848, of share groups and of streams groups. Members use the classic protocol instead.
pub(super) const HIDDEN: [i16; 11] = [68, 69, 76, 77, 78, 79, 88, 89, 90, 91, 92];

/// Kafka's UNSUPPORTED_VERSION.
const UNSUPPORTED_VERSION: i16 = 35;

/// Returns the last version of an API that can be read; `None` where the proxy reads none of it.
pub(super) fn last_readable(key: ApiKey) -> Option<i16> {
    match key {
        // The next ones name topics by id.
        ApiKey::Fetch => Some(12),
        ApiKey::OffsetCommit => Some(9),
        ApiKey::Produce | ApiKey::Metadata => Some(12),
        ApiKey::ApiVersions
        | ApiKey::DescribeCluster
        | ApiKey::FindCoordinator
        | ApiKey::Heartbeat
        | ApiKey::JoinGroup
        | ApiKey::LeaveGroup
        | ApiKey::SyncGroup => Some(key.valid_versions().max),
        _ => None,
    }
}

/// Removes from an ApiVersions response what a member shall not use.
pub(super) fn narrow(mut body: Bytes, version: i16) -> Result<Bytes, Unreadable> {
    // A broker that does not know the request's version answers so in the first one.
    let error = body.first_chunk().map(|error| i16::from_be_bytes(*error));
    let version = match error {
        Some(UNSUPPORTED_VERSION) => 0,
        _ => version,
    };
    let mut response: ApiVersionsResponse = decode(&mut body, version)?;
    response.api_keys.retain_mut(|api| {
        if let Ok(Some(last)) = ApiKey::try_from(api.api_key).map(last_readable) {
            api.max_version = api.max_version.min(last);
        }
        !HIDDEN.contains(&api.api_key) && api.min_version <= api.max_version
    });
    let mut narrowed = BytesMut::new();
    response
        .encode(&mut narrowed, version)
        .map_err(|error| Unreadable::new(error.to_string()))?;
    // The fields that a later version adds.
    narrowed.extend_from_slice(&body);
    Ok(narrowed.freeze())
}
