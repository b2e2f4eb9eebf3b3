//! A strategy of scenarios, for property tests.

use plimsoll_core::Instant;
use plimsoll_oracle::{FaultId, MemberId};
use plimsoll_scenarios::Scenario;
use plimsoll_scenarios::scenario::{
    Failure, Fault, FaultKind, FaultSpec, Lasts, MemberTarget, Share, Trigger,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::ops::Range;
use std::time::Duration;

/// The number of faults beyond which a scenario has no more.
const MOST: usize = 5;

/// The moments at which faults begin, in milliseconds: before the first assignment, and while there
/// is work.
const BEGIN: Range<u64> = 0..20_000;

/// How long faults last, in milliseconds.
const LAST: Range<u64> = 100..10_000;

/// Returns scenarios with up to five faults beside those of `base`: members that crash, also right
/// after an effect, stop or stand still, writes that hang or fail, lost connections, rebalances.
/// Smaller ones have fewer faults, sooner.
///
/// ```
/// use plimsoll::{HandlerError, Message};
/// use plimsoll_testing::{Scenario, Trial, scenarios};
/// use proptest::prelude::*;
///
/// let base = Scenario::parse("base", r#"
///     topics = [{ name = "orders", partitions = 2 }]
///     workload = { messages = 20, rate = "2/s" }
///     consumers = { members = 2 }
/// "#).unwrap();
/// let config = ProptestConfig::with_cases(8);
/// proptest!(config, |(scenario in scenarios(&base))| {
///     let report = Trial::from_scenario(scenario)
///         .handler(async |_: Message| Ok::<(), HandlerError>(()))
///         .seed(0)
///         .unshrunk()
///         .run();
///     prop_assert!(report.failure().is_none(), "{}", report.failure().unwrap());
/// });
/// ```
pub fn scenarios(base: &Scenario) -> impl Strategy<Value = Scenario> + use<> {
    let base = base.clone();
    let members = base.settings.consumers.starts.len() as u32;
    vec(fault(members.max(1)), 0..=MOST).prop_map(move |faults| {
        let mut scenario = base.clone();
        let ids = scenario.faults.iter().map(|spec| match spec {
            FaultSpec::Explicit(fault) => fault.id.0,
            FaultSpec::Random(_) => 0,
        });
        let next = ids.max().unwrap_or(0) + 1;
        let faults = faults.into_iter().zip(next..);
        scenario.faults.extend(faults.map(|(fault, id)| {
            FaultSpec::Explicit(Fault {
                id: FaultId(id),
                ..fault
            })
        }));
        // What ends the safety phase must come after its last fault.
        scenario.settings.safety = None;
        scenario
    })
}

fn fault(members: u32) -> impl Strategy<Value = Fault> {
    let member = (0..members).prop_map(|member| MemberTarget::Member(MemberId(member)));
    let kind = member.prop_flat_map(|member| select(kinds(member)));
    (kind, BEGIN, LAST).prop_map(|(kind, begin, last)| Fault {
        id: FaultId(0),
        trigger: Trigger::At(Instant::from_millis(begin)),
        duration: (kind.lasts() == Lasts::AWhile).then(|| Duration::from_millis(last)),
        kind,
    })
}

/// Returns what may happen to a member, the plainest first.
fn kinds(member: MemberTarget) -> Vec<FaultKind> {
    let outage = |outcome| FaultKind::HandlerOutage {
        outcome,
        share: Share(0.5),
    };
    vec![
        FaultKind::Crash { member },
        FaultKind::CrashAfterEffect { member },
        FaultKind::Stop { member },
        FaultKind::Pause { member },
        FaultKind::HandlerHang { member },
        outage(Failure::Retryable),
        FaultKind::Rebalance,
        FaultKind::Cut {
            member,
            broker: None,
        },
    ]
}
