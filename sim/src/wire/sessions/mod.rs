//! Fetch sessions (KIP-227; `FetchSession.scala`): what clients asked a broker for, so that their
//! next fetches name only what is new to it, and its answers tell only what is new to them.

#[cfg(test)]
mod tests;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::protocol::StrBytes;
use plimsoll_core::Instant;
use plimsoll_scenarios::{Purpose, Rng};
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// `max.incremental.fetch.session.cache.slots`: the greatest number of sessions of a broker.
pub(super) const SLOTS: usize = 1_000;

/// The time after which a session makes room for others
/// (`MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS`).
const EVICTION: Duration = Duration::from_secs(120);

/// No session (`FetchMetadata.INVALID_SESSION_ID`).
const NO_SESSION: i32 = 0;

/// The epoch of a fetch that asks for a session (`FetchMetadata.INITIAL_EPOCH`).
const INITIAL_EPOCH: i32 = 0;

/// The epoch of a fetch that asks for none (`FetchMetadata.FINAL_EPOCH`).
const FINAL_EPOCH: i32 = -1;

/// The fetch sessions of a broker (`FetchSessionCache`, with one shard).
#[derive(Debug)]
pub(crate) struct FetchSessions {
    slots: usize,
    by_id: BTreeMap<i32, Session>,
    rng: Rng,
}

/// A session (`FetchSession`).
#[derive(Debug)]
struct Session {
    /// Whether its topics go by their ids.
    uses_topic_ids: bool,
    /// The epoch of its next fetch.
    epoch: i32,
    created_at: Instant,
    used_at: Instant,
    partitions: Partitions,
}

/// Partitions, each of them once, in an order that is kept (`ImplicitLinkedHashCollection`).
#[derive(Debug, Default)]
struct Partitions {
    by_key: BTreeMap<Key, Cached>,
    /// The place of the next partition in the order.
    next: u64,
}

/// What a session knows a partition by: the id of its topic, or the name where there is none, and
/// its index (`CachedPartition.equals`).
pub(super) type Key = (Uuid, StrBytes, i32);

/// A partition of a session (`CachedPartition`), and its place in the order.
#[derive(Debug)]
struct Cached {
    place: u64,
    asked: Asked,
    /// What its client was told last.
    told: Told,
}

/// What a client knows of a partition besides its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    high_watermark: i64,
    log_start: i64,
}

impl Told {
    const NOTHING: Self = Self {
        high_watermark: -1,
        log_start: -1,
    };
}

/// A partition that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// The name of its topic, which holds on to no frame; empty: no topic with its id was found.
    pub(super) topic: TopicName,
    /// Nil: its topic goes by the name.
    pub(super) topic_id: Uuid,
    pub(super) index: i32,
    pub(super) wanted: Wanted,
}

/// What is asked for of a partition (`FetchRequest.PartitionData`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) last_fetched_epoch: i32,
    pub(super) max_bytes: i32,
}

/// What a fetch says of its session, and of what it asks for.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) session: i32,
    pub(super) epoch: i32,
    pub(super) uses_topic_ids: bool,
    pub(super) asked: Vec<Asked>,
    pub(super) forgotten: Vec<Key>,
}

/// A fetch that is under way (`FetchContext`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FetchContext {
    Sessionless,
    /// A fetch that asks for a session.
    Full {
        uses_topic_ids: bool,
    },
    /// A fetch of a session, with its epoch.
    Incremental {
        session: i32,
        epoch: i32,
    },
}

impl FetchSessions {
    /// Creates the sessions of one of the brokers of a cluster.
    pub(crate) fn new(seed: u64, broker: u16) -> Self {
        Self::with_slots(
            SLOTS,
            Rng::substream(seed, Purpose::Ties, 2 + u64::from(broker)),
        )
    }

    fn with_slots(slots: usize, rng: Rng) -> Self {
        Self {
            slots,
            by_id: BTreeMap::new(),
            rng,
        }
    }

    /// Forgets all sessions: the broker's process ends.
    pub(crate) fn clear(&mut self) {
        self.by_id.clear();
    }

    /// Begins a fetch (`FetchManager.newContext`). Returns all partitions that it is about. `name`
    /// finds the name of a topic that was not known when a client first asked for it by its id.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        opening: Opening,
        name: impl Fn(Uuid) -> Option<TopicName>,
    ) -> Result<(FetchContext, Vec<Asked>), ResponseError> {
        let uses_topic_ids = opening.uses_topic_ids;
        if [INITIAL_EPOCH, FINAL_EPOCH].contains(&opening.epoch) {
            // A session that a full fetch names is closed.
            self.by_id.remove(&opening.session);
            let context = match opening.epoch {
                FINAL_EPOCH => FetchContext::Sessionless,
                _ => FetchContext::Full { uses_topic_ids },
            };
            return Ok((context, Partitions::of(&opening.asked).in_order()));
        }
        let session = self.by_id.get_mut(&opening.session);
        let session = session.ok_or(ResponseError::FetchSessionIdNotFound)?;
        if session.epoch != opening.epoch {
            return Err(ResponseError::InvalidFetchSessionEpoch);
        }
        if session.uses_topic_ids != uses_topic_ids {
            return Err(ResponseError::FetchSessionTopicIdError);
        }
        session.partitions.update(&opening.asked);
        for forgotten in &opening.forgotten {
            session.partitions.by_key.remove(forgotten);
        }
        if session.partitions.by_key.is_empty() {
            self.by_id.remove(&opening.session);
            let asked = Partitions::of(&opening.asked).in_order();
            return Ok((FetchContext::Sessionless, asked));
        }
        session.used_at = now;
        session.epoch = next_epoch(session.epoch);
        session.partitions.find_names(name);
        let context = FetchContext::Incremental {
            session: opening.session,
            epoch: session.epoch,
        };
        Ok((context, session.partitions.in_order()))
    }

    /// Ends a fetch: takes out of its answer what is no news to the client
    /// (`FetchContext.updateAndGenerateResponseData`). Returns the id of its session.
    pub(super) fn end(
        &mut self,
        now: Instant,
        context: FetchContext,
        answers: &mut Vec<(Asked, PartitionData)>,
    ) -> Result<i32, ResponseError> {
        match context {
            FetchContext::Sessionless => Ok(NO_SESSION),
            FetchContext::Full { uses_topic_ids } => {
                if self.by_id.len() >= self.slots && !self.evict(now, answers.len()) {
                    return Ok(NO_SESSION);
                }
                let mut partitions = Partitions::default();
                for (asked, data) in &*answers {
                    partitions.insert(asked.clone()).told = Told::by(data);
                }
                let id = self.new_id();
                let session = Session {
                    uses_topic_ids,
                    epoch: next_epoch(INITIAL_EPOCH),
                    created_at: now,
                    used_at: now,
                    partitions,
                };
                self.by_id.insert(id, session);
                Ok(id)
            }
            FetchContext::Incremental { session: id, epoch } => {
                // One that was closed meanwhile is told now, not with the next fetch.
                let session = self.by_id.get_mut(&id);
                let session = session.ok_or(ResponseError::FetchSessionIdNotFound)?;
                if session.epoch != epoch {
                    return Err(ResponseError::InvalidFetchSessionEpoch);
                }
                answers.retain(|(asked, data)| session.partitions.tell(&asked.key(), data));
                Ok(id)
            }
        }
    }

    /// Makes room for a session with a number of partitions (`FetchSessionCache.tryEvict`): by the
    /// end of one that was not used for long, or of an old one with fewer partitions. Returns
    /// whether there is room.
    fn evict(&mut self, now: Instant, partitions: usize) -> bool {
        let by_use = self
            .by_id
            .iter()
            .map(|(id, session)| (session.used_at, *id));
        let stale = by_use
            .min()
            .filter(|(used_at, _)| now.saturating_since(*used_at) > EVICTION)
            .map(|(_, id)| id);
        let smaller = || {
            let old = self.by_id.iter().filter(|(_, session)| session.is_old());
            old.map(|(id, session)| (session.partitions.by_key.len(), *id))
                .min()
                .filter(|(size, _)| *size < partitions)
                .map(|(_, id)| id)
        };
        let evicted = stale.or_else(smaller);
        evicted.is_some_and(|id| self.by_id.remove(&id).is_some())
    }

    /// Makes an id that no session has (`FetchSessionCache.newSessionId`).
    fn new_id(&mut self) -> i32 {
        loop {
            let id = 1 + self.rng.below(i32::MAX as u64 - 1) as i32;
            if !self.by_id.contains_key(&id) {
                return id;
            }
        }
    }
}

impl Session {
    /// Returns whether it was old already when it was used last (`FetchSessionCache.touch`).
    fn is_old(&self) -> bool {
        self.used_at.saturating_since(self.created_at) > EVICTION
    }
}

impl Partitions {
    fn of(asked: &[Asked]) -> Self {
        let mut partitions = Self::default();
        partitions.update(asked);
        partitions
    }

    /// Adds partitions; of those that there are already, other things are wanted now.
    fn update(&mut self, asked: &[Asked]) {
        for asked in asked {
            self.insert(asked.clone()).asked.wanted = asked.wanted;
        }
    }

    /// Adds a partition where there is none by its key. Returns what there is then.
    fn insert(&mut self, asked: Asked) -> &mut Cached {
        self.by_key.entry(asked.key()).or_insert_with(|| {
            self.next += 1;
            Cached {
                place: self.next,
                asked,
                told: Told::NOTHING,
            }
        })
    }

    /// Finds the names that were not known (`CachedPartition.maybeResolveUnknownName`).
    fn find_names(&mut self, name: impl Fn(Uuid) -> Option<TopicName>) {
        let all = self.by_key.values_mut().map(|cached| &mut cached.asked);
        for asked in all.filter(|asked| asked.topic.is_empty()) {
            asked.topic = name(asked.topic_id).unwrap_or_default();
        }
    }

    /// Returns the partitions, the one whose turn is next first.
    fn in_order(&self) -> Vec<Asked> {
        let mut all: Vec<_> = self.by_key.values().collect();
        all.sort_unstable_by_key(|cached| cached.place);
        all.into_iter().map(|cached| cached.asked.clone()).collect()
    }

    /// Notes an answer. Returns whether the client must be told it
    /// (`CachedPartition.maybeUpdateResponseData`). A partition with records goes behind all
    /// others, so that each has its turn.
    fn tell(&mut self, key: &Key, data: &PartitionData) -> bool {
        let Some(cached) = self.by_key.get_mut(key) else {
            return false;
        };
        let before = std::mem::replace(&mut cached.told, Told::by(data));
        let has_records = data
            .records
            .as_ref()
            .is_some_and(|records| !records.is_empty());
        if has_records {
            self.next += 1;
            cached.place = self.next;
        }
        has_records
            || before != cached.told
            || data.error_code != 0
            || data.diverging_epoch.epoch >= 0
    }
}

impl Told {
    /// Returns what an answer tells. Behind an error, nothing is known of the partition.
    fn by(data: &PartitionData) -> Self {
        Self {
            high_watermark: match data.error_code {
                0 => data.high_watermark,
                _ => -1,
            },
            log_start: data.log_start_offset,
        }
    }
}

impl Asked {
    fn key(&self) -> Key {
        key(self.topic_id, &self.topic, self.index)
    }
}

/// Returns what a session knows a partition by.
pub(super) fn key(topic_id: Uuid, topic: &StrBytes, index: i32) -> Key {
    let name = match topic_id.is_nil() {
        true => topic.clone(),
        false => StrBytes::default(),
    };
    (topic_id, name, index)
}

/// Returns the epoch that follows (`FetchMetadata.nextEpoch`).
fn next_epoch(epoch: i32) -> i32 {
    match epoch {
        i32::MAX => 1,
        _ => epoch + 1,
    }
}
