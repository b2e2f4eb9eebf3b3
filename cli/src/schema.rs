//! `plimsoll schema`: the scenario language for editors, and the report for programs.

use crate::args::SchemaArgs;
use crate::exit::Exit;
use crate::outcome::Outcome;
use crate::render::json;
use plimsoll_scenarios::scenario;

/// Runs `plimsoll schema`.
pub(crate) fn schema(args: &SchemaArgs) -> Outcome {
    let text = match args.report {
        false => json::to_text(&scenario::schema()),
        true => json::to_text(&json::schema()),
    };
    Outcome::new(text, Exit::Met)
}
