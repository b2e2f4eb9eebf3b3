//! Requests, the errors that answer them, and the ways that they go.

use super::{Argument, Checking, Dice, Reading};
use crate::ErrorName;
use crate::scenario::errors::Problem;
use crate::scenario::topics::{Topic, one_of};
use crate::scenario::value::{Word, Written, words};
use crate::scenario::write;
use schemars::Schema;

/// A kind of request, by Kafka's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "Kafka's own names")]
pub enum RequestKind {
    Produce,
    Fetch,
    ListOffsets,
    Metadata,
    OffsetCommit,
    OffsetFetch,
    FindCoordinator,
    JoinGroup,
    SyncGroup,
    Heartbeat,
    LeaveGroup,
}

words!(RequestKind, "request" {
    Produce => "Produce",
    Fetch => "Fetch",
    ListOffsets => "ListOffsets",
    Metadata => "Metadata",
    OffsetCommit => "OffsetCommit",
    OffsetFetch => "OffsetFetch",
    FindCoordinator => "FindCoordinator",
    JoinGroup => "JoinGroup",
    SyncGroup => "SyncGroup",
    Heartbeat => "Heartbeat",
    LeaveGroup => "LeaveGroup",
});

impl Argument for RequestKind {
    fn meaning() -> &'static str {
        "the kind of request, by Kafka's name"
    }

    fn schema() -> Schema {
        <Self as Written>::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        reading.value(given)
    }

    fn write(&self, _: &[Topic]) -> String {
        write::word(*self)
    }

    fn check(&self, checking: &mut Checking<'_>) {
        checking.request = Some(*self);
    }

    /// Draws one of a group member's requests, those of the group more often than the others.
    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        const CHOICES: [RequestKind; 12] = [
            RequestKind::OffsetCommit,
            RequestKind::OffsetCommit,
            RequestKind::OffsetCommit,
            RequestKind::OffsetFetch,
            RequestKind::FindCoordinator,
            RequestKind::JoinGroup,
            RequestKind::JoinGroup,
            RequestKind::SyncGroup,
            RequestKind::SyncGroup,
            RequestKind::Heartbeat,
            RequestKind::Heartbeat,
            RequestKind::Fetch,
        ];
        Some(|dice| {
            let request = dice.one_of(&CHOICES);
            dice.request = Some(request);
            request
        })
    }
}

/// The error with which brokers answer the `request` that stands before it in the table.
impl Argument for ErrorName {
    fn meaning() -> &'static str {
        "the error, by Kafka's name: one that brokers answer to such a request"
    }

    fn schema() -> Schema {
        <Self as Written>::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        reading.value(given)
    }

    fn write(&self, _: &[Topic]) -> String {
        write::word(*self)
    }

    fn check(&self, checking: &mut Checking<'_>) {
        let Some(request) = checking.request else {
            return;
        };
        let possible = ErrorName::of_request(request);
        if possible.contains(self) {
            return;
        }
        let names: Vec<_> = possible.iter().map(|error| error.name()).collect();
        let request = request.word();
        let message = format!("brokers do not answer {request} with {}", self.name());
        checking.push(
            Problem::new(checking.place.clone(), message)
                .expected("expected an error of this request")
                .help(format!("{request} can fail with {}", one_of(&names))),
        );
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        // After these a client gives up, or its position, as the broker tells it to: drawn at
        // random they would blame it for obeying.
        const FINAL: [ErrorName; 5] = [
            ErrorName::OffsetOutOfRange,
            ErrorName::InconsistentGroupProtocol,
            ErrorName::InvalidSessionTimeout,
            ErrorName::MemberIdRequired,
            ErrorName::FencedInstanceId,
        ];
        Some(|dice| {
            let request = dice.request.expect("its request stands before it");
            let errors = ErrorName::of_request(request).iter().copied();
            let passing: Vec<_> = errors.filter(|error| !FINAL.contains(error)).collect();
            dice.one_of(&passing)
        })
    }
}

/// Which way a network fault works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    Both,
    /// Only what the member sends (requests).
    Requests,
    /// Only what the member receives (responses).
    Responses,
}

words!(Direction, "direction" {
    Both => "both", Requests => "requests", Responses => "responses",
});

impl Argument for Direction {
    fn meaning() -> &'static str {
        "the way: \"both\", \"requests\" or \"responses\""
    }

    fn schema() -> Schema {
        <Self as Written>::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        reading.value(given)
    }

    fn write(&self, _: &[Topic]) -> String {
        write::word(*self)
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        Some(|dice| dice.one_of(&[Self::Both, Self::Requests, Self::Responses]))
    }

    fn make_plain(&mut self) {
        *self = Self::Both;
    }

    fn weight(&self) -> u64 {
        (*self != Self::Both).into()
    }
}
