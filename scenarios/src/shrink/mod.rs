//! The shrinker: a failing plan becomes the smallest one that still breaks the same property.

use crate::{Plan, Property, Verdict};

/// A shrunk plan.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest failing plan that was found.
    pub plan: Plan,
    /// Its verdict.
    pub verdict: Verdict,
    /// How many plans were run.
    pub runs: u32,
}

/// Shrinks `plan`, which violates `property`, running at most `budget` plans through `run`.
pub fn shrink(
    _plan: &Plan,
    _property: Property,
    _budget: u32,
    _run: &mut dyn FnMut(&Plan) -> Verdict,
) -> Shrunk {
    unimplemented!("shrinker")
}
