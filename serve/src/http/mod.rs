//! Faults and state over HTTP. [`HELP`] is what it says of itself.

mod faults;
mod report;

use crate::control::Control;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use plimsoll_core::Instant;
use plimsoll_sim::served::{ServedCluster, Unknown};
use serde_json::Value;
use std::net::TcpListener;

/// The list of requests, for people.
pub const HELP: &str = "\
GET  /cluster                             brokers, topics and groups with offsets and lag, as JSON
POST /brokers/ID/crash                    kill its process; its logs stay
POST /brokers/ID/stop                     stop it: leaderships move away first
POST /brokers/ID/start                    start it again
POST /brokers/ID/pause, /resume           make it stand still; let it go on
POST /brokers/ID/isolate, /reunite        cut it off from the other brokers and the controller
POST /brokers/ID/throttle?ms=N            delay everything that it sends by N ms (0: no more)
POST /topics/TOPIC/PARTITION/move-leader  let another in-sync replica lead
POST /fail?request=OffsetCommit&error=NOT_COORDINATOR[&broker=ID][&count=N]
                                          answer the next N requests (1) with an error
POST /lose-response?request=OffsetCommit[&broker=ID][&count=N]
                                          do what the next N requests ask, and close their
                                          connections in place of the answers
POST /cut[?client-id=ID]                  close the connections of a client, or all
POST /heal                                end all faults
";

/// Serves until its runtime ends.
pub(crate) async fn serve(listener: TcpListener, control: Control) {
    let router = Router::new()
        .route("/", get(|| async { HELP }))
        .route("/cluster", get(cluster))
        .route("/brokers/{id}/{fault}", post(faults::broker))
        .route(
            "/topics/{topic}/{partition}/move-leader",
            post(faults::move_leader),
        )
        .route("/fail", post(faults::fail))
        .route("/lose-response", post(faults::lose_response))
        .route("/cut", post(faults::cut))
        .route("/heal", post(faults::heal))
        .with_state(control);
    if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
        let _ = axum::serve(listener, router).await;
    }
}

async fn cluster(State(control): State<Control>) -> Result<Reply, Failure> {
    call(&control, |cluster, _| report::of(cluster))
        .await
        .map(Reply)
}

/// A JSON answer.
struct Reply(Value);

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Why something was not done.
enum Failure {
    /// A request that makes no sense, with the reason.
    Wrong(String),
    /// A thing that the cluster has not got.
    Unknown(&'static str),
    /// The end of the cluster.
    Ended,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Wrong(text) => (StatusCode::BAD_REQUEST, text),
            Self::Unknown(what) => (StatusCode::NOT_FOUND, format!("there is no such {what}")),
            Self::Ended => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the cluster has ended".into(),
            ),
        };
        (status, text + "\n").into_response()
    }
}

impl From<Unknown> for Failure {
    fn from(Unknown(what): Unknown) -> Self {
        Self::Unknown(what)
    }
}

async fn call<R: Send + 'static>(
    control: &Control,
    act: impl FnOnce(&mut ServedCluster, Instant) -> R + Send + 'static,
) -> Result<R, Failure> {
    control.call(act).await.ok_or(Failure::Ended)
}
