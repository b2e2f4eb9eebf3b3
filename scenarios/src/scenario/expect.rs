//! `[expect]`: what a run must show.
//!
//! ```toml
//! [expect]
//! violated = ["no-loss"]
//! sometimes = ["crash-before-commit"]
//! liveness_within = "60s"
//! ```

use super::errors::{Problem, place};
use super::form::{Form, ListOf, Maybe, OneOf, Positive, Text};
use super::table::{Exclusive, Keys, Rules, table};
use super::value::written_as_words;
use super::write::Section;
use plimsoll_oracle::{Property, Sometimes};
use schemars::{Schema, SchemaGenerator};
use serde::Deserializer;
use std::time::Duration;

table! {
    /// The verdict and the rare things that runs of the scenario must show.
    pub struct Expect {
        /// The verdict of all runs: no property is violated.
        pub verdict: Expected as IsHeld = Expected::Held,
            /// The properties that are violated in some run, in place of `verdict`. No other may be
            /// violated in any.
            violated as Violated;
        /// `liveness`: the time after the healing within which every group must have lag zero and
        /// stable membership. The commit interval comes on top, and the time for which it must
        /// stay without a rebalance: twice `heartbeat`.
        pub liveness_within: Duration as Duration = Duration::from_secs(60);
        /// `bounded-duplicates`: the time beyond the commit interval for which a finished record
        /// may stand uncommitted.
        pub duplicates_slack: Duration as Duration = Duration::from_secs(2);
        /// `bounded-duplicates`: whether a member may do again what went well beside a failure.
        pub repeats: Repeats as OneOf = Repeats::Never;
        /// `clean-shutdown`: the time that a graceful stop may take.
        pub shutdown_within: Duration as Duration = Duration::from_secs(40);
        /// `no-exit`: whether members may end although nothing asked them to.
        pub exits: Exits as OneOf = Exits::Never;
        /// `progress`: the time for which a partition may stand still although nothing hinders it.
        /// The default is `request_timeout`, `heartbeat` and 5s.
        pub progress_within: Option<Duration> as Maybe<Positive<Duration>> = None;
        /// Rare things that must happen in some run of the scenario.
        pub sometimes: Vec<Sometimes> as ListOf = Vec::new();
        /// The hash of the trace; in regressions only.
        pub trace: Option<String> as Maybe<Text> = None;
    }
}

/// The verdict that a scenario expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// No property is violated, in any run.
    Held,
    /// Each of these is violated in some run (in a regression: in its one run), and no other.
    Violated(Vec<Property>),
}

impl Rules for Expect {
    const EXCLUSIVE: &'static [Exclusive] = &[Exclusive {
        keys: &["violated", "verdict"],
        why: "a verdict is either held or violated",
    }];
}

plimsoll_oracle::words! {
    /// Whether members may end by themselves.
    pub enum Exits: "word for exits" {
        /// No member may: one that ends unasked violates `no-exit`.
        Never = "never",
        /// Members may, as a static member that another has replaced must: exits are only counted.
        Allowed = "allowed",
    }
}

plimsoll_oracle::words! {
    /// Whether a member may do a record again that went well.
    pub enum Repeats: "word for repeats" {
        /// No member may, under one assignment.
        Never = "never",
        /// A member may that goes back to a record that failed: what it did behind that record
        /// meanwhile comes again.
        AfterFailure = "after-failure",
    }
}

plimsoll_oracle::words! {
    /// The one word that `verdict` may be.
    enum Held: "verdict" {
        /// No property is violated, in any run.
        Held = "held",
    }
}

written_as_words!(Held, Exits, Repeats);

/// `verdict`: that no property is violated.
pub(super) enum IsHeld {}

/// `violated`: which properties are.
pub(super) enum Violated {}

impl Form<Expected> for IsHeld {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut Expected) -> Result<(), D::Error> {
        OneOf::read(d, &mut Held::Held)?;
        *place = Expected::Held;
        Ok(())
    }

    fn write(value: &Expected) -> Option<String> {
        match value {
            Expected::Held => OneOf::write(&Held::Held),
            Expected::Violated(_) => None,
        }
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        <OneOf as Form<Held>>::describe(generator)
    }
}

impl Form<Expected> for Violated {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut Expected) -> Result<(), D::Error> {
        let mut properties = Vec::new();
        ListOf::read(d, &mut properties)?;
        *place = Expected::Violated(properties);
        Ok(())
    }

    fn write(value: &Expected) -> Option<String> {
        match value {
            Expected::Held => None,
            Expected::Violated(properties) => ListOf::write(properties),
        }
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = <ListOf as Form<Vec<Property>>>::describe(generator);
        schema.insert("title".into(), "list of one or more properties".into());
        schema.insert("minItems".into(), 1.into());
        schema
    }

    fn allows(value: &Expected) -> bool {
        !matches!(value, Expected::Violated(properties) if properties.is_empty())
    }
}

impl Expect {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        self.check_values(&place!["expect"], problems);
    }

    pub(super) fn write_table(&self, file: &mut String) {
        let mut section = Section::new("[expect]");
        self.write(&mut section);
        section.finish(file, false);
    }
}
