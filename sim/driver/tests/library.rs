//! The production driver keeps every promise of the library, as the same bytes each time.

mod running;

use plimsoll_scenarios::{LIBRARY, Scenario, Subject};
use plimsoll_sim_driver::simulator;

const SEEDS: u64 = 5;

/// The same schedules in a simulator that had others before: nothing is left over of them.
#[test]
fn the_library_holds_and_gives_the_same_traces_again() {
    let mut used = simulator();
    for (label, text) in LIBRARY {
        let mut scenario = Scenario::parse(label, text).expect("the library has no mistakes");
        scenario.settings.consumers.subject = Subject::PlimsollDriver;
        for seed in 0..SEEDS {
            let (trace, verdict) = running::run(&mut used, &scenario, seed);
            let violations: Vec<_> = verdict.violations().collect();
            assert!(
                violations.is_empty(),
                "{label}, seed {seed}: {violations:?}"
            );
            let (again, _) = running::run(&mut simulator(), &scenario, seed);
            assert!(trace.entries() == again.entries(), "{label}, seed {seed}");
        }
    }
}
