//! The thread's loop: it has the cluster, gives it commands and the time, and hands out what it
//! says.

use crate::control::{Answer, Command};
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use plimsoll_sim::served::{ConnectionId, Output, ServedCluster};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::{task, time};

/// The time below which the runtime's timer cannot wait: brokers answer each other faster.
const TICK: Duration = Duration::from_millis(1);

/// The number of commands that are handled before what came of them is handed out.
const AT_ONCE: usize = 64;

/// The cluster, and the ways to what it speaks to.
pub(crate) struct Driver {
    pub(crate) cluster: ServedCluster,
    pub(crate) started: std::time::Instant,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    /// Whether a broker's port is to be open.
    pub(crate) ports: BTreeMap<BrokerId, watch::Sender<bool>>,
    pub(crate) clients: BTreeMap<ConnectionId, mpsc::Sender<Answer>>,
}

impl Driver {
    /// Runs until all that could send commands is gone.
    pub(crate) async fn run(mut self) {
        loop {
            self.hand_out();
            let due = self.cluster.poll_timeout();
            let wait = due.map(|due| due.saturating_since(self.now()));
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => self.handle(command),
                    None => return,
                },
                () = pause(wait) => {}
            }
            for _ in 0..AT_ONCE {
                match self.commands.try_recv() {
                    Ok(command) => self.handle(command),
                    Err(_) => break,
                }
            }
            self.cluster.handle_timeout(self.now());
        }
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(self.started.elapsed().as_nanos() as u64)
    }

    fn handle(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Connect {
                broker,
                client_host,
                reply,
            } => {
                let Some(id) = self.cluster.connect(now, broker, client_host) else {
                    return;
                };
                // A frame has one answer, and is the only one under way.
                let (answer, answers) = mpsc::channel(1);
                self.clients.insert(id, answer);
                if reply.send((id, answers)).is_err() {
                    self.disconnected(id);
                }
            }
            Command::Received(id, frame) => self.cluster.receive(now, id, frame),
            Command::Disconnected(id) => self.disconnected(id),
            Command::Call(call) => call(&mut self.cluster, now),
        }
    }

    fn disconnected(&mut self, id: ConnectionId) {
        self.clients.remove(&id);
        self.cluster.disconnect(self.now(), id);
    }

    fn hand_out(&mut self) {
        while let Some(output) = self.cluster.poll_output() {
            match output {
                Output::Frame(id, frame) => self.answer(id, Answer::Frame(frame)),
                Output::Done(id) => self.answer(id, Answer::Done),
                Output::Close(id) => drop(self.clients.remove(&id)),
                Output::Open(broker) => self.open(broker, true),
                Output::Refuse(broker) => self.open(broker, false),
            }
        }
    }

    fn answer(&self, id: ConnectionId, answer: Answer) {
        if let Some(client) = self.clients.get(&id) {
            // One that has gone says so itself.
            let _ = client.try_send(answer);
        }
    }

    fn open(&self, broker: BrokerId, is_open: bool) {
        if let Some(port) = self.ports.get(&broker) {
            port.send_replace(is_open);
        }
    }
}

async fn pause(wait: Option<Duration>) {
    match wait {
        None => std::future::pending().await,
        Some(wait) if wait < TICK => task::yield_now().await,
        Some(wait) => time::sleep(wait).await,
    }
}
