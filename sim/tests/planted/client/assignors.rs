//! Bugs of a client that gives partitions to a group's members, as its leader.

use plimsoll_client::{AnswerOf, AskOf, Continuation, Parts, Seams, Speaker};
use plimsoll_protocol::{Node, PartitionIndex, Request, Response};
use std::collections::BTreeSet;

/// KAFKA-12984: two members are given the same partition.
#[derive(Default)]
pub(crate) struct AssignsTwice;

impl<S: Speaker> Seams<S> for AssignsTwice {
    fn request(&mut self, parts: &mut Parts<'_, S>, ask: &mut AskOf<S>) -> bool {
        change_assignments(parts, ask, |given| {
            if let [first, .., last] = given
                && let Some(partition) = first.last().copied()
                && !last.contains(&partition)
            {
                last.push(partition);
            }
        });
        true
    }
}

/// franz-go#366: a partition is given to no member.
#[derive(Default)]
pub(crate) struct AssignsNotAll;

impl<S: Speaker> Seams<S> for AssignsNotAll {
    fn request(&mut self, parts: &mut Parts<'_, S>, ask: &mut AskOf<S>) -> bool {
        change_assignments(parts, ask, |given| {
            if let [_, .., last] = given {
                last.pop();
            }
        });
        true
    }
}

/// sarama-cluster#242: partitions that a topic gets later are never seen.
#[derive(Default)]
pub(crate) struct CountsPartitionsOnce {
    known: BTreeSet<PartitionIndex>,
}

impl<S: Speaker> Seams<S> for CountsPartitionsOnce {
    fn answer(
        &mut self,
        _: &mut Parts<'_, S>,
        _: Node,
        _: Continuation,
        answer: &mut AnswerOf<S>,
    ) -> bool {
        if let Ok(Response::Metadata(cluster)) = answer {
            if self.known.is_empty() {
                let partitions = cluster.partitions.iter();
                self.known.extend(partitions.map(|state| state.partition));
            }
            let known = |index| self.known.contains(&index);
            cluster.partitions.retain(|state| known(state.partition));
        }
        true
    }
}

/// Changes what the leader gives to each member.
fn change_assignments<S: Speaker>(
    parts: &Parts<'_, S>,
    ask: &mut AskOf<S>,
    change: impl FnOnce(&mut [Vec<PartitionIndex>]),
) {
    let Request::SyncGroup { assignments, .. } = &mut ask.request else {
        return;
    };
    let speaker = &parts.view.speaker;
    let said = assignments.iter().map(|(_, said)| said.clone());
    let mut given: Vec<_> = said
        .map(|said| speaker.assigned(said).unwrap_or_default())
        .collect();
    change(&mut given);
    for ((_, said), given) in assignments.iter_mut().zip(given) {
        *said = speaker.assignment(given);
    }
}
