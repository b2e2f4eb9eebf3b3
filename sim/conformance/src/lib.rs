//! Conformance: scripts of requests and expected answers over the wire, which brokers of any kind
//! must give. `README.md` says how scripts read, and how they are run and written.

mod answer;
mod client;
mod codec;
mod connection;
mod records;
mod run;
mod schema;
mod script;
mod tree;

pub use script::{Mistake, Script};

use run::End;
use schema::Schema;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// All scripts, and the forms of the messages in them.
pub struct Suite {
    schema: Schema,
    folder: PathBuf,
    names: Vec<String>,
}

/// The end of a script.
#[derive(Debug)]
pub enum Outcome {
    /// Every answer was the expected one.
    Conforms {
        /// The number of requests that were sent.
        steps: usize,
        /// The kinds of these requests.
        kinds: BTreeSet<String>,
    },
    /// The brokers have not the settings that the script requires; the reason.
    Unfit(String),
    /// An answer was not the expected one, or none came.
    Differs(String),
}

impl Suite {
    /// Finds all scripts.
    ///
    /// # Errors
    /// Where files cannot be read.
    pub fn read() -> io::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
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
        })
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
    /// Where it has a mistake.
    pub fn run(&self, name: &str, bootstrap: &str) -> Result<Outcome, Mistake> {
        let script = self.script(name)?;
        Ok(match run::run(&self.schema, bootstrap, &script, false) {
            Ok(shown) => Outcome::Conforms {
                steps: shown.steps,
                kinds: shown.kinds,
            },
            Err(End::Unfit(reason)) => Outcome::Unfit(reason),
            Err(End::Failed(text)) => Outcome::Differs(text),
        })
    }

    /// Runs a script against the brokers at an address, and writes their answers into it.
    ///
    /// # Errors
    /// Where it has a mistake.
    pub fn update(&self, name: &str, bootstrap: &str) -> Result<Outcome, Mistake> {
        let script = self.script(name)?;
        let shown = match run::run(&self.schema, bootstrap, &script, true) {
            Ok(shown) => shown,
            Err(End::Unfit(reason)) => return Ok(Outcome::Unfit(reason)),
            Err(End::Failed(text)) => return Ok(Outcome::Differs(text)),
        };
        let path = self.folder.join(format!("{name}.txt"));
        Ok(match fs::write(path, shown.lines.join("\n") + "\n") {
            Ok(()) => Outcome::Conforms {
                steps: shown.steps,
                kinds: shown.kinds,
            },
            Err(error) => Outcome::Differs(error.to_string()),
        })
    }
}
