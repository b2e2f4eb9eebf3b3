//! What is answered: what was asked for, or why it was not done.

use crate::control::Control;
use crate::world::World;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use plimsoll_core::Instant;
use plimsoll_oracle::nearest;
use serde_json::Value;

/// A JSON answer.
pub(super) struct Reply(pub(super) Value);

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Why something was not done.
pub(super) enum Failure {
    /// A request that makes no sense, with the reason.
    Wrong(String),
    /// A thing that there is not, with what there is instead.
    Unknown(String),
    /// A request that cannot be done as the cluster is now, with the reason.
    Vain(String),
    /// A request by the wrong method, with the right one.
    Method(String),
    /// The end of the cluster.
    Ended,
}

impl Failure {
    /// Makes the failure of a word that nothing has, with the nearest word that something has.
    pub(super) fn unknown<'a>(
        text: String,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::Unknown(text + &meant(word, known))
    }

    /// Makes the failure of a word that makes no sense, with the nearest that does.
    pub(super) fn wrong<'a>(
        text: String,
        word: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::Wrong(text + &meant(word, known))
    }
}

/// Says which word was probably meant, and else which there are.
fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("; did you mean {near}?"),
        None if known.is_empty() => "; there are none".into(),
        None => format!("; there are {}", known.join(", ")),
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Wrong(text) => (StatusCode::BAD_REQUEST, text),
            Self::Unknown(text) => (StatusCode::NOT_FOUND, text),
            Self::Vain(text) => (StatusCode::CONFLICT, text),
            Self::Method(text) => (StatusCode::METHOD_NOT_ALLOWED, text),
            Self::Ended => {
                let text = "the cluster has ended".into();
                (StatusCode::SERVICE_UNAVAILABLE, text)
            }
        };
        (status, text + "\n").into_response()
    }
}

/// Does something with the world.
pub(super) async fn call<R: Send + 'static>(
    control: &Control,
    act: impl FnOnce(&mut World, Instant) -> R + Send + 'static,
) -> Result<R, Failure> {
    control.call(act).await.ok_or(Failure::Ended)
}
