//! The page of `--report DIR`, as a browser gets it. `tests/browser` opens it in one.

use crate::program::plimsoll_in;
use std::fs;
use std::path::Path;

/// Runs a scenario that fails, and returns the page of its report.
fn page_of(folder: &Path, scenario: &str) -> String {
    let arguments = ["run", scenario, "--seeds", "1", "--report", "report"];
    let subject = ["--subject", "sarama-auto-mark"];
    let ended = plimsoll_in(folder, &[&arguments[..], &subject[..]].concat());
    assert_eq!(ended.code, 10, "{}", ended.transcript());
    fs::read_to_string(folder.join("report/report.html")).expect("it is written")
}

#[test]
fn the_page_needs_no_network_and_no_script() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = page_of(folder.path(), "crash/consumer-killed");
    for foreign in [
        "<script",
        "src=",
        "@import",
        "url(",
        "href=\"http",
        "onclick",
    ] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.starts_with("<!doctype html>\n"));
}

#[test]
fn the_page_is_the_same_for_the_same_arguments() {
    let [one, other] = [0, 1].map(|_| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        page_of(folder.path(), "crash/consumer-killed")
    });
    assert!(one == other);
}

/// Names come from files, and may be anything.
#[test]
fn what_a_user_calls_something_is_never_markup() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let hostile = "</p><script>alert(\\\"&\\\")</script>";
    let scenario =
        format!("name = \"{hostile}\"\ndescription = \"{hostile}\"\n[handler]\nretryable = 0.5\n");
    let name = "a&amp;'b.toml";
    fs::write(folder.path().join(name), scenario).expect("it is written");
    let page = page_of(folder.path(), name);
    assert!(!page.contains("<script"));
    assert!(page.contains("&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;"));
    assert!(page.contains("a&amp;amp;&#39;b.toml"));
}
