//! `plimsoll schema`: the scenario language for editors, and the configuration.

use crate::args::SchemaArgs;
use crate::config;
use crate::exit::Exit;
use crate::outcome::Outcome;
use crate::render::json;
use plimsoll_scenarios::scenario;

/// Runs `plimsoll schema`.
pub(crate) fn schema(args: &SchemaArgs) -> Outcome {
    let schema = match args.config {
        true => config::schema(),
        false => scenario::schema(),
    };
    Outcome::new(json::to_text(&schema), Exit::Met)
}
