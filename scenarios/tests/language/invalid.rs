//! What people are told about broken files, word by word.

use crate::library::{files, text};
use miette::{GraphicalReportHandler, GraphicalTheme};
use plimsoll_scenarios::Scenario;
use plimsoll_scenarios::scenario::ScenarioError;

fn error(path: &std::path::Path) -> ScenarioError {
    let name = path.file_name().expect("a file has a name");
    Scenario::parse(&name.to_string_lossy(), &text(path)).expect_err("the file is broken")
}

fn rendered(error: &ScenarioError) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .without_cause_chain();
    let mut text = String::new();
    handler
        .render_report(&mut text, error)
        .expect("a string can be written");
    // Trailing blanks would be cut by editors.
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let files = files("invalid");
    assert!(files.len() >= 20);
    let mut all = String::new();
    for path in files {
        all += &rendered(&error(&path));
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[test]
fn mistakes_have_a_line_and_a_column() {
    let scenario = Scenario::parse("x.toml", "[cluster]\nbrokers = 3\nreplication = 4\n");
    let error = scenario.expect_err("too many replicas");
    let [mistake] = error.mistakes() else {
        panic!("one mistake, not {:?}", error.mistakes());
    };
    assert_eq!(
        (error.file(), mistake.line, mistake.column),
        ("x.toml", 3, 15)
    );
    assert_eq!(mistake.expected, "expected 1 to 3");
}
