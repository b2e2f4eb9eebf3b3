//! Starts a cluster, and the handle to it.

use crate::control::Control;
use crate::driver::Driver;
use crate::error::ServeError;
use crate::network::{Clients, Effect, NetworkFault};
use crate::trace::Entry;
use crate::world::World;
use crate::{Options, http, inside, listener};
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::scenario::Direction;
use plimsoll_sim::served::ServedCluster;
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, oneshot, watch};

const ALIVE: &str = "the cluster's thread lives as long as the handle";

/// A cluster that is served, for as long as this lives.
#[derive(Debug)]
pub struct Served {
    brokers: Vec<(BrokerId, String)>,
    http: Option<SocketAddr>,
    control: Control,
    /// Ends the thread by being dropped.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Serves a cluster, from a thread of its own.
///
/// # Errors
/// Where an address is taken, or the operating system refuses something.
pub fn serve(mut options: Options) -> Result<Served, ServeError> {
    let today = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    options.cluster.began = options.cluster.began.or(today);
    let mut cluster = ServedCluster::new(options.cluster.clone());
    let ports = bind_all(&options, cluster.brokers())?;
    let host = options.advertised_host.as_ref().unwrap_or(&options.host);
    let mut brokers = Vec::new();
    for (broker, port) in &ports {
        let port = port.local_addr()?.port();
        cluster.advertise(*broker, host.clone(), port);
        brokers.push((*broker, format!("{host}:{port}")));
    }
    let web = options.http_port.map(|port| bind(&options.host, port));
    let web = web.transpose()?;
    let http = web.as_ref().map(TcpListener::local_addr).transpose()?;
    let (sender, commands) = mpsc::unbounded_channel();
    let control = Control(sender);
    let mut sockets = Sockets {
        brokers: Vec::new(),
        web,
        control: control.clone(),
    };
    let plan = options.plan.take();
    let began = plan.as_ref().map(|plan| {
        let topics = plan.settings.topics.iter();
        let topics = topics.map(|topic| (topic.name.as_str(), topic.partitions));
        inside::create_topics(&mut cluster, topics)
    });
    let mut world = World::new(cluster, began.unwrap_or(Instant::ZERO));
    for (broker, port) in ports {
        let (open, is_open) = watch::channel(false);
        world.ports.insert(broker, open);
        sockets.brokers.push((broker, port, is_open));
    }
    if let Some(plan) = plan {
        world.begin_play(plan, control.clone());
    }
    let driver = Driver {
        world,
        started: std::time::Instant::now(),
        commands,
    };
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel();
    let thread = thread::Builder::new()
        .name("plimsoll-serve".into())
        .spawn(move || run(&runtime, driver, sockets, stopped))?;
    Ok(Served {
        brokers,
        http,
        control,
        stop: Some(stop),
        thread: Some(thread),
    })
}

/// What the thread listens at.
struct Sockets {
    /// By broker, its port, and whether that is to be open.
    brokers: Vec<(BrokerId, TcpListener, watch::Receiver<bool>)>,
    web: Option<TcpListener>,
    control: Control,
}

/// Runs everything, until the handle is dropped.
fn run(runtime: &Runtime, driver: Driver, sockets: Sockets, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let control = sockets.control;
        for (broker, port, is_open) in sockets.brokers {
            tokio::spawn(listener::listen(port, broker, is_open, control.clone()));
        }
        if let Some(web) = sockets.web {
            tokio::spawn(http::serve(web, control.clone()));
        }
        driver.world.begin_messages();
        tokio::select! {
            () = driver.run() => {}
            _ = stopped => {}
        }
    });
}

fn bind_all(
    options: &Options,
    brokers: impl Iterator<Item = BrokerId>,
) -> Result<Vec<(BrokerId, TcpListener)>, ServeError> {
    let bind_one = |(place, broker): (usize, BrokerId)| {
        let next = |port: u16| port.checked_add(place as u16);
        let port = match options.port {
            0 => Some(0),
            first => next(first),
        };
        let port = port.ok_or(ServeError::Ports {
            first: options.port,
            brokers: options.cluster.brokers,
        })?;
        Ok((broker, bind(&options.host, port)?))
    };
    brokers.enumerate().map(bind_one).collect()
}

fn bind(host: &str, port: u16) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind((host, port)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|source| ServeError::Listen {
        address: format!("{host}:{port}"),
        source,
    })
}

impl Served {
    /// Returns the brokers with their addresses, `HOST:PORT`.
    pub fn brokers(&self) -> &[(BrokerId, String)] {
        &self.brokers
    }

    /// Returns what clients take as `bootstrap.servers`.
    pub fn bootstrap(&self) -> String {
        let addresses = self.brokers.iter().map(|(_, address)| address.as_str());
        addresses.collect::<Vec<_>>().join(",")
    }

    /// Returns where HTTP is served.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Returns what happened so far, from the entry with this number on.
    ///
    /// # Panics
    /// Where the cluster's thread has panicked.
    pub fn trace(&self, from: u64) -> Vec<Entry> {
        self.with(move |world, _| world.trace.since(from).cloned().collect())
    }

    /// Does something with the cluster, at the moment that it is told: a fault, say.
    ///
    /// # Panics
    /// Where the cluster's thread has panicked.
    pub fn call<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut ServedCluster, Instant) -> R + Send + 'static,
    ) -> R {
        self.with(|world, now| act(&mut world.cluster, now))
    }

    /// Does what [`call`](Self::call) does, from asynchronous code.
    ///
    /// # Panics
    /// Where the cluster's thread has panicked.
    pub async fn call_async<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut ServedCluster, Instant) -> R + Send + 'static,
    ) -> R {
        let called = self.control.call(|world, now| act(&mut world.cluster, now));
        called.await.expect(ALIVE)
    }

    fn with<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut World, Instant) -> R + Send + 'static,
    ) -> R {
        self.control.call_blocking(act).expect(ALIVE)
    }
}

/// Faults of the network between clients and brokers. They panic where the cluster's thread has
/// panicked.
impl Served {
    /// Lets nothing pass between clients and brokers, one way or both. What was sent is held, and
    /// arrives afterwards where the connection lived on.
    pub fn hold(&self, clients: Clients, direction: Direction) -> NetworkFault {
        self.with(move |world, _| world.network.begin(clients, Effect::Hold(direction)))
    }

    /// Delays all that passes between clients and brokers, each way.
    pub fn delay(&self, clients: Clients, by: Duration) -> NetworkFault {
        self.with(move |world, _| world.network.begin(clients, Effect::Delay(by)))
    }

    /// Ends what [`hold`](Self::hold) or [`delay`](Self::delay) began. Returns whether it had not
    /// ended.
    pub fn end(&self, fault: NetworkFault) -> bool {
        self.with(move |world, now| world.network.end(now, fault))
    }

    /// Closes connections. Returns the number of them.
    pub fn cut(&self, clients: Clients) -> usize {
        self.with(move |world, now| world.cut(now, &clients))
    }

    /// Ends all faults, of brokers and of the network.
    pub fn heal(&self) {
        self.with(World::heal);
    }
}

/// Stops at once: connections break.
impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told where it happened.
            let _ = thread.join();
        }
    }
}
