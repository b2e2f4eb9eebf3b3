//! `plimsoll.toml`: where it is found, what it changes, and what comes before it.

use crate::program::{Ended, command, plimsoll, plimsoll_in};
use insta::assert_snapshot;
use std::fs;
use std::path::Path;

/// A scenario that breaks for a consumer that commits early.
const LOSING: &str = "[workload]\nmessages = 100\n[consumers]\nsubject = \"auto-commit\"\n\
                      [handler]\ntime = \"100ms..1s\"\n[[faults]]\nat = \"6s\"\ndo = \"crash\"\n";

/// A scenario that ends soon.
const SHORT: &str = "[workload]\nmessages = 3\n";

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
    fs::write(path, text).expect("the file is written");
}

/// Returns the number of seeds that a run in `folder` had.
fn seeds(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> u64 {
    let run = ["run", "short.toml", "--format", "json", "--jobs", "1"];
    let mut command = command(folder, &[&run, arguments].concat());
    let output = command.envs(variables.iter().copied()).output();
    let output = output.expect("the program starts");
    let ended = Ended {
        code: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    };
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let schedules = &ended.json()["totals"]["schedules"];
    schedules.as_u64().expect("a number")
}

#[test]
fn the_command_line_comes_before_a_profile_and_a_profile_before_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "short.toml", SHORT);
    write(
        folder.path(),
        "plimsoll.toml",
        "seeds = 3\n[profile.ci]\nseeds = \"10..15\"\n[profile.other]\nstrict = true\n",
    );
    let named = |profile| [("PLIMSOLL_PROFILE", profile)];
    for (variables, arguments, expected) in [
        (&[][..], &[][..], 3),
        (&[], &["--profile", "ci"], 5),
        (&[], &["--profile", "other"], 3),
        (&named("ci"), &[], 5),
        (&named("ci"), &["--profile", "other"], 3),
        (&named(""), &[], 3),
        (&[("CI", "true")], &[], 3),
        (&named("ci"), &["--seeds", "7"], 7),
    ] {
        let found = seeds(folder.path(), variables, arguments);
        assert_eq!(found, expected, "{variables:?} {arguments:?}");
    }
}

#[test]
fn a_flag_of_the_file_can_be_taken_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "plimsoll.toml", "strict = true\nseeds = 1\n");
    let never = "[workload]\nmessages = 3\n[expect]\nsometimes = [\"duplicate\"]\n";
    write(folder.path(), "never.toml", never);
    for (arguments, code) in [
        (&["run", "never.toml"][..], 10),
        (&["run", "never.toml", "--strict=false"], 0),
        (&["run", "never.toml", "--strict"], 10),
    ] {
        let ended = plimsoll_in(folder.path(), arguments);
        assert_eq!(ended.code, code, "{}", ended.transcript());
    }
}

/// Paths are those of the file's folder, wherever the command is given.
#[test]
fn the_file_is_found_upwards_and_its_paths_are_relative_to_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "scenarios/late.toml", LOSING);
    write(
        folder.path(),
        "plimsoll.toml",
        "scenarios = \"scenarios\"\nregressions = \"kept\"\nseeds = 20\n",
    );
    write(folder.path(), "src/deep/file", "");
    let deep = folder.path().join("src/deep");
    let mut run = command(&deep, &["run", "-v"]);
    let output = run
        .env("HOME", folder.path())
        .env("USERPROFILE", folder.path())
        .output();
    let output = output.expect("the program starts");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(10), "{said}");
    let read = Path::new("..").join("..").join("plimsoll.toml");
    assert!(
        said.starts_with(&format!("Read {}.\n", read.display())),
        "{said}"
    );
    let kept = fs::read_dir(folder.path().join("kept")).expect("it was made");
    assert!(kept.count() > 0);
    assert!(!deep.join("regressions").exists());
}

/// A repository is the same wherever it is cloned to.
#[test]
fn the_search_ends_at_a_repository_and_at_the_home_directory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "plimsoll.toml", "seeds = 3\n");
    write(folder.path(), "clone/.git/HEAD", "");
    write(folder.path(), "clone/plimsoll.toml", "seeds = 4\n");
    write(folder.path(), "clone/inner/short.toml", SHORT);
    write(folder.path(), "other/.git", "gitdir: elsewhere\n");
    write(folder.path(), "other/short.toml", SHORT);
    let nowhere = [("HOME", "/nowhere"), ("USERPROFILE", "/nowhere")];
    let in_folder = |name: &str| seeds(&folder.path().join(name), &nowhere, &[]);
    assert_eq!(in_folder("clone/inner"), 4);
    assert_eq!(in_folder("other"), 1000);
    // As its own home directory, a folder looks no further.
    assert_eq!(seeds(&folder.path().join("clone/inner"), &[], &[]), 1000);
}

#[test]
fn mistakes_are_told_as_those_of_scenarios() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(
        folder.path(),
        "plimsoll.toml",
        "seed = 3\njobs = 0\ncolour = \"never\"\nregressions = true\n\n[profile.ci]\n\
         seeds = \"10..5\"\nstrikt = true\n",
    );
    let ended = plimsoll_in(folder.path(), &["run", "reference"]);
    assert_snapshot!(ended.transcript());
    // What only prints a text does not need the file.
    assert_eq!(plimsoll_in(folder.path(), &["explain", "seeds"]).code, 0);
}

#[test]
fn a_profile_that_is_asked_for_is_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = ["run", "reference", "--profile", "cii"];
    assert_snapshot!("no_file", plimsoll_in(folder.path(), &run).transcript());
    write(folder.path(), "plimsoll.toml", "[profile.ci]\nseeds = 3\n");
    assert_snapshot!("no_profile", plimsoll_in(folder.path(), &run).transcript());
}

/// The configuration is neither a scenario nor something that was left out.
#[test]
fn a_folder_may_hold_the_configuration() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "short.toml", SHORT);
    write(folder.path(), "plimsoll.toml", "seeds = 3\n");
    let checked = plimsoll_in(folder.path(), &["check", "."]);
    let named = Path::new(".").join("short.toml");
    let expected = format!("ok  {}, in which nothing goes wrong\n", named.display());
    assert_eq!(checked.stdout, expected);
    let named = plimsoll_in(folder.path(), &["check", "plimsoll.toml"]);
    assert_eq!(named.code, 2);
    assert!(named.stderr.contains("no scenario"), "{}", named.stderr);
}

#[test]
fn init_writes_one_that_says_nothing_yet() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = plimsoll_in(folder.path(), &["init", "--config"]);
    assert_snapshot!(ended.transcript());
    let text = fs::read_to_string(folder.path().join("plimsoll.toml")).expect("it was written");
    assert!(text.starts_with("#:schema ./plimsoll.config.schema.json\n"));
    let schema = plimsoll(&["schema", "--config"]);
    let written = fs::read_to_string(folder.path().join("plimsoll.config.schema.json"));
    assert_eq!(written.expect("it was written"), schema.stdout);
    let schema = schema.json();
    for key in ["seeds", "scenarios", "profile"] {
        let described = schema["properties"][key]["description"].as_str();
        assert!(described.is_some_and(|text| text.len() > 5), "{key}");
    }
    assert_eq!(plimsoll_in(folder.path(), &["list"]).code, 0);
    let again = plimsoll_in(folder.path(), &["init", "--config"]);
    assert_eq!(again.code, 2, "{}", again.transcript());
}

#[test]
fn its_keys_are_explained() {
    assert_snapshot!(plimsoll(&["explain", "plimsoll.toml"]).transcript());
    let key = plimsoll(&["explain", "keep_going"]).stdout;
    assert!(key.contains("a key of plimsoll.toml"), "{key}");
}
