//! The client, as the driver sees it.

use crate::news::{News, Order, Sight, Sights};
use crate::settings::SettingError;
use crate::task::Task;
use crate::{Connect, Settings, Tcp, WireSpeaker};
use plimsoll::{ClientError, GroupClient, Message};
use plimsoll_client::Seams;
use plimsoll_core::{Command, Event, NextOffset, PartitionStatus, TopicPartition};
use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, UnboundedSender, channel, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The number of events that may wait for the driver. Beyond that, records stay with the client,
/// which stops fetching when it has enough.
const MOST_WAITING: usize = 16;

/// The longest time in which the client leaves its group.
const CLOSE_DEADLINE: Duration = Duration::from_secs(8);

/// A client over tokio, which joins its group when the driver first asks it for an event, within a
/// runtime. Dropped before it is closed, it ends at once, as in a crash. What stands `At` the seams
/// of its member is nothing, unless that is named.
pub struct NativeClient<C: Connect = Tcp, At = ()> {
    settings: Settings,
    addresses: Vec<(String, u16)>,
    lifecycle: Lifecycle<C, At>,
    sights: Sights,
}

enum Lifecycle<C, At> {
    New(C, At),
    Running(Running),
    Closed,
}

/// A task, and the ends of its channels.
struct Running {
    events: Receiver<News>,
    orders: UnboundedSender<Order>,
    task: JoinHandle<()>,
    /// The moment until which it may take to leave, once it is to.
    closes_at: Option<Instant>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl NativeClient {
    /// Creates a client over TCP, which has not begun.
    ///
    /// # Errors
    /// Fails where a setting is missing or wrong.
    pub fn new(settings: Settings) -> Result<Self, SettingError> {
        let network = Tcp {
            access: settings.access.clone(),
            client_id: settings.client_id.clone(),
        };
        Self::over(network, settings)
    }
}

impl<C: Connect> NativeClient<C> {
    /// Creates a client over a network of your own, which has not begun. It knows the way to its
    /// brokers: [`Settings::access`] is not asked.
    ///
    /// # Errors
    /// Fails where a setting is missing or wrong.
    pub fn over(connect: C, settings: Settings) -> Result<Self, SettingError> {
        Self::with_seams(connect, settings, ())
    }
}

impl<C: Connect, At: Seams<WireSpeaker> + Send + 'static> NativeClient<C, At> {
    /// Creates a client over a network of your own, with what stands at the seams of its member,
    /// which has not begun.
    ///
    /// # Errors
    /// Fails where a setting is missing or wrong.
    pub fn with_seams(connect: C, settings: Settings, seams: At) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self {
            addresses: settings.addresses()?,
            settings,
            lifecycle: Lifecycle::New(connect, seams),
            sights: Sights::default(),
        })
    }

    /// Begins, once.
    fn begin(&mut self) {
        let new = std::mem::replace(&mut self.lifecycle, Lifecycle::Closed);
        self.lifecycle = match new {
            Lifecycle::New(connect, seams) => Lifecycle::Running(self.start(connect, seams)),
            begun => begun,
        };
    }

    fn sight(&self, partition: TopicPartition) -> Sight {
        let sights = self.sights.lock();
        let sights = sights.unwrap_or_else(PoisonError::into_inner);
        sights
            .partitions
            .get(&partition)
            .copied()
            .unwrap_or_default()
    }

    fn start(&self, connect: C, seams: At) -> Running {
        let (sender, events) = channel(MOST_WAITING);
        let (orders, receiver) = unbounded_channel();
        let task = Task {
            connect: connect.clone(),
            settings: self.settings.clone(),
            addresses: self.addresses.clone(),
            orders: receiver,
            events: sender,
            sights: self.sights.clone(),
            seams,
        };
        Running {
            events,
            orders,
            task: connect.spawn(task.run()),
            closes_at: None,
        }
    }
}

impl<C: Connect, At: Seams<WireSpeaker> + Send + 'static> GroupClient for NativeClient<C, At> {
    async fn next_event(&mut self) -> Result<Option<Event<Message>>, ClientError> {
        self.begin();
        let Lifecycle::Running(running) = &mut self.lifecycle else {
            return Ok(None);
        };
        let told = match running.closes_at {
            None => running.events.recv().await,
            Some(deadline) => tokio::time::timeout_at(deadline, running.events.recv())
                .await
                .unwrap_or_else(|_| {
                    tracing::warn!("could not leave the group in time; the session will time out");
                    None
                }),
        };
        match told {
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => Err(error),
            None if running.closes_at.is_some() => {
                self.lifecycle = Lifecycle::Closed;
                Ok(None)
            }
            None => Err(ClientError::Ended),
        }
    }

    fn submit(&mut self, command: Command<Message>) {
        match &mut self.lifecycle {
            Lifecycle::Running(running) => {
                if command == Command::Close {
                    running.closes_at = Some(Instant::now() + CLOSE_DEADLINE);
                }
                // If the task has ended, the next event says so.
                let _ = running.orders.send(Order::Command(command));
            }
            Lifecycle::New(..) if command == Command::Close => self.lifecycle = Lifecycle::Closed,
            Lifecycle::New(..) | Lifecycle::Closed => {}
        }
    }

    fn group(&self) -> &str {
        &self.settings.group
    }

    fn topic(&self, number: u32) -> Option<&str> {
        let topic = self.settings.topics.get(number as usize);
        topic.map(String::as_str)
    }

    fn ask_log_ends(&mut self, partitions: Vec<PartitionStatus>) {
        if let Lifecycle::Running(running) = &self.lifecycle {
            let partitions = partitions.iter().map(|status| status.partition).collect();
            // If the task has ended, the next event says so.
            let _ = running.orders.send(Order::AskLogEnds(partitions));
        }
    }

    fn high_watermark(&self, partition: TopicPartition) -> Option<NextOffset> {
        self.sight(partition).high_watermark
    }

    fn is_unavailable(&self, topic: u32) -> bool {
        let sights = self.sights.lock();
        let sights = sights.unwrap_or_else(PoisonError::into_inner);
        sights.unavailable.contains(&topic)
    }

    fn is_failing(&self, partition: TopicPartition) -> bool {
        self.sight(partition).is_failing
    }
}

impl<C: Connect, At> fmt::Debug for NativeClient<C, At> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeClient")
            .field("group", &self.settings.group)
            .field("topics", &self.settings.topics)
            .finish_non_exhaustive()
    }
}
