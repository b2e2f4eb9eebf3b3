//! One run: a plan goes in, a trace comes out, in real time.

use crate::cluster::Cluster;
use crate::course::Course;
use crate::error::ChaosError;
use crate::faults::Brokers;
use crate::known::Wishes;
use crate::leaders::{self, Leaders};
use crate::log::Log;
use crate::names::Names;
use crate::options::{Reach, SubjectCommand};
use crate::producer::Producer;
use crate::proxy::Proxy;
use crate::recorder::Clock;
use crate::refusal;
use crate::sink::http::{self, Endpoint};
use crate::stalls::Stalls;
use crate::subject::Subject;
use crate::tail;
use crate::workload::Workload;
use crate::world::{Event, Inbox, Parts, World};
use plimsoll_oracle::Trace;
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Cluster as Replication;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The time limit of the tidying up after a run.
const TIDY: Duration = Duration::from_secs(10);

/// What a run needs besides its plan.
pub(crate) struct Stage<'a> {
    pub cluster: Arc<Cluster>,
    pub subject: &'a SubjectCommand,
    /// The address at which members find the proxy and the sink.
    pub reach: &'a Reach,
    /// The text that tells this run's topics and group from all others.
    pub tag: &'a str,
    /// The folder for members' standard error.
    pub logs: &'a Path,
    /// True once Ctrl-C was pressed.
    pub interrupted: watch::Receiver<bool>,
    /// Where it is noted that the machine kept the run from its time.
    pub stalls: Stalls,
}

/// Runs a plan; returns its trace, and what the members asked for when they joined.
///
/// # Errors
/// Where the environment or the subject fails: then there is no trace that means anything.
pub(crate) async fn run(plan: &Plan, stage: Stage<'_>) -> Result<(Trace, Wishes), ChaosError> {
    let mut interrupted = stage.interrupted.clone();
    let (mut world, course, running) = set_up(plan, stage).await?;
    let result = tokio::select! {
        failed = world.run() => failed.map(|never| match never {}),
        result = course.run() => result,
        _ = interrupted.wait_for(|interrupted| *interrupted) => Err(ChaosError::Interrupted),
    };
    let shown = (world.take_trace(), world.wishes());
    running.tidy_up(world).await;
    result.map(|()| shown)
}

/// What runs beside the world, and must be ended with it.
struct Running {
    names: Arc<Names>,
    cluster: Arc<Cluster>,
    tasks: JoinSet<()>,
}

/// Makes everything that takes part in a run, and lets it begin.
async fn set_up(plan: &Plan, stage: Stage<'_>) -> Result<(World, Course, Running), ChaosError> {
    let (plan, cluster) = (Arc::new(plan.clone()), stage.cluster.clone());
    let names = Arc::new(Names::new(&plan, stage.tag));
    create_topics(&plan, &names, &cluster).await?;
    let (listener, sink) = open_sink(stage.reach).await?;
    let (inbox, log, clock) = (Inbox::new(), Arc::<Log>::default(), Clock::start());
    let proxy = open_proxy(plan.starts.len(), &cluster, stage.reach, &inbox).await?;
    let leaders = Leaders::first(cluster.admin(), &names).await;
    let endpoint = Endpoint {
        plan: plan.clone(),
        names: names.clone(),
        log: log.clone(),
        admin: cluster.admin().clone(),
        patience: http::PATIENCE,
        reports: inbox.sender(Event::Sink),
    };
    let mut tasks = JoinSet::new();
    read_topics(&mut tasks, &cluster, &names, &inbox, &leaders);
    tasks.spawn(http::serve(endpoint, listener));
    let producer = Producer::new(plan.settings.producer.clone(), cluster.admin().clone());
    let workload = Workload {
        plan: plan.clone(),
        names: names.clone(),
        log: log.clone(),
        clock,
        producer: Arc::new(producer),
        reports: inbox.sender(Event::Workload),
    };
    tasks.spawn(workload.produce());
    watch_leaders(&mut tasks, &cluster, &names, &inbox);
    watch_machine(&mut tasks, &plan, &cluster, &names, stage.stalls.clone());
    let course = Course {
        plan: plan.clone(),
        names: names.clone(),
        cluster: cluster.clone(),
        clock,
        world: inbox.sender(Event::Course),
    };
    let subject = Subject {
        command: stage.subject.clone(),
        plan: plan.clone(),
        names: names.clone(),
        bootstraps: proxy.bootstraps(),
        sink,
        logs: stage.logs.to_owned(),
    };
    let brokers = Brokers {
        cluster: cluster.clone(),
        names: names.clone(),
        reports: inbox.sender(Event::Brokers),
    };
    let parts = Parts {
        plan,
        names: names.clone(),
        clock,
        log,
        subject,
        proxy,
        leaders,
        brokers,
        inbox,
        stalls: stage.stalls,
    };
    let running = Running {
        names,
        cluster,
        tasks,
    };
    Ok((World::new(parts), course, running))
}

/// Opens a way to each broker for each member.
async fn open_proxy(
    members: usize,
    cluster: &Cluster,
    reach: &Reach,
    inbox: &Inbox,
) -> Result<Proxy, ChaosError> {
    let (access, reports) = (cluster.access(), inbox.sender(Event::Proxy));
    let proxy = Proxy::open(members, cluster.brokers(), access, reach, &reports).await;
    proxy.map_err(|error| cannot("open ports for the proxy", &error))
}

/// Reads the topics for as long as the run lasts.
fn read_topics(
    tasks: &mut JoinSet<()>,
    cluster: &Cluster,
    names: &Arc<Names>,
    inbox: &Inbox,
    leaders: &Leaders,
) {
    let (admin, records) = (cluster.admin().clone(), inbox.sender(Event::Tail));
    let topics = tail::read_topics(admin, names.clone(), leaders.counts(), records);
    tasks.spawn(topics);
}

/// Asks for leaders and the coordinator for as long as the run lasts.
fn watch_leaders(tasks: &mut JoinSet<()>, cluster: &Cluster, names: &Arc<Names>, inbox: &Inbox) {
    let (admin, news) = (cluster.admin().clone(), inbox.sender(Event::Leader));
    tasks.spawn(leaders::watch(admin, names.clone(), news));
}

/// Watches the machine, and the brokers where the plan leaves them alone, for as long as the run
/// lasts.
fn watch_machine(
    tasks: &mut JoinSet<()>,
    plan: &Plan,
    cluster: &Cluster,
    names: &Arc<Names>,
    stalls: Stalls,
) {
    tasks.spawn(stalls.clone().watch_timers());
    if !refusal::breaks_brokers(plan) {
        tasks.spawn(stalls.watch_brokers(cluster.admin().clone(), names.clone()));
    }
}

/// Opens a port for the sink; returns it, and the base of its URL.
async fn open_sink(reach: &Reach) -> Result<(TcpListener, String), ChaosError> {
    let opened = async {
        let listener = TcpListener::bind((reach.listen, 0)).await?;
        let port = listener.local_addr()?.port();
        Ok((listener, format!("http://{}", reach.at(port))))
    };
    opened
        .await
        .map_err(|error| cannot("open a port for the sink", &error))
}

async fn create_topics(plan: &Plan, names: &Names, cluster: &Cluster) -> Result<(), ChaosError> {
    let Replication {
        replication,
        min_insync,
        ..
    } = plan.settings.cluster;
    let admin = cluster.admin();
    for (name, topic) in names.topics.iter().zip(&plan.settings.topics) {
        admin
            .create_topic(name, topic.partitions, replication, min_insync)
            .await?;
    }
    admin
        .create_topic(&names.dead_letters, 1, replication, min_insync)
        .await
}

fn cannot(what: &str, error: &std::io::Error) -> ChaosError {
    ChaosError::Environment(format!("cannot {what}: {error}"))
}

impl Running {
    async fn tidy_up(mut self, mut world: World) {
        let tidy = async {
            world.end().await;
            self.tasks.shutdown().await;
            remove(&self.names, &self.cluster).await
        };
        let tidied = match tokio::time::timeout(TIDY, tidy).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("it takes longer than {} s", TIDY.as_secs())),
        };
        // A topic or group that stays has a name of its own, and goes with the cluster if that
        // goes.
        if let Err(why) = tidied
            && self.cluster.stays()
        {
            tracing::warn!("a run left topics or its group on the cluster: {why}");
        }
    }
}

/// Removes a run's topics, and its group, whose members were killed. With brokers that go too, the
/// group is not worth the time.
async fn remove(names: &Names, cluster: &Cluster) -> Result<(), ChaosError> {
    let admin = cluster.admin();
    let topics = names.topics.iter().map(String::as_str);
    let topics: Vec<&str> = topics.chain([names.dead_letters.as_str()]).collect();
    let deleted = admin.delete_topics(&topics).await;
    if cluster.stays() {
        admin.delete_group(&names.group).await?;
    }
    deleted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_sink_is_where_members_are_told() {
        let (_listener, url) = open_sink(&Reach::default()).await.expect("a port");
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        let reach = Reach {
            listen: "0.0.0.0".parse().expect("an address"),
            advertised: "host.docker.internal".into(),
        };
        let (listener, url) = open_sink(&reach).await.expect("a port");
        let address = listener.local_addr().expect("it listens");
        assert!(address.ip().is_unspecified(), "{address}");
        assert_eq!(
            url,
            format!("http://host.docker.internal:{}", address.port())
        );
    }
}
