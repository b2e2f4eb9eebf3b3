//! What stands at the seams and lets everything pass changes nothing.

use super::client_spec;
use crate::planted::catalogue::CONTROL;
use crate::planted::power::library;
use plimsoll_client::{Seams, Speaker};
use plimsoll_oracle::Trace;
use plimsoll_scenarios::{Backend, Plan};
use plimsoll_sim::Simulator;

#[derive(Default)]
struct LetsPass;

impl<S: Speaker> Seams<S> for LetsPass {}

#[test]
fn what_lets_everything_pass_changes_nothing() {
    for (name, scenario) in library() {
        let plan = Plan::draw(&scenario, 0);
        let [without, with] = [CONTROL, client_spec::<LetsPass>()].map(|spec| {
            let mut trace = Trace::new();
            let mut simulator = Simulator::with_spec(spec);
            simulator.run(&plan, &mut trace).expect("it takes any plan");
            trace.fingerprint()
        });
        assert_eq!(without, with, "{name}");
    }
}
