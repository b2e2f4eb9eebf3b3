//! What stays of a plan, and what goes.

use super::*;

#[test]
fn two_messages_and_a_fault_stay_and_nothing_else() {
    let fails = |plan: &Plan| has_message(plan, 7) && has_message(plan, 13) && has_fault(plan, 2);
    let Shrunk {
        plan,
        verdict,
        runs,
        end,
    } = shrunk(&plan(), fails);
    assert!(verdict.violates(SOUGHT));
    assert!(runs < 600, "{runs} runs");
    assert_eq!(end, End::Smallest);
    assert_sound(&plan);

    let ids: Vec<u32> = plan.messages.iter().map(|message| message.id.0).collect();
    assert_eq!(ids, [7, 13]);
    let plain = |message: &Message| {
        message.at == Instant::ZERO
            && message.key.is_none()
            && message.fate == Fate::Ok
            && message.bytes == 100
            && message.partition == TopicPartition::new(0, 0)
    };
    assert!(plan.messages.iter().all(plain), "{:?}", plan.messages);
    assert_eq!(
        plan.faults,
        [Fault {
            id: FaultId(2),
            trigger: Trigger::At(Instant::ZERO),
            kind: FaultKind::LeaderMove {
                partition: TopicPartition::new(0, 0)
            },
            duration: None,
        }]
    );
    assert_eq!(plan.starts, [Some(Instant::ZERO)]);
    assert_eq!(plan.heal_at, Instant::from_millis(1_000));
    let settings = &plan.settings;
    assert_eq!(settings.topics.len(), 1);
    assert_eq!(settings.topics[0].partitions, 1);
    assert_eq!(settings.cluster.brokers, 1);
    assert_eq!(settings.consumers.session_timeout, Duration::from_secs(10));
    assert!(!settings.consumers.static_ids);
    assert!(settings.producer.idempotence);
    assert_eq!(settings.handler, Handler::default());
    assert_eq!(settings.network, Network::default());
    assert_eq!(settings.consumers.group, Consumers::default().group);
}

#[test]
fn what_the_failure_needs_is_kept() {
    let needed = |message: &Message| {
        matches!(message.fate, Fate::Hang(_))
            && message.key.is_some()
            && message.at > Instant::from_millis(5_200)
    };
    let fails = |plan: &Plan| {
        plan.messages.iter().any(needed)
            && plan.starts.len() >= 3
            && plan.settings.consumers.static_ids
            && plan.settings.topics.len() == 2
            && plan.settings.cluster.replication >= 2
    };
    let plan = shrunk(&plan(), fails).plan;
    assert!(fails(&plan));
    assert_sound(&plan);
    assert!(plan.faults.is_empty());
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(plan.messages[0].at, Instant::from_millis(6_000));
    assert_eq!(plan.messages[0].fate, Fate::Hang(1));
    assert_eq!(plan.messages[0].key, Some(0));
    assert_eq!(plan.starts.len(), 3);
    let cluster = &plan.settings.cluster;
    assert_eq!(
        (cluster.brokers, cluster.replication, cluster.min_insync),
        (2, 2, 1)
    );
}

#[test]
fn members_hand_their_faults_over() {
    let crash = |fault: &Fault| {
        matches!(
            fault.kind,
            FaultKind::Crash {
                member: MemberTarget::Member(_)
            }
        )
    };
    let plan = shrunk(&plan(), |plan| plan.faults.iter().any(crash)).plan;
    assert_sound(&plan);
    assert_eq!(plan.starts.len(), 1);
    assert_eq!(
        plan.faults[0].kind,
        FaultKind::Crash {
            member: MemberTarget::Member(MemberId(0))
        }
    );
}

#[test]
fn a_member_that_joins_starts_by_itself() {
    let joined = |plan: &Plan| {
        has_fault(plan, 4)
            || plan
                .starts
                .iter()
                .flatten()
                .any(|at| at.as_nanos() > 14_000_000_000)
    };
    let mut start = plan();
    start.starts[2] = Some(Instant::ZERO);
    let plan = shrunk(&start, |plan| joined(plan) && plan.starts.len() > 1).plan;
    assert_sound(&plan);
    assert!(plan.faults.is_empty());
    assert_eq!(plan.starts.len(), 2);
}

#[test]
fn added_partitions_stay_behind_the_first_ones() {
    let added = |plan: &Plan| {
        plan.messages.iter().any(|message| {
            let topic = &plan.settings.topics[message.partition.topic as usize];
            message.partition.partition >= topic.partitions
        })
    };
    let mut start = plan();
    start.messages[51].partition = TopicPartition::new(1, 6);
    let fails = |plan: &Plan| has_fault(plan, 7) && added(plan);
    let plan = shrunk(&start, fails).plan;
    assert_sound(&plan);
    assert_eq!(plan.messages.len(), 1);
    let single = |topic: &Topic| topic.partitions == 1;
    assert!(plan.settings.topics.iter().all(single));
}

#[test]
fn triggers_and_budgets_become_small() {
    let fails = |plan: &Plan| {
        let triggered = |fault: &Fault| {
            matches!(fault.trigger, Trigger::When { count, delay, .. }
                if count >= 3 && delay > Duration::from_millis(1))
        };
        let failing = |message: &Message| matches!(message.fate, Fate::Retryable(n) if n >= 4);
        plan.faults.iter().any(triggered) && plan.messages.iter().any(failing)
    };
    let plan = shrunk(&plan(), fails).plan;
    assert_sound(&plan);
    assert_eq!(plan.messages[0].fate, Fate::Retryable(5));
    let retry = plan.settings.consumers.config.retry;
    assert_eq!(retry.attempts, Config::default().retry.attempts);
    let Trigger::When { count, delay, .. } = plan.faults[0].trigger else {
        panic!("a trigger became a time");
    };
    assert_eq!((count, delay), (3, Duration::from_millis(2)));
}
