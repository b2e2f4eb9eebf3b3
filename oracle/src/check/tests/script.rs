//! Traces written by hand, as short scripts.
//!
//! One statement a line; `A`, `B`, `C` are members, `p0` partitions, `3` an offset and `0..3` the
//! offsets 0, 1 and 2. `@12.5` sets the clock, in seconds; every entry takes a millisecond more.
//!
//! ```text
//! keys 2                      from here on, records have the key offset % 2
//! store p0 0..3               stored and acknowledged; `stored`, `acked`: only one of them
//! A starts|stopping|stopped|crashes|pauses|resumes
//! A exits 1                   by itself; without a status where none is known
//! A assigned p0 0             and revoked, released, lost
//! A seeks p0 9 2
//! A begins p0 3               and ok, fails, permanent, cancelled
//! A does p0 0..3              begins and ok, one after the other
//! A dead-letters p0 3         writes and learns, under its newest assignment
//! A writes|learns p0 3        only one of them; the 2nd assignment's: `3 2`; unseen: `3 -`
//! A commits p0 3              sent and accepted; `sends`, `accepted`: only one of them
//! A refused|unknown|unanswered
//! A refused-for-now           by an error after which a member tries again
//! A unreached                 its client has no connection with the coordinator
//! reset p0 9                  by the scenario
//! removed p0 3                by retention
//! cut p0 3                    readable records from 3 on are gone
//! A out-of-range p0 9         is told so
//! replaced p0 3               another message is stored and acknowledged at 3
//! fault 1 begins|ends         and fault 1 begins at B, or at broker 2
//! coordinator 2               the group's coordinator is now on this broker
//! leader p0 2                 and the partition's leader
//! healed|quiet|ended 3
//! end                         healed, quiet, ended 0
//! end late                    healed, and a liveness phase without quiet
//! ```

use crate::{BrokerId, ErrorName, FaultId, MemberId, MessageId, RequestKind, Trace, TraceEvent};
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, Outcome, TopicPartition};
use std::collections::BTreeMap;
use std::ops::Range;

/// Returns the trace that a script describes.
pub(super) fn trace(script: &str) -> Trace {
    let mut writer = Writer::default();
    for line in script.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if !words.is_empty() && !writer.statement(&words) {
            panic!("no such statement: {line}");
        }
    }
    writer.trace
}

/// Returns the message that a script stores at an offset.
pub(super) fn message(partition: TopicPartition, offset: u64) -> MessageId {
    MessageId(partition.partition * 1_000 + offset as u32)
}

#[derive(Default)]
struct Writer {
    trace: Trace,
    now: u64,
    keys: u32,
    /// The number of attempts at a message, by any member.
    attempts: BTreeMap<MessageId, u32>,
    /// The number of a member's newest attempt at a message.
    newest: BTreeMap<(MemberId, MessageId), u32>,
    epoch: u32,
    /// The newest assignment of a partition to a member.
    epochs: BTreeMap<(MemberId, TopicPartition), AssignmentEpoch>,
}

impl Writer {
    fn statement(&mut self, words: &[&str]) -> bool {
        match words {
            [time] if time.starts_with('@') => {
                let seconds: f64 = time[1..].parse().expect("a time");
                self.now = (seconds * 1e9).round() as u64;
            }
            ["keys", keys] => self.keys = keys.parse().expect("a number"),
            ["store", partition, offsets] => self.store(partition, offsets, true, true),
            ["stored", partition, offsets] => self.store(partition, offsets, true, false),
            ["acked", partition, offsets] => self.store(partition, offsets, false, true),
            ["reset", partition, next] => self.push(TraceEvent::OffsetsReset {
                partition: tp(partition),
                next: next_offset(next),
            }),
            ["removed", partition, start] => self.push(TraceEvent::Removed {
                partition: tp(partition),
                log_start: next_offset(start),
            }),
            ["cut", partition, end] => self.push(TraceEvent::Truncated {
                partition: tp(partition),
                log_end: next_offset(end),
            }),
            ["replaced", partition, offset] => self.replaced(partition, offset),
            ["fault", id, "begins"] => self.fault_begins(id, None, None),
            ["fault", id, "begins", "at", member] => {
                self.fault_begins(id, Some(member_of(member)), None);
            }
            ["fault", id, "begins", "at", "broker", broker] => {
                self.fault_begins(id, None, Some(broker_of(broker)));
            }
            ["coordinator", broker] => self.push(TraceEvent::CoordinatorChanged {
                broker: broker_of(broker),
            }),
            ["leader", partition, broker] => self.push(TraceEvent::LeaderChanged {
                partition: tp(partition),
                leader: broker_of(broker),
                epoch: 1,
            }),
            ["fault", id, "ends"] => self.push(TraceEvent::FaultEnded {
                fault: FaultId(id.parse().expect("a number")),
            }),
            ["healed"] => self.push(TraceEvent::Healed),
            ["quiet"] => self.push(TraceEvent::Quiet),
            ["ended", lag] => self.push(TraceEvent::Ended {
                lag: lag.parse().expect("a number"),
            }),
            ["end"] => {
                self.push(TraceEvent::Healed);
                self.push(TraceEvent::Quiet);
                self.push(TraceEvent::Ended { lag: 0 });
            }
            ["end", "late"] => {
                self.push(TraceEvent::Healed);
                self.now += 61_000_000_000;
                self.push(TraceEvent::Ended { lag: 1 });
            }
            [member, rest @ ..] if member.len() == 1 => {
                return self.member(member_of(member), rest);
            }
            _ => return false,
        }
        true
    }

    fn fault_begins(&mut self, id: &str, member: Option<MemberId>, broker: Option<BrokerId>) {
        self.push(TraceEvent::FaultBegan {
            fault: FaultId(id.parse().expect("a number")),
            member,
            broker,
        });
    }

    fn member(&mut self, member: MemberId, words: &[&str]) -> bool {
        use TraceEvent as E;
        if self.commit(member, words) {
            return true;
        }
        match *words {
            ["starts"] => self.push(E::MemberStarted { member }),
            ["stopping"] => self.push(E::MemberStopping { member }),
            ["stopped"] => self.push(E::MemberStopped { member }),
            ["crashes"] => self.push(E::MemberCrashed { member }),
            ["pauses"] => self.push(E::MemberPaused { member }),
            ["resumes"] => self.push(E::MemberResumed { member }),
            ["exits"] => self.push(E::MemberExited {
                member,
                status: None,
            }),
            ["exits", status] => self.push(E::MemberExited {
                member,
                status: Some(status.parse().expect("a status")),
            }),
            ["unanswered"] => self.push(E::ResponseLost {
                member,
                request: RequestKind::JoinGroup,
            }),
            [verb, partition] => return self.ownership(member, verb, tp(partition)),
            ["assigned", partition, position] => {
                self.assigned(member, partition, position, -1);
            }
            ["assigned", partition, position, generation] => {
                let generation = generation.parse().expect("a generation");
                self.assigned(member, partition, position, generation);
            }
            ["out-of-range", partition, position] => self.push(E::OutOfRange {
                member,
                partition: tp(partition),
                position: next_offset(position),
            }),
            ["seeks", partition, from, to] => self.push(E::PositionReset {
                member,
                partition: tp(partition),
                from: next_offset(from),
                to: next_offset(to),
            }),
            [verb, partition, offset, epoch] => {
                let offset = offset.parse().expect("an offset");
                let epoch = epoch.parse().ok().map(AssignmentEpoch);
                return self.letter(member, verb, tp(partition), offset, epoch);
            }
            [verb, partition, offsets] => {
                return range(offsets).all(|o| self.handler(member, verb, tp(partition), o));
            }
            _ => return false,
        }
        true
    }

    /// Adds what becomes of a commit, if that is what the words say.
    fn commit(&mut self, member: MemberId, words: &[&str]) -> bool {
        use TraceEvent as E;
        match *words {
            ["sends"] => self.push(E::CommitSent { member }),
            ["unknown"] => self.push(E::CommitUnknown { member }),
            ["refused"] => self.refused(member, ErrorName::IllegalGeneration),
            ["unreached"] => self.refused(member, ErrorName::CoordinatorNotAvailable),
            ["refused-for-now"] => self.refused(member, ErrorName::CoordinatorLoadInProgress),
            ["late", partition, next] => {
                self.push(E::LateCommit {
                    member,
                    partition: tp(partition),
                });
                self.accepted(member, partition, next);
            }
            ["commits", partition, next] => {
                self.push(E::CommitSent { member });
                self.accepted(member, partition, next);
            }
            ["accepted", partition, next] => self.accepted(member, partition, next),
            _ => return false,
        }
        true
    }

    fn refused(&mut self, member: MemberId, error: ErrorName) {
        self.push(TraceEvent::CommitRefused { member, error });
    }

    fn assigned(&mut self, member: MemberId, partition: &str, position: &str, generation: i32) {
        self.epoch += 1;
        let epoch = AssignmentEpoch(self.epoch);
        self.epochs.insert((member, tp(partition)), epoch);
        self.push(TraceEvent::Assigned {
            member,
            partition: tp(partition),
            epoch,
            position: next_offset(position),
            generation,
        });
    }

    fn ownership(&mut self, member: MemberId, verb: &str, partition: TopicPartition) -> bool {
        self.push(match verb {
            "revoked" => TraceEvent::Revoked {
                member,
                partition,
                in_flight: 0,
            },
            "released" => TraceEvent::Released { member, partition },
            "lost" => TraceEvent::Lost { member, partition },
            _ => return false,
        });
        true
    }

    fn handler(
        &mut self,
        member: MemberId,
        verb: &str,
        partition: TopicPartition,
        at: u64,
    ) -> bool {
        let offset = Offset::new(at);
        let message = message(partition, at);
        let outcome = match verb {
            "begins" => {
                let attempt = self.attempts.entry(message).or_default();
                *attempt += 1;
                let attempt = *attempt;
                self.newest.insert((member, message), attempt);
                self.push(TraceEvent::HandlerStarted {
                    member,
                    partition,
                    offset,
                    message,
                    attempt,
                });
                return true;
            }
            "does" => {
                return self.handler(member, "begins", partition, at)
                    && self.handler(member, "ok", partition, at);
            }
            "cancelled" => {
                let attempt = self.newest[&(member, message)];
                self.push(TraceEvent::HandlerStopped {
                    member,
                    partition,
                    offset,
                    attempt,
                });
                return true;
            }
            "dead-letters" => {
                return self.handler(member, "writes", partition, at)
                    && self.handler(member, "learns", partition, at);
            }
            "writes" | "learns" => {
                let epoch = self.epochs.get(&(member, partition)).copied();
                return self.letter(member, verb, partition, at, epoch);
            }
            "ok" => Outcome::Ok,
            "fails" => Outcome::Retryable,
            "permanent" => Outcome::Permanent,
            _ => return false,
        };
        let newest = self.newest.get(&(member, message));
        self.push(TraceEvent::Effect {
            member,
            partition,
            offset,
            message,
            key: None,
            attempt: newest.copied().unwrap_or(1),
            outcome,
        });
        true
    }

    fn letter(
        &mut self,
        member: MemberId,
        verb: &str,
        partition: TopicPartition,
        at: u64,
        epoch: Option<AssignmentEpoch>,
    ) -> bool {
        let (offset, message) = (Offset::new(at), message(partition, at));
        self.push(match verb {
            "writes" => TraceEvent::DeadLettered {
                member,
                partition,
                offset,
                message,
                epoch,
            },
            "learns" => TraceEvent::DeadLetterAcknowledged {
                member,
                partition,
                offset,
                message,
                epoch,
            },
            _ => return false,
        });
        true
    }

    fn accepted(&mut self, member: MemberId, partition: &str, next: &str) {
        self.push(TraceEvent::Committed {
            member,
            partition: tp(partition),
            next: next_offset(next),
            generation: 1,
            rebalancing: false,
        });
    }

    fn store(&mut self, partition: &str, offsets: &str, stored: bool, acked: bool) {
        let partition = tp(partition);
        for at in range(offsets) {
            let (offset, message) = (Offset::new(at), message(partition, at));
            if stored {
                let key = (at as u32).checked_rem(self.keys);
                self.push(TraceEvent::Stored {
                    message,
                    partition,
                    offset,
                    key,
                });
            }
            if acked {
                self.push(TraceEvent::Acknowledged {
                    message,
                    partition,
                    offset,
                });
            }
        }
    }

    fn replaced(&mut self, partition: &str, at: &str) {
        let partition = tp(partition);
        let offset = Offset::new(at.parse().expect("an offset"));
        let message = MessageId(message(partition, offset.get()).0 + 500);
        self.push(TraceEvent::Stored {
            message,
            partition,
            offset,
            key: None,
        });
        self.push(TraceEvent::Acknowledged {
            message,
            partition,
            offset,
        });
    }

    fn push(&mut self, event: TraceEvent) {
        self.now += 1_000_000;
        self.trace.push(Instant::from_nanos(self.now), event);
    }
}

fn member_of(word: &str) -> MemberId {
    MemberId(u32::from(word.as_bytes()[0] - b'A'))
}

fn broker_of(word: &str) -> BrokerId {
    BrokerId(word.parse().expect("a broker"))
}

fn tp(word: &str) -> TopicPartition {
    let partition = word.strip_prefix('p').expect("a partition");
    TopicPartition::new(0, partition.parse().expect("a partition"))
}

fn next_offset(word: &str) -> NextOffset {
    NextOffset::new(word.parse().expect("an offset"))
}

fn range(word: &str) -> Range<u64> {
    let (from, to) = word.split_once("..").unwrap_or((word, ""));
    let from = from.parse().expect("an offset");
    match to {
        "" => from..from + 1,
        to => from..to.parse().expect("an offset"),
    }
}
