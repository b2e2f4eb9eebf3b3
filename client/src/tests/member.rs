//! A member as a whole, against a broker whose answers stand here.

use super::*;
use crate::{AskOf, Cluster, End, Member, Observation, Parts, Seams, World};
use plimsoll_core::{
    AssignmentEpoch, Command, CommitId, CommitOffset, CommitOutcome, DeadLetterReason, Event,
    Offset, Record, Start, TopicPartition,
};
use plimsoll_protocol::{
    Channel, Content, Correlation, ErrorName, FetchResponse, FetchedPartition, FoundOffset,
    GroupMemberId, JoinGroupResponse, LogEntry, OffsetCommitResponse, SyncGroupResponse, Wanted,
};

type Response = plimsoll_protocol::Response<Plain>;

const PARTITION: TopicPartition = TopicPartition::new(0, 0);
const EPOCH: AssignmentEpoch = AssignmentEpoch(1);

/// The member, and the broker, which leads both partitions and coordinates the group.
struct Case {
    member: Member<Plain>,
    net: Net,
}

/// A network that keeps what is sent, and what the application and an observer are told.
struct Net {
    now: Instant,
    sent: Vec<((Node, Channel), Correlation, Request)>,
    told: Vec<Event<u32>>,
    observed: Vec<String>,
    /// Number of answers to fetches that came back.
    recycled: u32,
}

impl Net {
    fn new() -> Self {
        Self {
            now: NOW,
            sent: Vec::new(),
            told: Vec::new(),
            observed: Vec::new(),
            recycled: 0,
        }
    }
}

impl World<Plain> for Net {
    fn now(&self) -> Instant {
        self.now
    }

    fn send(&mut self, to: (Node, Channel), correlation: Correlation, request: Request) {
        self.sent.push((to, correlation, request));
    }

    fn close(&mut self, _: Node, _: Channels) {}

    fn tell(&mut self, event: Event<u32>) {
        self.told.push(event);
    }

    fn recycle(&mut self, _: Box<FetchResponse<Plain>>) {
        self.recycled += 1;
    }

    fn observe(&mut self, observation: Observation<'_, Plain>) {
        self.observed.push(format!("{observation:?}"));
    }
}

/// What keeps all requests back.
struct Mute;

impl Seams<Plain> for Mute {
    fn request(&mut self, _: &mut Parts<'_, Plain>, _: &mut AskOf<Plain>) -> bool {
        false
    }
}

impl Case {
    /// Begins with a member that owns the partition, and has sent its first poll.
    fn owner(settings: Settings) -> Self {
        let mut net = Net::new();
        let mut member = Member::new(NOW, settings, Plain, cluster());
        member.start(&mut net);
        let mut case = Self { member, net };
        case.answer(answer);
        let Some(Event::Assigned { rebalance, .. }) = case.member.poll_event(&mut case.net) else {
            panic!("no assignment");
        };
        let start = Start {
            partition: PARTITION,
            epoch: EPOCH,
            position: NextOffset::ZERO,
        };
        case.execute(Command::CompleteAssign {
            rebalance,
            starts: vec![start],
        });
        case
    }

    fn execute(&mut self, command: Command<u32>) {
        self.member.execute(&mut self.net, command);
    }

    /// Commits what comes behind two records.
    fn commit(&mut self, commit: CommitId) {
        let offset = CommitOffset {
            partition: PARTITION,
            next: NextOffset::new(2),
            founding_partitions: 1,
        };
        self.execute(Command::Commit {
            commit,
            offsets: vec![offset],
        });
    }

    /// Answers requests, and those that follow from the answers, as far as there are answers.
    fn answer(&mut self, answer: impl Fn(&Request) -> Option<Response>) {
        let mut left = Vec::new();
        while !self.net.sent.is_empty() {
            for (from, correlation, request) in std::mem::take(&mut self.net.sent) {
                match answer(&request) {
                    Some(response) => {
                        let net = &mut self.net;
                        self.member
                            .handle_response(net, from, correlation, response);
                    }
                    None => left.push((from, correlation, request)),
                }
            }
        }
        self.net.sent = left;
    }
}

fn cluster() -> Cluster {
    Cluster {
        topology: topology_of(&[1]),
        brokers: 3,
        first: Node(0),
        first_at: Instant::ZERO,
        metadata_refresh: ms(30_000),
    }
}

/// Answers everything but fetches, produces and heartbeats.
fn answer(request: &Request) -> Option<Response> {
    Some(match request {
        Request::Metadata => {
            Response::Metadata(told_of(vec![info(P0, 0, 0), info(dead_letters(), 0, 0)]))
        }
        Request::FindCoordinator { .. } => Response::FindCoordinator(Ok(Node(0))),
        Request::ApiVersions => Response::ApiVersions,
        Request::JoinGroup(_) => Response::JoinGroup(Ok(Box::new(JoinGroupResponse {
            generation: 1,
            protocol: None,
            member: GroupMemberId(1),
            leader: GroupMemberId(2),
            skip_assignment: false,
            members: Vec::new(),
        }))),
        Request::SyncGroup { .. } => Response::SyncGroup(Ok(SyncGroupResponse {
            protocol: None,
            assignment: vec![P0],
        })),
        Request::OffsetFetch { .. } => Response::OffsetFetch(Ok(Vec::new())),
        Request::Offsets(asked) => Response::Offsets(Ok(Some(FoundOffset {
            offset: if asked.wanted == Wanted::Earliest {
                0
            } else {
                2
            },
            leader_epoch: None,
            timestamp: None,
        }))),
        Request::OffsetCommit { .. } => Response::OffsetCommit(OffsetCommitResponse {
            error: None,
            refused: Vec::new(),
        }),
        Request::LeaveGroup { members, .. } => {
            Response::LeaveGroup(Ok(members.iter().copied().map(Ok).collect()))
        }
        _ => return None,
    })
}

fn dead_letters() -> PartitionIndex {
    topology_of(&[1]).dead_letters()
}

/// Answers a fetch with one batch of two records.
fn two_records(request: &Request) -> Option<Response> {
    let Request::Fetch(fetch) = request else {
        return None;
    };
    if fetch.positions.get(P0)?.offset > 0 {
        return None;
    }
    Some(Response::Fetch(Box::new(FetchResponse {
        asked: fetch.positions.clone(),
        partitions: vec![FetchedPartition {
            partition: P0,
            error: None,
            entries: 1,
            high_watermark: 2,
            log_start: 0,
            diverging: None,
        }],
        entries: vec![LogEntry {
            offset: Offset::new(0),
            leader_epoch: 0,
            content: Content::Batch(plain::Records {
                count: 2,
                payload: 7,
                sequence: None,
            }),
        }],
        ..FetchResponse::default()
    })))
}

#[test]
fn a_member_is_assigned_fetches_commits_and_leaves() {
    let mut case = Case::owner(settings());
    assert!(!case.member.has_event(), "nothing is fetched yet");
    case.answer(two_records);
    assert!(case.member.has_event());
    let Some(Event::Fetched { epoch, records, .. }) = case.member.poll_event(&mut case.net) else {
        panic!("no records");
    };
    assert_eq!((epoch, records.len()), (EPOCH, 2));
    assert!(!case.member.has_event());

    let commit = CommitId(1);
    case.commit(commit);
    case.answer(answer);
    let outcome = CommitOutcome::Ok;
    let finished = Event::CommitFinished { commit, outcome };
    assert_eq!(case.net.told, [finished]);

    case.execute(Command::Close);
    assert_eq!(case.member.end(), None);
    case.answer(answer);
    assert_eq!(case.member.end(), Some(End::Left));
}

#[test]
fn observations_of_a_member_come_in_order() {
    let mut case = Case::owner(settings());
    case.answer(two_records);
    assert_eq!(case.net.recycled, 1);
    case.commit(CommitId(1));
    case.answer(|request| match request {
        Request::OffsetCommit { .. } => Some(Response::OffsetCommit(OffsetCommitResponse {
            error: Some(ErrorName::OffsetMetadataTooLarge),
            refused: Vec::new(),
        })),
        _ => None,
    });
    case.execute(Command::Seek {
        partition: PARTITION,
        epoch: EPOCH,
        position: NextOffset::ZERO,
    });
    case.execute(Command::Close);
    case.answer(answer);
    let observed = case.net.observed.iter();
    let observed: Vec<_> = observed
        .filter_map(|observed| observed.split([' ', '(']).next())
        .collect();
    let order = [
        "Assigned",
        "CommitSent",
        "CommitFailed",
        "PositionReset",
        "Ended",
    ];
    assert_eq!(observed, order);
}

#[test]
fn the_memory_of_an_answer_that_nothing_awaits_comes_back() {
    let mut case = Case::owner(settings());
    let (from, correlation, request) = case.net.sent.pop().expect("a poll is in flight");
    assert!(matches!(request, Request::Fetch(_)));
    let mut answer = || {
        let response = Response::Fetch(Box::default());
        let Case { member, net } = &mut case;
        let was_awaited = member.handle_response(net, from, correlation, response);
        (was_awaited, net.recycled)
    };
    assert_eq!(answer(), (true, 1));
    assert_eq!(answer(), (false, 2));
}

#[test]
fn what_keeps_requests_back_sends_none() {
    let sent = |seams: Option<Box<dyn Seams<Plain>>>| {
        let mut net = Net::new();
        let mut member = Member::with_seams(NOW, settings(), Plain, cluster(), seams, 7);
        member.start(&mut net);
        let sent = net.sent.into_iter().map(|(_, correlation, _)| correlation);
        sent.collect::<Vec<_>>()
    };
    assert_eq!(sent(None), [Correlation(7)]);
    assert_eq!(sent(Some(Box::new(Mute))), []);
}

#[test]
fn a_member_whose_name_another_one_has_ends_with_the_refusal() {
    let mut case = Case::owner(Settings {
        instance: Some(0),
        ..settings()
    });
    case.net.now += ms(3_000);
    case.member.handle_timeout(&mut case.net);
    case.answer(|request| match request {
        Request::Heartbeat(_) => Some(Response::Heartbeat(Err(ErrorName::FencedInstanceId))),
        _ => None,
    });
    let refused = End::Refused(Some(ErrorName::FencedInstanceId));
    assert_eq!(case.member.end(), Some(refused));
}

#[test]
fn a_dead_letter_is_refused_for_good_where_it_would_be_refused_each_time() {
    let written = |answer: Result<Offset, ErrorName>| {
        let mut case = Case::owner(settings());
        case.execute(Command::DeadLetter {
            partition: PARTITION,
            epoch: EPOCH,
            record: Record {
                offset: Offset::new(1),
                key: None,
                bytes: 1,
                payload: 7,
            },
            attempts: 1,
            reason: DeadLetterReason::Permanent,
        });
        case.answer(|request| match request {
            Request::Produce { .. } => Some(Response::Produce(answer)),
            _ => None,
        });
        case.net.told
    };
    let (partition, epoch, offset) = (PARTITION, EPOCH, Offset::new(1));
    let told = |acknowledged| Event::DeadLettered {
        partition,
        epoch,
        offset,
        acknowledged,
    };
    let refused = Event::DeadLetterRefused {
        partition,
        epoch,
        offset,
    };
    assert_eq!(written(Ok(Offset::new(0))), [told(true)]);
    assert_eq!(written(Err(ErrorName::NotLeaderOrFollower)), [told(false)]);
    assert_eq!(written(Err(ErrorName::Other(10))), [refused]);
}
