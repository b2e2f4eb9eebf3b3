//! What a subject prints: JSON lines in the manner of Kafka's own `VerifiableConsumer`
//! (`org.apache.kafka.tools.VerifiableConsumer`), as far as they say what the wire does not.
//!
//! Lines of any other form are ignored.

use plimsoll_oracle::MemberId;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::ChildStdout;

/// What a subject said that its group told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// That it must give these partitions up.
    Revoked(Vec<(String, u32)>),
    /// That it has lost these partitions.
    Lost(Vec<(String, u32)>),
}

/// A line of such output.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
enum Line {
    PartitionsRevoked {
        partitions: Vec<Place>,
    },
    /// Plimsoll's own; Kafka's tool has no such line.
    PartitionsLost {
        partitions: Vec<Place>,
    },
    OffsetsCommitted {
        success: bool,
        error: Option<String>,
    },
    #[serde(other)]
    Other,
}

/// A partition in a line.
#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Place {
    topic: String,
    partition: u32,
}

/// Reads a process's standard output until it ends, and hands on what it says.
pub(crate) async fn read(member: MemberId, stdout: ChildStdout, hear: impl Fn(Said)) {
    let mut lines = BufReader::new(stdout).lines();
    // What is not UTF-8 ends the reading, not the run.
    while let Ok(Some(text)) = lines.next_line().await {
        match serde_json::from_str(&text) {
            Ok(Line::PartitionsRevoked { partitions }) => {
                hear(Said::Revoked(named(partitions)));
            }
            Ok(Line::PartitionsLost { partitions }) => {
                hear(Said::Lost(named(partitions)));
            }
            Ok(Line::OffsetsCommitted { success, error }) if !success => {
                tracing::debug!(%member, ?error, "a commit failed");
            }
            _ => {}
        }
    }
}

fn named(places: Vec<Place>) -> Vec<(String, u32)> {
    let places = places.into_iter();
    places.map(|place| (place.topic, place.partition)).collect()
}
