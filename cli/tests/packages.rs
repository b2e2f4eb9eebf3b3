//! What a registry gets of each crate. `.ci/packed` builds the program of it.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs cargo in the workspace, without a network, and returns what it prints.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir("..")
        .output()
        .expect("cargo starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Returns the manifest of every crate that is published, as cargo understands it.
fn published() -> Vec<Value> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("it is JSON");
    let packages = metadata["packages"].as_array().expect("a list").clone();
    let is_published = |package: &Value| package["publish"].is_null();
    let published: Vec<Value> = packages.into_iter().filter(is_published).collect();
    assert_eq!(
        published.len(),
        18,
        "all but `benches`, `compare` and `harness`"
    );
    published
}

fn packed(package: &str) -> Vec<String> {
    let list = cargo(&["package", "--list", "--allow-dirty", "--package", package]);
    list.lines().map(|file| file.replace('\\', "/")).collect()
}

#[test]
fn every_crate_says_what_a_registry_shows() {
    for package in published() {
        let name = &package["name"];
        for field in [
            "description",
            "license",
            "repository",
            "readme",
            "rust_version",
        ] {
            let value = package[field].as_str().unwrap_or_default();
            assert!(!value.is_empty(), "{name} has no {field}");
        }
        for field in ["keywords", "categories"] {
            let values = package[field].as_array().map_or(0, Vec::len);
            assert!((1..=5).contains(&values), "{name}: {values} {field}");
        }
        let targets = &package["metadata"]["docs"]["rs"]["targets"];
        assert!(targets.is_array(), "{name} says nothing to docs.rs");
    }
}

#[test]
fn a_packed_crate_has_its_sources_and_licences_and_no_tests() {
    for package in published() {
        let name = package["name"].as_str().expect("a name");
        let files = packed(name);
        for file in ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "Cargo.toml"] {
            assert!(
                files.iter().any(|packed| packed == file),
                "{name}: no {file}"
            );
        }
        assert!(files.iter().any(|file| file.starts_with("src/")), "{name}");
        let tests = files.iter().find(|file| file.starts_with("tests/"));
        assert_eq!(tests, None, "{name}");
    }
}

/// Packs every file of the library: what is not packed is not in the program that is installed.
#[test]
fn the_library_is_packed() {
    let packed = packed("plimsoll-scenarios");
    let crate_root = Path::new("../scenarios");
    let mut folders = vec![crate_root.join("library")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let file = path
                .strip_prefix(crate_root)
                .expect("it is below the crate");
            let file = file.to_str().expect("UTF-8").replace('\\', "/");
            assert!(packed.contains(&file), "{file} is not packed");
            files += 1;
        }
    }
    assert!(files > 50, "{files} files");
}
