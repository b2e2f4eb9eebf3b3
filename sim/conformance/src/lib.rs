//! Conformance: scripts of requests and expected answers over the wire, which brokers of any kind
//! must give. `README.md` says how scripts read, and how they are run and written.

mod answer;
mod client;
mod codec;
mod connection;
mod known;
mod records;
mod run;
mod schema;
mod script;
mod tally;
mod tree;

pub use known::{Difference, Known, Reasons};
pub use script::{Mistake, Script};
pub use tally::Tally;

use run::{Manner, Start};
use schema::Schema;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

/// All scripts, and the forms of the messages in them.
pub struct Suite {
    schema: Schema,
    folder: PathBuf,
    names: Vec<String>,
    patience: Duration,
}

/// The time after which an answer that is expected to come eventually should have come, on a busy
/// machine.
const PATIENCE: Duration = Duration::from_secs(15);

/// The end of a script.
#[derive(Debug)]
pub enum Outcome {
    /// The script came to its end.
    Ran {
        /// The number of requests in it.
        steps: usize,
        /// The kinds of these requests.
        kinds: BTreeSet<String>,
        /// The steps with another outcome than the script has.
        differences: Vec<Difference>,
    },
    /// The brokers have not the settings that the script requires; the reason.
    Unfit(String),
}

impl Suite {
    /// Finds all scripts, in the folder of this crate, where cargo runs its tests.
    ///
    /// # Errors
    /// Where files cannot be read.
    pub fn read() -> io::Result<Self> {
        let folder = PathBuf::from("scripts");
        let mut names = Vec::new();
        for room in fs::read_dir(&folder)? {
            for file in fs::read_dir(room?.path())? {
                let path = file?.path();
                let name = path
                    .strip_prefix(&folder)
                    .unwrap_or(&path)
                    .with_extension("");
                names.push(name.to_string_lossy().replace('\\', "/"));
            }
        }
        names.sort();
        Ok(Self {
            schema: Schema::read()?,
            folder,
            names,
            patience: PATIENCE,
        })
    }

    /// Waits no longer than this for answers that come eventually.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the names of the scripts, as `groups/join`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Reads and checks a script.
    ///
    /// # Errors
    /// Where it has a mistake.
    pub fn script(&self, name: &str) -> Result<Script, Mistake> {
        Script::read(&self.schema, &self.folder, name)
    }

    /// Runs a script against the brokers at an address.
    ///
    /// # Errors
    /// Where it has a mistake, or no broker could be asked.
    pub fn run(&self, name: &str, bootstrap: &str) -> Result<Outcome, Mistake> {
        self.outcome(name, bootstrap, false)
    }

    /// Runs a script against the brokers at an address, and writes their answers into it.
    ///
    /// # Errors
    /// Where it has a mistake, or no broker could be asked, or the file cannot be written.
    pub fn update(&self, name: &str, bootstrap: &str) -> Result<Outcome, Mistake> {
        self.outcome(name, bootstrap, true)
    }

    fn outcome(&self, name: &str, bootstrap: &str, updates: bool) -> Result<Outcome, Mistake> {
        let script = self.script(name)?;
        let manner = Manner {
            updates,
            patience: self.patience,
        };
        let shown = match run::run(&self.schema, bootstrap, &script, manner) {
            Ok(shown) => shown,
            Err(Start::Unfit(reason)) => return Ok(Outcome::Unfit(reason)),
            Err(Start::Failed(text)) => return Err(script.mistake(text)),
        };
        if updates && shown.differences.is_empty() {
            let path = self.folder.join(format!("{name}.txt"));
            let written = fs::write(path, shown.lines.join("\n") + "\n");
            written.map_err(|error| script.mistake(error.to_string()))?;
        }
        Ok(Outcome::Ran {
            steps: shown.steps,
            kinds: shown.kinds,
            differences: shown.differences,
        })
    }
}
