//! Faults, drawn: descriptions of random ones become explicit ones.

use crate::scenario::{Dice, Fault, FaultKind, FaultSpec, Lasts, RandomFaults, Scenario, Trigger};
use crate::{Purpose, Rng};
use plimsoll_core::Instant;
use plimsoll_oracle::FaultId;

/// Draws the faults of a scenario under `seed`. Those that only give a message its fate are left
/// out: the message has it.
pub(super) fn draw(scenario: &Scenario, seed: u64) -> Vec<Fault> {
    let settings = &scenario.settings;
    let mut faults = Vec::new();
    let explicit = scenario.faults.iter().filter_map(|spec| match spec {
        FaultSpec::Explicit(fault) => Some(fault.id.0),
        FaultSpec::Random(_) => None,
    });
    let mut next_id = explicit.max().unwrap_or(0) + 1;
    for (index, spec) in scenario.faults.iter().enumerate() {
        match spec {
            FaultSpec::Explicit(Fault {
                kind: FaultKind::Undecodable { .. },
                ..
            }) => {}
            FaultSpec::Explicit(fault) => faults.push(fault.clone()),
            FaultSpec::Random(random) => {
                let dice = |number: u64| {
                    let stream = (index as u64) << 32 | number;
                    Dice::new(settings, Rng::substream(seed, Purpose::Faults, stream))
                };
                let count = dice(0).whole(random.count);
                for number in 1..=u64::from(count) {
                    faults.push(draw_one(FaultId(next_id), random, &mut dice(number)));
                    next_id += 1;
                }
            }
        }
    }
    faults
}

fn draw_one(id: FaultId, random: &RandomFaults, dice: &mut Dice<'_>) -> Fault {
    let name = dice.weighted(&random.weights);
    let at = dice.time(random.between);
    let lasting = dice.time(random.duration);
    let kind = name.and_then(|name| FaultKind::draw(name, dice));
    let kind = kind.expect("the language wants weights, and only of kinds that can be drawn");
    let duration = match kind.lasts() {
        Lasts::AMoment | Lasts::Always => None,
        Lasts::AWhile | Lasts::MemberByMember | Lasts::BrokerByBroker => Some(lasting),
    };
    Fault {
        id,
        trigger: Trigger::At(Instant::ZERO + at),
        kind,
        duration,
    }
}
