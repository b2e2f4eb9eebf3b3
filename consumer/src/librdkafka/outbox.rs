//! The channel from the threads to the driver, with a limit on the records in it.

use crate::{ClientError, Message};
use plimsoll_core::Event;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The size, in bytes, of the records that may wait for the driver. Beyond that they stay in
/// librdkafka's queues, which stop fetching when they are full.
const MAX_WAITING: usize = 4 << 20;

/// News of the threads for the driver.
#[derive(Debug)]
pub(super) enum News {
    /// An event, and the size of its records in bytes.
    Event(Event<Message>, usize),
    /// An error after which the client cannot go on.
    Failed(ClientError),
    /// The end of the client, which has left the group.
    Closed,
}

/// The threads' end of the channel.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    sender: UnboundedSender<News>,
    waiting: Arc<AtomicUsize>,
}

/// The driver's end of the channel.
#[derive(Debug)]
pub(super) struct Inbox {
    receiver: UnboundedReceiver<News>,
    waiting: Arc<AtomicUsize>,
    waker: Arc<Waker>,
}

/// Creates both ends. The waker is woken when there is room again.
pub(super) fn channel(waker: Arc<Waker>) -> (Outbox, Inbox) {
    let (sender, receiver) = unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let outbox = Outbox {
        sender,
        waiting: Arc::clone(&waiting),
    };
    let inbox = Inbox {
        receiver,
        waiting,
        waker,
    };
    (outbox, inbox)
}

impl Outbox {
    /// Tells the driver an event. After the driver's end the event is dropped: nothing depends on
    /// it.
    pub(super) fn tell(&self, event: Event<Message>) {
        let bytes = match &event {
            Event::Fetched { records, .. } => records.iter().map(|r| r.bytes as usize).sum(),
            _ => 0,
        };
        self.waiting.fetch_add(bytes, Ordering::AcqRel);
        let _ = self.sender.send(News::Event(event, bytes));
    }

    pub(super) fn fail(&self, error: ClientError) {
        let _ = self.sender.send(News::Failed(error));
    }

    pub(super) fn closed(&self) {
        let _ = self.sender.send(News::Closed);
    }

    /// Returns whether the records that wait for the driver are enough.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Acquire) >= MAX_WAITING
    }
}

impl Inbox {
    /// Waits for the next piece of news, and returns it; `None` where all threads have ended.
    /// Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<News> {
        let news = self.receiver.recv().await?;
        if let News::Event(_, bytes) = news {
            let before = self.waiting.fetch_sub(bytes, Ordering::AcqRel);
            let low = MAX_WAITING / 2;
            if before >= low && before - bytes < low {
                self.waker.wake();
            }
        }
        Some(news)
    }
}

/// Wakes a thread that waits for something to do.
#[derive(Debug, Default)]
pub(super) struct Waker {
    woken: Mutex<bool>,
    condition: Condvar,
}

impl Waker {
    /// Ends the current wait, or the next one.
    pub(super) fn wake(&self) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.condition.notify_one();
    }

    /// Waits for a [`wake`](Self::wake), at most for `timeout`.
    pub(super) fn wait(&self, timeout: Duration) {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self
            .condition
            .wait_timeout_while(woken, timeout, |woken| !*woken);
        let (mut woken, _) = result.unwrap_or_else(PoisonError::into_inner);
        *woken = false;
    }
}
