//! Faults, written.

use super::when::When;
use super::{Fault, FaultSpec, Lasts, Trigger};
use crate::scenario::ids;
use crate::scenario::topics::Topic;
use crate::scenario::write::{self, Section};
use plimsoll_oracle::Word;
use std::time::Duration;

/// Writes the tables `[[faults]]` and `[faults.random]`.
pub(in crate::scenario) fn write(specs: &[FaultSpec], topics: &[Topic], file: &mut String) {
    if let [FaultSpec::Random(random)] = specs {
        random.write(file);
        return;
    }
    let explicit = specs.iter().filter_map(|spec| match spec {
        FaultSpec::Explicit(fault) => Some(fault.id.0),
        FaultSpec::Random(_) => None,
    });
    let explicit: Vec<_> = explicit.collect();
    let mut write_ids = ids::needed(&explicit).into_iter();
    // An explicit fault before a random one is the entry that TOML hangs the random one on.
    let mut entry_is_open = false;
    for spec in specs {
        match spec {
            FaultSpec::Explicit(fault) => {
                let mut section = Section::new("[[faults]]");
                if write_ids.next() == Some(true) {
                    section.line("id", fault.id.0);
                }
                write_fault(fault, topics, &mut section);
                section.finish(file, true);
                entry_is_open = true;
            }
            FaultSpec::Random(random) => {
                if !entry_is_open {
                    Section::new("[[faults]]").finish(file, true);
                }
                random.write(file);
                entry_is_open = false;
            }
        }
    }
}

impl Fault {
    /// Writes it as a file says it, in one line.
    pub fn in_one_line(&self, topics: &[Topic]) -> String {
        let mut section = Section::new("");
        write_fault(self, topics, &mut section);
        let mut lines = String::new();
        section.finish(&mut lines, true);
        lines.trim_end().replace('\n', ", ")
    }
}

fn write_fault(fault: &Fault, topics: &[Topic], section: &mut Section) {
    if fault.kind.lasts() != Lasts::Always {
        write_trigger(fault.trigger, section);
    }
    section.text("do", fault.kind.name().word());
    let arguments = fault.kind.arguments().into_iter();
    for argument in arguments.filter(|argument| !argument.is_default) {
        section.line(argument.key, argument.value.write(topics));
    }
    if let Some(time) = fault.duration {
        section.line("for", write::time(time));
    }
}

fn write_trigger(trigger: Trigger, section: &mut Section) {
    match trigger {
        Trigger::At(at) => section.line("at", write::time(at.since_start())),
        Trigger::When {
            condition,
            count,
            delay,
        } => {
            let when = When {
                condition,
                nth: Some(count),
            };
            section.text("when", &when.to_text());
            section.differing("after", (delay, Duration::ZERO), write::time);
        }
    }
}
