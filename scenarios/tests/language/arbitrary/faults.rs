//! Faults of every kind.

#[path = "../../../src/scenario/faults/table.rs"]
mod table;

use super::{Shape, or_default, partition, share, time, time_range};
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::{BrokerId, ErrorName, FaultId, MemberId, MessageId, RequestKind, Word};
use plimsoll_scenarios::Scenario;
use plimsoll_scenarios::scenario::{
    BrokerTarget, Condition, Direction, Factor, Failure, Fault, FaultKind, FaultName, FaultSpec,
    Lasts, MemberTarget, PartitionCount, RandomFaults, ResetTo, Share, TopicNumber, Trigger,
    Workload,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::Union;
use std::time::Duration;

/// Explicit and random ones, with ids of every order.
pub(super) fn faults(shape: Shape) -> impl Strategy<Value = Vec<FaultSpec>> {
    let explicit = (
        fault_kind(&shape).boxed(),
        trigger().boxed(),
        option::of(time()),
        time(),
    );
    let explicit = explicit.prop_map(|(kind, trigger, duration, needed)| Fault {
        id: FaultId(0),
        trigger: if kind.lasts() == Lasts::Always {
            Trigger::At(Instant::ZERO)
        } else {
            trigger
        },
        duration: match kind.lasts() {
            Lasts::AMoment | Lasts::Always => None,
            Lasts::AWhile => duration,
            Lasts::MemberByMember | Lasts::BrokerByBroker => Some(needed),
        },
        kind,
    });
    let spec = prop_oneof![
        4 => explicit.prop_map(FaultSpec::Explicit),
        1 => random_faults().boxed().prop_map(FaultSpec::Random),
    ];
    let ids = btree_set(0..20u32, 6).prop_map(|ids| ids.into_iter().collect::<Vec<_>>());
    let ids = prop_oneof![Just(vec![1, 2, 3, 4, 5, 6]), ids.prop_shuffle()];
    (vec(spec, 0..6), ids).prop_map(|(mut specs, ids)| {
        for (spec, id) in specs.iter_mut().zip(ids) {
            if let FaultSpec::Explicit(fault) = spec {
                fault.id = FaultId(id);
            }
        }
        specs
    })
}

/// Takes out what could never happen: times behind the end, conditions that cannot come true.
pub(super) fn make_possible(scenario: &mut Scenario) {
    let end = scenario.settings.safety;
    let before = |time: Duration| match end {
        Some(end) if time >= end => {
            Duration::from_nanos(time.as_nanos() as u64 % end.as_nanos() as u64)
        }
        _ => time,
    };
    let messages = match &scenario.workload {
        Workload::Drawn(traffic) => traffic.messages,
        Workload::Explicit(messages) => messages.len() as u32,
    };
    for spec in &mut scenario.faults {
        match spec {
            FaultSpec::Random(random) => {
                let between = (before(random.between.0), before(random.between.1));
                random.between = (between.0.min(between.1), between.0.max(between.1));
            }
            FaultSpec::Explicit(fault) => match &mut fault.trigger {
                Trigger::At(at) => *at = Instant::ZERO + before(at.since_start()),
                Trigger::When {
                    condition, count, ..
                } => {
                    *count = (*count).min(messages.max(1));
                    let asks = [Condition::HandlerFailed, Condition::DeadLettered];
                    if messages == 0 || asks.contains(condition) {
                        *condition = Condition::Assigned;
                    }
                }
            },
        }
    }
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let condition = select(vec![
        Condition::CommitInFlight,
        Condition::CommitAccepted,
        Condition::HandlerStarted,
        Condition::Effect,
        Condition::HandlerFailed,
        Condition::Assigned,
        Condition::Revoked,
        Condition::RevokedInFlight,
        Condition::Acknowledged,
        Condition::DeadLettered,
        Condition::PartitionsLost,
        Condition::RevokedBuffered,
        Condition::JoinInFlight,
        Condition::SyncInFlight,
        Condition::OffsetFetchInFlight,
        Condition::LookupInFlight,
        Condition::FetchInFlight,
        Condition::HeartbeatInFlight,
    ]);
    let delay = or_default(Duration::ZERO, time());
    prop_oneof![
        time().prop_map(|at| Trigger::At(Instant::ZERO + at)),
        (condition, 1..200u32, delay).prop_map(|(condition, count, delay)| Trigger::When {
            condition,
            count,
            delay
        }),
    ]
}

fn random_faults() -> impl Strategy<Value = RandomFaults> {
    let drawable: Vec<_> = FaultName::ALL
        .iter()
        .copied()
        .filter(|name| name.is_drawable())
        .collect();
    let all = drawable.len();
    let every = drawable.iter().map(|name| (*name, 1.0)).collect::<Vec<_>>();
    let some = subsequence(drawable, 1..=all).prop_flat_map(|names| {
        let weights = names
            .into_iter()
            .map(|name| (Just(name), prop_oneof![Just(1.0), 0.1..9.0]));
        weights.collect::<Vec<_>>()
    });
    let count = (0..5u32, 0..5u32).prop_map(|(a, b)| (a.min(b), a.max(b)));
    (count, time_range(), time_range(), or_default(every, some)).prop_map(
        |(count, between, duration, weights)| RandomFaults {
            count,
            between,
            duration,
            weights,
        },
    )
}

/// Any value of an argument's type; `None` where the scenario has none.
trait Any: Sized {
    fn any(shape: &Shape) -> Option<BoxedStrategy<Self>>;
}

/// A strategy for each kind of fault, from the table of them.
macro_rules! strategies {
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident $word:literal $({
            $($(#[$undrawn:ident])? $key:ident: $type:ty $(= $default:expr)?,)+
        })? lasts $lasts:ident, hinders $hinders:ident, breaks $breaks:ident;
    )+) => {
        fn kinds(shape: &Shape) -> Vec<BoxedStrategy<FaultKind>> {
            let mut kinds = Vec::new();
            $(kinds.extend(strategies!(@kind shape $kind $({ $($key: $type),+ })?));)+
            kinds
        }
    };
    (@kind $shape:ident $kind:ident) => { Some(Just(FaultKind::$kind).boxed()) };
    (@kind $shape:ident $kind:ident { $($key:ident: $type:ty),+ }) => {
        (|| {
            let arguments = ($(<$type>::any($shape)?,)+);
            let kind = |($($key,)+)| FaultKind::$kind { $($key),+ };
            Some(arguments.prop_map(kind).boxed())
        })()
    };
}

table::with_faults!(strategies);

fn fault_kind(shape: &Shape) -> impl Strategy<Value = FaultKind> + use<> {
    Union::new(kinds(shape)).prop_map(|mut kind| {
        if let FaultKind::Error {
            request,
            error,
            partition,
            ..
        } = &mut kind
        {
            let possible = ErrorName::of_request(*request);
            *error = possible[error.code() as usize % possible.len()];
            *partition = partition.filter(|_| request.is_by_partition());
        }
        kind
    })
}

impl Any for MemberTarget {
    fn any(shape: &Shape) -> Option<BoxedStrategy<Self>> {
        let members = 0..shape.starts.len() as u32;
        let target = prop_oneof![
            members.prop_map(|number| Self::Member(MemberId(number))),
            Just(Self::Triggering),
            partition(shape).prop_map(Self::OwnerOf),
        ];
        Some(target.boxed())
    }
}

/// One that can join.
impl Any for MemberId {
    fn any(shape: &Shape) -> Option<BoxedStrategy<Self>> {
        let starts = (0..).map(MemberId).zip(&shape.starts);
        any_of(starts.filter_map(|(member, start)| start.is_none().then_some(member)))
    }
}

impl Any for BrokerTarget {
    fn any(shape: &Shape) -> Option<BoxedStrategy<Self>> {
        let target = prop_oneof![
            (0..shape.brokers).prop_map(|broker| Self::Broker(BrokerId(broker))),
            Just(Self::Coordinator),
            partition(shape).prop_map(Self::LeaderOf),
        ];
        Some(target.boxed())
    }
}

impl Any for Option<BrokerTarget> {
    fn any(shape: &Shape) -> Option<BoxedStrategy<Self>> {
        Some(option::of(BrokerTarget::any(shape)?).boxed())
    }
}

impl Any for TopicPartition {
    fn any(shape: &Shape) -> Option<BoxedStrategy<Self>> {
        Some(partition(shape).boxed())
    }
}

impl Any for Option<TopicPartition> {
    fn any(shape: &Shape) -> Option<BoxedStrategy<Self>> {
        Some(option::of(partition(shape)).boxed())
    }
}

impl Any for TopicNumber {
    fn any(shape: &Shape) -> Option<BoxedStrategy<Self>> {
        any_of((0..shape.topics.len() as u32).map(Self))
    }
}

impl Any for PartitionCount {
    fn any(_: &Shape) -> Option<BoxedStrategy<Self>> {
        any_of((1..4).map(Self))
    }
}

impl Any for MessageId {
    fn any(shape: &Shape) -> Option<BoxedStrategy<Self>> {
        let ids = shape.messages.clone().unwrap_or_else(|| (1..=10).collect());
        any_of(ids.into_iter().map(Self))
    }
}

impl Any for ResetTo {
    fn any(_: &Shape) -> Option<BoxedStrategy<Self>> {
        any_of([
            Self::Earliest,
            Self::Latest,
            Self::Offset(0),
            Self::Offset(7),
        ])
    }
}

impl Any for Duration {
    fn any(_: &Shape) -> Option<BoxedStrategy<Self>> {
        Some(time().boxed())
    }
}

impl Any for Factor {
    fn any(_: &Shape) -> Option<BoxedStrategy<Self>> {
        Some((1..=1_000u32).prop_map(Self).boxed())
    }
}

impl Any for Share {
    fn any(_: &Shape) -> Option<BoxedStrategy<Self>> {
        Some(share().prop_map(Self).boxed())
    }
}

impl Any for Failure {
    fn any(_: &Shape) -> Option<BoxedStrategy<Self>> {
        any_of([Self::Retryable, Self::Permanent])
    }
}

impl Any for Direction {
    fn any(_: &Shape) -> Option<BoxedStrategy<Self>> {
        any_of([Self::Both, Self::Requests, Self::Responses])
    }
}

impl Any for ErrorName {
    fn any(_: &Shape) -> Option<BoxedStrategy<Self>> {
        any_of(Self::ALL.iter().copied())
    }
}

impl Any for RequestKind {
    fn any(_: &Shape) -> Option<BoxedStrategy<Self>> {
        any_of([
            Self::Produce,
            Self::Fetch,
            Self::ListOffsets,
            Self::Metadata,
            Self::OffsetCommit,
            Self::OffsetFetch,
            Self::FindCoordinator,
            Self::JoinGroup,
            Self::SyncGroup,
            Self::Heartbeat,
            Self::LeaveGroup,
        ])
    }
}

fn any_of<T: Clone + std::fmt::Debug + 'static>(
    values: impl IntoIterator<Item = T>,
) -> Option<BoxedStrategy<T>> {
    let values: Vec<_> = values.into_iter().collect();
    (!values.is_empty()).then(|| select(values).boxed())
}
