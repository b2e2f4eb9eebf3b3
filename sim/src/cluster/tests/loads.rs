//! What a coordinator does when its broker begins to lead, or leads again.

use super::*;

#[test]
fn a_coordinator_answers_when_it_has_loaded() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(100);
        settings.cluster.settings.offsets_load_time = millis(2_000);
    });
    let member = cluster.single_member();
    assert_eq!(cluster.commit(0, member.member, 1, 1), Ok(()));
    cluster.move_leader(cluster.env.topology.group_offsets());
    cluster.run_for(millis(1_900));
    assert_eq!(
        cluster.commit(0, member.member, 1, 2),
        Err(ErrorName::CoordinatorLoadInProgress)
    );
    assert_eq!(cluster.heartbeat(0, &member), Ok(()), "it shall wait");
    cluster.run_for(millis(100));
    assert_eq!(cluster.commit(0, member.member, 1, 2), Ok(()));
    assert_eq!(cluster.offset_fetch(), Ok(vec![2]));
}

#[test]
fn a_coordinator_stays_when_its_broker_leads_again() {
    let mut cluster = Cluster::new(|settings| {
        let cluster = &mut settings.cluster;
        (cluster.brokers, cluster.replication, cluster.min_insync) = (1, 1, 1);
        cluster.settings.group_initial_rebalance_delay = millis(100);
    });
    let [leader, follower] = cluster.two_members();
    let broker = cluster.coordinator();
    let partition = cluster.env.topology.group_offsets();
    let epoch = cluster.broker(broker).replicas[partition].leader_epoch();
    let join = cluster.send_join(0, Some(leader.member));
    cluster.run_for(millis(10));
    assert_eq!(
        cluster.heartbeat(1, &follower),
        Err(ErrorName::RebalanceInProgress)
    );
    // Longer than its session, so that for a moment nothing leads.
    cluster.pause(broker);
    cluster.run_for(millis(9_500));
    assert_eq!(cluster.controller.leader(partition), None);
    cluster.resume(broker);
    cluster.run_for(millis(100));
    assert_eq!(cluster.coordinator(), broker);
    assert_eq!(
        cluster.broker(broker).replicas[partition].leader_epoch(),
        epoch + 2
    );
    // A coordinator that had loaded would know of no rebalance.
    assert!(cluster.answer(join).is_none());
    assert_eq!(
        cluster.heartbeat(1, &follower),
        Err(ErrorName::RebalanceInProgress)
    );
    let other = cluster.send_join(1, Some(follower.member));
    assert_eq!(cluster.joined(join).generation, 2);
    assert_eq!(cluster.joined(other).generation, 2);
}
