//! Every fault of a broker, on real brokers, and what becomes of brokers that are left alone.

use super::*;
use crate::testing::{brokers, brokers_alone};
use bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};
use std::collections::HashMap;
use std::env;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The environment variable of the process of [`a_run_that_is_left_alone`].
pub const LEFT_ALONE: &str = "PLIMSOLL_TEST_LEFT_ALONE";
const HEALED: Duration = Duration::from_secs(60);

/// Breaks each broker in every way, and all of them at once.
pub async fn brokers_come_back_from_every_fault() {
    let _turn = brokers().await;
    let clock = Clock::start();
    let cluster = Cluster::start().await.expect("brokers");
    clock.lap("start");
    let admin = cluster.admin().clone();
    admin.create_topic("faults", 6, 3, 2).await.expect("topic");
    clock.lap("create a topic");
    let addresses = cluster.brokers().to_vec();

    for broker in 0..3 {
        cluster.kill(broker).await.expect("kill");
        clock.lap("kill");
        leads_nothing(&admin, broker).await;
        clock.lap("... fail over");
        cluster.start_broker(broker).await.expect("start");
        clock.healthy(&cluster, "... start and heal").await;
    }
    cluster.stop(1).await.expect("stop");
    clock.lap("stop");
    leads_nothing(&admin, 1).await;
    clock.lap("... fail over");
    cluster.start_broker(1).await.expect("start");
    clock.healthy(&cluster, "... start and heal").await;

    cluster.pause(2).await.expect("pause");
    leads_nothing(&admin, 2).await;
    clock.lap("pause and fail over");
    cluster.unpause(2).await.expect("unpause");
    clock.healthy(&cluster, "... unpause and heal").await;

    cluster.isolate(0).await.expect("isolate");
    leads_nothing(&admin, 0).await;
    clock.lap("isolate and fail over");
    let cut = cluster.healthy(Duration::from_secs(1)).await;
    assert!(cut.is_err(), "an isolated broker answers");
    cluster.rejoin(0).await.expect("rejoin");
    clock.healthy(&cluster, "... rejoin and heal").await;

    cluster.kill(0).await.expect("kill");
    cluster.pause(1).await.expect("pause");
    cluster.isolate(2).await.expect("isolate");
    cluster.mend().await.expect("mend");
    clock.healthy(&cluster, "mend all").await;
    // A broker that was restarted while it was cut off comes back at its address too.
    cluster.isolate(2).await.expect("isolate");
    cluster.kill(2).await.expect("kill");
    cluster.mend().await.expect("mend");
    clock.healthy(&cluster, "mend a cut and killed one").await;

    assert_eq!(cluster.brokers(), addresses);
    cluster.shut_down().await;
    clock.lap("shut down");
    let gone = cluster.healthy(Duration::from_secs(1)).await;
    assert!(gone.is_err(), "a removed broker answers");
}

/// Attaches to brokers that another cluster started.
pub async fn a_cluster_that_is_attached_to_cannot_be_broken() {
    let _turn = brokers().await;
    let ours = Cluster::start().await.expect("brokers");
    let bootstrap = ours.brokers()[1].address.clone();
    let theirs = Cluster::attach(&bootstrap, &Access::default())
        .await
        .expect("attach");
    assert_eq!(theirs.brokers(), ours.brokers());
    assert!(!theirs.is_ours());
    let refused = theirs.kill(0).await;
    assert!(
        matches!(refused, Err(ChaosError::Scenario(_))),
        "{refused:?}"
    );
    theirs.shut_down().await;
    ours.healthy(HEALED).await.expect("still there");
    // Not shut down: dropping is enough.
    drop(ours);
    let gone = Cluster::attach(&bootstrap, &Access::default()).await;
    assert!(matches!(gone, Err(ChaosError::Environment(_))), "{gone:?}");
}

/// Kills a process that has brokers and a member. No other test may start brokers meanwhile, which
/// removes what is left.
pub async fn what_a_killed_run_left_is_removed_by_the_next() {
    let _alone = brokers_alone().await;
    let mut run = Command::new(env::current_exe().expect("this program"))
        .env(LEFT_ALONE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("a second process");
    let lines = BufReader::new(run.stdout.take().expect("its output")).lines();
    let said = lines
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("left alone: ")?.1.to_owned()))
        .expect("a word from it");
    let (name, member) = said.split_once(' ').expect("a run and a member");
    let member = member.parse().expect("a process id");
    run.kill().expect("SIGKILL");
    run.wait().expect("its end");
    assert_ne!(left(name).await, (0, 0));
    assert!(cleanup::start_time(member).is_some());

    let next = Cluster::start().await.expect("brokers");
    assert_eq!(left(name).await, (0, 0));
    assert_eq!(cleanup::start_time(member), None);
    next.shut_down().await;
}

/// Starts what [`what_a_killed_run_left_is_removed_by_the_next`] looks for, in the process that it
/// kills.
pub async fn a_run_that_is_left_alone() {
    let _cluster = Cluster::start().await.expect("brokers");
    let mut member = Command::new("sleep")
        .arg("600")
        .env(cleanup::RUN_VARIABLE, run_id())
        .spawn()
        .expect("a member");
    println!("left alone: {} {}", run_id(), member.id());
    member.wait().expect("its end");
}

/// Counts the containers and the networks of a run.
async fn left(run: &str) -> (usize, usize) {
    let docker = engine::connect().await.expect("an engine");
    let filters = HashMap::from([("label", vec![format!("{}={run}", remains::RUN_LABEL)])]);
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters);
    let containers = docker.list_containers(Some(options.build())).await;
    let options = ListNetworksOptionsBuilder::new().filters(&filters);
    let networks = docker.list_networks(Some(options.build())).await;
    (
        containers.expect("a list").len(),
        networks.expect("a list").len(),
    )
}

/// Waits until other brokers lead all partitions.
async fn leads_nothing(admin: &Admin, broker: u32) {
    for _ in 0..300 {
        let state = admin.topic("faults").await.expect("topic");
        let mut leaders = state.partitions.iter().map(|partition| partition.leader);
        if leaders.all(|leader| leader.is_some_and(|leader| leader != broker)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("broker {broker} leads still");
}

/// A stopwatch that prints the time between two events, with `--nocapture`.
struct Clock(std::cell::Cell<Instant>);

impl Clock {
    fn start() -> Self {
        Self(std::cell::Cell::new(Instant::now()))
    }

    fn lap(&self, what: &str) {
        let now = Instant::now();
        println!("{what}: {:.1} s", (now - self.0.replace(now)).as_secs_f64());
    }

    async fn healthy(&self, cluster: &Cluster, what: &str) {
        cluster.healthy(HEALED).await.expect("healthy");
        self.lap(what);
    }
}
