//! `plimsoll schema`: the scenario language and the configuration for editors, and the report for
//! programs.

use crate::args::SchemaArgs;
use crate::config;
use crate::exit::Exit;
use crate::outcome::Outcome;
use crate::render::json;
use plimsoll_scenarios::scenario;

/// Runs `plimsoll schema`.
pub(crate) fn schema(args: &SchemaArgs) -> Outcome {
    let text = match args {
        SchemaArgs { config: true, .. } => json::to_text(&config::schema()),
        SchemaArgs { report: true, .. } => json::to_text(&json::schema()),
        SchemaArgs { .. } => json::to_text(&scenario::schema()),
    };
    Outcome::new(text, Exit::Met)
}
