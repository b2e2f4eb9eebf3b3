//! Starts a cluster, and the handle to it.

use crate::control::Control;
use crate::driver::Driver;
use crate::error::ServeError;
use crate::{Options, http, listener};
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use plimsoll_sim::served::ServedCluster;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};
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
pub fn serve(options: Options) -> Result<Served, ServeError> {
    let started = std::time::Instant::now();
    let mut settings = options.cluster.clone();
    let today = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    settings.began = settings.began.or(today);
    let mut cluster = ServedCluster::new(settings);
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
    let driver = Driver {
        cluster,
        started,
        commands,
        ports: BTreeMap::new(),
        clients: BTreeMap::new(),
    };
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel();
    let shared = control.clone();
    let thread = thread::Builder::new()
        .name("plimsoll-serve".into())
        .spawn(move || run(&runtime, driver, ports, web, &shared, stopped))?;
    Ok(Served {
        brokers,
        http,
        control,
        stop: Some(stop),
        thread: Some(thread),
    })
}

/// Runs everything, until the handle is dropped.
fn run(
    runtime: &Runtime,
    mut driver: Driver,
    ports: Vec<(BrokerId, TcpListener)>,
    web: Option<TcpListener>,
    control: &Control,
    stopped: oneshot::Receiver<()>,
) {
    runtime.block_on(async {
        for (broker, port) in ports {
            let (open, is_open) = watch::channel(false);
            driver.ports.insert(broker, open);
            tokio::spawn(listener::listen(port, broker, is_open, control.clone()));
        }
        if let Some(web) = web {
            tokio::spawn(http::serve(web, control.clone()));
        }
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

    /// Does something with the cluster, at the moment that it is told: a fault, say.
    ///
    /// # Panics
    /// Where the cluster's thread has panicked.
    pub fn call<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut ServedCluster, Instant) -> R + Send + 'static,
    ) -> R {
        let result = self.control.call_blocking(act);
        result.expect(ALIVE)
    }

    /// Does what [`call`](Self::call) does, from asynchronous code.
    ///
    /// # Panics
    /// Where the cluster's thread has panicked.
    pub async fn call_async<R: Send + 'static>(
        &self,
        act: impl FnOnce(&mut ServedCluster, Instant) -> R + Send + 'static,
    ) -> R {
        self.control.call(act).await.expect(ALIVE)
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
