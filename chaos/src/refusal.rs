//! Which plans this backend cannot execute, and why: it never skips a part of one.

use crate::faults::impossible;
use crate::options::{ClusterSource, Options, SubjectCommand};
use plimsoll_oracle::Word;
use plimsoll_scenarios::scenario::{BrokerSettings, Fault};
use plimsoll_scenarios::{Plan, Refusal, Subject};
use plimsoll_sim::served;

/// The number of brokers of the cluster in containers.
pub(crate) const BROKERS: u32 = 3;

impl Options {
    /// Returns why no backend with these options can execute the plan, if none can. Starts nothing.
    pub fn refuses(&self, plan: &Plan) -> Option<Refusal> {
        subject(self, plan)
            .or_else(|| cluster(self, plan))
            .or_else(|| {
                let mut faults = plan.faults.iter();
                faults.find_map(|fault| refuse_fault(self, fault))
            })
    }
}

/// Returns whether the plan breaks what other runs on the cluster need.
pub(crate) fn breaks_brokers(plan: &Plan) -> bool {
    plan.faults.iter().any(|fault| fault.kind.breaks_brokers())
}

fn subject(options: &Options, plan: &Plan) -> Option<Refusal> {
    let subject = plan.settings.consumers.subject;
    let own = matches!(options.subject, SubjectCommand::Own(_));
    (own && subject != Subject::Plimsoll).then(|| {
        whole(format!(
            "the recipe `{subject}` exists in the simulator only: give the command of a program \
             that does the same"
        ))
    })
}

fn cluster(options: &Options, plan: &Plan) -> Option<Refusal> {
    let cluster = &plan.settings.cluster;
    if options.source == ClusterSource::Embedded {
        let most = u32::from(served::Options::MOST_BROKERS);
        return (cluster.brokers > most).then(|| {
            let wanted = cluster.brokers;
            whole(format!(
                "it wants {wanted} brokers, and an embedded cluster has {most} at most"
            ))
        });
    }
    if cluster.settings != BrokerSettings::default() {
        let text = "it states settings of brokers (`[cluster.settings]`), and all scenarios share \
                    one cluster";
        return Some(whole(text.into()));
    }
    let foreign = matches!(options.source, ClusterSource::Bootstrap { .. });
    if !foreign && cluster.brokers != BROKERS {
        let text = format!(
            "it wants {} brokers, and the cluster has {BROKERS}",
            cluster.brokers
        );
        return Some(whole(text));
    }
    None
}

fn refuse_fault(options: &Options, fault: &Fault) -> Option<Refusal> {
    let reason = match options.source {
        ClusterSource::Embedded => None,
        _ => impossible(&fault.kind),
    };
    let reason = reason.or_else(|| {
        let foreign = matches!(options.source, ClusterSource::Bootstrap { .. });
        (foreign && fault.kind.breaks_brokers())
            .then_some("the brokers of a cluster that is there already are not broken")
    });
    let unseen = fault.waits_for_moment();
    let unseen = unseen.then_some("its condition is a moment that only the simulator sees");
    let reason = reason.or(unseen)?;
    let name = fault.kind.name().word();
    Some(Refusal {
        fault: Some(fault.id),
        reason: format!("`{name}`: {reason}"),
    })
}

fn whole(reason: String) -> Refusal {
    Refusal {
        fault: None,
        reason,
    }
}
