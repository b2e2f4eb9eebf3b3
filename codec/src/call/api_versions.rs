//! ApiVersions.

use super::{Call, Caller, result};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;
use plimsoll_protocol::Response;

impl Caller<'_> {
    /// Asks what is served. Our versions are the broker's own, so that it matters only whether it
    /// answers.
    pub(super) fn api_versions(&mut self) -> Option<Call> {
        let request = match self.version {
            ..3 => ApiVersionsRequest::default(),
            _ => ApiVersionsRequest::default()
                .with_client_software_name(StrBytes::from_static_str("plimsoll"))
                .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION"))),
        };
        self.asks(&request, |_, response: ApiVersionsResponse| {
            Some(match result(response.error_code) {
                Ok(()) => Response::ApiVersions,
                Err(error) => Response::Failed(error),
            })
        })
    }
}
