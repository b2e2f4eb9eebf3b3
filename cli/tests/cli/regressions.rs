//! The failures that are kept in the repository still replay, byte for byte.

use crate::program::plimsoll;
use std::fs;

#[test]
fn kept_regressions_replay_as_recorded() {
    let folder = fs::canonicalize("../scenarios/regressions").expect("the folder is there");
    let files = fs::read_dir(folder).expect("it can be read");
    let mut replayed = 0;
    for file in files {
        let path = file.expect("it can be listed").path();
        let ended = plimsoll(&["replay", path.to_str().expect("UTF-8")]);
        assert_eq!(ended.code, 0, "{}", ended.transcript());
        replayed += 1;
    }
    assert!(replayed > 0, "nothing was replayed");
}
