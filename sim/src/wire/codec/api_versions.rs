//! ApiVersions.

use super::{Context, Plan, SERVED, body};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};

impl Context<'_, '_> {
    /// Tells what is served.
    pub(super) fn api_versions(&mut self, request: ApiVersionsRequest) -> Plan {
        let version = self.version;
        let [name, software] = [
            request.client_software_name,
            request.client_software_version,
        ];
        match version < 3 || (is_software(&name) && is_software(&software)) {
            true => told(version, None),
            false => told(version, Some(ResponseError::InvalidRequest)),
        }
    }
}

/// Answers a version that is not served: UNSUPPORTED_VERSION in the oldest form, which every client
/// reads (KIP-511).
pub(super) fn unsupported() -> Plan {
    told(0, Some(ResponseError::UnsupportedVersion))
}

/// Returns whether a client's name of itself, or of its version, is a word
/// (`ApiVersionsRequest.isValid`).
fn is_software(word: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_alphanumeric();
    word.starts_with(is_alphanumeric)
        && word.ends_with(is_alphanumeric)
        && word.chars().all(|c| is_alphanumeric(c) || "-.".contains(c))
}

/// Tells what is served; with an error at most what the client may ask next
/// (`ApiVersionsRequest.getErrorResponse`).
fn told(version: i16, error: Option<ResponseError>) -> Plan {
    let is_told = |(key, ..): &&(ApiKey, i16, i16)| match error {
        None => true,
        Some(ResponseError::UnsupportedVersion) => *key == ApiKey::ApiVersions,
        Some(_) => false,
    };
    let served = SERVED.iter().filter(is_told).map(|(key, first, last)| {
        ApiVersion::default()
            .with_api_key(*key as i16)
            .with_min_version(*first)
            .with_max_version(*last)
    });
    let response = ApiVersionsResponse::default()
        .with_error_code(error.map_or(0, |error| error.code()))
        .with_api_keys(served.collect());
    Plan::answer(body(&response, version))
}
