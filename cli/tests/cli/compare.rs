//! `plimsoll compare`: several places, side by side.

use crate::program::plimsoll;

const MISTAKE: i32 = 2;

#[test]
fn the_simulator_and_the_driver_in_it_agree_on_plimsoll() {
    let compare = ["compare", "--places", "sim,driver", "--seeds", "5"];
    let ended = plimsoll(&[&compare[..], &["quick/member-killed"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let mut rows = ended.stdout.lines();
    let row = rows.find(|line| line.contains("quick/member-killed"));
    let row: Vec<&str> = row.expect("it has a row").split_whitespace().collect();
    assert_eq!(row, ["✓", "quick/member-killed", "held", "held"]);
    assert!(ended.stdout.contains(" 0 differ."), "{}", ended.stdout);
}

#[test]
fn one_place_is_nothing_to_compare() {
    for (arguments, said) in [
        (&["--places", "sim"][..], "not two places"),
        (&["--places", "sim,sim"], "not two places"),
        (
            &["--places", "sim,driver", "--", "cat"],
            "it runs no program",
        ),
        (
            &["--places", "sim,driver", "--subject", "auto-commit"],
            "own consumer",
        ),
        (&["--places", "sim,moon"], "driver"),
        (&["--seeds", "sim=0"], "expected a number of seeds"),
    ] {
        let ended = plimsoll(&[&["compare"], arguments].concat());
        assert_eq!(ended.code, MISTAKE, "{}", ended.transcript());
        assert!(ended.stderr.contains(said), "{}", ended.transcript());
    }
}
