//! Faults over HTTP.

use super::{Failure, Reply, call};
use crate::control::Control;
use axum::extract::{Path, Query, State};
use plimsoll_oracle::{BrokerId, ErrorName, RequestKind, Word};
use plimsoll_sim::served::Faulty;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

type Done = Result<Reply, Failure>;

/// The answer where there is nothing to tell.
const DONE: Reply = Reply(Value::Null);

#[derive(Deserialize)]
pub(super) struct Throttle {
    ms: Option<u64>,
}

/// Does something to a broker.
pub(super) async fn broker(
    State(control): State<Control>,
    Path((id, fault)): Path<(u32, String)>,
    Query(Throttle { ms }): Query<Throttle>,
) -> Done {
    let delay = Duration::from_millis(ms.unwrap_or(0));
    let id = BrokerId(id);
    let done = call(&control, move |cluster, now| {
        Some(match fault.as_str() {
            "crash" => cluster.crash(now, id),
            "stop" => cluster.stop(now, id),
            "start" => cluster.start(now, id),
            "pause" => cluster.pause(now, id),
            "resume" => cluster.resume(now, id),
            "isolate" => cluster.isolate(now, id),
            "reunite" => cluster.reunite(now, id),
            "throttle" => cluster.throttle(now, id, delay),
            _ => return None,
        })
    });
    done.await?.ok_or(Failure::Unknown("fault"))??;
    Ok(DONE)
}

/// Lets another replica lead a partition.
pub(super) async fn move_leader(
    State(control): State<Control>,
    Path((topic, partition)): Path<(String, i32)>,
) -> Done {
    let moved = call(&control, move |cluster, now| {
        cluster.move_leader(now, &topic, partition)
    });
    match moved.await?? {
        true => Ok(DONE),
        false => Err(Failure::Wrong("no other replica is in sync".into())),
    }
}

#[derive(Deserialize)]
pub(super) struct Requests {
    request: String,
    error: Option<String>,
    broker: Option<u32>,
    count: Option<u32>,
}

impl Requests {
    fn faulty(&self) -> Result<Faulty, Failure> {
        Ok(Faulty {
            request: read::<RequestKind>(&self.request)?,
            broker: self.broker.map(BrokerId),
            count: self.count.unwrap_or(1),
        })
    }
}

/// Answers the next requests of a kind with an error.
pub(super) async fn fail(State(control): State<Control>, Query(requests): Query<Requests>) -> Done {
    let faulty = requests.faulty()?;
    let error = requests.error.as_deref().unwrap_or_default();
    let error = read::<ErrorName>(error)?;
    call(&control, move |cluster, _| cluster.fail(faulty, error)).await?;
    Ok(DONE)
}

/// Loses the answers to the next requests of a kind.
pub(super) async fn lose_response(
    State(control): State<Control>,
    Query(requests): Query<Requests>,
) -> Done {
    let faulty = requests.faulty()?;
    call(&control, move |cluster, _| cluster.lose_response(faulty)).await?;
    Ok(DONE)
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Clients {
    client_id: Option<String>,
}

/// Closes connections.
pub(super) async fn cut(State(control): State<Control>, Query(clients): Query<Clients>) -> Done {
    let closed = call(&control, move |cluster, now| {
        cluster.cut(now, clients.client_id.as_deref())
    });
    Ok(Reply(json!({ "closed": closed.await? })))
}

/// Ends all faults.
pub(super) async fn heal(State(control): State<Control>) -> Done {
    call(&control, |cluster, now| cluster.heal(now)).await?;
    Ok(DONE)
}

/// Reads one of Kafka's words.
fn read<W: Word>(word: &str) -> Result<W, Failure> {
    W::from_word(word).ok_or_else(|| {
        let words: Vec<_> = W::ALL.iter().map(|known| known.word()).collect();
        Failure::Wrong(format!(
            "'{word}' is no {}: there are {}",
            W::WHAT,
            words.join(", ")
        ))
    })
}
