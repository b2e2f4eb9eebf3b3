//! The simulated client, as the driver sees it.

use crate::calls::Outbox;
use crate::locked;
use crate::message::{self, Contents};
use plimsoll::{ClientError, GroupClient, Message};
use plimsoll_core::{Command, Event, NextOffset, TopicPartition};
use plimsoll_sim::recipes::Payload;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::task::coop::cooperative;

/// The topics that are read, and what is in their messages.
#[derive(Clone, Default)]
pub struct Workload {
    /// The names of topics, by number; one that is missing is called by its number.
    pub topics: Vec<Arc<str>>,
    /// What is in messages; without it, only what the simulator knows them by.
    pub contents: Option<Contents>,
}

/// The events on their way to the client. All of it is used on one thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inbox(Arc<Mutex<Arrived>>);

#[derive(Debug, Default)]
struct Arrived {
    events: VecDeque<Event<Payload>>,
    /// The task that waits for the next one.
    waiter: Option<Waker>,
}

impl Inbox {
    /// Adds an event.
    pub(crate) fn push(&self, event: Event<Payload>) {
        let mut arrived = locked(&self.0);
        arrived.events.push_back(event);
        let waiter = arrived.waiter.take();
        drop(arrived);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Event<Payload>> {
        let mut arrived = locked(&self.0);
        if let Some(event) = arrived.events.pop_front() {
            return Poll::Ready(event);
        }
        if !arrived
            .waiter
            .as_ref()
            .is_some_and(|waiter| waiter.will_wake(cx.waker()))
        {
            arrived.waiter = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// The simulated client, as the driver sees it.
pub(crate) struct Client {
    inbox: Inbox,
    outbox: Outbox,
    /// The names of topics, by number, as far as they are given or there were any partitions of
    /// them.
    topics: Vec<Arc<str>>,
    /// What is in messages, where it is given.
    contents: Option<Contents>,
    high_watermarks: BTreeMap<TopicPartition, NextOffset>,
    closed: bool,
}

impl Client {
    /// Creates a client that gets the simulator's events.
    pub(crate) fn new(inbox: Inbox, outbox: Outbox, workload: Workload) -> Self {
        Self {
            inbox,
            outbox,
            topics: workload.topics,
            contents: workload.contents,
            high_watermarks: BTreeMap::new(),
            closed: false,
        }
    }

    fn name(&mut self, topic: u32) -> Arc<str> {
        let known = self.topics.len() as u32;
        let new = (known..=topic).map(|number| format!("topic-{number}").into());
        self.topics.extend(new);
        Arc::clone(&self.topics[topic as usize])
    }

    fn note_end(&mut self, partition: TopicPartition, end: NextOffset) {
        self.name(partition.topic);
        let known = self.high_watermarks.entry(partition).or_insert(end);
        *known = end.max(*known);
    }

    /// Makes an event of the driver's of one of the simulator's. The results of handlers and the
    /// request to stop reach the driver otherwise.
    fn translated(&mut self, event: Event<Payload>) -> Option<Event<Message>> {
        match event {
            Event::Fetched {
                partition,
                epoch,
                records,
            } => {
                if let Some(last) = records.last() {
                    self.note_end(partition, last.offset.next());
                }
                let topic = self.name(partition.topic);
                Some(Event::Fetched {
                    partition,
                    epoch,
                    records: message::into_messages(
                        topic,
                        partition,
                        epoch,
                        records,
                        self.contents.as_ref(),
                    ),
                })
            }
            Event::Assigned {
                rebalance,
                partitions,
            } => {
                for assigned in &partitions {
                    self.note_end(assigned.partition, assigned.high_watermark);
                }
                Some(Event::Assigned {
                    rebalance,
                    partitions,
                })
            }
            event => without_records(event),
        }
    }
}

impl GroupClient for Client {
    /// Ends with the command to close: the simulated client leaves the group on its own, and the
    /// process lives until it has.
    async fn next_event(&mut self) -> Result<Option<Event<Message>>, ClientError> {
        while !self.closed {
            let event = cooperative(poll_fn(|cx| self.inbox.poll(cx))).await;
            if let event @ Some(_) = self.translated(event) {
                return Ok(event);
            }
        }
        Ok(None)
    }

    fn submit(&mut self, command: Command<Message>) {
        let command = match command {
            Command::DeadLetter {
                partition,
                epoch,
                record,
                attempts,
                reason,
            } => Command::DeadLetter {
                partition,
                epoch,
                record: message::into_record(record),
                attempts,
                reason,
            },
            Command::Commit { commit, offsets } => Command::Commit { commit, offsets },
            Command::Pause { partition } => Command::Pause { partition },
            Command::Resume { partition } => Command::Resume { partition },
            Command::Seek {
                partition,
                epoch,
                position,
            } => Command::Seek {
                partition,
                epoch,
                position,
            },
            Command::CompleteAssign { rebalance, starts } => {
                Command::CompleteAssign { rebalance, starts }
            }
            Command::CompleteRevoke { rebalance } => Command::CompleteRevoke { rebalance },
            Command::Close => {
                self.closed = true;
                Command::Close
            }
            // The driver's own, which come from the calls of its handler.
            Command::Dispatch { .. } | Command::Cancel { .. } => return,
        };
        self.outbox.push(command);
    }

    fn group(&self) -> &str {
        "simulated"
    }

    fn topic(&self, number: u32) -> Option<&str> {
        self.topics.get(number as usize).map(|name| &**name)
    }

    fn high_watermark(&self, partition: TopicPartition) -> Option<NextOffset> {
        self.high_watermarks.get(&partition).copied()
    }
}

/// Makes an event of the driver's of one that has no records.
fn without_records(event: Event<Payload>) -> Option<Event<Message>> {
    Some(match event {
        Event::Revoked {
            rebalance,
            partitions,
        } => Event::Revoked {
            rebalance,
            partitions,
        },
        Event::Lost {
            rebalance,
            partitions,
        } => Event::Lost {
            rebalance,
            partitions,
        },
        Event::Passed {
            partition,
            epoch,
            position,
        } => Event::Passed {
            partition,
            epoch,
            position,
        },
        Event::OutOfRange {
            partition,
            epoch,
            position,
            log_start,
            high_watermark,
        } => Event::OutOfRange {
            partition,
            epoch,
            position,
            log_start,
            high_watermark,
        },
        Event::DeadLettered {
            partition,
            epoch,
            offset,
            acknowledged,
        } => Event::DeadLettered {
            partition,
            epoch,
            offset,
            acknowledged,
        },
        Event::DeadLetterRefused {
            partition,
            epoch,
            offset,
        } => Event::DeadLetterRefused {
            partition,
            epoch,
            offset,
        },
        Event::CommitFinished { commit, outcome } => Event::CommitFinished { commit, outcome },
        Event::Assigned { .. }
        | Event::Fetched { .. }
        | Event::Processed { .. }
        | Event::Shutdown => return None,
    })
}
