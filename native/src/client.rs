//! The client, as the driver sees it.

use crate::news::{News, Order, Sight, Sights};
use crate::settings::SettingError;
use crate::task::Task;
use crate::{Connect, Settings, Tcp};
use plimsoll::{ClientError, GroupClient, Message};
use plimsoll_core::{Command, Event, NextOffset, TopicPartition};
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
/// runtime. Dropped before it is closed, it ends at once, as in a crash.
pub struct NativeClient<C: Connect = Tcp> {
    settings: Settings,
    addresses: Vec<(String, u16)>,
    lifecycle: Lifecycle<C>,
    sights: Sights,
}

enum Lifecycle<C> {
    New(C),
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
        settings.check()?;
        Ok(Self {
            addresses: settings.addresses()?,
            settings,
            lifecycle: Lifecycle::New(connect),
            sights: Sights::default(),
        })
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

    fn start(&self, connect: C) -> Running {
        let (sender, events) = channel(MOST_WAITING);
        let (orders, receiver) = unbounded_channel();
        let task = Task {
            connect: connect.clone(),
            settings: self.settings.clone(),
            addresses: self.addresses.clone(),
            orders: receiver,
            events: sender,
            sights: self.sights.clone(),
        };
        Running {
            events,
            orders,
            task: connect.spawn(task.run()),
            closes_at: None,
        }
    }
}

impl<C: Connect> GroupClient for NativeClient<C> {
    async fn next_event(&mut self) -> Result<Option<Event<Message>>, ClientError> {
        if let Lifecycle::New(connect) = &self.lifecycle {
            self.lifecycle = Lifecycle::Running(self.start(connect.clone()));
        }
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
            Lifecycle::New(_) if command == Command::Close => self.lifecycle = Lifecycle::Closed,
            Lifecycle::New(_) | Lifecycle::Closed => {}
        }
    }

    fn group(&self) -> &str {
        &self.settings.group
    }

    fn topic(&self, number: u32) -> Option<&str> {
        let topic = self.settings.topics.get(number as usize);
        topic.map(String::as_str)
    }

    fn ask_log_ends(&mut self, partitions: Vec<TopicPartition>) {
        if let Lifecycle::Running(running) = &self.lifecycle {
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

impl<C: Connect> fmt::Debug for NativeClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativeClient")
            .field("group", &self.settings.group)
            .field("topics", &self.settings.topics)
            .finish_non_exhaustive()
    }
}
