//! The tracks, and their numbers: processes of the format are the parts of a run, threads the rows
//! of a part.

use super::{Mark, TraceEvent};
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{BrokerId, FaultId, MemberId, Terms};
use serde_json::json;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// A track. The order is that in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Track {
    pub part: Part,
    pub row: Row,
    /// The number among the tracks of the row, from 0: slices that overlap are drawn side by side.
    pub lane: u32,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Violation,
    Run,
    Member(MemberId),
    Partitions,
    Brokers,
}

/// A row of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Row {
    /// Something that there is once.
    Only(&'static str),
    /// A fault.
    Fault(FaultId),
    /// A partition.
    Partition(TopicPartition),
    /// The handlers of a partition's records.
    Handlers(TopicPartition),
    /// The leaders of a partition.
    Leader(TopicPartition),
    /// A broker.
    Broker(BrokerId),
    /// A broker, as the coordinator of the group.
    Coordinator(BrokerId),
}

impl Track {
    /// Returns the first track of a row.
    pub(super) const fn new(part: Part, row: Row) -> Self {
        Self { part, row, lane: 0 }
    }

    fn name(&self, terms: &Terms) -> String {
        let name = match self.row {
            Row::Only(name) => name.to_owned(),
            Row::Fault(id) => {
                let word = terms.fault(id).map_or("fault", |fault| fault.word);
                format!("{word} (fault {})", id.0)
            }
            Row::Partition(id) => terms.partition_name(id).to_string(),
            Row::Handlers(id) => format!("{} handlers", terms.partition_name(id)),
            Row::Leader(id) => format!("{} leader", terms.partition_name(id)),
            Row::Broker(id) => id.to_string(),
            Row::Coordinator(id) => format!("{id} coordinates"),
        };
        match self.lane {
            0 => name,
            lane => format!("{name} ({})", lane + 1),
        }
    }
}

impl Part {
    fn name(self) -> String {
        match self {
            Self::Violation => "violation".into(),
            Self::Run => "run and faults".into(),
            Self::Member(id) => id.to_string(),
            Self::Partitions => "partitions".into(),
            Self::Brokers => "brokers".into(),
        }
    }
}

/// Numbers the tracks of marks in the order in which they are shown, and makes events of the marks:
/// first the names of the tracks, then everything by time.
pub(super) fn numbered(terms: &Terms, mut marks: Vec<Mark>) -> Vec<TraceEvent> {
    let tracks: BTreeSet<Track> = marks.iter().map(|mark| mark.track).collect();
    let parts: BTreeSet<Part> = tracks.iter().map(|track| track.part).collect();
    let pid = |part: Part| 1 + parts.range(..part).count() as u32;
    // A thread with the number of its process would be shown as its main thread.
    let first = 1 + parts.len();
    let tid = |track: Track| (first + tracks.range(..track).count()) as u32;
    let mut events = Vec::new();
    for &part in &parts {
        let number = pid(part);
        let args = [
            json!({ "name": part.name() }),
            json!({ "sort_index": number }),
        ];
        for (name, args) in ["process_name", "process_sort_index"].into_iter().zip(args) {
            events.push(metadata(name, number, 0, args));
        }
    }
    for &track in &tracks {
        let number = tid(track);
        let args = [
            json!({ "name": track.name(terms) }),
            json!({ "sort_index": number }),
        ];
        for (name, args) in ["thread_name", "thread_sort_index"].into_iter().zip(args) {
            events.push(metadata(name, pid(track.part), number, args));
        }
    }
    // Of two slices that begin together, the longer one contains the other.
    marks.sort_by_key(|mark| (micros(mark.at), Reverse(mark.until)));
    events.extend(marks.into_iter().map(|mark| {
        let ts = micros(mark.at);
        TraceEvent {
            phase: mark.until.map_or('i', |_| 'X'),
            ts,
            dur: mark.until.map(|until| micros(until) - ts),
            pid: pid(mark.track.part),
            tid: tid(mark.track),
            cat: mark.marked.then_some("violation"),
            scope: match (mark.until, mark.is_violation) {
                (Some(_), _) => None,
                (None, true) => Some('g'),
                (None, false) => Some('t'),
            },
            cname: mark.marked.then_some("terrible"),
            name: mark.name,
            args: mark.args,
        }
    }));
    events
}

fn metadata(name: &str, pid: u32, tid: u32, args: serde_json::Value) -> TraceEvent {
    TraceEvent {
        name: name.to_owned(),
        phase: 'M',
        ts: 0,
        dur: None,
        pid,
        tid,
        cat: None,
        scope: None,
        cname: None,
        args,
    }
}

const fn micros(nanos: u64) -> u64 {
    nanos / 1_000
}
