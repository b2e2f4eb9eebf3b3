//! How members leave.

use super::group::{give_up, given, join, new, owner, refused};
use super::*;
use plimsoll_protocol::ErrorName as E;

/// Clients that are assigned cooperatively, and whether they leave where they have no partitions.
const CLIENTS: [(Behaviour, bool); 4] = [
    (Behaviour::LIBRDKAFKA, false),
    (Behaviour::PLIMSOLL, true),
    (Behaviour::SARAMA_1_61, true),
    (Behaviour::JAVA, true),
];

/// Creates a cooperative member.
fn member(behaviour: Behaviour) -> Group {
    let settings = Settings {
        behaviour,
        ..cooperative()
    };
    new(settings, None)
}

/// Lets a member leave; returns whether it says so.
fn leaves(group: &mut Group, view: &View) -> bool {
    told(|| group.poll_action());
    group.leave(view);
    let actions = told(|| group.poll_action());
    assert!(matches!(&actions[..], [one] if one == "ask 0 LeaveGroup" || one == "End"));
    actions == ["ask 0 LeaveGroup"]
}

/// Lets a member give up the one partition that it has, and has it answer that.
fn emptied(behaviour: Behaviour, view: &View) -> (Group, Instant) {
    let mut group = owner(member(behaviour), view);
    let now = NOW + ms(3_000);
    group.handle_heartbeat(now, view, 1, refused(E::RebalanceInProgress));
    if behaviour.prepares_joins {
        let (id, _) = group.poll_callback(now, view).expect("the turn before it");
        give_up(&mut group, now, view, id);
    }
    group.handle_join(now, view, 2, Ok(super::group::generation(2)));
    group.handle_sync(now, view, 2, given(&[]));
    (group, now)
}

#[test]
fn a_cooperative_member_that_got_nothing_leaves_only_where_its_client_sees_to_it() {
    let view = knowledge();
    for (behaviour, expected) in CLIENTS {
        let mut group = member(behaviour);
        join(&mut group, &view, 1, &[]);
        assert_eq!(leaves(&mut group, &view), expected, "{behaviour:?}");
    }
}

#[test]
fn a_cooperative_member_that_gave_all_up_leaves_only_where_its_client_sees_to_it() {
    let view = knowledge();
    for (behaviour, expected) in CLIENTS {
        let (mut group, now) = emptied(behaviour, &view);
        let (id, _) = group.poll_callback(now, &view).expect("a revocation");
        assert_eq!(group.handle_revoke_answer(id), [P0]);
        assert_eq!(leaves(&mut group, &view), expected, "a commit is under way");
        let (mut group, now) = emptied(behaviour, &view);
        let (id, _) = group.poll_callback(now, &view).expect("a revocation");
        give_up(&mut group, now, &view, id);
        assert_eq!(leaves(&mut group, &view), expected, "it joins again");
    }
}

/// "Treating assign as unassign" (`rd_kafka_cgrp_handle_assign_op`): the full one has the step at
/// which a member leaves.
#[test]
fn a_member_whose_application_owes_an_answer_leaves() {
    let view = knowledge();
    for (behaviour, _) in CLIENTS {
        let (mut group, now) = emptied(behaviour, &view);
        group.poll_callback(now, &view).expect("a revocation");
        assert!(leaves(&mut group, &view), "{behaviour:?}");
    }
}

#[test]
fn a_member_with_partitions_and_an_eager_one_without_any_leave() {
    let view = knowledge();
    for (behaviour, _) in CLIENTS {
        let mut group = owner(member(behaviour), &view);
        assert!(leaves(&mut group, &view), "{behaviour:?}");
        let mut group = new(like(behaviour), None);
        join(&mut group, &view, 1, &[]);
        assert!(leaves(&mut group, &view), "{behaviour:?}");
    }
}

#[test]
fn a_member_that_has_closed_sends_no_heartbeat() {
    let view = knowledge();
    let mut group = owner(new(settings(), None), &view);
    group.close(NOW);
    assert_eq!(group.poll_timeout(&view), Instant::FAR_FUTURE);
    group.handle_timeout(NOW + ms(20_000), &view);
    assert_eq!(told(|| group.poll_action()), [""; 0]);
}

/// Seen with librdkafka 2.12.1: a close hung for as long as its coordinator was out of reach. In
/// Java it is `ConsumerUtils.DEFAULT_CLOSE_TIMEOUT_MS`.
#[test]
fn plimsolls_consumer_and_java_wait_for_no_commit_for_ever_when_they_close() {
    let view = knowledge();
    for (behaviour, limit) in [
        (Behaviour::PLIMSOLL, ms(6_000)),
        (Behaviour::JAVA, ms(30_000)),
    ] {
        let mut group = owner(new(like(behaviour), None), &view);
        group.close(NOW);
        assert_eq!(group.poll_timeout(&view), NOW + limit, "{behaviour:?}");
        group.handle_timeout(NOW + limit, &view);
        assert_eq!(told(|| group.poll_action()), ["End"], "{behaviour:?}");
    }
}

#[test]
fn a_leave_waits_for_its_answer_as_long_as_its_client_has_it() {
    let view = knowledge();
    for (behaviour, expected) in [
        (Behaviour::PLIMSOLL, ms(5_000)),
        (Behaviour::JAVA, ms(7_000)),
    ] {
        let settings = Settings {
            behaviour,
            request_timeout: ms(7_000),
            ..cooperative()
        };
        let mut group = new(settings, None);
        join(&mut group, &view, 1, &[]);
        told(|| group.poll_action());
        group.leave(&view);
        let asked = std::iter::from_fn(|| group.poll_action());
        let timeouts: Vec<_> = asked
            .filter_map(|action| match action {
                Action::Ask(ask) => Some(ask.timeout),
                _ => None,
            })
            .collect();
        assert_eq!(timeouts, [expected], "{behaviour:?}");
    }
}
