//! Members that leave, and members that a tool takes out (KIP-345).

use super::*;

fn quick(settings: &mut Settings) {
    settings.cluster.settings.group_initial_rebalance_delay = millis(100);
}

/// Lets members leave with one request, over the connections of a client that is none of them.
fn leave(cluster: &mut Cluster, members: &[(GroupMemberId, Option<u32>)]) -> Vec<Left> {
    match cluster.ask_group(2, leave_request(members)) {
        Response::LeaveGroup(Ok(answers)) => answers,
        other => panic!("{other:?}"),
    }
}

/// Returns what is answered of each member: an error, or none.
fn errors(answers: &[Left]) -> Vec<Option<ErrorName>> {
    let errors = answers.iter().map(|answer| answer.err());
    errors.map(|error| error.map(|(_, error)| error)).collect()
}

/// A group that was empty waits for more members, also where one of them goes meanwhile.
#[test]
fn a_member_that_leaves_does_not_end_the_initial_delay() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(1_000);
    });
    let join = cluster.send_group(0, join_request(None, Some(0)));
    cluster.send_group(1, join_request(None, Some(1)));
    cluster.run_for(millis(200));
    let left = leave(&mut cluster, &[(GroupMemberId::EMPTY, Some(1))]);
    assert_eq!(errors(&left), [None]);
    cluster.run_for(millis(200));
    assert!(cluster.answer(join).is_none(), "it waits for others");
    cluster.joined(join);
}

#[test]
fn each_member_that_is_to_leave_has_an_answer_of_its_own() {
    let mut cluster = Cluster::new(quick);
    let joins = [0, 1].map(|member| cluster.send_group(member, join_request(None, Some(member))));
    let [first, second] = joins.map(|join| cluster.joined(join));
    let pending = cluster.new_id(2);
    let none = GroupMemberId::EMPTY;
    let members = [
        // Of a static member a tool knows the name alone,
        (none, Some(1)),
        (none, Some(1)),
        // and with the id of another process it is fenced.
        (second.member, Some(0)),
        (pending, None),
        (GroupMemberId(99), None),
        (none, None),
    ];
    let answers = leave(&mut cluster, &members);
    let unknown = Some(ErrorName::UnknownMemberId);
    let fenced = Some(ErrorName::FencedInstanceId);
    let expected = [None, unknown, fenced, None, unknown, unknown];
    assert_eq!(errors(&answers), expected);
    assert!(
        matches!(answers[0], Ok(left) if left == Leaving { member: none, instance: Some(1) }),
        "as it was asked"
    );
    assert_eq!(
        cluster.static_heartbeat(1, 1, &second),
        Err(ErrorName::UnknownMemberId)
    );
    assert_eq!(
        cluster.static_heartbeat(0, 0, &first),
        Err(ErrorName::RebalanceInProgress),
        "one rebalance for all"
    );
    // The pending member, for which the generation would wait, is gone as well.
    let join = cluster.send_group(0, join_request(Some(first.member), Some(0)));
    let alone = cluster.joined(join);
    assert_eq!((alone.generation, alone.members.len()), (2, 1));
}

#[test]
fn where_none_leaves_there_is_no_rebalance() {
    let mut cluster = Cluster::new(quick);
    let member = cluster.single_member();
    let answers = leave(&mut cluster, &[(GroupMemberId(99), None)]);
    assert_eq!(errors(&answers), [Some(ErrorName::UnknownMemberId)]);
    assert_eq!(cluster.heartbeat(0, &member), Ok(()));
}
