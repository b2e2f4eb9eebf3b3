//! What the leader of a generation does: it gives partitions to the members.
//!
//! Members may have subscribed to topics to which their leader has not. It asks how many partitions
//! these have before it gives them out, and its sync waits for that
//! (`rd_kafka_cgrp_handle_JoinGroup` asks for the metadata of all members' topics,
//! `rd_kafka_cgrp_handle_Metadata_op` runs the assignor; Java:
//! `ConsumerCoordinator.onLeaderElected`, `updateGroupSubscription`).

use super::{Group, Phase};
use crate::assignor::{self, Assignments, Joining};
use crate::{AssignmentOf, Speaker, TopicOf, View};
use plimsoll_core::Instant;
use plimsoll_protocol::{JoinGroupResponse, Protocols as _};

/// A generation whose leader does not know all topics of its members.
#[derive(Debug)]
pub(super) struct Leading<S: Speaker> {
    answer: JoinGroupResponse<S::Dialect>,
    /// The topics to ask about, until that is done.
    topics: Option<Vec<TopicOf<S>>>,
}

impl<S: Speaker> Group<S> {
    /// Gives partitions to the members of a generation, once it is known which there are.
    pub(super) fn lead(
        &mut self,
        now: Instant,
        view: &View<S>,
        answer: JoinGroupResponse<S::Dialect>,
    ) {
        let mut topics: Vec<TopicOf<S>> = Vec::new();
        for joined in &answer.members {
            let foreign = view.speaker.foreign_topics(&joined.subscription);
            let news = foreign.into_iter().filter(|topic| !topics.contains(topic));
            let news: Vec<_> = news.collect();
            topics.extend(news);
        }
        if topics.is_empty() {
            let assignments = assign(view, &answer);
            return self.begin_sync(now, view, &answer, assignments);
        }
        let topics = Some(topics);
        self.leading = Some(Leading { answer, topics });
    }

    /// Takes the topics of other members whose numbers of partitions the leader is to ask for.
    pub fn poll_foreign_topics(&mut self) -> Option<Vec<TopicOf<S>>> {
        self.leading.as_mut()?.topics.take()
    }

    /// Gives partitions out, now that the view has the topics of all members; none are asked for
    /// any more where the generation is over.
    pub fn handle_foreign_topics(&mut self, now: Instant, view: &View<S>) {
        let leading = self.leading.take();
        if let Some(leading) = leading.filter(|_| self.phase == Phase::Syncing) {
            let assignments = assign(view, &leading.answer);
            self.begin_sync(now, view, &leading.answer, assignments);
        }
    }
}

/// Gives partitions to the members of a generation, as its leader: to none where it does not know
/// the protocol for which they voted.
fn assign<S: Speaker>(
    view: &View<S>,
    answer: &JoinGroupResponse<S::Dialect>,
) -> Assignments<AssignmentOf<S>> {
    let voted = answer.protocol.as_ref();
    let Some(assignor) = voted.and_then(|(_, name)| view.speaker.assignor(name)) else {
        return Vec::new();
    };
    let topics: Vec<_> = view.topology.consumed().collect();
    let names: Vec<_> = topics
        .iter()
        .map(|topic| view.speaker.topic(*topic))
        .collect();
    let joined = answer.members.iter().map(|joined| {
        let consumes = topics.iter().zip(&names);
        let consumes = consumes.filter(|(_, name)| joined.subscription.subscribes(name));
        Joining {
            member: joined.member,
            instance: joined.instance,
            owned: view.speaker.owned(&joined.subscription),
            topics: consumes.map(|(topic, _)| *topic).collect(),
        }
    });
    let joined: Vec<Joining> = joined.collect();
    let own = view.metadata.workload(&view.topology);
    let partitions: Vec<_> = own.chain(view.topology.foreign()).collect();
    let assigned = assignor::assign(assignor, &view.topology, &joined, &partitions).into_iter();
    let said = assigned.map(|(member, own)| (member, view.speaker.assignment(own)));
    said.collect()
}
