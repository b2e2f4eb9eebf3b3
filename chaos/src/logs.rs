//! What members write to standard error: a folder for each run, with a file for each member.

use crate::error::ChaosError;
use std::env;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// The environment variable that names a folder in which what members write is kept for good.
const KEPT: &str = "PLIMSOLL_LOGS";

/// The end of the name of a member's file.
const ENDING: &str = "log";

/// The number of bytes of a file, its last ones, that are kept beside a failing run.
const LONGEST: u64 = 4 << 20;

/// The folder of one run. It is removed with this, unless the user has named a place for it.
#[derive(Debug)]
pub(crate) struct Logs {
    folder: PathBuf,
    is_kept: bool,
}

impl Logs {
    /// Makes the folder of the run that `tag` names.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn new(tag: &str) -> Result<Self, ChaosError> {
        let kept = env::var_os(KEPT).map(PathBuf::from);
        let is_kept = kept.is_some();
        let folder = kept.unwrap_or_else(env::temp_dir);
        Self::within(&folder, tag, is_kept)
    }

    fn within(folder: &Path, tag: &str, is_kept: bool) -> Result<Self, ChaosError> {
        let folder = folder.join(format!("plimsoll-{tag}"));
        fs::create_dir_all(&folder).map_err(|error| {
            ChaosError::Environment(format!("cannot write {}: {error}", folder.display()))
        })?;
        Ok(Self { folder, is_kept })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the end of each file, by its name, in order. A file that cannot be read is left out:
    /// logs help to understand a verdict, and are no part of it.
    pub(crate) fn read(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == ENDING));
        paths.sort();
        let files = paths.iter().filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let text = end(path).ok()?;
            Some((name, String::from_utf8_lossy(&text).into_owned()))
        });
        files.filter(|(_, text)| !text.is_empty()).collect()
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        if !self.is_kept {
            // A failure leaves only a few files in a temporary folder.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn end(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_members_wrote_can_be_read_until_the_folder_is_dropped() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let logs = Logs::within(folder.path(), "x", false).expect("it can be written");
        for (name, text) in [
            ("consumer-2.log", "two"),
            ("consumer-1.log", "one"),
            ("consumer-1.json", "{}"),
            ("consumer-3.log", ""),
        ] {
            fs::write(logs.folder().join(name), text).expect("it can be written");
        }
        let read = logs.read();
        let expected = [("consumer-1.log", "one"), ("consumer-2.log", "two")];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(read, expected);
        let path = logs.folder().to_owned();
        drop(logs);
        assert!(!path.exists());
    }
}
