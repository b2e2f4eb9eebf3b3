//! One request of a connection at a time: what waits behind another one.

use super::clients::{commit_request, join_request, sender};
use super::{Cluster, P, millis};
use crate::env::Env;
use crate::protocol::{Channel, Channels, Correlation, Node, Request, Response, Sharing};
use plimsoll_oracle::ErrorName;

/// Returns a cluster in which one broker leads the partition, which is empty, and coordinates.
fn cluster() -> Cluster {
    let mut clusters = (1..100).map(|seed| Cluster::seeded(seed, |_| {}));
    let found = clusters.find(|cluster| cluster.coordinator() == cluster.leader(P));
    found.expect("a coordinator that leads")
}

/// Has a member ask the coordinator, over the connection on which a client sends this that shares
/// its connections so.
fn send(cluster: &mut Cluster, member: u32, sharing: Sharing, request: Request) -> Correlation {
    let (from, to) = (cluster.member(member), cluster.coordinator());
    cluster.send(from, to, sharing.lane(Channel::Coordinator), request)
}

/// Has a member ask for records of which there are none: the answer takes half a second.
fn send_fetch(cluster: &mut Cluster, member: u32) -> Correlation {
    let (from, to) = (cluster.member(member), cluster.leader(P));
    let epoch = cluster.broker(to).replicas[P].leader_epoch();
    assert_eq!(Sharing::All.lane(Channel::Fetch), Channel::Fetch);
    cluster.send_fetch(from, to, 0, epoch)
}

#[test]
fn a_heartbeat_waits_behind_a_fetch_on_one_connection() {
    for (sharing, waits) in [(Sharing::All, true), (Sharing::GroupApart, false)] {
        let mut cluster = cluster();
        let joined = cluster.single_member();
        let fetch = send_fetch(&mut cluster, 0);
        let heartbeat = Request::Heartbeat(sender(&joined, None));
        let heartbeat = send(&mut cluster, 0, sharing, heartbeat);
        if waits {
            cluster.run_for(millis(400));
            assert!(cluster.answer(heartbeat).is_none());
            assert!(cluster.wait_for(fetch, millis(200)).is_some());
        }
        let answer = cluster.wait_for(heartbeat, millis(20));
        assert!(
            matches!(answer, Some(Response::Heartbeat(Ok(())))),
            "{sharing:?}: {answer:?}"
        );
        assert!(
            waits || cluster.answer(fetch).is_none(),
            "it came while the fetch waits"
        );
    }
}

#[test]
fn a_fetch_waits_behind_a_join_that_waits_for_others() {
    let mut cluster = cluster();
    let [leader, follower] = cluster.two_members();
    let join = join_request(Some(leader.member), None);
    let join = send(&mut cluster, 0, Sharing::All, join);
    let fetch = send_fetch(&mut cluster, 0);
    cluster.run_for(millis(2_000));
    assert!(cluster.answer(join).is_none());
    assert!(
        cluster.answer(fetch).is_none(),
        "it has not even begun to wait"
    );
    let other = cluster.send_join(1, Some(follower.member));
    cluster.joined(join);
    cluster.joined(other);
    cluster.run_for(millis(400));
    assert!(cluster.answer(fetch).is_none());
    assert!(cluster.wait_for(fetch, millis(200)).is_some());
}

#[test]
fn what_waits_for_its_turn_goes_with_a_connection_that_breaks_and_is_done_on_one_that_is_closed() {
    type End = fn(&mut Env<'static>, Node, Node, Channels);
    let ends: [(End, bool); 3] = [
        (|_, _, _, _| {}, true),
        (
            |env, member, broker, all| env.cut(member, broker, all),
            false,
        ),
        (
            |env, member, broker, all| env.close(member, broker, all),
            true,
        ),
    ];
    for (end, counts) in ends {
        let mut cluster = cluster();
        let joined = cluster.single_member();
        send_fetch(&mut cluster, 0);
        let commit = commit_request(sender(&joined, None), 7);
        send(&mut cluster, 0, Sharing::All, commit);
        cluster.run_for(millis(100));
        assert!(cluster.committed().is_empty());
        let (member, broker) = (cluster.member(0), cluster.coordinator());
        let connection = Sharing::All.connection(Channel::Coordinator);
        end(&mut cluster.env, member, broker, connection);
        cluster.run_for(millis(1_000));
        assert_eq!(!cluster.committed().is_empty(), counts);
    }
}

#[test]
fn an_injected_error_is_answered_in_its_turn() {
    let mut cluster = cluster();
    cluster.single_member();
    let broker = cluster.coordinator();
    let fetch = send_fetch(&mut cluster, 0);
    cluster.run_for(millis(10));
    let failed = fail(&mut cluster, broker);
    cluster.run_for(millis(400));
    assert!(cluster.answer(failed).is_none());
    assert!(cluster.wait_for(fetch, millis(200)).is_some());
    assert!(matches!(
        cluster.wait_for(failed, millis(20)),
        Some(Response::Failed(ErrorName::CoordinatorLoadInProgress))
    ));
    // Nothing is before it now.
    let failed = fail(&mut cluster, broker);
    assert!(cluster.wait_for(failed, millis(20)).is_some());
}

/// Has a fault refuse a request of member 0 that arrives now.
fn fail(cluster: &mut Cluster, broker: Node) -> Correlation {
    cluster.correlations += 1;
    let correlation = Correlation(cluster.correlations);
    let connection = (cluster.member(0), Sharing::All.lane(Channel::Coordinator));
    let answer = Response::Failed(ErrorName::CoordinatorLoadInProgress);
    let env = &mut cluster.env;
    cluster.brokers[broker].handle_failed_request(env, connection, correlation, answer);
    cluster.rearm(broker);
    correlation
}
