//! Requests, the errors that answer them, and the ways that they go.

use super::{Argument, Checking, Dice, Reading};
use crate::scenario::errors::Problem;
use crate::scenario::topics::{Topic, one_of};
use crate::scenario::value::{Written, written_as_words};
use crate::scenario::write;
use plimsoll_oracle::{ErrorName, RequestKind, Word};
use schemars::Schema;

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
        let names: Vec<_> = possible.iter().map(|error| error.word()).collect();
        let reason = reason_against(*self, request);
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let (request, error) = (request.word(), self.word());
        let message = format!("brokers do not answer {request} with {error}{reason}");
        checking.push(
            Problem::new(checking.place.clone(), message)
                .expected("expected an error of this request")
                .help(format!("{request} can fail with {}", one_of(&names))),
        );
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        // After these a client gives up, or its position, as the broker tells it to: drawn at
        // random they would blame it for obeying.
        const FINAL: [ErrorName; 4] = [
            ErrorName::OffsetOutOfRange,
            ErrorName::InconsistentGroupProtocol,
            ErrorName::InvalidSessionTimeout,
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

/// Returns why no fault can answer a request of a kind with this error, where that is not
/// plain: such a request seems to fail with it.
const fn reason_against(error: ErrorName, request: RequestKind) -> Option<&'static str> {
    use ErrorName as E;
    use RequestKind as R;
    match (request, error) {
        // `GroupCoordinatorService.heartbeat`: the member shall wait, and not rejoin.
        (R::Heartbeat, E::CoordinatorLoadInProgress) => {
            Some("a coordinator that still loads answers heartbeats with success")
        }
        // `KafkaApis.getCoordinator` reads the metadata, and no group.
        (R::FindCoordinator, E::CoordinatorLoadInProgress) => {
            Some("the broker that is asked for the coordinator loads nothing")
        }
        (R::FindCoordinator, E::NotCoordinator) => Some("every broker can answer it"),
        // `GroupMetadataManager.classicGroupJoinNewDynamicMember` gives the id.
        (R::JoinGroup, E::MemberIdRequired) => {
            Some("brokers answer so to every first join, with an id that no fault can make up")
        }
        // `ReplicaManager.getPartitionOrException`.
        (R::Produce | R::Fetch | R::ListOffsets, E::LeaderNotAvailable) => {
            Some("a broker that does not lead says NOT_LEADER_OR_FOLLOWER")
        }
        (R::Produce, E::InvalidProducerEpoch) => {
            Some("the producer of the workload has no newer process")
        }
        // `offset.metadata.max.bytes`.
        (R::OffsetCommit, E::OffsetMetadataTooLarge) => {
            Some("no consumer here attaches that much to a commit")
        }
        // The client's own name for a broken connection.
        (_, E::NetworkException) => Some("no broker sends it"),
        _ => None,
    }
}

plimsoll_oracle::words! {
    /// A way in which a network fault works.
    pub enum Direction: "direction" {
        /// Both ways.
        Both = "both",
        /// What the member sends: requests.
        Requests = "requests",
        /// What the member receives: responses.
        Responses = "responses",
    }
}

written_as_words!(Direction);

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
