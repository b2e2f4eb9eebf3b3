//! The failures that are kept in the repository still replay, byte for byte.

use crate::program::plimsoll;
use std::path::Path;

#[test]
fn kept_regressions_replay_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/regressions");
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let mut replayed = 0;
    for file in files {
        let path = file.expect("it can be listed").path();
        let ended = plimsoll(&["replay", path.to_str().expect("UTF-8")]);
        assert_eq!(ended.code, 0, "{}", ended.transcript());
        replayed += 1;
    }
    assert!(replayed > 0, "nothing was replayed");
}
