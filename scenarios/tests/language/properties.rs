//! What holds for every scenario, every plan and every text.

use crate::arbitrary::scenario;
use crate::library::{files, text};
use plimsoll_scenarios::scenario::{FaultSpec, Handler, Workload};
use plimsoll_scenarios::{Plan, Scenario};
use proptest::prelude::*;
use proptest::sample::Index;

fn parsed(text: &str) -> Scenario {
    Scenario::parse("written.toml", text)
        .unwrap_or_else(|error| panic!("{:?}\n{text}", miette::Report::new(error)))
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(scenario in scenario()) {
        prop_assert_eq!(scenario.problems(), []);
        let text = scenario.to_toml();
        prop_assert_eq!(parsed(&text), scenario, "{}", text);
    }

    #[test]
    fn a_plan_is_a_scenario_with_nothing_left_to_draw(
        scenario in scenario(),
        seed in any::<u64>(),
    ) {
        let plan = Plan::draw(&scenario, seed);
        let drawn = plan.to_scenario();
        let Handler { retryable, permanent, panic, hang, .. } = drawn.settings.handler;
        prop_assert_eq!([retryable, permanent, panic, hang], [0.0; 4]);
        prop_assert!(drawn.settings.handler.messages.is_empty());
        prop_assert!(matches!(drawn.workload, Workload::Explicit(_)));
        prop_assert!(drawn.faults.iter().all(|spec| matches!(spec, FaultSpec::Explicit(_))));
        prop_assert_eq!(&Plan::draw(&drawn, plan.seed), &plan);
        prop_assert_eq!(parsed(&drawn.to_toml()), drawn);
    }

    #[test]
    fn the_same_seed_gives_the_same_plan(scenario in scenario(), seed in any::<u64>()) {
        prop_assert_eq!(Plan::draw(&scenario, seed), Plan::draw(&scenario, seed));
    }

    #[test]
    fn more_messages_leave_the_others_as_they_were(scenario in scenario(), seed in any::<u64>()) {
        let mut longer = scenario.clone();
        if let Workload::Drawn(traffic) = &mut longer.workload {
            traffic.messages += 1;
            let (plan, longer) = (Plan::draw(&scenario, seed), Plan::draw(&longer, seed));
            prop_assert_eq!(&longer.messages[..plan.messages.len()], &plan.messages[..]);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Scenario::parse("any.toml", &text);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Scenario::parse("any.toml", &String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_broken_file_makes_the_parser_panic(
        file in any::<Index>(),
        edits in proptest::collection::vec((any::<Index>(), edit()), 1..6),
    ) {
        let files = [files("library"), files("invalid")].concat();
        let mut letters: Vec<char> = text(&files[file.index(files.len())]).chars().collect();
        for (at, edit) in edits {
            if !letters.is_empty() {
                let at = at.index(letters.len());
                apply(&mut letters, at, edit);
            }
        }
        let text: String = letters.into_iter().collect();
        if let Err(error) = Scenario::parse("broken.toml", &text) {
            prop_assert!(!error.mistakes().is_empty());
            let told = format!("{:?}", miette::Report::new(error));
            prop_assert!(told.contains("broken.toml"));
        }
    }
}

/// A change to a text at some place.
#[derive(Clone, Debug)]
enum Edit {
    Delete(usize),
    Insert(String),
    /// Repeats so many letters behind the place.
    Repeat(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (1..40usize).prop_map(Edit::Delete),
        "[\\]\\[{}=\"'.,#\n a-z0-9µ-]{1,6}".prop_map(Edit::Insert),
        any::<String>().prop_map(Edit::Insert),
        (1..60usize).prop_map(Edit::Repeat),
        proptest::sample::select(WORDS.to_vec()).prop_map(|word| Edit::Insert(word.into())),
    ]
}

const WORDS: [&str; 12] = [
    "99999999999999999999",
    "-1",
    "\n[[faults]]\n",
    "\n[faults.random]\n",
    "\nmessages = []\n",
    "nan",
    "1e400",
    "\"18446744073709551615h\"",
    "0.0000000000000000000000001s",
    "consumer-4294967295",
    "orders-4294967295",
    "4294967295",
];

fn apply(letters: &mut Vec<char>, at: usize, edit: Edit) {
    match edit {
        Edit::Delete(count) => {
            letters.drain(at..letters.len().min(at + count));
        }
        Edit::Insert(text) => {
            letters.splice(at..at, text.chars());
        }
        Edit::Repeat(count) => {
            let piece = letters[at..letters.len().min(at + count)].to_vec();
            letters.splice(at..at, piece);
        }
    }
}
