//! What a subject prints: JSON lines in the manner of Kafka's own `VerifiableConsumer`
//! (`org.apache.kafka.tools.VerifiableConsumer`), as far as they say what the wire does not.
//!
//! Lines of any other form are ignored.

use crate::world::World;
use plimsoll_oracle::MemberId;
use serde::Deserialize;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::ChildStdout;

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

/// Reads a process's standard output until it ends.
pub(crate) async fn read(world: Arc<World>, member: MemberId, stdout: ChildStdout) {
    let mut lines = BufReader::new(stdout).lines();
    // What is not UTF-8 ends the reading, not the run.
    while let Ok(Some(text)) = lines.next_line().await {
        match serde_json::from_str(&text) {
            Ok(Line::PartitionsRevoked { partitions }) => {
                world.announced_revoked(member, &named(partitions));
            }
            Ok(Line::PartitionsLost { partitions }) => {
                world.announced_lost(member, &named(partitions));
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
