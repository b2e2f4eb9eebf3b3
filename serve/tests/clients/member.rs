//! A member of a group, as a process, and what it has handled.

use crate::duties::{GROUP, PATIENCE, TOPIC};
use axum::routing::post;
use axum::{Json, Router};
use plimsoll_serve::Served;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{self, Runtime};

/// A record of the topic.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(crate) partition: u32,
    pub(crate) offset: u64,
}

pub(crate) struct Member {
    process: Child,
    handled: Receiver<Record>,
    /// The runtime of the sink that it calls, if it calls one.
    _sink: Option<Runtime>,
}

impl Member {
    /// Starts a program that prints what it handles; `record` reads a line of it.
    pub(crate) fn that_prints(command: &mut Command, record: fn(&str) -> Option<Record>) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = process.stdout.take().expect("it is piped");
        let (sender, handled) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            for record in lines.filter_map(|line| record(&line)) {
                let _ = sender.send(record);
            }
        });
        Self {
            process,
            handled,
            _sink: None,
        }
    }

    /// Starts a program that calls the sink for each record that it handles, as the programs of
    /// `examples/subjects` do.
    pub(crate) fn that_calls(command: &mut Command) -> Self {
        let (sender, handled) = mpsc::channel();
        let call = move |Json(record): Json<Record>| {
            let _ = sender.send(record);
            async {}
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("there are free ports");
        let address = listener.local_addr().expect("it has one");
        listener.set_nonblocking(true).expect("an option");
        let sink = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a thread");
        sink.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, Router::new().route("/", post(call))).await
        });
        let url = format!("http://{address}/");
        let command = command.env("PLIMSOLL_SINK_URL", url);
        Self {
            process: command.spawn().expect("it starts"),
            handled,
            _sink: Some(sink),
        }
    }

    /// Waits until it has handled these records. Returns all that it has handled meanwhile.
    pub(crate) fn handles(&self, records: BTreeSet<Record>) -> BTreeSet<Record> {
        let deadline = Instant::now() + PATIENCE;
        let mut handled = BTreeSet::new();
        while !handled.is_superset(&records) {
            let left = deadline.saturating_duration_since(Instant::now());
            let record = self.handled.recv_timeout(left);
            handled.insert(record.unwrap_or_else(|error| {
                panic!("{error}: {:?} are not handled", &records - &handled)
            }));
        }
        handled
    }

    /// Waits until these records are handled by one of two members or the other. Returns what each
    /// has handled meanwhile.
    pub(crate) fn both_handle(
        members: [&Self; 2],
        mut records: BTreeSet<Record>,
    ) -> [BTreeSet<Record>; 2] {
        let deadline = Instant::now() + PATIENCE;
        let mut handled = [(); 2].map(|()| BTreeSet::new());
        while !records.is_empty() {
            assert!(Instant::now() < deadline, "{records:?} are not handled");
            thread::sleep(Duration::from_millis(20));
            for (member, handled) in members.iter().zip(&mut handled) {
                handled.extend(member.handled.try_iter());
                records = &records - handled;
            }
        }
        handled
    }

    /// Asks it to stop, and waits for its end.
    pub(crate) fn stop(mut self) {
        let id = self.process.id().to_string();
        let kill = Command::new("kill").arg(id).status();
        assert!(kill.expect("there is a kill").success());
        self.process.wait().expect("it ends");
    }
}

/// A test that fails leaves no process behind.
impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Makes a command of a program that reads from its environment where brokers, group and topic are.
pub(crate) fn told(program: &str, cluster: &Served) -> Command {
    let mut command = Command::new(program);
    command
        .env("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap())
        .env("KAFKA_GROUP_ID", GROUP)
        .env("KAFKA_TOPIC", TOPIC);
    command
}
