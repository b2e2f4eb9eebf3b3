//! The first line of a trace as JSON lines: which run it is of, and what its numbers stand for.

use super::Names;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the form, by which other programs know a trace.
const FORMAT: &str = "plimsoll-trace";

/// The version of the form: it rises when an event or a field changes its meaning or goes away.
const VERSION: u64 = 1;

/// What a trace as JSON lines begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of Plimsoll that wrote it.
    pub plimsoll: String,
    /// The scenario's name on the command line.
    pub scenario: String,
    /// The seed of the plan.
    pub seed: u64,
    /// The consumer that was tried: its name, or a command.
    pub subject: String,
    /// The backend that executed the plan. What it cannot observe is not in the trace.
    pub backend: String,
    /// What the numbers in the trace stand for.
    #[serde(flatten)]
    pub names: Names,
}

/// The line.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    format: &'static str,
    version: u64,
    #[serde(flatten)]
    header: &'a Header,
}

impl Header {
    /// Makes the header of a trace that this version of Plimsoll writes.
    pub fn new(scenario: &str, seed: u64, subject: &str, backend: &str, names: Names) -> Self {
        Self {
            plimsoll: env!("CARGO_PKG_VERSION").into(),
            scenario: scenario.into(),
            seed,
            subject: subject.into(),
            backend: backend.into(),
            names,
        }
    }

    pub(super) const fn line(&self) -> Line<'_> {
        Line {
            format: FORMAT,
            version: VERSION,
            header: self,
        }
    }

    /// Reads the header.
    ///
    /// # Errors
    /// Why the line is no header, or one of another version.
    pub(super) fn read(json: &str) -> Result<Self, String> {
        let line: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if line["format"] != FORMAT {
            return Err(format!(
                "expected the header of a trace, {{\"format\":\"{FORMAT}\",...}}; traces of \
                 earlier versions of Plimsoll have none"
            ));
        }
        if line["version"] != VERSION {
            let version = &line["version"];
            return Err(format!(
                "the trace has version {version}, and this version of Plimsoll reads {VERSION}"
            ));
        }
        serde_json::from_value(line).map_err(|error| format!("in the header: {error}"))
    }
}
