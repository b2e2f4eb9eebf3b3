//! Messages, drawn: when, where, with which key and size, and what becomes of them.
//!
//! Everything about a message follows from the seed and its id, so that leaving one out leaves the
//! others as they were.

use super::zipf::Zipf;
use crate::scenario::{
    Fate, Fault, FaultKind, FaultSpec, Handler, Message, Scenario, Topic, Traffic, Trigger,
    Workload,
};
use crate::{Purpose, Rng};
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::MessageId;
use std::cell::RefCell;

/// Draws the messages of a scenario under `seed`, by time.
pub(super) fn draw(scenario: &Scenario, seed: u64) -> Vec<Message> {
    let mut messages = match &scenario.workload {
        Workload::Drawn(traffic) => drawn(scenario, traffic, seed),
        Workload::Explicit(messages) => {
            let mut messages = messages.clone();
            messages.sort_by_key(|message| (message.at, message.id));
            messages
        }
    };
    for (message, fate) in &scenario.settings.handler.messages {
        give_fate(&mut messages, MessageId(*message), *fate);
    }
    for spec in &scenario.faults {
        if let FaultSpec::Explicit(Fault {
            kind: FaultKind::Undecodable { message },
            ..
        }) = spec
        {
            give_fate(&mut messages, *message, Fate::Undecodable);
        }
    }
    messages
}

fn give_fate(messages: &mut [Message], id: MessageId, fate: Fate) {
    if let Some(message) = messages.iter_mut().find(|message| message.id == id) {
        message.fate = fate;
    }
}

thread_local! {
    /// Many seeds of one scenario are drawn one after the other.
    static ZIPF: RefCell<Zipf> = RefCell::default();
}

fn drawn(scenario: &Scenario, traffic: &Traffic, seed: u64) -> Vec<Message> {
    ZIPF.with_borrow_mut(|zipf| {
        zipf.prepare(traffic.keys, traffic.key_skew);
        let places = Places::of(scenario);
        let slots = Slots::of(traffic);
        let handler = &scenario.settings.handler;
        let mut stage = 0;
        (0..traffic.messages)
            .map(|index| {
                let id = MessageId(index + 1);
                let mut rng = Rng::substream(seed, Purpose::Workload, id.0.into());
                let at = slots.draw(index, &mut rng);
                while places
                    .stages
                    .get(stage + 1)
                    .is_some_and(|next| next.from <= at)
                {
                    stage += 1;
                }
                let key = (traffic.keys > 0).then(|| zipf.key(rng.unit()));
                Message {
                    id,
                    at,
                    partition: places.stages[stage].partition(seed, index, key),
                    key,
                    bytes: size(traffic.size, &mut rng),
                    fate: fate(handler, seed, id),
                }
            })
            .collect()
    })
}

/// When messages are produced: each somewhere in its own slot, so that they come in order and at
/// the stated rate.
struct Slots {
    start: u64,
    slot: f64,
    /// What moments are whole multiples of, so that people can read them.
    grain: u64,
}

impl Slots {
    fn of(traffic: &Traffic) -> Self {
        let slot = 1e9 / traffic.rate;
        Self {
            start: traffic.start.as_nanos() as u64,
            slot,
            grain: if slot >= 10e6 { 1_000_000 } else { 1_000 },
        }
    }

    fn draw(&self, index: u32, rng: &mut Rng) -> Instant {
        let offset = ((f64::from(index) + rng.unit()) * self.slot) as u64;
        Instant::from_nanos(self.start + offset / self.grain * self.grain)
    }
}

/// Which partitions there are, from one addition of partitions to the next.
struct Places {
    stages: Vec<Stage>,
}

struct Stage {
    from: Instant,
    partitions: Vec<TopicPartition>,
}

impl Places {
    fn of(scenario: &Scenario) -> Self {
        let topics: &[Topic] = &scenario.settings.topics;
        let mut counts: Vec<u32> = topics.iter().map(|topic| topic.partitions).collect();
        let mut additions: Vec<(Instant, u32, u32)> = Vec::new();
        for spec in &scenario.faults {
            if let FaultSpec::Explicit(fault) = spec
                && let Trigger::At(at) = fault.trigger
                && let Some((topic, count)) = fault.kind.added_partitions()
            {
                additions.push((at, topic.0, count.0));
            }
        }
        additions.sort_by_key(|(at, ..)| *at);
        let mut stages = vec![Stage::new(Instant::ZERO, &counts)];
        for (at, topic, count) in additions {
            counts[topic as usize] += count;
            stages.push(Stage::new(at, &counts));
        }
        Self { stages }
    }
}

impl Stage {
    /// Goes partition by partition through all topics, so that going round spreads over all of
    /// them.
    fn new(from: Instant, counts: &[u32]) -> Self {
        let partitions = counts.iter().enumerate().flat_map(|(topic, count)| {
            (0..*count).map(move |partition| TopicPartition::new(topic as u32, partition))
        });
        Self {
            from,
            partitions: partitions.collect(),
        }
    }

    fn partition(&self, seed: u64, index: u32, key: Option<u32>) -> TopicPartition {
        let count = self.partitions.len() as u32;
        let slot = match key {
            None => u64::from(index % count),
            // Where keys go differs from seed to seed: a few keys would otherwise always share a
            // partition, or never.
            Some(key) => {
                let id = u64::from(key) | KEYS;
                Rng::substream(seed, Purpose::Workload, id).below(count.into())
            }
        };
        self.partitions[slot as usize]
    }
}

/// Substreams of keys lie above those of messages.
const KEYS: u64 = 1 << 32;

fn size((min, max): (u32, u32), rng: &mut Rng) -> u32 {
    min + rng.below(u64::from(max - min) + 1) as u32
}

fn fate(handler: &Handler, seed: u64, id: MessageId) -> Fate {
    let mut rng = Rng::substream(seed, Purpose::Fate, id.0.into());
    let mut left = rng.unit();
    let mut takes = |share: f64| {
        let taken = left < share;
        left -= share;
        taken
    };
    if takes(handler.permanent) {
        Fate::Permanent
    } else if takes(handler.hang) {
        Fate::Hang(failures(handler.hang, &mut rng))
    } else if takes(handler.panic) {
        Fate::Panic(failures(handler.panic, &mut rng))
    } else if takes(handler.retryable) {
        Fate::Retryable(failures(handler.retryable, &mut rng))
    } else {
        Fate::Ok
    }
}

/// Draws the number of attempts that fail in a row, if each fails with this share.
fn failures(share: f64, rng: &mut Rng) -> u32 {
    if share >= 1.0 {
        return Fate::ALWAYS;
    }
    let mut failures = 1;
    while failures < MOST_FAILURES && rng.chance(share) {
        failures += 1;
    }
    failures
}

/// More attempts than any retry budget: where shares are close to 1, drawing on is waste.
const MOST_FAILURES: u32 = 1_000;
