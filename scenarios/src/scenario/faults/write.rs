//! Faults, written.

use super::target::{broker_word, member_word};
use super::when::When;
use super::{BrokerTarget, Direction, Fault, FaultKind, FaultSpec, MemberTarget, Trigger};
use crate::scenario::ids;
use crate::scenario::topics::{Topic, write_partition};
use crate::scenario::write::{self, Section};
use plimsoll_core::Outcome;
use std::time::Duration;

/// The tables `[[faults]]` and `[faults.random]`.
pub(in crate::scenario) fn write(specs: &[FaultSpec], topics: &[Topic], file: &mut String) {
    if let [FaultSpec::Random(random)] = specs {
        random.write(file);
        return;
    }
    let explicit = specs.iter().filter_map(|spec| match spec {
        FaultSpec::Explicit(fault) => Some(fault.id.0),
        FaultSpec::Random(_) => None,
    });
    let explicit: Vec<_> = explicit.collect();
    let mut write_ids = ids::needed(&explicit).into_iter();
    // An explicit fault before a random one is the entry that TOML hangs the random one on.
    let mut entry_is_open = false;
    for spec in specs {
        match spec {
            FaultSpec::Explicit(fault) => {
                let mut section = Section::new("[[faults]]");
                if write_ids.next() == Some(true) {
                    section.line("id", fault.id.0);
                }
                Writer {
                    topics,
                    section: &mut section,
                }
                .fault(fault);
                section.finish(file, true);
                entry_is_open = true;
            }
            FaultSpec::Random(random) => {
                if !entry_is_open {
                    Section::new("[[faults]]").finish(file, true);
                }
                random.write(file);
                entry_is_open = false;
            }
        }
    }
}

struct Writer<'a> {
    topics: &'a [Topic],
    section: &'a mut Section,
}

impl Writer<'_> {
    fn fault(&mut self, fault: &Fault) {
        match fault.trigger {
            _ if matches!(fault.kind, FaultKind::Undecodable(_)) => {}
            Trigger::At(at) => self.section.line("at", write::time(at.since_start())),
            Trigger::When {
                condition,
                count,
                delay,
            } => {
                let when = When {
                    condition,
                    nth: Some(count),
                };
                self.section.text("when", &when.to_text());
                self.section
                    .differing("after", (delay, Duration::ZERO), write::time);
            }
        }
        self.section.text("do", fault.kind.name().name());
        self.kind(&fault.kind);
        if let Some(time) = fault.duration {
            self.section.line("for", write::time(time));
        }
    }

    fn kind(&mut self, kind: &FaultKind) {
        match *kind {
            FaultKind::Crash(member)
            | FaultKind::Stop(member)
            | FaultKind::Pause(member)
            | FaultKind::CrashAfterEffect(member)
            | FaultKind::HandlerHang(member) => self.member(member),
            FaultKind::Slow(member, factor) => {
                self.member(member);
                self.section.line("by", factor);
            }
            FaultKind::Join(member) => self.member(MemberTarget::Member(member)),
            FaultKind::RollingRestart
            | FaultKind::RollingBrokerRestart
            | FaultKind::CoordinatorMove => {}
            FaultKind::HandlerOutage { outcome, share } => {
                if outcome == Outcome::Permanent {
                    self.section.text("outcome", "permanent");
                }
                self.share(share);
            }
            FaultKind::Undecodable(message) => self.section.line("message", message.0),
            FaultKind::Partition {
                member,
                broker,
                direction,
            } => {
                self.member(member);
                self.broker(broker);
                let direction = (direction, Direction::Both);
                self.section.differing("direction", direction, write::word);
            }
            FaultKind::Isolate(broker)
            | FaultKind::BrokerCrash(broker)
            | FaultKind::BrokerStop(broker)
            | FaultKind::BrokerPause(broker) => self.broker(Some(broker)),
            FaultKind::Delay { member, broker, by } => {
                self.member(member);
                self.broker(broker);
                self.section.line("by", write::time(by));
            }
            FaultKind::Cut { member, broker } => {
                self.member(member);
                self.broker(broker);
            }
            FaultKind::LoseResponse(member, request) => {
                self.member(member);
                self.section.line("request", write::word(request));
            }
            FaultKind::LeaderMove(partition) => {
                self.section
                    .line("partition", write_partition(self.topics, partition));
            }
            FaultKind::Error {
                broker,
                request,
                error,
                share,
            } => {
                self.broker(broker);
                self.section.line("request", write::word(request));
                self.section.line("error", write::word(error));
                self.share(share);
            }
            FaultKind::Throttle(broker, by) => {
                self.broker(Some(broker));
                self.section.line("by", write::time(by));
            }
            FaultKind::AddPartitions { topic, count } => {
                if let (1.., Some(topic)) = (topic, self.topics.get(topic as usize)) {
                    self.section.text("topic", &topic.name);
                }
                self.section.differing("count", (count, 1), write::plain);
            }
            FaultKind::Retention(partition, share) => {
                self.section
                    .line("partition", write_partition(self.topics, partition));
                self.share(share);
            }
        }
    }

    fn member(&mut self, target: MemberTarget) {
        if target != MemberTarget::Triggering {
            self.section
                .text("member", &member_word(self.topics, target));
        }
    }

    fn broker(&mut self, target: Option<BrokerTarget>) {
        if let Some(target) = target {
            self.section
                .text("broker", &broker_word(self.topics, target));
        }
    }

    fn share(&mut self, share: f64) {
        self.section.differing("share", (share, 1.0), write::plain);
    }
}
