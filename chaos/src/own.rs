//! Plimsoll's own consumer as a member: what `plimsoll member` runs.

use plimsoll_scenarios::scenario::{Traffic, Workload};
use plimsoll_scenarios::{Plan, Scenario};
use std::process::ExitCode;

/// The argument by which the program knows that it is a member.
pub(crate) const ARGUMENT: &str = "member";

/// The environment variable with the settings: a scenario of which only the consumers count.
pub(crate) const SETTINGS: &str = "PLIMSOLL_MEMBER_SETTINGS";

/// The settings of a plan's consumers, for the environment of a member.
pub(crate) fn settings(plan: &Plan) -> String {
    let scenario = Scenario {
        settings: plan.settings.as_ref().clone(),
        workload: Workload::Drawn(Traffic::default()),
        faults: Vec::new(),
        seed: None,
    };
    scenario.to_toml()
}

/// What `plimsoll member` does: one member of the group with Plimsoll's own consumer, configured
/// by its environment.
pub fn member_main() -> ExitCode {
    ExitCode::FAILURE
}
