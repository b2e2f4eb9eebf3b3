//! The run that shows a violation in the Trace Event Format, which <https://ui.perfetto.dev> and
//! `chrome://tracing` open: members, brokers, partitions and faults as tracks; lives, assignments,
//! attempts and faults as slices; everything else as instants.
//!
//! The format: "Trace Event Format", Google,
//! <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>, and what
//! Perfetto takes of it: <https://perfetto.dev/docs/getting-started/other-formats>. Of it are used
//! `X` (a slice with its duration), `i` (an instant) and `M` (names and order of tracks). Times are
//! whole microseconds: versions of Perfetto cut fractions of a nanosecond off or round them
//! (`CoerceToTs` in its `src/trace_processor/importers/json`), and slices of one track that follow
//! one another would overlap. Each event has its exact time among its arguments.

mod drawing;
#[cfg(test)]
mod tests;
mod tracks;

use crate::conviction::Recording;
use drawing::Drawing;
use plimsoll_oracle::{Property, Violation, Word};
use serde::Serialize;
use tracks::Track;

/// Renders the run that shows a violation.
pub(crate) fn trace(recording: &Recording, property: Property, violation: &Violation) -> String {
    let terms = recording.plan.terms();
    let mut drawing = Drawing::new(&terms, &recording.trace, violation);
    drawing.draw(property);
    let document = Document {
        display_time_unit: "ms",
        other_data: OtherData {
            plimsoll: env!("CARGO_PKG_VERSION"),
            scenario: &recording.plan.settings.name,
            seed: recording.plan.seed,
            property: property.word(),
            violation: &violation.summary,
        },
        trace_events: tracks::numbered(&terms, drawing.into_marks()),
    };
    let text = serde_json::to_string(&document);
    text.expect("documents have string keys and no fallible fields") + "\n"
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    display_time_unit: &'static str,
    other_data: OtherData<'a>,
    trace_events: Vec<TraceEvent>,
}

/// What the viewers show of the whole trace.
#[derive(Serialize)]
struct OtherData<'a> {
    plimsoll: &'static str,
    scenario: &'a str,
    seed: u64,
    property: &'static str,
    violation: &'a str,
}

/// An event of the format.
#[derive(Serialize)]
struct TraceEvent {
    name: String,
    #[serde(rename = "ph")]
    phase: char,
    /// The moment, in microseconds.
    ts: u64,
    /// The duration of a slice, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<u64>,
    pid: u32,
    tid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    /// How far an instant reaches: over its track, or over all.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    scope: Option<char>,
    /// A colour of `chrome://tracing`; Perfetto has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    cname: Option<&'static str>,
    args: serde_json::Value,
}

/// A slice or an instant on a track.
struct Mark {
    track: Track,
    name: String,
    /// The moment, in nanoseconds.
    at: u64,
    /// The moment at which a slice ends, in nanoseconds; of an instant there is none.
    until: Option<u64>,
    /// Whether it shows the violation.
    marked: bool,
    /// Whether it is the violation itself.
    is_violation: bool,
    args: serde_json::Value,
}
