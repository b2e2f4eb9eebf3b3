//! Random faults: whatever happens, what was acknowledged is there when all is well again.

use super::*;
use plimsoll_scenarios::{Purpose, Rng};

/// Number of schedules that are tried.
const SEEDS: u64 = 300;

/// Ids from here on are noise.
const NOISE: u32 = 1 << 20;

/// A producer with one message in flight, which it repeats until it is acknowledged.
#[derive(Default)]
struct Repeater {
    in_flight: Option<(Correlation, Instant)>,
    next: u32,
    acknowledged: Vec<u64>,
}

/// A tool that commits higher and higher offsets, one at a time.
#[derive(Default)]
struct Committer {
    in_flight: Option<(Correlation, Instant)>,
    tried: u64,
    acknowledged: u64,
}

impl Repeater {
    fn step(&mut self, cluster: &mut Cluster) {
        if let Some((correlation, sent)) = self.in_flight {
            match cluster.answer(correlation) {
                Some(Response::Produce(Ok(offset))) => {
                    self.acknowledged.push(offset.get());
                    self.next += 1;
                }
                None if cluster.now() - sent < millis(1_500) => return,
                Some(_) | None => {}
            }
        }
        self.in_flight = cluster.controller.leader(P).map(|leader| {
            let sent = cluster.send_produce(leader, self.next, Acks::All, Some(self.next));
            (sent, cluster.now())
        });
    }
}

impl Committer {
    fn step(&mut self, cluster: &mut Cluster) {
        if let Some((correlation, sent)) = self.in_flight {
            match cluster.answer(correlation) {
                Some(Response::OffsetCommit(response)) if response.error.is_none() => {
                    self.acknowledged = self.tried;
                }
                None if cluster.now() - sent < millis(1_500) => return,
                Some(_) | None => {}
            }
        }
        let partition = cluster.env.topology.group_offsets();
        self.in_flight = cluster.controller.leader(partition).map(|_| {
            self.tried += 1;
            let sent = cluster.send_commit(0, GroupMemberId(0), -1, self.tried);
            (sent, cluster.now())
        });
    }
}

/// Sends a write on which nothing may rely, to any broker, which takes it if it believes that it
/// leads.
fn add_noise(cluster: &mut Cluster, rng: &mut Rng, id: u32) {
    let broker = Node(rng.below(3) as u16);
    cluster.send_produce(broker, NOISE + id, Acks::Leader, None);
}

/// Begins one fault, or ends one.
fn disturb(cluster: &mut Cluster, rng: &mut Rng, isolated: &mut PerBroker<bool>) {
    let node = Node(rng.below(3) as u16);
    let runs = cluster.running[node] && cluster.paused[node].is_none();
    match rng.below(8) {
        0 if runs => cluster.crash(node),
        1 if runs => cluster.stop(node),
        2 if runs => cluster.pause(node),
        3 if runs && !isolated[node] => {
            isolated[node] = true;
            cluster.isolate(node);
        }
        4 => cluster.move_leader(P),
        5 => cluster.move_leader(cluster.env.topology.group_offsets()),
        _ => repair(cluster, node, isolated),
    }
}

fn repair(cluster: &mut Cluster, node: Node, isolated: &mut PerBroker<bool>) {
    if std::mem::take(&mut isolated[node]) {
        cluster.reunite(node);
    }
    cluster.resume(node);
    if !cluster.running[node] {
        cluster.start(node);
    }
}

fn run(seed: u64) -> usize {
    let mut cluster = Cluster::seeded(seed, |settings| {
        let cluster = &mut settings.cluster.settings;
        cluster.broker_session_timeout = millis(3_000);
        cluster.broker_heartbeat_interval = millis(500);
        cluster.replica_lag_time_max = millis(3_000);
        cluster.replica_fetch_wait_max = millis(500);
        settings.network.latency = Distribution::even(Duration::from_micros(200), millis(4));
    });
    let mut rng = Rng::substream(seed, Purpose::Faults, 0);
    let (mut producer, mut committer) = (Repeater::default(), Committer::default());
    let mut isolated = PerBroker::new(3, |_| false);
    for round in 0..60 {
        add_noise(&mut cluster, &mut rng, round);
        disturb(&mut cluster, &mut rng, &mut isolated);
        for _ in 0..rng.below(20) {
            cluster.run_for(rng.between(millis(1), millis(200)));
            producer.step(&mut cluster);
            committer.step(&mut cluster);
        }
    }
    for node in cluster.env.brokers() {
        repair(&mut cluster, node, &mut isolated);
    }
    // A broker that was stopping may stop only now.
    cluster.run_for(millis(10_000));
    for node in cluster.env.brokers() {
        repair(&mut cluster, node, &mut isolated);
    }
    // A follower whose leader died behind a broken network asks again after 30 s
    // (`replica.socket.timeout.ms`).
    cluster.run_for(millis(40_000));
    judge(seed, &mut cluster, &producer, &committer);
    producer.acknowledged.len()
}

fn judge(seed: u64, cluster: &mut Cluster, producer: &Repeater, committer: &Committer) {
    assert!(cluster.controller.is_healthy(), "seed {seed}");
    let log = cluster.log(Node(0));
    for node in cluster.env.brokers() {
        assert_eq!(cluster.log(node), log, "seed {seed}, {node:?}");
        let ends = cluster.broker(node).log_ends(P);
        assert_eq!(ends.1.get(), log.len() as u64, "seed {seed}, {node:?}");
    }
    for (message, offset) in producer.acknowledged.iter().enumerate() {
        assert_eq!(log[*offset as usize], message as u32, "seed {seed}");
    }
    let mut kept = log.iter().copied().filter(|id| *id < NOISE);
    assert!(
        (0..).zip(kept.by_ref()).all(|(n, id)| n == id),
        "seed {seed}: once, in order"
    );
    let stored: Vec<_> = log.iter().copied().zip(0..).collect();
    assert_eq!(cluster.stored(), stored, "seed {seed}");
    // Kept connections may still carry commits from before.
    let offsets = cluster.offset_fetch().expect("a coordinator");
    let last = offsets.first().copied().unwrap_or_default();
    assert!(last >= committer.acknowledged, "seed {seed}: {last}");
    let seen = cluster.committed();
    assert_eq!(seen.last().map_or(0, |last| last.1), last, "seed {seed}");
}

#[test]
fn what_was_acknowledged_survives_random_faults() {
    let acknowledged: usize = (0..SEEDS).map(run).sum();
    // With nothing acknowledged, nothing could be lost.
    assert!(acknowledged as u64 > SEEDS * 50, "{acknowledged}");
}
