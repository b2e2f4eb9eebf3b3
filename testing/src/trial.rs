//! The trial: a scenario, a handler, and the seeds.

use crate::court::Court;
use crate::message::Messages;
use crate::process::Starter;
use crate::{Content, Draft, Process, Property, Report, Scenario, source};
use plimsoll::Handler;
use plimsoll_scenarios::{Plan, Subject};
use std::ops::Range;
use std::path::Path;

/// The number of seeds that run where a test says nothing.
const SEEDS: u64 = 100;

/// A trial of a handler: a scenario, a handler, and seeds.
///
/// `H` says whether it has a handler yet, without which it cannot run.
#[derive(Clone, Debug)]
#[must_use = "a trial proves nothing before it runs"]
pub struct Trial<H = NeedsHandler> {
    scenario: Scenario,
    handler: H,
    messages: Messages,
    /// The seeds that a test chose.
    seeds: Option<Range<u64>>,
    allowed: Vec<Property>,
    shrinks: bool,
}

/// The state of a [`Trial`] without a handler.
#[derive(Clone, Copy, Debug)]
pub struct NeedsHandler;

/// The state of a [`Trial`] with a handler.
#[derive(Clone, Debug)]
pub struct Tried(Starter);

impl Trial {
    /// Takes a scenario of the library, such as `quick/member-killed`; `plimsoll list` names them.
    ///
    /// # Panics
    /// Panics where there is none of this name.
    #[track_caller]
    pub fn new(name: &str) -> Self {
        let mut scenario = source::library(name);
        name.clone_into(&mut scenario.settings.name);
        Self::from_scenario(scenario)
    }

    /// Takes the scenario of a file. In tests, relative paths begin at the crate's folder.
    ///
    /// # Panics
    /// Panics where the file cannot be read or has a mistake, which is shown with its place.
    #[track_caller]
    pub fn from_file(path: impl AsRef<Path>) -> Self {
        Self::from_scenario(source::file(path.as_ref()))
    }

    /// Takes a scenario that stands in the test, as TOML.
    ///
    /// # Panics
    /// Panics where the text has a mistake, which is shown with its place.
    #[track_caller]
    pub fn from_toml(text: &str) -> Self {
        Self::from_scenario(source::inline(text))
    }

    /// Takes a scenario that a program made. Its subject, and what it expects of it, do not matter:
    /// the handler stands trial.
    pub fn from_scenario(scenario: Scenario) -> Self {
        Self {
            scenario,
            handler: NeedsHandler,
            messages: Messages::default(),
            seeds: None,
            allowed: Vec::new(),
            shrinks: true,
        }
    }

    /// Tries a handler, whose effects are at its end: a message is finished when it returns `Ok`.
    ///
    /// All processes, of all seeds, call the same one; where it keeps state, use
    /// [`process`](Self::process).
    pub fn handler<H: Handler>(self, handler: H) -> Trial<Tried> {
        self.with(Starter::shared(handler))
    }

    /// Tries the handler that `start` makes at each start of a process, as `main` would. There it
    /// can take the [sink](Process::sink) and [stores](Process::store).
    ///
    /// ```
    /// use plimsoll::{HandlerError, Message};
    /// use plimsoll_testing::Trial;
    ///
    /// Trial::new("quick/member-killed")
    ///     .process(|process| {
    ///         let (sink, seen) = (process.sink(), process.store::<(u32, u64), ()>("seen"));
    ///         move |order: Message| {
    ///             let (sink, seen) = (sink.clone(), seen.clone());
    ///             async move {
    ///                 let id = (order.partition(), order.offset());
    ///                 if !seen.contains(&id).await {
    ///                     sink.write(&order).await?;
    ///                     seen.insert(id, ()).await;
    ///                 }
    ///                 Ok::<(), HandlerError>(())
    ///             }
    ///         }
    ///     })
    ///     .seeds(20)
    ///     .run()
    ///     .assert_held();
    /// ```
    pub fn process<H: Handler>(self, start: impl Fn(&Process<'_>) -> H + 'static) -> Trial<Tried> {
        self.with(Starter::new(start))
    }

    fn with(self, starter: Starter) -> Trial<Tried> {
        Trial {
            scenario: self.scenario,
            handler: Tried(starter),
            messages: self.messages,
            seeds: self.seeds,
            allowed: self.allowed,
            shrinks: self.shrinks,
        }
    }
}

impl<H> Trial<H> {
    /// Chooses what is in the messages: text or bytes, or [`Content`] with headers. By default it
    /// is `{"message":7}`, with the message's number. What the scenario makes undecodable is `FF
    /// FE`, whatever is chosen.
    ///
    /// ```
    /// # use plimsoll::{HandlerError, Message};
    /// # use plimsoll_testing::{Content, Trial};
    /// let trial = Trial::new("quick/member-killed").messages(|draft| {
    ///     let order = format!("{{\"order\":{},\"cents\":250}}", draft.number);
    ///     Content::new(order).header("content-type", "application/json")
    /// });
    /// # let trial = trial.handler(async |order: Message| {
    /// #     assert!(order.payload().is_some_and(|order| order.starts_with(b"{\"order\":")));
    /// #     assert_eq!(order.headers().next().map(|header| header.name), Some("content-type"));
    /// #     Ok::<(), HandlerError>(())
    /// # });
    /// # trial.seeds(2).run().assert_held();
    /// ```
    pub fn messages<C: Into<Content>>(
        mut self,
        content: impl Fn(Draft<'_>) -> C + Send + Sync + 'static,
    ) -> Self {
        self.messages.contain(content);
        self
    }

    /// Chooses what the keys of the scenario are, by their numbers. By default they are `key-7`.
    pub fn keys<K: Into<Vec<u8>>>(
        mut self,
        key: impl Fn(u32) -> K + Send + Sync + 'static,
    ) -> Self {
        self.messages.have_keys(key);
        self
    }

    /// Runs `count` seeds, from 0 on; 100 where nothing is said, or the one seed of a scenario that
    /// has one.
    pub fn seeds(mut self, count: u64) -> Self {
        self.seeds = Some(0..count);
        self
    }

    /// Runs one seed alone, for example the one that a failure names.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seeds = Some(seed..seed.saturating_add(1));
        self
    }

    /// Allows a property to be broken, such as [`Property::BoundedDuplicates`] by a handler that
    /// may repeat itself.
    pub fn allow(mut self, property: Property) -> Self {
        self.allowed.push(property);
        self
    }

    /// Reports a failure as it was found, without a search for a smaller scenario: for property
    /// tests, which search by themselves.
    pub fn unshrunk(mut self) -> Self {
        self.shrinks = false;
        self
    }
}

impl Trial<Tried> {
    /// Runs the seeds, up to the first whose run breaks a promise, and makes the failure as small
    /// as it can.
    ///
    /// # Panics
    /// Panics where the same schedule does not give the same verdict twice: the handler depends on
    /// something outside of its run.
    #[track_caller]
    pub fn run(mut self) -> Report {
        self.scenario.settings.consumers.subject = Subject::PlimsollDriver;
        let seeds = self.seeds.or_else(|| {
            let seed = self.scenario.seed?;
            Some(seed..seed.saturating_add(1))
        });
        let mut court = Court::new(&self.handler.0, &self.messages, &self.allowed);
        let mut report = Report::new(self.scenario.settings.name.clone());
        for seed in seeds.unwrap_or(0..SEEDS) {
            let plan = Plan::draw(&self.scenario, seed);
            let verdict = court.run(&plan);
            report.count(&verdict, court.trace());
            let broken = court.broken(&verdict);
            if !broken.is_empty() {
                report.fail(court.convict(&plan, &broken, self.shrinks));
                break;
            }
        }
        report
    }
}
