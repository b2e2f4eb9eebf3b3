//! The lookup of the coordinator.

use super::*;

#[test]
fn a_dead_coordinator_is_looked_up_again_until_another_one_is_named() {
    let View {
        mut coordinator,
        mut connections,
        ..
    } = ignorance();
    connections.handle_broken(NOW, Node(1), Channels::ALL);
    coordinator.find(NOW);
    coordinator.find(NOW);
    assert_eq!(
        told(|| coordinator.poll_action()),
        ["ask any FindCoordinator"]
    );
    // The broker that was asked does not know yet that broker 1 is dead.
    assert!(!coordinator.handle_answer(NOW + ms(2), &connections, Ok(Node(1))));
    assert_eq!(coordinator.poll_timeout(), NOW + ms(500));
    assert_eq!(told(|| coordinator.poll_action()), [""; 0]);
    coordinator.find(NOW + ms(500));
    assert_eq!(
        told(|| coordinator.poll_action()),
        ["ask any FindCoordinator"]
    );
    assert!(coordinator.handle_answer(NOW + ms(502), &connections, Ok(Node(2))));
    assert_eq!(coordinator.node(), Some(Node(2)));
}

#[test]
fn a_lookup_that_failed_goes_to_another_broker() {
    let mut view = ignorance();
    view.coordinator.find(NOW);
    view.coordinator.poll_action();
    assert!(!view.handle_coordinator(NOW + ms(600), Err(Failure::Lost)));
    let expected = ["TryAnotherBroker", "ask any FindCoordinator"];
    assert_eq!(told(|| view.coordinator.poll_action()), expected);
}
