//! Every file of the library is a scenario, and stays one when it is written again.

use plimsoll_scenarios::{Plan, Scenario};
use std::fs;
use std::path::{Path, PathBuf};

/// Every `.toml` file below a folder of this crate.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// A file's text.
pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("the file can be read")
}

#[test]
fn every_file_of_the_library_is_a_scenario() {
    let files = files("library");
    assert!(files.len() >= 20);
    let mut broken = String::new();
    for path in &files {
        if let Err(error) = Scenario::parse(&path.to_string_lossy(), &text(path)) {
            broken += &format!("{:?}\n", miette::Report::new(error));
        }
    }
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn what_is_written_again_is_the_same_scenario() {
    for path in files("library") {
        let scenario = Scenario::parse(&path.to_string_lossy(), &text(&path)).expect("it parses");
        let written = scenario.to_toml();
        let again = Scenario::parse("again", &written);
        let again = again.unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
        assert_eq!(again, scenario, "{written}");
        for seed in 0..20 {
            let plan = Plan::draw(&scenario, seed);
            assert_eq!(Plan::draw(&plan.to_scenario(), seed), plan);
        }
    }
}
