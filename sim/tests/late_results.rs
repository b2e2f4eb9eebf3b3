//! The guards of the core against late results are tried in the simulator: results come of
//! assignments, attempts and commits that are over.

use plimsoll_core::{
    AssignmentEpoch, Command, Config, Consumer, Event, Instant, Machine, Offset, TopicPartition,
};
use plimsoll_oracle::Trace;
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;
use plimsoll_sim::recipes::{Behaviour, Payload, Polling, SubjectSpec};
use std::cell::Cell;
use std::collections::BTreeMap;

thread_local! {
    /// The number of results of assignments that were over.
    static OLD_EPOCHS: Cell<u32> = const { Cell::new(0) };
    /// The number of results of attempts after which another had begun.
    static OLD_ATTEMPTS: Cell<u32> = const { Cell::new(0) };
    /// The number of results of attempts that were over, where no other had begun.
    static ENDED: Cell<u32> = const { Cell::new(0) };
    /// The number of outcomes of older commits while another one was in flight.
    static OLD_COMMITS: Cell<u32> = const { Cell::new(0) };
}

/// The core, and what was dispatched to its driver and has not ended.
struct Watched {
    core: Consumer<Payload>,
    epochs: BTreeMap<TopicPartition, AssignmentEpoch>,
    running: BTreeMap<(TopicPartition, Offset), Option<u32>>,
}

fn count(counter: &'static std::thread::LocalKey<Cell<u32>>) {
    counter.with(|count| count.set(count.get() + 1));
}

impl Machine<Payload> for Watched {
    fn handle_event(&mut self, now: Instant, event: Event<Payload>) {
        if let Event::Processed {
            partition,
            epoch,
            offset,
            attempt,
            ..
        } = &event
        {
            let running = self.running.get_mut(&(*partition, *offset));
            match running {
                _ if self.epochs.get(partition) != Some(epoch) => count(&OLD_EPOCHS),
                Some(running) if *running == Some(*attempt) => *running = None,
                Some(Some(_)) => count(&OLD_ATTEMPTS),
                _ => count(&ENDED),
            }
        }
        if let Event::CommitFinished { commit, .. } = &event {
            let in_flight = self.core.commit_in_flight();
            if in_flight.is_some_and(|in_flight| in_flight != *commit) {
                count(&OLD_COMMITS);
            }
        }
        self.core.handle_event(now, event);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.core.handle_timeout(now);
    }

    fn poll_command(&mut self) -> Option<Command<Payload>> {
        let command = self.core.poll_command()?;
        match &command {
            Command::CompleteAssign { starts, .. } => {
                let starts = starts.iter();
                self.epochs
                    .extend(starts.map(|start| (start.partition, start.epoch)));
            }
            Command::Dispatch {
                partition,
                attempt,
                record,
                ..
            } => {
                self.running
                    .insert((*partition, record.offset), Some(*attempt));
            }
            Command::Cancel {
                partition, offset, ..
            } => {
                self.running.insert((*partition, *offset), None);
            }
            _ => {}
        }
        Some(command)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.core.poll_timeout()
    }
}

fn build(config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Watched {
        core: Consumer::new(*config),
        epochs: BTreeMap::new(),
        running: BTreeMap::new(),
    })
}

#[test]
fn results_come_of_assignments_attempts_and_commits_that_are_over() {
    let scenarios = [
        include_str!("../../scenarios/library/handler/late-results.toml"),
        include_str!("../../scenarios/library/broker/coordinator-killed.toml"),
    ];
    let mut simulator = Simulator::with_spec(SubjectSpec {
        build,
        polling: Polling::Always,
        behaviour: Behaviour::PLIMSOLL,
        seams: None,
    });
    let mut trace = Trace::new();
    for scenario in scenarios {
        let scenario = Scenario::parse("late-results.toml", scenario).unwrap();
        for seed in 0..20 {
            trace.clear();
            simulator
                .run(&Plan::draw(&scenario, seed), &mut trace)
                .unwrap();
        }
    }
    for (what, counter) in [
        ("an old assignment", &OLD_EPOCHS),
        ("an older attempt", &OLD_ATTEMPTS),
        ("an attempt that is over", &ENDED),
        ("an older commit", &OLD_COMMITS),
    ] {
        assert!(counter.get() > 0, "no result of {what}");
    }
}
