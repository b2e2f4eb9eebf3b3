//! Which plans are run, and when the search ends.

use super::*;
use crate::shrink::Size;

#[test]
fn another_property_is_not_the_one_sought() {
    assert!(shrunk_within(BUDGET, &plan(), |_| false).is_none());
}

#[test]
fn another_kind_is_not_the_one_sought() {
    let mut runner = MadeUp(|plan: &Plan| {
        let kind = if has_message(plan, 7) {
            "early"
        } else {
            "past"
        };
        run(plan, SOUGHT, kind)
    });
    let shrunk = shrink(&plan(), SOUGHT, BUDGET, &mut runner).expect("the plan fails");
    assert_eq!(shrunk.plan.messages.len(), 1);
    assert!(has_message(&shrunk.plan, 7));
}

#[test]
fn the_budget_is_kept() {
    for runs in [1, 2, 10] {
        let mut count = 0;
        let budget = Budget { runs, ..BUDGET };
        let shrunk = shrunk_within(budget, &plan(), |plan| {
            count += 1;
            has_message(plan, 7) && has_fault(plan, 2)
        });
        let shrunk = shrunk.expect("the plan fails");
        assert_eq!((shrunk.runs, count, shrunk.end), (runs, runs, End::Runs));
        assert!(has_message(&shrunk.plan, 7) && has_fault(&shrunk.plan, 2));
    }
    let events = Budget {
        events: 4_500,
        ..BUDGET
    };
    let shrunk = shrunk_within(events, &plan(), |_| true).expect("the plan fails");
    assert_eq!((shrunk.runs, shrunk.end), (5, End::Events));
}

#[test]
fn a_runner_ends_the_search() {
    struct Ends(u32);
    impl Runner for Ends {
        fn run(&mut self, plan: &Plan) -> Option<Observed> {
            self.0 = self.0.checked_sub(1)?;
            Some(run(plan, SOUGHT, "past"))
        }
    }
    assert!(shrink(&plan(), SOUGHT, BUDGET, &mut Ends(0)).is_none());
    let shrunk = shrink(&plan(), SOUGHT, BUDGET, &mut Ends(3)).expect("the plan fails");
    assert_eq!((shrunk.runs, shrunk.end), (3, End::Stopped));
}

#[test]
fn only_smaller_plans_are_run() {
    let whole = Size::of(&plan());
    let mut first = true;
    shrunk_within(BUDGET, &plan(), |plan| {
        assert!(Size::of(plan) < whole || std::mem::take(&mut first));
        has_message(plan, 50) && has_fault(plan, 6)
    });
}

#[test]
fn faults_that_do_not_take_effect_are_left_out() {
    let late = |fault: &Fault| matches!(fault.trigger, Trigger::At(at) if at > Instant::from_millis(12_000));
    let mut runner = MadeUp(|plan: &Plan| {
        let verdict = run(plan, SOUGHT, "past").verdict;
        Observed::new(verdict, &beginnings(plan, |fault| !late(fault)), 1_000)
    });
    let budget = Budget { runs: 2, ..BUDGET };
    let shrunk = shrink(&plan(), SOUGHT, budget, &mut runner).expect("the plan fails");
    assert!(!shrunk.plan.faults.iter().any(late));
    assert!(has_fault(&shrunk.plan, 0) && has_fault(&shrunk.plan, 1) && has_fault(&shrunk.plan, 6));
}

#[test]
fn a_condition_becomes_the_time_at_which_it_came_true() {
    let crashes = |plan: &Plan| {
        plan.faults
            .iter()
            .any(|fault| matches!(fault.kind, FaultKind::LoseResponse { .. }))
    };
    let plan = shrunk(&plan(), crashes).plan;
    assert_sound(&plan);
    assert_eq!(plan.faults[0].trigger, Trigger::At(Instant::ZERO));
    assert_eq!(plan.faults[0].id, FaultId(1));
}

#[test]
fn ids_are_numbered_anew_where_nothing_depends_on_them() {
    let keyed = |plan: &Plan| {
        plan.messages
            .iter()
            .filter(|message| message.key == Some(3))
            .count()
            > 1
    };
    let plan = shrunk(&plan(), keyed).plan;
    let ids: Vec<u32> = plan.messages.iter().map(|message| message.id.0).collect();
    assert_eq!(ids, [1, 2]);
}

#[test]
fn a_slow_handler_does_what_many_messages_did() {
    let busy = |plan: &Plan| {
        let time = plan.settings.handler.time.max;
        time * plan.messages.len() as u32 >= Duration::from_millis(1_500)
    };
    let plan = shrunk(&plan(), busy).plan;
    assert_sound(&plan);
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(plan.settings.handler.time.max, Duration::from_secs(2));
}

#[test]
fn equal_input_gives_equal_output() {
    let fails = |plan: &Plan| has_message(plan, 150) && has_fault(plan, 3);
    let (first, second) = (shrunk(&plan(), fails), shrunk(&plan(), fails));
    assert_eq!((first.plan, first.runs), (second.plan, second.runs));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the failure needs, the result still fails, is possible, and holds nothing that
    /// could be left out by itself.
    #[test]
    fn the_result_fails_and_is_minimal(
        messages in proptest::collection::btree_set(0u32..200, 1..5),
        faults in proptest::sample::subsequence(vec![0u32, 1, 2, 3, 4, 6, 7], 0..4),
        members in 1usize..=4,
        brokers in 1u32..=3,
        at_millis in 0u64..5_000,
    ) {
        let fails = |plan: &Plan| {
            let late = |id| plan.messages.iter().any(|message: &Message| {
                message.id == MessageId(id)
                    && (id < 60 || message.at >= Instant::from_millis(at_millis))
            });
            messages.iter().all(|&id| late(id))
                && faults.iter().all(|&id| has_fault(plan, id))
                && plan.starts.len() >= members
                && plan.settings.cluster.brokers >= brokers
        };
        let start = plan();
        prop_assume!(fails(&start));
        let result = shrunk(&start, fails);
        assert_sound(&result.plan);
        prop_assert!(fails(&result.plan));
        prop_assert!(Size::of(&result.plan) <= Size::of(&start));
        prop_assert_eq!(result.plan.messages.len(), messages.len());
        prop_assert_eq!(result.plan.faults.len(), faults.len());
        let joins = if faults.contains(&4) { 1.max(members) } else { members };
        prop_assert_eq!(result.plan.starts.len(), joins);
        prop_assert_eq!(result.plan.settings.cluster.brokers, brokers);
        prop_assert!(result.runs <= 2_000);
    }
}
