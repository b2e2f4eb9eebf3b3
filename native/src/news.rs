//! What passes between a client's task and its driver.

use plimsoll::{ClientError, Message};
use plimsoll_core::{Command, Event, NextOffset, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// News of a client for its driver.
pub(crate) type News = Result<Event<Message>, ClientError>;

/// An order of a driver to its client.
#[derive(Debug)]
pub(crate) enum Order {
    /// A command of the core.
    Command(Command<Message>),
    /// The ends of these logs, which are kept as [`Sights`].
    AskLogEnds(Vec<TopicPartition>),
}

/// A client's state as its driver sees it.
pub(crate) type Sights = Arc<Mutex<Seen>>;

/// The state of topics and partitions.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The state of each partition.
    pub(crate) partitions: BTreeMap<TopicPartition, Sight>,
    /// The topics, by number, that are not there, or may not be read.
    pub(crate) unavailable: BTreeSet<u32>,
}

/// The state of a partition.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sight {
    /// The high watermark, as far as it is known.
    pub(crate) high_watermark: Option<NextOffset>,
    /// Whether what was fetched last could not be read.
    pub(crate) is_failing: bool,
}
