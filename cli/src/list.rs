//! `plimsoll list`: the embedded library, and the names of subjects, properties, faults and rare
//! things.

use crate::args::ListArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::library;
use crate::outcome::Outcome;
use crate::render::human::abbreviation;
use plimsoll_scenarios::scenario::FaultName;
use plimsoll_scenarios::{Property, Sometimes, Subject};

/// Runs `plimsoll list`.
///
/// # Errors
/// Where an embedded scenario has a mistake.
pub fn list(args: &ListArgs) -> Result<Outcome, CliError> {
    let text = if args.subjects {
        columns(&Subject::ALL.map(|subject| (subject.name(), subject.description())))
    } else if args.properties {
        properties()
    } else if args.faults {
        faults()
    } else if args.sometimes {
        Sometimes::ALL
            .map(|rare| format!("{}\n", rare.name()))
            .concat()
    } else {
        scenarios()?
    };
    Ok(Outcome::new(text, Exit::Met))
}

/// Lists the library, folder by folder, with a mark on scenarios that are quick enough for a real
/// cluster.
fn scenarios() -> Result<String, CliError> {
    let library = library::load(&[])?;
    let told = library.iter().map(|loaded| {
        let settings = &loaded.scenario.settings;
        let mark = if settings.real_time {
            "[real time] "
        } else {
            ""
        };
        (&loaded.label, format!("{mark}{}", settings.description))
    });
    let told: Vec<(&String, String)> = told.collect();
    let rows: Vec<(&str, &str)> = told
        .iter()
        .map(|(label, told)| (label.as_str(), told.as_str()))
        .collect();
    Ok(columns(&rows))
}

fn columns(rows: &[(&str, &str)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter()
        .map(|(name, description)| {
            format!("{name:<width$}  {description}")
                .trim_end()
                .to_owned()
        })
        .map(|line| line + "\n")
        .collect()
}

/// Lists each property, its heading in the table of `plimsoll run`, and what it promises.
fn properties() -> String {
    let rows = Property::ALL.map(|property| {
        let heading = format!("{:<27}  {:<7}", property.name(), abbreviation(property));
        (heading, promise(property))
    });
    let rows: Vec<(&str, &str)> = rows
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    columns(&rows)
}

/// Returns what a property promises, in one sentence; its checker's file has the exact statement.
const fn promise(property: Property) -> &'static str {
    match property {
        Property::NoLoss => "every acknowledged record is finished in the group that owes it",
        Property::CommitCoversOnlyFinished => "a commit covers no record that is not finished",
        Property::NoRewind => "a committed offset never decreases",
        Property::NoZombie => {
            "a member that no longer owns a partition neither commits nor handles it"
        }
        Property::KeyOrder => "a record waits for every earlier record of its key",
        Property::DeadLetterExact => {
            "the records that cannot be handled are dead-lettered, and no others"
        }
        Property::BoundedRedelivery => {
            "a record is delivered at most as many times as its budget allows"
        }
        Property::BoundedDuplicates => "a disruption repeats at most one commit interval of work",
        Property::Liveness => "once everything is healed, the group catches up in time",
        Property::CleanShutdown => "a graceful stop ends in time and repeats nothing",
        Property::ExactlyOnce => "with transactions, each input has one visible output",
        Property::AckedIsDurable => "the cluster kept what it acknowledged (guards the simulator)",
    }
}

/// Lists the kinds of faults, by the word that `do` takes.
fn faults() -> String {
    let rows: Vec<(&str, &str)> = FaultName::all()
        .map(|name| (name.name(), effect(name)))
        .collect();
    columns(&rows)
}

/// Returns what a fault does.
const fn effect(fault: FaultName) -> &'static str {
    match fault {
        FaultName::Crash => "a member's process dies at once; started again after the duration",
        FaultName::Stop => "a member is asked to stop gracefully; started again after the duration",
        FaultName::Pause => "a member stands still, and wakes up believing what it believed",
        FaultName::Slow => "a member's handlers take several times as long",
        FaultName::Join => "a member that has not run yet starts",
        FaultName::RollingRestart => "each member in turn stops gracefully and starts again",
        FaultName::CrashAfterEffect => {
            "a member dies after its next effect, before it learns of it"
        }
        FaultName::HandlerOutage => "a share of all attempts fails",
        FaultName::HandlerHang => "attempts that begin meanwhile do not come back before the end",
        FaultName::Undecodable => "a message that no handler can decode",
        FaultName::Partition => "nothing passes between a member and brokers, one way or both",
        FaultName::Isolate => "nothing passes between a broker and all others",
        FaultName::Delay => "everything between a member and brokers takes longer",
        FaultName::Cut => "connections between a member and brokers break",
        FaultName::LoseResponse => "a request is applied, and its answer is lost",
        FaultName::BrokerCrash => "a broker's process dies; started again after the duration",
        FaultName::BrokerStop => "a broker hands its leaderships over and stops",
        FaultName::BrokerPause => "a broker stands still",
        FaultName::RollingBrokerRestart => "each broker in turn stops cleanly and starts again",
        FaultName::LeaderMove => "another in-sync replica becomes a partition's leader",
        FaultName::CoordinatorMove => "another broker becomes the group's coordinator",
        FaultName::Error => "requests of a kind are answered with an error code of Kafka's",
        FaultName::Throttle => "a broker answers everything later",
        FaultName::AddPartitions => "a topic gets more partitions",
        FaultName::Retention => "the first records of a partition are removed",
    }
}
