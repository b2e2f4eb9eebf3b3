//! The thread's loop: it gives the world commands and the time.

use crate::control::Command;
use crate::world::World;
use plimsoll_core::Instant;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::{task, time};

/// The time below which the runtime's timer cannot wait: brokers answer each other faster.
const TICK: Duration = Duration::from_millis(1);

/// The number of commands that are handled before what came of them is handed out.
const AT_ONCE: usize = 64;

/// The world, its clock, and what others want of it.
pub(crate) struct Driver {
    pub(crate) world: World,
    pub(crate) started: std::time::Instant,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
}

impl Driver {
    /// Runs until all that could send commands is gone.
    pub(crate) async fn run(mut self) {
        loop {
            self.world.handle_timeout(self.now());
            let due = self.world.poll_timeout();
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
        }
    }

    /// Returns the time, which goes on from where the world was prepared.
    fn now(&self) -> Instant {
        self.world.began + self.started.elapsed()
    }

    fn handle(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Connect {
                broker,
                client_host,
                is_own,
                reply,
            } => {
                let connected = self.world.connect(now, broker, client_host, is_own);
                if let Some((id, answers)) = connected
                    && reply.send((id, answers)).is_err()
                {
                    self.world.disconnected(now, id);
                }
            }
            Command::Received(id, frame) => self.world.received(now, id, frame),
            Command::Disconnected(id) => self.world.disconnected(now, id),
            Command::Call(call) => call(&mut self.world, now),
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
