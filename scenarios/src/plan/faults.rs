//! Faults, drawn: descriptions of random ones become explicit ones.

use crate::scenario::{
    BrokerTarget, Direction, Fault, FaultKind, FaultName, FaultSpec, MemberTarget, RandomFaults,
    Scenario, Settings, Trigger,
};
use crate::{Purpose, Rng};
use plimsoll_core::{Instant, Outcome, TopicPartition};
use plimsoll_oracle::{ErrorName, FaultId, MemberId, RequestKind};
use std::time::Duration;

/// The faults of a scenario under `seed`. Those that only give a message its fate are left out:
/// the message has it.
pub(super) fn draw(scenario: &Scenario, seed: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    let explicit = scenario.faults.iter().filter_map(|spec| match spec {
        FaultSpec::Explicit(fault) => Some(fault.id.0),
        FaultSpec::Random(_) => None,
    });
    let mut next_id = explicit.max().unwrap_or(0) + 1;
    for (index, spec) in scenario.faults.iter().enumerate() {
        match spec {
            FaultSpec::Explicit(Fault {
                kind: FaultKind::Undecodable(_),
                ..
            }) => {}
            FaultSpec::Explicit(fault) => faults.push(fault.clone()),
            FaultSpec::Random(random) => {
                let stream = (index as u64) << 32;
                let count = {
                    let mut rng = Rng::substream(seed, Purpose::Faults, stream);
                    whole(random.count, &mut rng)
                };
                for number in 1..=u64::from(count) {
                    let rng = Rng::substream(seed, Purpose::Faults, stream | number);
                    let settings = &scenario.settings;
                    let mut dice = Dice { settings, rng };
                    faults.push(dice.fault(FaultId(next_id), random));
                    next_id += 1;
                }
            }
        }
    }
    faults
}

struct Dice<'a> {
    settings: &'a Settings,
    rng: Rng,
}

impl Dice<'_> {
    fn fault(&mut self, id: FaultId, random: &RandomFaults) -> Fault {
        let name = self.name(&random.weights);
        let at = self.time(random.between);
        let lasting = self.time(random.duration);
        let kind = self.kind(name);
        Fault {
            id,
            trigger: Trigger::At(Instant::ZERO + at),
            duration: kind.name().lasts().then_some(lasting),
            kind,
        }
    }

    fn name(&mut self, weights: &[(FaultName, f64)]) -> FaultName {
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.rng.unit() * total;
        let mut chosen = FaultName::Crash;
        for (name, weight) in weights.iter().filter(|(_, weight)| *weight > 0.0) {
            chosen = *name;
            if left < *weight {
                break;
            }
            left -= weight;
        }
        chosen
    }

    fn kind(&mut self, name: FaultName) -> FaultKind {
        match name {
            FaultName::Crash => FaultKind::Crash(self.member()),
            FaultName::Stop => FaultKind::Stop(self.member()),
            FaultName::Pause => FaultKind::Pause(self.member()),
            FaultName::Slow => FaultKind::Slow(self.member(), whole((2, 20), &mut self.rng)),
            FaultName::RollingRestart => FaultKind::RollingRestart,
            FaultName::CrashAfterEffect => FaultKind::CrashAfterEffect(self.member()),
            FaultName::HandlerOutage => FaultKind::HandlerOutage {
                outcome: Outcome::Retryable,
                share: self.share(),
            },
            FaultName::HandlerHang => FaultKind::HandlerHang(self.member()),
            FaultName::Partition => FaultKind::Partition {
                member: self.member(),
                broker: self.any_broker(),
                direction: *self.one_of(&DIRECTIONS),
            },
            FaultName::Isolate => FaultKind::Isolate(self.broker()),
            FaultName::Delay => FaultKind::Delay {
                member: self.member(),
                broker: self.any_broker(),
                by: self.time(SLOWER),
            },
            FaultName::Cut => FaultKind::Cut {
                member: self.member(),
                broker: self.any_broker(),
            },
            FaultName::LoseResponse => {
                FaultKind::LoseResponse(self.member(), *self.one_of(&MEMBER_REQUESTS))
            }
            FaultName::BrokerCrash => FaultKind::BrokerCrash(self.broker()),
            FaultName::BrokerStop => FaultKind::BrokerStop(self.broker()),
            FaultName::BrokerPause => FaultKind::BrokerPause(self.broker()),
            FaultName::RollingBrokerRestart => FaultKind::RollingBrokerRestart,
            FaultName::LeaderMove => FaultKind::LeaderMove(self.partition()),
            FaultName::CoordinatorMove => FaultKind::CoordinatorMove,
            FaultName::Error => self.error(),
            FaultName::Throttle => FaultKind::Throttle(self.broker(), self.time(SLOWER)),
            FaultName::Retention => FaultKind::Retention(self.partition(), self.share()),
            FaultName::Join | FaultName::Undecodable | FaultName::AddPartitions => {
                unreachable!("the language refuses to draw these")
            }
        }
    }

    fn error(&mut self) -> FaultKind {
        let request = *self.one_of(&MEMBER_REQUESTS);
        let errors = ErrorName::of_request(request).iter().copied();
        let passing: Vec<_> = errors.filter(|error| !FINAL.contains(error)).collect();
        FaultKind::Error {
            broker: None,
            request,
            error: *self.one_of(&passing),
            share: self.share(),
        }
    }

    fn member(&mut self) -> MemberTarget {
        let members = self.settings.consumers.starts.len() as u64;
        MemberTarget::Member(MemberId(self.rng.below(members) as u32))
    }

    fn broker(&mut self) -> BrokerTarget {
        let brokers = self.settings.cluster.brokers;
        BrokerTarget::Broker(self.rng.below(brokers.into()) as u32)
    }

    /// One broker, or all of them.
    fn any_broker(&mut self) -> Option<BrokerTarget> {
        let broker = self.broker();
        (!self.rng.chance(0.5)).then_some(broker)
    }

    fn partition(&mut self) -> TopicPartition {
        let topics = &self.settings.topics;
        let topic = self.rng.below(topics.len() as u64) as usize;
        let partition = self.rng.below(topics[topic].partitions.into());
        TopicPartition::new(topic as u32, partition as u32)
    }

    /// A share that is easy to read.
    fn share(&mut self) -> f64 {
        f64::from(whole((1, 10), &mut self.rng)) / 10.0
    }

    /// Whole milliseconds, which people can read.
    fn time(&mut self, (min, max): (Duration, Duration)) -> Duration {
        let (low, high) = (min.as_millis() as u64, max.as_millis() as u64);
        let time = Duration::from_millis(low + self.rng.below(high - low + 1));
        time.clamp(min, max)
    }

    fn one_of<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.rng.below(choices.len() as u64) as usize]
    }
}

const DIRECTIONS: [Direction; 3] = [Direction::Both, Direction::Requests, Direction::Responses];

/// By how much a delay or a throttle slows things down.
const SLOWER: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));

/// Errors after which a client gives up, or its position, as the broker tells it to: drawn at
/// random they would blame it for obeying.
const FINAL: [ErrorName; 5] = [
    ErrorName::OffsetOutOfRange,
    ErrorName::InconsistentGroupProtocol,
    ErrorName::InvalidSessionTimeout,
    ErrorName::MemberIdRequired,
    ErrorName::FencedInstanceId,
];

/// Requests of group members, those of the group twice as often as the others.
const MEMBER_REQUESTS: [RequestKind; 12] = [
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

fn whole((min, max): (u32, u32), rng: &mut Rng) -> u32 {
    min + rng.below(u64::from(max - min) + 1) as u32
}
