//! A client whose events a test scripts, and the test's end of it.

use plimsoll::{
    Batch, ClientError, CommitPolicy, Config, Driver, GroupClient, Handler, Health, Message,
    RetryPolicy,
};
use plimsoll_core::{
    Assignment, AssignmentEpoch, Command, CommitOutcome, Event, NextOffset, Offset,
    PartitionStatus, RebalanceId, TopicPartition,
};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The one partition of most tests.
pub(crate) const P: TopicPartition = TopicPartition::new(0, 0);

type Answer = Result<Event<Message>, ClientError>;

/// The client, which the driver has.
struct Scripted {
    events: UnboundedReceiver<Answer>,
    commands: UnboundedSender<Command<Message>>,
    /// The questions for the ends of logs.
    asked: Arc<AtomicUsize>,
    /// Whether the first topic, and its partition, cannot be read.
    unavailable: Arc<AtomicBool>,
    failing: Arc<AtomicBool>,
    closed: bool,
}

impl GroupClient for Scripted {
    async fn next_event(&mut self) -> Result<Option<Event<Message>>, ClientError> {
        if self.closed {
            return Ok(None);
        }
        match self.events.recv().await {
            Some(answer) => answer.map(Some),
            None => std::future::pending().await,
        }
    }

    fn submit(&mut self, command: Command<Message>) {
        self.closed |= command == Command::Close;
        let _ = self.commands.send(command);
    }

    fn ask_log_ends(&mut self, partitions: Vec<PartitionStatus>) {
        let mut asked = partitions.iter().map(|status| status.partition);
        assert!(asked.all(|id| id.topic == P.topic));
        self.asked.fetch_add(1, Relaxed);
    }

    fn is_unavailable(&self, topic: u32) -> bool {
        topic == P.topic && self.unavailable.load(Relaxed)
    }

    fn is_failing(&self, partition: TopicPartition) -> bool {
        partition == P && self.failing.load(Relaxed)
    }

    fn group(&self) -> &str {
        "test"
    }

    fn topic(&self, number: u32) -> Option<&str> {
        ["orders", "refunds"].get(number as usize).copied()
    }
}

/// A running driver, as a test sees it.
pub(crate) struct Running {
    pub events: UnboundedSender<Answer>,
    commands: UnboundedReceiver<Command<Message>>,
    pub asked: Arc<AtomicUsize>,
    pub unavailable: Arc<AtomicBool>,
    pub failing: Arc<AtomicBool>,
    pub health: Health,
    stop: Option<oneshot::Sender<()>>,
    pub driver: JoinHandle<Result<(), ClientError>>,
    rebalances: u32,
}

/// Returns settings with short times.
pub(crate) fn config() -> Config {
    Config {
        commit: CommitPolicy {
            interval: Some(Duration::from_secs(1)),
            every: None,
        },
        retry: RetryPolicy {
            attempts: 3,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_millis(100),
            jitter: 0.0,
        },
        handler_deadline: Some(Duration::from_secs(5)),
        revoke_deadline: Duration::from_secs(10),
        shutdown_deadline: Duration::from_secs(10),
        ..Config::default()
    }
}

/// Starts a driver.
pub(crate) fn start(config: Config, handler: impl Handler) -> Running {
    let (events, receiver) = unbounded_channel();
    let (sender, commands) = unbounded_channel();
    let asked = Arc::<AtomicUsize>::default();
    let [unavailable, failing] = [(); 2].map(|()| Arc::<AtomicBool>::default());
    let client = Scripted {
        asked: Arc::clone(&asked),
        unavailable: Arc::clone(&unavailable),
        failing: Arc::clone(&failing),
        events: receiver,
        commands: sender,
        closed: false,
    };
    let (stop, stopped) = oneshot::channel();
    let health = Health::default();
    let driver = Driver::new(client, handler, config).with_health(health.clone());
    let driver = tokio::spawn(driver.run(async { stopped.await.unwrap_or_default() }));
    Running {
        events,
        commands,
        asked,
        unavailable,
        failing,
        health,
        stop: Some(stop),
        driver,
        rebalances: 0,
    }
}

impl Running {
    /// Gives the driver a partition from offset 0 on, and returns its epoch.
    pub(crate) async fn assign(&mut self, partition: TopicPartition) -> AssignmentEpoch {
        let rebalance = self.next_rebalance();
        self.tell(Event::Assigned {
            rebalance,
            partitions: vec![Assignment {
                partition,
                committed: Some(NextOffset::ZERO),
                log_start: NextOffset::ZERO,
                high_watermark: NextOffset::new(100),
                founding_partitions: Some(2),
                partitions: 2,
            }],
        });
        match self.command().await {
            Command::CompleteAssign { starts, .. } => starts[0].epoch,
            command => panic!("expected CompleteAssign, got {command:?}"),
        }
    }

    pub(crate) fn fetch(&self, epoch: AssignmentEpoch, offsets: impl IntoIterator<Item = u64>) {
        self.fetch_of(P, epoch, offsets);
    }

    /// Tells records of any partition.
    pub(crate) fn fetch_of(
        &self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offsets: impl IntoIterator<Item = u64>,
    ) {
        let mut batch = Batch::new("orders".into(), partition.partition);
        for offset in offsets {
            let key = offset.to_string();
            batch.push(Offset::new(offset), Some(key.as_bytes()), Some(b"x"), None);
        }
        self.tell(Event::Fetched {
            partition,
            epoch,
            records: batch.into_records(),
        });
    }

    pub(crate) fn revoke(&mut self) -> RebalanceId {
        let rebalance = self.next_rebalance();
        self.tell(Event::Revoked {
            rebalance,
            partitions: vec![P],
        });
        rebalance
    }

    pub(crate) fn lose(&mut self) -> RebalanceId {
        let rebalance = self.next_rebalance();
        self.tell(Event::Lost {
            rebalance,
            partitions: vec![P],
        });
        rebalance
    }

    pub(crate) fn tell(&self, event: Event<Message>) {
        self.events.send(Ok(event)).expect("the driver listens");
    }

    pub(crate) fn stop(&mut self) {
        self.stop
            .take()
            .expect("stopped once")
            .send(())
            .expect("the driver runs");
    }

    /// Waits for the next command, and returns it.
    pub(crate) async fn command(&mut self) -> Command<Message> {
        let command = tokio::time::timeout(Duration::from_secs(60), self.commands.recv());
        command
            .await
            .expect("a command within a minute")
            .expect("the driver runs")
    }

    /// Waits for the next command, which must be a commit; accepts it, and returns its offset.
    pub(crate) async fn commit(&mut self) -> u64 {
        match self.command().await {
            Command::Commit { commit, offsets } => {
                let outcome = CommitOutcome::Ok;
                self.tell(Event::CommitFinished { commit, outcome });
                offsets[0].next.get()
            }
            command => panic!("expected Commit, got {command:?}"),
        }
    }

    /// Returns whether there is no command.
    pub(crate) fn is_quiet(&self) -> bool {
        self.commands.is_empty()
    }

    fn next_rebalance(&mut self) -> RebalanceId {
        self.rebalances += 1;
        RebalanceId(self.rebalances)
    }
}

/// The notes of handlers, in order.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// Returns whether there is one note.
    pub(crate) fn is_first(&self) -> bool {
        self.0.lock().unwrap().len() == 1
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Notes the end of the handler that has it, however that ended.
pub(crate) struct NotesItsEnd(pub Seen);

impl Drop for NotesItsEnd {
    fn drop(&mut self) {
        self.0.note("dropped");
    }
}

/// Lets the driver do all that it can do at this moment.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
