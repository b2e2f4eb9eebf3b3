//! Arguments of faults: one trait, which each type of argument implements once.
//!
//! The type of an argument decides how it stands in a file, what it may be, how it is drawn, and
//! what of it the shrinker changes. Its key, and its default if it has one, stand in the
//! [table](super::table).

mod amount;
mod broker;
mod dice;
mod handler;
mod member;
mod offset;
mod request;
mod topic;

pub use amount::Factor;
pub use broker::BrokerTarget;
pub use handler::Failure;
pub use member::MemberTarget;
pub use offset::ResetTo;
pub use request::Direction;
pub use topic::{PartitionCount, TopicNumber};

pub(crate) use dice::Dice;

use crate::scenario::errors::{Place, Problem};
use crate::scenario::explain::refused_value;
use crate::scenario::topics::Topic;
use crate::scenario::value::{Value, Written};
use crate::scenario::{Scenario, check};
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{MemberId, RequestKind};
use schemars::Schema;
use serde::Deserialize;
use std::time::Duration;

/// A type of argument.
pub(crate) trait Argument: std::fmt::Debug {
    /// Returns what the argument is, for editors and the manual: a phrase without a full stop.
    fn meaning() -> &'static str
    where
        Self: Sized;

    /// Returns the schema of what a file may say.
    fn schema() -> Schema
    where
        Self: Sized;

    /// Reads what a file says; what is wrong with it is a problem.
    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self>
    where
        Self: Sized;

    /// Writes the value as TOML has it.
    fn write(&self, topics: &[Topic]) -> String;

    /// Writes the value as the manual and editors say it, where it is a default.
    fn told(&self) -> String {
        self.write(&Topic::default_list()).replace('"', "")
    }

    /// Notes what makes no sense in this scenario.
    fn check(&self, _: &mut Checking<'_>) {}

    /// Returns how random faults draw it; `None`: it cannot be guessed, so its kind is never drawn.
    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self>
    where
        Self: Sized;

    /// Returns the member that it aims at.
    fn member_mut(&mut self) -> Option<&mut MemberTarget> {
        None
    }

    /// Returns the member that it names by its number, whether it aims at that one or starts it.
    fn member_id_mut(&mut self) -> Option<&mut MemberId> {
        None
    }

    /// Returns the broker that it aims at.
    fn broker_mut(&mut self) -> Option<&mut BrokerTarget> {
        None
    }

    /// Returns the partition that it names.
    fn partition_mut(&mut self) -> Option<&mut TopicPartition> {
        None
    }

    /// Returns the topic that it names, other than by a partition.
    fn topic_mut(&mut self) -> Option<&mut TopicNumber> {
        None
    }

    /// Returns the time that it is, which is plainer when it is shorter or rounder.
    fn time_mut(&mut self) -> Option<&mut Duration> {
        None
    }

    /// Returns the number that it is, which is plainer when it is lower; at least 1.
    fn number_mut(&mut self) -> Option<&mut u32> {
        None
    }

    /// Becomes the plainest value of its type, if one is plainer than others.
    fn make_plain(&mut self) {}

    /// Measures how far it is from the plainest value of its type, where it is no time.
    fn weight(&self) -> u64 {
        0
    }
}

/// An argument of a kind of fault, as the table has it.
pub(super) struct Key {
    pub name: &'static str,
    pub meaning: &'static str,
    pub schema: fn() -> Schema,
    /// The value where a file says none; `None`: a file must say it.
    pub default: Option<String>,
    pub is_drawable: bool,
}

/// An entry of a file that is being read.
pub(crate) struct Reading<'a> {
    pub(super) topics: &'a [Topic],
    /// The arguments that the entry has.
    pub(super) given: &'a toml::Table,
    /// The place of the entry; while an argument is read, the place of that.
    pub(super) place: Place,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Reading<'_> {
    /// Reads the argument under a key, or takes the default if it is not given.
    pub(super) fn argument<T: Argument>(&mut self, key: &str, default: Option<T>) -> Option<T> {
        let Some(given) = self.given.get(key) else {
            return default;
        };
        self.place.push(key.into());
        let argument = T::read(given, self);
        self.place.pop();
        argument
    }

    /// Reads a value by itself: it may name what is not there.
    fn value<T: Written>(&mut self, given: &toml::Value) -> Option<T> {
        match Value::<T>::deserialize(given.clone()) {
            Ok(Value(value)) => Some(value),
            Err(error) => {
                let problem = refused_value(self.place.clone(), error.message());
                self.problems.push(problem);
                None
            }
        }
    }
}

/// A fault that is being checked against its scenario.
pub(crate) struct Checking<'a> {
    pub(super) scenario: &'a Scenario,
    /// By topic: the number of partitions that it can have, with those that faults add.
    pub(super) capacity: &'a [u32],
    /// The place of the fault; while an argument is checked, the place of that.
    pub(super) place: Place,
    /// The fault's `topic` and `request`, once they were checked: the arguments behind them must
    /// fit them.
    pub(super) topic: Option<TopicNumber>,
    pub(super) request: Option<RequestKind>,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Checking<'_> {
    /// Notes a problem with the argument.
    fn problem(&mut self, message: String, expected: &str) {
        self.push(Problem::new(self.place.clone(), message).expected(expected));
    }

    /// Notes a problem.
    fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Notes a partition that does not exist.
    fn partition(&mut self, partition: TopicPartition) {
        let place = self.place.clone();
        check::partition(partition, self.capacity, place, self.problems);
    }
}
