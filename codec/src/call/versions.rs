//! The versions of requests.

use kafka_protocol::messages::{ApiKey, ApiVersionsResponse};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The first version of Produce and Fetch whose topics go by their ids (KIP-516).
pub const BY_ID: i16 = 13;

/// The kinds that clients can send, each with its first and its last version.
const KNOWN: &[(ApiKey, i16, i16)] = &[
    (ApiKey::Produce, 3, 13),
    (ApiKey::Fetch, 4, 17),
    (ApiKey::ListOffsets, 1, 10),
    (ApiKey::Metadata, 0, 13),
    (ApiKey::OffsetCommit, 2, 9),
    (ApiKey::OffsetFetch, 1, 9),
    (ApiKey::FindCoordinator, 0, 6),
    (ApiKey::JoinGroup, 0, 9),
    (ApiKey::Heartbeat, 0, 4),
    (ApiKey::LeaveGroup, 0, 5),
    (ApiKey::SyncGroup, 0, 5),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::OffsetForLeaderEpoch, 2, 4),
];

/// The versions in which a client and a broker understand each other.
#[derive(Clone, Debug)]
pub struct Versions(BTreeMap<i16, (i16, i16)>);

impl Versions {
    /// Returns all versions that clients can send.
    pub fn known() -> Self {
        let known = KNOWN.iter();
        Self(
            known
                .map(|(key, first, last)| (*key as i16, (*first, *last)))
                .collect(),
        )
    }

    /// Returns those of them that a broker knows too, as it says.
    #[must_use]
    pub fn among(&self, told: &ApiVersionsResponse) -> Self {
        let common = told.api_keys.iter().filter_map(|told| {
            let (first, last) = *self.0.get(&told.api_key)?;
            let (first, last) = (first.max(told.min_version), last.min(told.max_version));
            (first <= last).then_some((told.api_key, (first, last)))
        });
        Self(common.collect())
    }

    /// Returns the versions of a kind.
    pub fn of(&self, key: ApiKey) -> Option<RangeInclusive<i16>> {
        let (first, last) = *self.0.get(&(key as i16))?;
        Some(first..=last)
    }
}
