//! Faults over HTTP.

use super::answer::{Failure, Reply, call};
use crate::control::Control;
use crate::network::{Clients, Effect, NetworkFault};
use crate::trace::Event;
use crate::world::World;
use axum::extract::{Path, Query, State};
use axum::http::Uri;
use plimsoll_core::Instant;
use plimsoll_oracle::{BrokerId, ErrorName, RequestKind, Word};
use plimsoll_scenarios::scenario::Direction;
use plimsoll_sim::served::{Faulty, ServedCluster, Unknown};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

type Done = Result<Reply, Failure>;

/// The answer where there is nothing to tell.
const DONE: Reply = Reply(Value::Null);

/// An action on a broker.
type OfBroker = fn(&mut ServedCluster, Instant, BrokerId) -> Result<(), Unknown>;

/// The actions on brokers by their words, beside `throttle`.
const OF_BROKERS: [(&str, OfBroker); 8] = [
    ("crash", ServedCluster::crash),
    ("stop", ServedCluster::stop),
    ("start", ServedCluster::start),
    ("pause", ServedCluster::pause),
    ("resume", ServedCluster::resume),
    ("isolate", ServedCluster::isolate),
    ("cut-off", ServedCluster::cut_off),
    ("reunite", ServedCluster::reunite),
];

const THROTTLE: &str = "throttle";

/// An action on a group; `false`: it is in no state for it.
type OfGroup = fn(&mut ServedCluster, Instant, &str) -> Result<bool, Unknown>;

/// The actions on groups by their words, each with the reason where it cannot be done.
const OF_GROUPS: [(&str, OfGroup, &str); 2] = [
    (
        "move-coordinator",
        ServedCluster::move_coordinator,
        "no other replica of its partition of __consumer_offsets is in sync",
    ),
    (
        "rebalance",
        ServedCluster::rebalance,
        "the group is not stable",
    ),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Late {
    ms: Option<u64>,
}

/// Does something to a broker.
pub(super) async fn broker(
    State(control): State<Control>,
    uri: Uri,
    Path((id, fault)): Path<(u32, String)>,
    Query(Late { ms }): Query<Late>,
) -> Done {
    let id = BrokerId(id);
    if fault == THROTTLE {
        let by = delay_of(ms)?;
        return asked(&control, uri, move |world, now| {
            let done = world.cluster.throttle(now, id, by);
            done.map_err(|_| no_broker(world, id))
        })
        .await;
    }
    let known = OF_BROKERS.iter().find(|(word, _)| *word == fault);
    let (_, act) = known.ok_or_else(|| {
        let words = OF_BROKERS.iter().map(|(word, _)| *word);
        let text = format!("`{fault}` is nothing that is done to brokers");
        Failure::unknown(text, &fault, words.chain([THROTTLE]))
    })?;
    asked(&control, uri, move |world, now| {
        act(&mut world.cluster, now, id).map_err(|_| no_broker(world, id))
    })
    .await
}

fn no_broker(world: &World, BrokerId(id): BrokerId) -> Failure {
    let known: Vec<_> = world
        .cluster
        .brokers()
        .map(|known| known.0.to_string())
        .collect();
    let known = known.join(", ");
    Failure::Unknown(format!("there is no broker {id}; there are {known}"))
}

fn delay_of(ms: Option<u64>) -> Result<Duration, Failure> {
    let missing = || Failure::Wrong("how long is missing: ms=N".into());
    ms.map(Duration::from_millis).ok_or_else(missing)
}

/// Lets another replica lead a partition.
pub(super) async fn move_leader(
    State(control): State<Control>,
    uri: Uri,
    Path((topic, partition)): Path<(String, i32)>,
) -> Done {
    asked(&control, uri, move |world, now| {
        match world.cluster.move_leader(now, &topic, partition) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::Vain("no other replica is in sync".into())),
            Err(_) => Err(no_partition(world, &topic, partition)),
        }
    })
    .await
}

fn no_partition(world: &World, topic: &str, partition: i32) -> Failure {
    let report = world.cluster.report();
    let mut topics = report.topics.iter();
    match topics.find(|known| known.name == topic) {
        Some(found) => Failure::Unknown(format!(
            "{topic} has no partition {partition}; it has {}, from 0 on",
            found.partitions.len()
        )),
        None => {
            let names = report.topics.iter().map(|topic| topic.name.as_str());
            Failure::unknown(format!("there is no topic {topic}"), topic, names)
        }
    }
}

/// Does something to a group.
pub(super) async fn group(
    State(control): State<Control>,
    uri: Uri,
    Path((group, fault)): Path<(String, String)>,
) -> Done {
    let known = OF_GROUPS.iter().find(|(word, ..)| *word == fault);
    let (_, act, why_not) = known.ok_or_else(|| {
        let text = format!("`{fault}` is nothing that is done to groups");
        Failure::unknown(text, &fault, OF_GROUPS.iter().map(|(word, ..)| *word))
    })?;
    asked(&control, uri, move |world, now| {
        match act(&mut world.cluster, now, &group) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::Vain((*why_not).into())),
            Err(_) => {
                let report = world.cluster.report();
                let names = report.groups.iter().map(|group| group.name.as_str());
                let text = format!("there is no group {group}");
                Err(Failure::unknown(text, &group, names))
            }
        }
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Failing {
    request: String,
    error: String,
    group: Option<String>,
    broker: Option<u32>,
    count: Option<u32>,
}

/// Answers the next requests of a kind with an error.
pub(super) async fn fail(
    State(control): State<Control>,
    uri: Uri,
    Query(failing): Query<Failing>,
) -> Done {
    let error = read::<ErrorName>(&failing.error)?;
    let lost = Losing {
        request: failing.request,
        group: failing.group,
        broker: failing.broker,
        count: failing.count,
    };
    let faulty = lost.faulty()?;
    asked(&control, uri, move |world, _| {
        check_broker(world, faulty.broker)?;
        world.cluster.fail(faulty, error);
        Ok(())
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Losing {
    request: String,
    group: Option<String>,
    broker: Option<u32>,
    count: Option<u32>,
}

impl Losing {
    fn faulty(self) -> Result<Faulty, Failure> {
        Ok(Faulty {
            request: read::<RequestKind>(&self.request)?,
            broker: self.broker.map(BrokerId),
            group: self.group,
            client_id: None,
            count: self.count.unwrap_or(1),
        })
    }
}

/// Loses the answers to the next requests of a kind.
pub(super) async fn lose_response(
    State(control): State<Control>,
    uri: Uri,
    Query(losing): Query<Losing>,
) -> Done {
    let faulty = losing.faulty()?;
    asked(&control, uri, move |world, _| {
        check_broker(world, faulty.broker)?;
        world.cluster.lose_response(faulty);
        Ok(())
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OnNetwork {
    client_id: Option<String>,
    broker: Option<u32>,
    direction: Option<String>,
    ms: Option<u64>,
}

impl OnNetwork {
    fn clients(&self) -> Clients {
        Clients {
            client_id: self.client_id.clone(),
            broker: self.broker.map(BrokerId),
        }
    }
}

/// Closes connections.
pub(super) async fn cut(
    State(control): State<Control>,
    uri: Uri,
    Query(on): Query<OnNetwork>,
) -> Done {
    let closed = asked(&control, uri, move |world, now| {
        check_broker(world, on.broker.map(BrokerId))?;
        Ok(json!({ "closed": world.cut(now, &on.clients()) }))
    });
    closed.await
}

/// Lets nothing pass on connections.
pub(super) async fn hold(
    State(control): State<Control>,
    uri: Uri,
    Query(on): Query<OnNetwork>,
) -> Done {
    let direction = on.direction.as_deref().map(read::<Direction>).transpose()?;
    let effect = Effect::Hold(direction.unwrap_or(Direction::Both));
    begin(control, uri, on, effect).await
}

/// Delays all that passes on connections.
pub(super) async fn delay(
    State(control): State<Control>,
    uri: Uri,
    Query(on): Query<OnNetwork>,
) -> Done {
    let effect = Effect::Delay(delay_of(on.ms)?);
    begin(control, uri, on, effect).await
}

async fn begin(control: Control, uri: Uri, on: OnNetwork, effect: Effect) -> Done {
    asked(&control, uri, move |world, _| {
        check_broker(world, on.broker.map(BrokerId))?;
        let NetworkFault(number) = world.network.begin(on.clients(), effect);
        Ok(json!({ "fault": number }))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ending {
    fault: u32,
}

/// Ends a fault of the network.
pub(super) async fn end(
    State(control): State<Control>,
    uri: Uri,
    Query(Ending { fault }): Query<Ending>,
) -> Done {
    asked(&control, uri, move |world, now| {
        match world.network.end(now, NetworkFault(fault)) {
            true => Ok(()),
            false => Err(Failure::Unknown(format!(
                "no hold or delay has number {fault}"
            ))),
        }
    })
    .await
}

/// Ends all faults.
pub(super) async fn heal(State(control): State<Control>, uri: Uri) -> Done {
    asked(&control, uri, |world, now| {
        world.heal(now);
        Ok(())
    })
    .await
}

/// Does a fault that was asked for, and notes that it was done.
async fn asked<R: serde::Serialize + Send + 'static>(
    control: &Control,
    uri: Uri,
    act: impl FnOnce(&mut World, Instant) -> Result<R, Failure> + Send + 'static,
) -> Done {
    let done = call(control, move |world, now| {
        let done = act(world, now)?;
        let fault = uri.to_string();
        world.note(now, Event::Asked { fault });
        Ok(done)
    });
    let done = done.await??;
    Ok(serde_json::to_value(done).map_or(DONE, Reply))
}

/// Checks that a fault names a broker that there is.
fn check_broker(world: &World, broker: Option<BrokerId>) -> Result<(), Failure> {
    match broker {
        Some(id) if !world.cluster.brokers().any(|known| known == id) => Err(no_broker(world, id)),
        _ => Ok(()),
    }
}

/// Reads one of Kafka's words.
fn read<W: Word>(word: &str) -> Result<W, Failure> {
    W::from_word(word).ok_or_else(|| {
        let words = W::ALL.iter().map(|known| known.word());
        Failure::wrong(format!("`{word}` is no {}", W::WHAT), word, words)
    })
}
