//! Which plans this backend cannot execute, and why: it never skips a part of one.

use plimsoll_scenarios::scenario::{Condition, Fault, Trigger};
use plimsoll_scenarios::{Plan, Refusal, Subject};
use plimsoll_sim::served;

/// Returns why a plan cannot be executed, if it cannot.
pub(crate) fn refuses(plan: &Plan) -> Option<Refusal> {
    let reason = subject(plan).or_else(|| brokers(plan));
    if let Some(reason) = reason {
        return Some(Refusal {
            fault: None,
            reason,
        });
    }
    let mut faults = plan.faults.iter();
    faults.find_map(|fault| {
        Some(Refusal {
            fault: Some(fault.id),
            reason: trigger(fault)?,
        })
    })
}

fn subject(plan: &Plan) -> Option<String> {
    let subject = plan.settings.consumers.subject;
    let is_ours = matches!(subject, Subject::Plimsoll | Subject::PlimsollDriver);
    (!is_ours).then(|| {
        format!(
            "the recipe `{subject}` has no code that runs in production: `--backend sim` tries it"
        )
    })
}

fn brokers(plan: &Plan) -> Option<String> {
    let wanted = plan.settings.cluster.brokers;
    let most = u32::from(served::Options::MOST_BROKERS);
    (wanted > most)
        .then(|| format!("it wants {wanted} brokers, and a served cluster has {most} at most"))
}

fn trigger(fault: &Fault) -> Option<String> {
    let Trigger::When { condition, .. } = fault.trigger else {
        return None;
    };
    (condition == Condition::RevokedBuffered).then(|| {
        "what a client has fetched and not handed over is not seen from outside of it \
         (`revoked-buffered`)"
            .to_owned()
    })
}
