//! `plimsoll schema`: the scenario language for editors.

use crate::exit::Exit;
use crate::outcome::Outcome;
use crate::render::json;
use plimsoll_scenarios::scenario;

/// Runs `plimsoll schema`.
pub(crate) fn schema() -> Outcome {
    Outcome::new(json::to_text(&scenario::schema()), Exit::Met)
}
