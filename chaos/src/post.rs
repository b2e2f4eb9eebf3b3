//! The one HTTP request that a member sends: a call of the sink.

use axum::body::Bytes;
use axum::http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::Duration;

/// The time limit for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// An address that JSON is posted to, and the connections that are kept for it.
#[derive(Clone, Debug)]
pub(crate) struct Url {
    uri: Uri,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Url {
    /// Reads an address; connects to nothing yet.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let uri = text.parse().map_err(|error| format!("{text}: {error}"))?;
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { uri, client })
    }

    /// Posts a value, and returns what is answered.
    pub(crate) fn post(
        &self,
        value: &Value,
    ) -> impl Future<Output = Result<Response<Incoming>, Error>> + use<> {
        let mut request = Request::new(Full::new(value.to_string().into()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        self.client.request(request)
    }
}
