//! A harness for tests that need what not every machine has: a container engine, a broker, Go, a
//! browser. Where it is missing, the test is reported as ignored, with the reason.
//!
//! The harness takes the arguments of Rust's own (`cargo test NAME`, `--exact`, `--list`, ...), for
//! test targets with `harness = false`:
//!
//! ```no_run
//! use plimsoll_harness::{BROKER, GO, run, tests};
//! # fn reads_a_topic() {}
//! # fn survives_a_crash() {}
//! # fn compares_with_sarama() {}
//!
//! fn main() -> std::process::ExitCode {
//!     let alone = tests!([&BROKER]: reads_a_topic, survives_a_crash);
//!     let compared = tests!([&BROKER, &GO]: compares_with_sarama);
//!     run(alone.into_iter().chain(compared))
//! }
//! ```

mod need;

pub use need::{BROKER, CHROMIUM, GO, Need, broker, chromium, engine, go};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::process::ExitCode;

/// A test, and what it needs.
pub struct Test {
    name: String,
    needs: Vec<&'static Need>,
    body: Box<dyn FnOnce() -> Result<(), String> + Send>,
}

impl Test {
    /// Makes a test, which fails where its body panics.
    pub fn new(
        name: impl Into<String>,
        needs: impl Into<Vec<&'static Need>>,
        body: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self::unless_unfit(name, needs, || {
            body();
            Ok(())
        })
    }

    /// Makes a test whose body finds out whether what is there is fit for it: its error is the
    /// reason why the test is ignored.
    pub fn unless_unfit(
        name: impl Into<String>,
        needs: impl Into<Vec<&'static Need>>,
        body: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Self {
        Self {
            // A path that macros hand on has spaces.
            name: name.into().replace(" :: ", "::"),
            needs: needs.into(),
            body: Box::new(body),
        }
    }

    /// Puts the test into a group of tests.
    #[must_use]
    pub fn within(mut self, group: &str) -> Self {
        self.name.insert_str(0, &format!("{group}::"));
        self
    }

    /// Runs the body where all is there that it needs.
    fn run(self) -> Result<Completion, Failed> {
        for need in self.needs {
            if let Err(reason) = need.find() {
                return match need.requirement() {
                    Some(variable) => Err(format!("{variable} is set, but {reason}").into()),
                    None => Ok(Completion::ignored_with(reason)),
                };
            }
        }
        Ok(match (self.body)() {
            Ok(()) => Completion::Completed,
            Err(reason) => Completion::ignored_with(reason),
        })
    }
}

/// Runs the tests that the arguments of the process select, and returns how the process ends.
pub fn run(tests: impl IntoIterator<Item = Test>) -> ExitCode {
    run_with(Arguments::from_args(), tests)
}

/// Runs the tests as [`run`] does, on this number of threads where the arguments name none.
pub fn run_side_by_side(threads: usize, tests: impl IntoIterator<Item = Test>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(threads);
    run_with(arguments, tests)
}

fn run_with(arguments: Arguments, tests: impl IntoIterator<Item = Test>) -> ExitCode {
    let trial = |test: Test| Trial::ignorable_test(test.name.clone(), || test.run());
    let trials = tests.into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Lists tests that need the same: what they need, and their bodies, by which they are named.
/// Behind `by` stands the function that runs a body where a call is not enough, as with
/// asynchronous ones.
#[macro_export]
macro_rules! tests {
    ($needs:tt: $($body:path),+ $(,)?) => {
        [$($crate::Test::new(stringify!($body), $needs, $body)),+]
    };
    ($needs:tt by $runner:path: $($body:path),+ $(,)?) => {
        [$($crate::Test::new(stringify!($body), $needs, || $runner($body))),+]
    };
}
