//! A process of the group, as the code that starts it sees it.

use crate::Store;
use crate::message::Messages;
use crate::store::Stores;
use plimsoll::{Handler, HandlerError, Message};
use plimsoll_core::Config;
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::Plan;
use plimsoll_sim::program::{Program, Programs};
use plimsoll_sim_driver::{Driven, Effects, Sink, Workload};
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

/// A process that starts: a member of the group, or one that starts again after a crash.
#[derive(Debug)]
pub struct Process<'a> {
    member: MemberId,
    sink: &'a Sink,
    takes_sink: Cell<bool>,
    stores: &'a Stores,
}

impl Process<'_> {
    /// Returns the name of the member, as the scenario and timelines call it: `consumer-1`.
    pub fn member(&self) -> String {
        self.member.to_string()
    }

    /// Returns the way to the sink. Where a process takes it, a message is finished when its effect
    /// is [written](Sink::write) or [skipped](Sink::skip), whatever its handler says; else when its
    /// handler returns `Ok`.
    pub fn sink(&self) -> Sink {
        self.takes_sink.set(true);
        self.sink.clone()
    }

    /// Returns the store of this name, a database that all members share, and that survives
    /// crashes. Each run begins with an empty one.
    ///
    /// # Panics
    /// Panics where the store of this name holds other types.
    #[track_caller]
    pub fn store<K, V>(&self, name: &str) -> Store<K, V>
    where
        K: Ord + Send + 'static,
        V: Clone + Send + 'static,
    {
        self.stores.get(name)
    }

    fn effects(&self) -> Effects {
        match self.takes_sink.get() {
            true => Effects::AtTheSink,
            false => Effects::AtTheEnd,
        }
    }
}

/// The starter of processes with a user's handler.
#[derive(Clone)]
pub(crate) struct Starter(Arc<Start>);

type Start = dyn Fn(&Run, MemberId, Config) -> Program;

impl Starter {
    /// Makes handlers by what the user gave.
    pub(crate) fn new<H: Handler>(start: impl Fn(&Process<'_>) -> H + 'static) -> Self {
        Self(Arc::new(move |run, member, config| {
            Driven::with_handler(config, run.workload.clone(), |sink| {
                let process = Process {
                    member,
                    sink,
                    takes_sink: Cell::new(false),
                    stores: &run.stores,
                };
                (start(&process), process.effects())
            })
        }))
    }

    /// Calls one handler in all processes.
    pub(crate) fn shared<H: Handler>(handler: H) -> Self {
        let handler = Arc::new(handler);
        Self::new(move |_| Shared(Arc::clone(&handler)))
    }
}

impl fmt::Debug for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starter").finish_non_exhaustive()
    }
}

/// A handler that processes share.
struct Shared<H>(Arc<H>);

impl<H: Handler> Handler for Shared<H> {
    fn handle(&self, message: Message) -> impl Future<Output = Result<(), HandlerError>> + Send {
        self.0.handle(message)
    }
}

/// The processes of one run, and what outlives them.
pub(crate) struct Run {
    starter: Starter,
    workload: Workload,
    stores: Stores,
}

impl Run {
    /// Prepares the run of a plan.
    pub(crate) fn new(starter: &Starter, messages: &Messages, plan: &Plan) -> Self {
        Self {
            starter: starter.clone(),
            workload: messages.workload(plan),
            stores: Stores::default(),
        }
    }
}

impl Programs for Run {
    fn start(&self, member: MemberId, config: &Config) -> Program {
        (self.starter.0)(self, member, *config)
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}
