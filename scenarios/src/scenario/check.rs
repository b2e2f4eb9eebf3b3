//! What must be true of a whole scenario, however it was made.

use super::errors::{Place, Problem, place};
use super::faults::broker_name;
use super::handler::check_share;
use super::topics::{self, one_of};
use super::units::duration;

use super::{
    BrokerTarget, Fault, FaultKind, FaultSpec, MemberTarget, Scenario, Settings, Trigger, Workload,
};
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{ErrorName, MessageId, RequestKind, Word};
use std::time::Duration;

/// Notes everything that is wrong. Faults are named by their index: `faults`, `2`, `member`.
pub(super) fn scenario(scenario: &Scenario, problems: &mut Vec<Problem>) {
    let settings = &scenario.settings;
    real_time(settings, problems);
    settings.cluster.check(problems);
    topics::check(&settings.topics, problems);
    settings.consumers.check(settings, problems);
    settings.handler.check(problems);
    settings.network.check(problems);
    settings.producer.check(problems);
    settings.expect.check(problems);
    let capacity = capacity(scenario);
    scenario.workload.check(&capacity, problems);
    let mut context = Context {
        scenario,
        capacity: &capacity,
        problems,
        at: Place::new(),
    };
    context.fated_messages();
    for (index, spec) in scenario.faults.iter().enumerate() {
        context.at = place!["faults", index];
        match spec {
            FaultSpec::Explicit(fault) => context.fault(fault),
            FaultSpec::Random(random) => {
                random.check(&context.at, context.problems);
            }
        }
    }
}

/// Nobody waits for minutes to see what real Kafka does. What is drawn must not decide on that, so
/// the file says how long it takes.
fn real_time(settings: &Settings, problems: &mut Vec<Problem>) {
    const LIMIT: Duration = Duration::from_secs(20);
    if !settings.real_time {
        return;
    }
    let limit = duration(LIMIT);
    match settings.safety {
        None => problems.push(
            Problem::new(place!["real_time"], "`real_time` without `duration`")
                .expected(format!("expected a `duration` below {limit} beside it")),
        ),
        Some(safety) if safety >= LIMIT => {
            let message = format!("{} is too long for real time", duration(safety));
            problems.push(
                Problem::new(place!["duration"], message)
                    .or_at(place!["real_time"])
                    .expected(format!("expected less than {limit}, as `real_time` is set")),
            );
        }
        Some(_) => {}
    }
}

/// A partition that is not among those that its topic can have is a problem at `place`.
pub(super) fn partition(
    partition: TopicPartition,
    capacity: &[u32],
    place: Place,
    problems: &mut Vec<Problem>,
) {
    let count = capacity.get(partition.topic as usize).copied().unwrap_or(0);
    if partition.partition >= count {
        let number = partition.partition;
        let message = format!("there is no partition {number}: the topic has {count}");
        let expected = match count {
            0 => "expected a topic".into(),
            1 => "expected partition 0".into(),
            _ => format!("expected 0 to {}", count - 1),
        };
        problems.push(Problem::new(place, message).expected(expected));
    }
}

/// By topic: how many partitions it can have, with those that faults add.
fn capacity(scenario: &Scenario) -> Vec<u32> {
    let topics = &scenario.settings.topics;
    let mut capacity: Vec<_> = topics.iter().map(|topic| topic.partitions).collect();
    for spec in &scenario.faults {
        if let FaultSpec::Explicit(Fault {
            kind: FaultKind::AddPartitions { topic, count },
            ..
        }) = spec
            && let Some(capacity) = capacity.get_mut(*topic as usize)
        {
            *capacity = capacity.saturating_add(*count);
        }
    }
    capacity
}

struct Context<'a> {
    scenario: &'a Scenario,
    capacity: &'a [u32],
    problems: &'a mut Vec<Problem>,
    at: Place,
}

impl Context<'_> {
    fn fated_messages(&mut self) {
        for (index, (message, _)) in self.scenario.settings.handler.messages.iter().enumerate() {
            self.at = place!["handler", "messages", index];
            self.message(MessageId(*message));
        }
    }

    fn fault(&mut self, fault: &Fault) {
        let faults = self.scenario.faults.iter();
        let same_id = faults
            .filter(|spec| matches!(spec, FaultSpec::Explicit(other) if other.id == fault.id));
        if same_id.count() > 1 {
            self.problem(
                "id",
                format!("two faults have the id {}", fault.id.0),
                "expected another",
            );
        }
        if fault.id.0 > 4_000 {
            // Substreams of a fault are numbered in 12 bits.
            self.problem(
                "id",
                format!("a fault has the id {}", fault.id.0),
                "expected at most 4000",
            );
        }
        if let Trigger::When { count: 0, .. } = fault.trigger {
            self.problem("nth", "the 0th time".into(), "expected at least 1");
        }
        let name = fault.kind.name();
        match fault.duration {
            Some(_) if !name.lasts() => {
                let message = format!("`{}` is over at once: it has no duration", name.word());
                self.problem("for", message, "expected no `for`");
            }
            None if name.keys().needed.contains(&"for") => {
                let message = format!("`{}` without `for`", name.word());
                self.problem("do", message, "expected `for` beside it");
            }
            Some(Duration::ZERO) if name.keys().needed.contains(&"for") => {
                self.problem(
                    "for",
                    "all of them at once".into(),
                    "expected a longer time",
                );
            }
            _ => {}
        }
        self.kind(&fault.kind);
    }

    fn kind(&mut self, kind: &FaultKind) {
        match *kind {
            FaultKind::Crash(member)
            | FaultKind::Stop(member)
            | FaultKind::Pause(member)
            | FaultKind::CrashAfterEffect(member)
            | FaultKind::HandlerHang(member)
            | FaultKind::LoseResponse(member, _) => self.member(member),
            FaultKind::Slow(member, factor) => {
                self.member(member);
                if !(1..=1_000).contains(&factor) {
                    self.problem(
                        "by",
                        format!("{factor} times as long"),
                        "expected 1 to 1000",
                    );
                }
            }
            FaultKind::Join(member) => {
                self.member(MemberTarget::Member(member));
                let starts = &self.scenario.settings.consumers.starts;
                if let Some(Some(start)) = starts.get(member.0 as usize) {
                    let message = format!("{member} starts by itself, at {}", duration(*start));
                    self.problem(
                        "member",
                        message,
                        "expected a member whose start is \"on join\"",
                    );
                }
            }
            FaultKind::RollingRestart
            | FaultKind::RollingBrokerRestart
            | FaultKind::CoordinatorMove => {}
            FaultKind::HandlerOutage { share, .. } => self.share(share),
            FaultKind::Undecodable(message) => self.message(message),
            FaultKind::Partition { member, broker, .. }
            | FaultKind::Delay { member, broker, .. }
            | FaultKind::Cut { member, broker } => {
                self.member(member);
                self.broker(broker);
            }
            FaultKind::Isolate(broker)
            | FaultKind::BrokerCrash(broker)
            | FaultKind::BrokerStop(broker)
            | FaultKind::BrokerPause(broker)
            | FaultKind::Throttle(broker, _) => self.broker(Some(broker)),
            FaultKind::LeaderMove(partition) => self.partition("partition", partition),
            FaultKind::Error {
                broker,
                request,
                error,
                share,
            } => {
                self.broker(broker);
                self.share(share);
                self.error(request, error);
            }
            FaultKind::AddPartitions { topic, .. } => self.added(topic),
            FaultKind::Retention(partition, share) => {
                self.partition("partition", partition);
                self.share(share);
            }
        }
    }

    fn member(&mut self, target: MemberTarget) {
        let members = self.scenario.settings.consumers.starts.len();
        match target {
            MemberTarget::Member(member) if member.0 as usize >= members => {
                let expected = match members {
                    1 => "expected consumer-1".into(),
                    _ => format!("expected consumer-1 to consumer-{members}"),
                };
                self.problem("member", format!("there is no {member}"), &expected);
            }
            MemberTarget::OwnerOf(partition) => self.partition("member", partition),
            _ => {}
        }
    }

    fn broker(&mut self, target: Option<BrokerTarget>) {
        let brokers = self.scenario.settings.cluster.brokers;
        match target {
            Some(BrokerTarget::Broker(broker)) if broker >= brokers => {
                let expected = match brokers {
                    0 | 1 => "expected broker-1".into(),
                    _ => format!("expected broker-1 to broker-{brokers}"),
                };
                self.problem(
                    "broker",
                    format!("there is no {}", broker_name(broker)),
                    &expected,
                );
            }
            Some(BrokerTarget::LeaderOf(partition)) => self.partition("broker", partition),
            _ => {}
        }
    }

    fn message(&mut self, id: MessageId) {
        let exists = match &self.scenario.workload {
            Workload::Drawn(traffic) => (1..=traffic.messages).contains(&id.0),
            Workload::Explicit(messages) => messages.iter().any(|message| message.id == id),
        };
        if !exists {
            let expected = match &self.scenario.workload {
                Workload::Drawn(traffic) => format!("expected 1 to {}", traffic.messages),
                Workload::Explicit(_) => "expected the id of one of [[messages]]".into(),
            };
            self.problem(
                "message",
                format!("there is no message {}", id.0),
                &expected,
            );
        }
    }

    fn partition(&mut self, key: &str, target: TopicPartition) {
        let place = self.key(key);
        partition(target, self.capacity, place, self.problems);
    }

    fn added(&mut self, topic: u32) {
        match self.capacity.get(topic as usize) {
            Some(count) if *count > 64 => {
                let message = format!("the topic would have {count} partitions");
                self.problem("count", message, "expected at most 64 in the end");
            }
            Some(_) => {}
            None => self.problem(
                "topic",
                format!("there is no topic {topic}"),
                "expected a topic",
            ),
        }
    }

    fn error(&mut self, request: RequestKind, error: ErrorName) {
        let possible = ErrorName::of_request(request);
        if !possible.contains(&error) {
            let names: Vec<_> = possible.iter().map(|error| error.word()).collect();
            let message = format!(
                "brokers do not answer {} with {}",
                request.word(),
                error.word()
            );
            self.problem("error", message, "expected an error of this request");
            let help = format!("{} can fail with {}", request.word(), one_of(&names));
            if let Some(problem) = self.problems.last_mut() {
                problem.help = Some(help);
            }
        }
    }

    fn share(&mut self, share: f64) {
        let place = self.key("share");
        check_share(share, place, self.problems);
    }

    fn problem(&mut self, key: &str, message: String, expected: &str) {
        let problem = Problem::new(self.key(key), message).expected(expected);
        self.problems.push(problem);
    }

    fn key(&self, key: &str) -> Place {
        let mut place = self.at.clone();
        place.push(key.into());
        place
    }
}
