//! What must be true of a fault in its scenario, however it was made.

use super::argument::Checking;
use super::{Fault, FaultSpec, Lasts, Trigger, possible};
use crate::scenario::Scenario;
use crate::scenario::errors::{Place, Problem, place};
use plimsoll_oracle::Word;
use std::time::Duration;

/// Notes everything that is wrong with the faults of a scenario, each by its index: `faults`, `2`,
/// `member`. `capacity` has, by topic, the number of partitions that it can have.
pub(in crate::scenario) fn check(
    scenario: &Scenario,
    capacity: &[u32],
    problems: &mut Vec<Problem>,
) {
    for (index, spec) in scenario.faults.iter().enumerate() {
        let at = place!["faults", index];
        match spec {
            FaultSpec::Explicit(fault) => {
                let mut check = Check { at: &at, problems };
                check.id(fault, &scenario.faults);
                check.times(fault);
                check.arguments(fault, scenario, capacity);
                possible::explicit(fault, scenario, &at, problems);
            }
            FaultSpec::Random(random) => {
                random.check(&at, problems);
                possible::random(random, scenario, &at, problems);
            }
        }
    }
}

struct Check<'a> {
    at: &'a Place,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn id(&mut self, fault: &Fault, all: &[FaultSpec]) {
        let number = fault.id.0;
        let same_id = all
            .iter()
            .filter(|spec| matches!(spec, FaultSpec::Explicit(other) if other.id == fault.id));
        if same_id.count() > 1 {
            let message = format!("two faults have the id {number}");
            self.problem("id", message, "expected another");
        }
        if number > 4_000 {
            // Substreams of a fault are numbered in 12 bits.
            let message = format!("a fault has the id {number}");
            self.problem("id", message, "expected at most 4000");
        }
    }

    fn times(&mut self, fault: &Fault) {
        if let Trigger::When { count: 0, .. } = fault.trigger {
            self.problem("nth", "the 0th time".into(), "expected at least 1");
        }
        let word = fault.kind.name().word();
        match (fault.kind.lasts(), fault.duration) {
            (Lasts::AMoment | Lasts::Always, None) | (Lasts::AWhile, _) => {}
            (Lasts::AMoment | Lasts::Always, Some(_)) => {
                let message = format!("`{word}` is over at once: it has no duration");
                self.problem("for", message, "expected no `for`");
            }
            (Lasts::MemberByMember | Lasts::BrokerByBroker, duration) => match duration {
                None => {
                    let message = format!("`{word}` without `for`");
                    self.problem("do", message, "expected `for` beside it");
                }
                Some(Duration::ZERO) => {
                    let message = "all of them at once".into();
                    self.problem("for", message, "expected a longer time");
                }
                Some(_) => {}
            },
        }
    }

    fn arguments(&mut self, fault: &Fault, scenario: &Scenario, capacity: &[u32]) {
        let mut checking = Checking {
            scenario,
            capacity,
            place: self.at.clone(),
            topic: None,
            request: None,
            problems: self.problems,
        };
        for argument in fault.kind.arguments() {
            checking.place.push(argument.key.into());
            argument.value.check(&mut checking);
            checking.place.pop();
        }
    }

    fn problem(&mut self, key: &str, message: String, expected: &str) {
        let mut place = self.at.clone();
        place.push(key.into());
        let problem = Problem::new(place, message).expected(expected);
        self.problems.push(problem);
    }
}
