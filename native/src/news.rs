//! What passes between a client's task and its driver.

use plimsoll::{ClientError, Message};
use plimsoll_core::{Command, Event, NextOffset, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// What a client tells its driver.
pub(crate) type News = Result<Event<Message>, ClientError>;

/// What a driver wants of its client.
#[derive(Debug)]
pub(crate) enum Order {
    /// What the core says.
    Command(Command<Message>),
    /// The ends of these logs, which are kept as [`Sights`].
    AskLogEnds(Vec<TopicPartition>),
}

/// What can be seen from outside.
pub(crate) type Sights = Arc<Mutex<Seen>>;

/// What can be seen of topics and partitions.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What can be seen of partitions.
    pub(crate) partitions: BTreeMap<TopicPartition, Sight>,
    /// The topics, by number, that are not there, or may not be read.
    pub(crate) unavailable: BTreeSet<u32>,
}

/// What can be seen of a partition.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sight {
    /// The high watermark, as far as it is known.
    pub(crate) high_watermark: Option<NextOffset>,
    /// Whether what was fetched last could not be read.
    pub(crate) is_failing: bool,
}
