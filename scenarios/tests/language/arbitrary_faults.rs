//! Faults of every kind.

use super::{Shape, or_default, partition, share, time, time_range};
use plimsoll_core::{Instant, Outcome};
use plimsoll_scenarios::scenario::{
    BrokerTarget, Condition, Direction, Fault, FaultKind, FaultName, FaultSpec, MemberTarget,
    RandomFaults, RequestKind, Trigger,
};
use plimsoll_scenarios::{ErrorName, FaultId, MemberId, MessageId};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::time::Duration;

/// Explicit and random ones, with ids of every order.
pub(super) fn faults(shape: Shape) -> impl Strategy<Value = Vec<FaultSpec>> {
    let explicit = (
        fault_kind(&shape).boxed(),
        trigger().boxed(),
        option::of(time()),
        time(),
    );
    let explicit = explicit.prop_map(|(kind, trigger, duration, needed)| {
        let none = FaultKind::Undecodable(MessageId(0)).name();
        let rolls = matches!(
            kind,
            FaultKind::RollingRestart | FaultKind::RollingBrokerRestart
        );
        Fault {
            id: FaultId(0),
            trigger: if kind.name() == none {
                Trigger::At(Instant::ZERO)
            } else {
                trigger
            },
            duration: match (lasts(&kind), rolls) {
                (false, _) => None,
                (true, true) => Some(needed),
                (true, false) => duration,
            },
            kind,
        }
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

/// As the documents of the kinds say.
fn lasts(kind: &FaultKind) -> bool {
    !matches!(
        kind,
        FaultKind::Join(_)
            | FaultKind::Undecodable(_)
            | FaultKind::Cut { .. }
            | FaultKind::LoseResponse(..)
            | FaultKind::LeaderMove(_)
            | FaultKind::CoordinatorMove
            | FaultKind::AddPartitions { .. }
            | FaultKind::Retention(..)
    )
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
    let drawable: Vec<_> = FaultName::all().filter(|name| name.is_drawable()).collect();
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

fn fault_kind(shape: &Shape) -> impl Strategy<Value = FaultKind> + use<> {
    let member = prop_oneof![
        (0..shape.starts.len() as u32).prop_map(|number| MemberTarget::Member(MemberId(number))),
        Just(MemberTarget::Triggering),
        partition(shape).prop_map(MemberTarget::OwnerOf),
    ];
    let broker = prop_oneof![
        (0..shape.brokers).prop_map(BrokerTarget::Broker),
        Just(BrokerTarget::Coordinator),
        partition(shape).prop_map(BrokerTarget::LeaderOf),
    ];
    let starts = shape.starts.iter().enumerate();
    let joining = starts.filter_map(|(number, start)| start.is_none().then_some(number as u32));
    let joining: Vec<_> = joining
        .map(|number| FaultKind::Join(MemberId(number)))
        .collect();
    let ids = shape.messages.clone().unwrap_or_else(|| (1..=10).collect());
    let undecodable: Vec<_> = ids
        .into_iter()
        .map(|id| FaultKind::Undecodable(MessageId(id)))
        .collect();
    let mut fixed = [joining, undecodable].concat();
    fixed.extend([
        FaultKind::RollingRestart,
        FaultKind::RollingBrokerRestart,
        FaultKind::CoordinatorMove,
    ]);
    let between = (member.clone(), option::of(broker.clone()));
    let directions = select(vec![
        Direction::Both,
        Direction::Requests,
        Direction::Responses,
    ]);
    let outcomes = select(vec![Outcome::Retryable, Outcome::Permanent]);
    let error = select(REQUESTS.to_vec()).prop_flat_map(|request| {
        (
            Just(request),
            select(ErrorName::of_request(request).to_vec()),
        )
    });
    let processes = prop_oneof![
        member.clone().prop_map(FaultKind::Crash),
        member.clone().prop_map(FaultKind::Stop),
        member.clone().prop_map(FaultKind::Pause),
        (member.clone(), 1..100u32).prop_map(|(member, by)| FaultKind::Slow(member, by)),
        member.clone().prop_map(FaultKind::CrashAfterEffect),
        member.clone().prop_map(FaultKind::HandlerHang),
        (member, select(REQUESTS.to_vec())).prop_map(|(m, r)| FaultKind::LoseResponse(m, r)),
        (outcomes, share())
            .prop_map(|(outcome, share)| FaultKind::HandlerOutage { outcome, share }),
    ];
    let links = prop_oneof![
        (between.clone(), directions).prop_map(|((member, broker), direction)| {
            FaultKind::Partition {
                member,
                broker,
                direction,
            }
        }),
        (between.clone(), time()).prop_map(|((member, broker), by)| FaultKind::Delay {
            member,
            broker,
            by
        }),
        between.prop_map(|(member, broker)| FaultKind::Cut { member, broker }),
    ];
    let topics = shape.topics.len() as u32;
    let brokers = prop_oneof![
        broker.clone().prop_map(FaultKind::Isolate),
        broker.clone().prop_map(FaultKind::BrokerCrash),
        broker.clone().prop_map(FaultKind::BrokerStop),
        broker.clone().prop_map(FaultKind::BrokerPause),
        (broker.clone(), time()).prop_map(|(broker, by)| FaultKind::Throttle(broker, by)),
        (option::of(broker), error, share()).prop_map(|(broker, (request, error), share)| {
            FaultKind::Error {
                broker,
                request,
                error,
                share,
            }
        }),
        partition(shape).prop_map(FaultKind::LeaderMove),
        (partition(shape), share()).prop_map(|(at, share)| FaultKind::Retention(at, share)),
        (0..topics, 1..4u32).prop_map(|(topic, count)| FaultKind::AddPartitions { topic, count }),
    ];
    prop_oneof![
        select(fixed),
        processes.boxed(),
        links.boxed(),
        brokers.boxed()
    ]
}

const REQUESTS: [RequestKind; 11] = [
    RequestKind::Produce,
    RequestKind::Fetch,
    RequestKind::ListOffsets,
    RequestKind::Metadata,
    RequestKind::OffsetCommit,
    RequestKind::OffsetFetch,
    RequestKind::FindCoordinator,
    RequestKind::JoinGroup,
    RequestKind::SyncGroup,
    RequestKind::Heartbeat,
    RequestKind::LeaveGroup,
];
