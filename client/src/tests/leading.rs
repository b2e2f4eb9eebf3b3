//! Groups whose members have subscribed to different topics, as their leader gives partitions out.

use super::group::{MEMBER, new};
use super::plain::Says;
use super::*;
use crate::{Joined, Owned};
use plimsoll_protocol::{GroupMemberId, JoinGroupResponse, JoinedMember, ProtocolType};

/// Another member of the group.
const OTHER: GroupMemberId = GroupMemberId(2);

/// Returns a generation that this member leads, and in which the other one has subscribed to these
/// topics.
fn led(generation: i32, topics: &[u32]) -> Joined<Plain> {
    let says = |topics| Says {
        assignor: Assignor::Range,
        owned: Owned {
            partitions: Vec::new(),
            since: -1,
        },
        topics,
    };
    let joined = |member, topics| JoinedMember {
        member,
        instance: None,
        subscription: says(topics),
    };
    Joined::Generation(Box::new(JoinGroupResponse {
        generation,
        member: MEMBER,
        leader: MEMBER,
        skip_assignment: false,
        protocol: Some((ProtocolType::CONSUMER, Assignor::Range)),
        members: vec![joined(MEMBER, None), joined(OTHER, Some(topics.to_vec()))],
    }))
}

/// Returns what the next request, a sync, gives to both members.
fn given(group: &mut Group) -> [Vec<u16>; 2] {
    let Some(Action::Ask(Ask { request, .. })) = group.poll_action() else {
        panic!("no sync");
    };
    let Request::SyncGroup { assignments, .. } = request else {
        panic!("{request:?}");
    };
    [MEMBER, OTHER].map(|member| {
        let mut own = assignments.iter().filter(|(of, _)| *of == member);
        let (_, own) = own.next().expect("each member gets something, or nothing");
        own.iter().map(|index| index.0).collect()
    })
}

#[test]
fn a_leader_asks_for_the_topics_of_others_before_it_gives_them_out() {
    let mut view = knowledge();
    let mut group = new(settings(), None);
    group.handle_timeout(NOW, &view);
    told(|| group.poll_action());
    // Topic 30 has the number 3 here, behind the topic of dead letters and `__consumer_offsets`.
    group.handle_join(NOW, &view, 1, Ok(led(1, &[30])));
    assert_eq!(told(|| group.poll_action()), [""; 0], "no sync yet");
    assert_eq!(group.poll_foreign_topics(), Some(vec![30]));
    assert_eq!(group.poll_foreign_topics(), None, "once");
    assert_eq!(view.topology.set_foreign([2]), [3]);
    group.handle_foreign_topics(NOW, &view);
    // Four partitions of the own topic, then that of dead letters and of `__consumer_offsets`.
    assert_eq!(given(&mut group), [vec![0, 1, 2, 3], vec![6, 7]]);
}

#[test]
fn an_answer_for_a_generation_that_is_over_gives_nothing_out() {
    let mut view = knowledge();
    let mut group = new(settings(), None);
    group.handle_timeout(NOW, &view);
    group.handle_join(NOW, &view, 1, Ok(led(1, &[30])));
    told(|| group.poll_action());
    view.topology.set_foreign([2]);
    group.close(NOW);
    told(|| group.poll_action());
    group.leave(&view);
    group.handle_foreign_topics(NOW, &view);
    let told = told(|| group.poll_action());
    assert!(!told.iter().any(|told| told.contains("Sync")), "{told:?}");
}

#[test]
fn members_with_the_topics_of_their_leader_get_partitions_at_once() {
    let view = knowledge();
    let mut group = new(settings(), None);
    group.handle_timeout(NOW, &view);
    told(|| group.poll_action());
    group.handle_join(NOW, &view, 1, Ok(led(1, &[0])));
    assert_eq!(group.poll_foreign_topics(), None);
    assert_eq!(given(&mut group), [vec![0, 1], vec![2, 3]]);
}
