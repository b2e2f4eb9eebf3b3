//! Damaged frames of every kind and version that is served: they end their own connection and
//! nothing else, and take no memory by the lengths that they claim.

mod damaged;

use bytes::Bytes;
use damaged::corpus::{Corpus, Frame};
use damaged::mutation::damage;
use peak_alloc::PeakAlloc;
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::{Purpose, Rng};
use plimsoll_sim::served::{ConnectionId, Options, Output, ServedCluster};
use std::fmt::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const BROKER: BrokerId = BrokerId(1);

/// The number of damaged frames of each version of each kind.
const EACH: usize = 80;

/// The number of damaged frames in all: at least.
const ALL: usize = 10_000;

/// The memory that one frame may take, and what may be left of all of them. Frames have a few
/// hundred bytes: one that is trusted to say how much follows would take more.
const MOST_BYTES: usize = 4 << 20;

/// The time after which a frame hangs, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn damaged_frames_end_their_connection_and_nothing_else() {
    let under_way = Arc::new(Mutex::new(Bytes::new()));
    let (done, frames) = channel();
    let feeding = thread::spawn({
        let under_way = Arc::clone(&under_way);
        move || feed(&under_way, &done)
    });
    let mut fed = 0;
    let ended = loop {
        match frames.recv_timeout(PATIENCE) {
            Ok(()) => fed += 1,
            Err(RecvTimeoutError::Timeout) => break Err("hangs"),
            Err(RecvTimeoutError::Disconnected) => break feeding.join().map_err(|_| "fails"),
        }
    };
    let frame = under_way.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(how) = ended {
        panic!("frame {fed} {how}: {}", hex(&frame));
    }
    assert!(fed >= ALL, "{fed} frames");
}

/// Feeds a cluster with damaged frames, and tells of each when it is done.
fn feed(under_way: &Mutex<Bytes>, done: &Sender<()>) {
    let mut brokers = Brokers::new();
    let corpus = brokers.corpus();
    for frame in &corpus.frames {
        assert!(brokers.is_taken(frame), "{frame:?} is whole");
    }
    let before = MEMORY.current_usage();
    let mut rng = Rng::substream(7, Purpose::Ties, 0);
    let mut highest = brokers.feed(Corpus::long_tag());
    for frame in &corpus.frames {
        for _ in 0..EACH {
            let damaged = Bytes::from(damage(&mut rng, frame, &corpus.frames));
            *under_way.lock().unwrap_or_else(PoisonError::into_inner) = damaged.clone();
            highest = highest.max(brokers.feed(damaged));
            let _ = done.send(());
        }
        assert!(brokers.answers(&corpus.question), "after {frame:?}");
    }
    let left = MEMORY.current_usage().saturating_sub(before);
    assert!(left < MOST_BYTES, "{left} bytes are left");
    println!("{highest} bytes for one frame, {left} are left of all");
    for frame in [&corpus.produce, &corpus.fetch] {
        assert!(brokers.answers(frame), "{frame:?} behind all damage");
    }
}

/// A cluster that is asked.
struct Brokers {
    cluster: ServedCluster,
    now: Instant,
    /// A connection that sends nothing damaged.
    intact: ConnectionId,
}

impl Brokers {
    /// Starts one broker.
    fn new() -> Self {
        let mut cluster = ServedCluster::new(Options::default());
        let now = Instant::from_millis(1);
        let intact = cluster.connect(now, BROKER, "localhost".into());
        Self {
            cluster,
            now,
            intact: intact.expect("it listens"),
        }
    }

    /// Makes whole frames of all that is served, and what they ask for.
    fn corpus(&mut self) -> Corpus {
        let served = self.ask(Corpus::api_versions()).expect("an answer");
        self.ask(Corpus::create_topics()).expect("an answer");
        let topics = self.ask(Corpus::metadata()).expect("an answer");
        Corpus::new(&served, &topics)
    }

    /// Returns whether a frame on a new connection is answered, or waits for others; if not, it was
    /// not read.
    fn is_taken(&mut self, frame: &Frame) -> bool {
        let client = self.connect();
        self.cluster.receive(self.now, client, frame.bytes.clone());
        let outputs = std::iter::from_fn(|| self.cluster.poll_output());
        let is_closed = outputs
            .into_iter()
            .any(|output| output == Output::Close(client));
        self.cluster.disconnect(self.now, client);
        !is_closed
    }

    /// Sends a damaged frame on a connection of its own. Returns the memory that it took.
    fn feed(&mut self, frame: Bytes) -> usize {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let client = self.connect();
        self.cluster.receive(self.now, client, frame);
        self.pass(Duration::from_millis(1));
        self.cluster.disconnect(self.now, client);
        while self.cluster.poll_output().is_some() {}
        let taken = MEMORY.peak_usage().saturating_sub(before);
        assert!(taken < MOST_BYTES, "it takes {taken} bytes");
        taken
    }

    /// Returns whether a frame on the intact connection is answered.
    fn answers(&mut self, frame: &Frame) -> bool {
        self.ask(frame.bytes.clone()).is_some()
    }

    fn ask(&mut self, frame: Bytes) -> Option<Bytes> {
        while self.cluster.poll_output().is_some() {}
        self.cluster.receive(self.now, self.intact, frame);
        self.pass(Duration::from_secs(1));
        let mut outputs = std::iter::from_fn(|| self.cluster.poll_output());
        outputs.find_map(|output| match output {
            Output::Frame(to, frame) if to == self.intact => Some(frame),
            _ => None,
        })
    }

    fn connect(&mut self) -> ConnectionId {
        let client = self.cluster.connect(self.now, BROKER, "localhost".into());
        client.expect("it listens")
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.cluster.handle_timeout(self.now);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
