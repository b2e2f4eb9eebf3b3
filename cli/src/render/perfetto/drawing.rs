//! From the entries of a trace to marks on tracks.

use super::Mark;
use super::tracks::{Part, Row, Track};
use plimsoll_core::{Offset, TopicPartition};
use plimsoll_oracle::{
    BrokerId, Entry, FaultId, MemberId, Property, Terms, Timeline, Trace, TraceEvent, Violation,
    Word,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What a slice stands for; at most one of each is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slice {
    /// The life of a member's process.
    Life(MemberId),
    /// The time for which a member's process stands still.
    Pause(MemberId),
    /// An assignment.
    Assignment(MemberId, TopicPartition),
    /// An attempt at a record.
    Attempt(MemberId, TopicPartition, Offset, u32),
    /// A fault.
    Fault(FaultId),
    /// The leader of a partition.
    Leader(TopicPartition),
    /// The coordinator of the group.
    Coordinator,
}

/// A slice that has no end yet.
struct Open {
    track: Track,
    name: String,
    /// The entry that began it.
    entry: usize,
}

/// The marks of a run, entry by entry.
pub(super) struct Drawing<'a> {
    terms: &'a Terms,
    trace: &'a Trace,
    violation: &'a Violation,
    /// By slice, so that what is open at the end is closed in an order of its own.
    open: BTreeMap<Slice, Open>,
    /// The tracks that have an open slice.
    occupied: BTreeSet<Track>,
    marks: Vec<Mark>,
}

impl<'a> Drawing<'a> {
    pub(super) const fn new(terms: &'a Terms, trace: &'a Trace, violation: &'a Violation) -> Self {
        Self {
            terms,
            trace,
            violation,
            open: BTreeMap::new(),
            occupied: BTreeSet::new(),
            marks: Vec::new(),
        }
    }

    /// Draws every entry, and the violation above all.
    pub(super) fn draw(&mut self, property: Property) {
        let timeline = Timeline::new(self.terms, self.trace);
        for (index, (_, actor, sentence)) in timeline.lines().enumerate() {
            self.slices(index);
            self.instants(index, &actor, &sentence);
        }
        while let Some((&slice, _)) = self.open.first_key_value() {
            self.end(slice, self.trace.entries().len() - 1);
        }
        self.marks.push(Mark {
            track: Track::new(Part::Violation, Row::Only("violation")),
            name: format!(
                "{} is violated: {}",
                property.word(),
                self.violation.summary
            ),
            at: self.violation.at.as_nanos(),
            until: None,
            marked: true,
            is_violation: true,
            args: json!({ "at_ns": self.violation.at.as_nanos() }),
        });
    }

    pub(super) fn into_marks(self) -> Vec<Mark> {
        self.marks
    }

    /// Begins and ends what an entry begins and ends.
    fn slices(&mut self, entry: usize) {
        let event = self.trace.entries()[entry].event;
        self.processes(event, entry);
        self.work(event, entry);
        self.surroundings(event, entry);
    }

    /// Begins and ends the lives and the pauses of members' processes.
    fn processes(&mut self, event: TraceEvent, entry: usize) {
        use TraceEvent as E;
        match event {
            E::MemberStarted { member } => {
                let track = Track::new(Part::Member(member), Row::Only("process"));
                self.begin(Slice::Life(member), track, "runs".into(), entry);
            }
            E::MemberStopped { member }
            | E::MemberExited { member, .. }
            | E::MemberCrashed { member } => self.end_of_member(member, entry),
            E::MemberPaused { member } => {
                let track = Track::new(Part::Member(member), Row::Only("stands still"));
                self.begin(Slice::Pause(member), track, "stands still".into(), entry);
            }
            E::MemberResumed { member } => self.end(Slice::Pause(member), entry),
            _ => {}
        }
    }

    /// Begins and ends assignments and attempts.
    fn work(&mut self, event: TraceEvent, entry: usize) {
        use TraceEvent as E;
        match event {
            E::Assigned {
                member,
                partition,
                position,
                ..
            } => {
                let track = Track::new(Part::Member(member), Row::Partition(partition));
                let name = self.terms.partition_name(partition);
                let name = format!("owns {name}, from {position}");
                self.begin(Slice::Assignment(member, partition), track, name, entry);
            }
            E::Released { member, partition } | E::Lost { member, partition } => {
                self.end(Slice::Assignment(member, partition), entry);
            }
            E::HandlerStarted {
                member,
                partition,
                offset,
                attempt,
                ..
            } => {
                let track = Track::new(Part::Member(member), Row::Handlers(partition));
                let name = self.terms.partition_name(partition);
                let name = format!("{name}@{offset}, attempt {attempt}");
                let slice = Slice::Attempt(member, partition, offset, attempt);
                self.begin(slice, track, name, entry);
            }
            E::Effect {
                member,
                partition,
                offset,
                attempt,
                ..
            }
            | E::HandlerStopped {
                member,
                partition,
                offset,
                attempt,
            } => {
                self.end(Slice::Attempt(member, partition, offset, attempt), entry);
            }
            _ => {}
        }
    }

    /// Begins and ends faults, and the times of leaders and coordinators.
    fn surroundings(&mut self, event: TraceEvent, entry: usize) {
        use TraceEvent as E;
        match event {
            E::FaultBegan {
                fault,
                member,
                broker,
            } => self.fault(fault, member, broker, entry),
            E::FaultEnded { fault } | E::FaultMissed { fault, .. } => {
                self.end(Slice::Fault(fault), entry);
            }
            E::LeaderChanged {
                partition,
                leader,
                epoch,
            } => {
                let track = Track::new(Part::Partitions, Row::Leader(partition));
                let name = format!("{leader}, epoch {epoch}");
                self.begin(Slice::Leader(partition), track, name, entry);
            }
            E::CoordinatorChanged { broker } => {
                let track = Track::new(Part::Brokers, Row::Coordinator(broker));
                let name = "coordinates the group".into();
                self.begin(Slice::Coordinator, track, name, entry);
            }
            _ => {}
        }
    }

    fn fault(
        &mut self,
        fault: FaultId,
        member: Option<MemberId>,
        broker: Option<BrokerId>,
        entry: usize,
    ) {
        let word = self.terms.fault(fault).map_or("fault", |fault| fault.word);
        let hit = member.map(|member| member.to_string());
        let hit = hit.or_else(|| broker.map(|broker| broker.to_string()));
        let name = hit.map_or_else(|| word.to_owned(), |hit| format!("{word}: {hit}"));
        let track = Track::new(Part::Run, Row::Fault(fault));
        self.begin(Slice::Fault(fault), track, name, entry);
    }

    /// Ends all that ends with a member's process.
    fn end_of_member(&mut self, member: MemberId, entry: usize) {
        let is_its = |slice: &Slice| match *slice {
            Slice::Life(of)
            | Slice::Pause(of)
            | Slice::Assignment(of, _)
            | Slice::Attempt(of, ..) => of == member,
            Slice::Fault(_) | Slice::Leader(_) | Slice::Coordinator => false,
        };
        let ended: Vec<Slice> = self.open.keys().copied().filter(is_its).collect();
        for slice in ended {
            self.end(slice, entry);
        }
    }

    /// Begins a slice on the first free track of a row; one that stands for the same ends.
    fn begin(&mut self, slice: Slice, mut track: Track, name: String, entry: usize) {
        self.end(slice, entry);
        while self.occupied.contains(&track) {
            track.lane += 1;
        }
        self.occupied.insert(track);
        self.open.insert(slice, Open { track, name, entry });
    }

    /// Ends a slice, if it is open.
    fn end(&mut self, slice: Slice, entry: usize) {
        let Some(open) = self.open.remove(&slice) else {
            return;
        };
        self.occupied.remove(&open.track);
        let [begin, end] = [open.entry, entry].map(|entry| self.trace.entries()[entry]);
        self.marks.push(Mark {
            track: open.track,
            name: open.name,
            at: begin.at.as_nanos(),
            until: Some(end.at.as_nanos()),
            marked: false,
            is_violation: false,
            args: json!({ "began": begin, "ended": end }),
        });
    }

    /// Draws an entry as an instant wherever a reader looks for it; what shows the violation beside
    /// the violation as well.
    fn instants(&mut self, entry: usize, actor: &str, sentence: &str) {
        let Entry { at, event } = self.trace.entries()[entry];
        let marked = self.violation.evidence.contains(&entry);
        let mut tracks = rows(&event);
        if marked {
            tracks.push((Part::Violation, Row::Only("events that show it")));
        }
        for (part, row) in tracks {
            let track = Track::new(part, row);
            let name = match part {
                Part::Member(_) | Part::Brokers => sentence.to_owned(),
                Part::Violation | Part::Run | Part::Partitions => format!("{actor}: {sentence}"),
            };
            self.marks.push(Mark {
                track,
                name,
                at: at.as_nanos(),
                until: None,
                marked,
                is_violation: false,
                args: json!({ "event": self.trace.entries()[entry] }),
            });
        }
    }
}

/// Returns the rows on which an entry is an instant; on none if it is there as the beginning or the
/// end of a slice.
fn rows(event: &TraceEvent) -> Vec<(Part, Row)> {
    use TraceEvent as E;
    let of = |member: MemberId, row: Row| (Part::Member(member), row);
    match *event {
        E::Stored { partition, .. }
        | E::Removed { partition, .. }
        | E::Truncated { partition, .. }
        | E::OffsetsReset { partition, .. } => vec![(Part::Partitions, Row::Partition(partition))],
        E::Acknowledged { .. } | E::ProduceFailed { .. } => {
            vec![(Part::Run, Row::Only("producer"))]
        }
        E::LeaderChanged { leader, .. } => vec![(Part::Brokers, Row::Broker(leader))],
        E::MemberStopping { member }
        | E::MemberCrashed { member }
        | E::MemberExited { member, .. } => vec![of(member, Row::Only("process"))],
        E::Revoked {
            member, partition, ..
        }
        | E::Released { member, partition }
        | E::Lost { member, partition }
        | E::OutOfRange {
            member, partition, ..
        }
        | E::PositionReset {
            member, partition, ..
        } => {
            vec![of(member, Row::Partition(partition))]
        }
        E::CommitSent { member }
        | E::CommitRefused { member, .. }
        | E::CommitUnknown { member } => {
            vec![of(member, Row::Only("commits"))]
        }
        E::Committed {
            member, partition, ..
        }
        | E::LateCommit { member, partition } => vec![
            of(member, Row::Only("commits")),
            (Part::Partitions, Row::Partition(partition)),
        ],
        E::Effect {
            member, partition, ..
        }
        | E::HandlerStopped {
            member, partition, ..
        }
        | E::DeadLettered {
            member, partition, ..
        }
        | E::DeadLetterAcknowledged {
            member, partition, ..
        } => {
            vec![
                of(member, Row::Only("effects")),
                (Part::Partitions, Row::Partition(partition)),
            ]
        }
        E::FaultBegan { member, broker, .. } => {
            let member = member.map(|member| of(member, Row::Only("process")));
            let broker = broker.map(|broker| (Part::Brokers, Row::Broker(broker)));
            member.into_iter().chain(broker).collect()
        }
        E::FaultMissed { fault, .. } => vec![(Part::Run, Row::Fault(fault))],
        E::ResponseLost { member, .. } => {
            vec![
                (Part::Run, Row::Only("network")),
                of(member, Row::Only("process")),
            ]
        }
        E::Healed | E::Quiet | E::Ended { .. } => vec![(Part::Run, Row::Only("run"))],
        E::CoordinatorChanged { .. }
        | E::MemberStarted { .. }
        | E::MemberStopped { .. }
        | E::MemberPaused { .. }
        | E::MemberResumed { .. }
        | E::Assigned { .. }
        | E::HandlerStarted { .. }
        | E::FaultEnded { .. } => Vec::new(),
    }
}
