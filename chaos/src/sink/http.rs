//! The sink's HTTP endpoint: takes calls in, lets each take its time, and answers with its outcome.
//! What a handler is and what its outcome is, the world keeps.

use super::{Begun, Call, Report};
use crate::channel::Sender;
use crate::log::Log;
use crate::names::Names;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use plimsoll_core::{Offset, Outcome};
use plimsoll_oracle::{MemberId, MessageId};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Fate;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The longest wait for the reader of the topics to read a record.
const RECORD_READ: Duration = Duration::from_secs(30);

/// The header of an answer that asks Plimsoll's own member for a real panic.
pub(crate) const PANIC_HEADER: &str = "plimsoll-panic";

/// What the endpoint needs.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub plan: Arc<Plan>,
    pub names: Arc<Names>,
    pub log: Arc<Log>,
    pub reports: Sender<Report>,
}

/// A call of the sink; further fields are ignored.
#[derive(Debug, Deserialize)]
struct Body {
    topic: String,
    partition: u32,
    offset: u64,
}

/// The answer to a call: a status, headers, and a sentence for people.
type Answer = (StatusCode, HeaderMap, String);

/// Serves the sink until the run ends.
pub(crate) async fn serve(endpoint: Endpoint, listener: TcpListener) {
    let router = Router::new()
        .route("/{member}", post(handle))
        .with_state(endpoint);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "the sink ended");
    }
}

/// Answers one call.
async fn handle(
    State(endpoint): State<Endpoint>,
    Path(member): Path<String>,
    Json(body): Json<Body>,
) -> Answer {
    let mut members = (0..endpoint.plan.starts.len() as u32).map(MemberId);
    let Some(member) = members.find(|id| id.to_string() == member) else {
        let text = format!("there is no member {member}");
        return refuse(StatusCode::NOT_FOUND, text);
    };
    let Some(partition) = endpoint.names.partition(&body.topic, body.partition) else {
        let text = format!("{} is not a topic of this run", body.topic);
        return refuse(StatusCode::NOT_FOUND, text);
    };
    let offset = Offset::new(body.offset);
    let record = endpoint.log.wait_for(partition, offset, RECORD_READ).await;
    let Some(record) = record else {
        let text = format!("{}-{} has no record {offset}", body.topic, body.partition);
        return refuse(StatusCode::NOT_FOUND, text);
    };
    let call = Call {
        member,
        partition,
        offset,
        record,
    };
    let Some(outcome) = endpoint.work(call).await else {
        // The client of this answer died with its process.
        return refuse(StatusCode::GONE, "the process died".into());
    };
    let status = match outcome {
        Outcome::Ok => StatusCode::OK,
        Outcome::Retryable => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Permanent => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut headers = HeaderMap::new();
    if outcome == Outcome::Retryable && endpoint.panics(record.message) {
        headers.insert(PANIC_HEADER, HeaderValue::from_static("true"));
    }
    (status, headers, String::new())
}

impl Endpoint {
    /// Does a handler's work: begins, takes its time, and writes the effect. Returns the outcome;
    /// `None` where its process died.
    async fn work(&self, call: Call) -> Option<Outcome> {
        let called = |reply| Report::Called { call, reply };
        // The subject may go away at any time: then axum drops this future, and with it the
        // handler.
        let Begun { handler, takes } = self.reports.ask(called).await.ok()?;
        tokio::time::sleep(takes).await;
        let id = handler.id();
        let due = |reply| Report::Due { id, reply };
        self.reports.ask(due).await.ok()
    }

    /// Returns whether a handler of the message panics where it fails.
    fn panics(&self, message: MessageId) -> bool {
        let planned = self.plan.messages.iter().find(|m| m.id == message);
        planned.is_some_and(|m| matches!(m.fate, Fate::Panic(_)))
    }
}

fn refuse(status: StatusCode, text: String) -> Answer {
    tracing::warn!(%status, "the sink refused a call: {text}");
    (status, HeaderMap::new(), text)
}
