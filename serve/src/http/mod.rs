//! Faults and state over HTTP. [`HELP`] is what it says of itself.

mod answer;
mod faults;
mod report;

use crate::control::Control;
use answer::{Failure, Reply, call};
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use std::net::TcpListener;

/// The list of requests, for people.
pub const HELP: &str = "\
GET  /cluster                             brokers, topics and groups with offsets and lag, as JSON
GET  /trace[?from=N]                      what happened so far, from entry N on, as JSON lines

POST /brokers/ID/crash                    kill its process; its logs stay
POST /brokers/ID/stop                     stop it: leaderships move away first
POST /brokers/ID/start                    start it again
POST /brokers/ID/pause, /resume           make it stand still; let it go on
POST /brokers/ID/isolate                  cut it off from the other brokers and the controller
POST /brokers/ID/cut-off                  cut it off from all, clients too
POST /brokers/ID/reunite                  end isolate or cut-off
POST /brokers/ID/throttle?ms=N            delay everything that it sends by N ms (0: no more)
POST /topics/TOPIC/PARTITION/move-leader  let another in-sync replica lead
POST /groups/GROUP/move-coordinator       let another broker coordinate it
POST /groups/GROUP/rebalance              begin a rebalance, where it is stable

POST /fail?request=OffsetCommit&error=NOT_COORDINATOR[&group=G][&broker=ID][&count=N]
                                          answer the next N requests (1) with an error
POST /lose-response?request=OffsetCommit[&group=G][&broker=ID][&count=N]
                                          do what the next N requests ask, and close their
                                          connections in place of the answers

POST /cut[?client-id=C][&broker=ID]       close connections of clients
POST /hold[?client-id=C][&broker=ID][&direction=requests|responses]
                                          let nothing pass on them, one way or both; what is sent
                                          arrives later, where the connection lives on
POST /delay?ms=N[&client-id=C][&broker=ID]
                                          delay all that passes on them, each way
POST /end?fault=N                         end a hold or a delay, by the number that it answered

POST /heal                                end all faults
";

/// Serves until its runtime ends.
pub(crate) async fn serve(listener: TcpListener, control: Control) {
    let router = Router::new()
        .route("/", get(|| async { HELP }))
        .route("/cluster", get(cluster))
        .route("/trace", get(trace))
        .route("/brokers/{id}/{fault}", post(faults::broker))
        .route(
            "/topics/{topic}/{partition}/move-leader",
            post(faults::move_leader),
        )
        .route("/groups/{group}/{fault}", post(faults::group))
        .route("/fail", post(faults::fail))
        .route("/lose-response", post(faults::lose_response))
        .route("/cut", post(faults::cut))
        .route("/hold", post(faults::hold))
        .route("/delay", post(faults::delay))
        .route("/end", post(faults::end))
        .route("/heal", post(faults::heal))
        .fallback(nowhere)
        .method_not_allowed_fallback(other_method)
        .with_state(control);
    if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
        let _ = axum::serve(listener, router).await;
    }
}

async fn cluster(State(control): State<Control>) -> Result<Reply, Failure> {
    let report = call(&control, |world, _| report::of(&world.cluster));
    report.await.map(Reply)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    from: Option<u64>,
}

async fn trace(
    State(control): State<Control>,
    Query(From { from }): Query<From>,
) -> Result<Response, Failure> {
    let lines = call(&control, move |world, _| {
        let entries = world.trace.since(from.unwrap_or(0));
        let lines = entries.filter_map(|entry| serde_json::to_string(entry).ok());
        lines.map(|line| line + "\n").collect::<String>()
    });
    let kind = [(header::CONTENT_TYPE, "application/jsonl")];
    Ok((kind, lines.await?).into_response())
}

async fn nowhere(uri: Uri) -> Failure {
    let place = uri.path().split('/').nth(1).unwrap_or_default();
    let text = format!("there is nothing at {}", uri.path());
    Failure::unknown(text, place, places())
}

/// Returns the first parts of the paths in [`HELP`].
fn places() -> Vec<&'static str> {
    let paths = HELP.lines().filter_map(|line| line.split_once(" /"));
    let paths = paths.filter(|(method, _)| matches!(method.trim(), "GET" | "POST"));
    let firsts = paths.filter_map(|(_, path)| path.split(['/', '?', '[', ' ']).next());
    let mut places: Vec<_> = firsts.collect();
    places.dedup();
    places
}

async fn other_method(method: Method, uri: Uri) -> Failure {
    let right = match method {
        Method::POST => Method::GET,
        _ => Method::POST,
    };
    Failure::Method(format!("{} wants {right}, not {method}", uri.path()))
}
