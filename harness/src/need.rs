//! What tests need of the machine that they run on.

use std::env;
use std::process::Command;
use std::sync::OnceLock;

/// The environment variable that makes a test fail for which an engine or a broker is missing.
const REQUIRE_KAFKA: &str = "PLIMSOLL_REQUIRE_KAFKA";

/// The environment variable that names a broker for tests, as `HOST:PORT`.
const BOOTSTRAP: &str = "PLIMSOLL_TEST_BOOTSTRAP";

/// A broker for tests that do not break it; [`broker`] says where it is.
pub static BROKER: Need = Need::new(|| match broker() {
    Some(_) => Ok(()),
    None => Err(format!("{BOOTSTRAP} names no broker")),
})
.required_by(REQUIRE_KAFKA);

/// The program [`go`].
pub static GO: Need = Need::new(|| go().map(drop).ok_or("Go is not installed".into()));

/// The program [`chromium`].
pub static CHROMIUM: Need = Need::new(|| {
    chromium()
        .map(drop)
        .ok_or("Chromium is not installed".into())
});

/// Something that a test needs, looked for once in a process.
pub struct Need {
    find: fn() -> Result<(), String>,
    required_by: Option<&'static str>,
    found: OnceLock<Result<(), String>>,
}

impl Need {
    /// Makes the need of what `find` looks for; its error is the reason why a test is ignored.
    pub const fn new(find: fn() -> Result<(), String>) -> Self {
        Self {
            find,
            required_by: None,
            found: OnceLock::new(),
        }
    }

    /// Makes a test fail that cannot run, where the environment variable is `1`.
    #[must_use]
    pub const fn required_by(mut self, variable: &'static str) -> Self {
        self.required_by = Some(variable);
        self
    }

    /// Looks for what is needed.
    pub(crate) fn find(&self) -> Result<(), String> {
        self.found.get_or_init(self.find).clone()
    }

    /// Returns the environment variable that makes it a failure that this is missing, where it
    /// does.
    pub(crate) fn requirement(&self) -> Option<&'static str> {
        let is_set = |variable: &&str| env::var(variable).as_deref() == Ok("1");
        self.required_by.filter(is_set)
    }
}

/// Makes the need of a container engine, which `find` asks.
pub const fn engine(find: fn() -> Result<(), String>) -> Need {
    Need::new(find).required_by(REQUIRE_KAFKA)
}

/// Returns the address of the broker that the environment names.
pub fn broker() -> Option<String> {
    env::var(BOOTSTRAP).ok()
}

/// Finds the program `go`, which its installer does not always put on the path.
pub fn go() -> Option<&'static str> {
    first_that_starts(&["go", "/usr/local/go/bin/go"], "version")
}

/// Finds Chromium or Chrome, which each system calls otherwise.
pub fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    first_that_starts(&names, "--version")
}

fn first_that_starts(programs: &[&'static str], argument: &str) -> Option<&'static str> {
    let starts = |program: &&&str| {
        let asked = Command::new(program).arg(argument).output();
        asked.is_ok_and(|output| output.status.success())
    };
    programs.iter().find(starts).copied()
}
