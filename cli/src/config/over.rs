//! The command line over the configuration: what it does not say comes from there.

use super::Config;
use crate::args::{BackendName, CommitIntervalArgs, CompareArgs, RunArgs, ShrinkArgs, TryingArgs};

impl RunArgs {
    /// Takes what the command line does not say from the configuration.
    pub(crate) fn or(mut self, config: Config) -> Self {
        if self.paths.is_empty() {
            let scenarios = config.scenarios.iter();
            let scenarios = scenarios.map(|path| path.display().to_string());
            self.paths.extend(scenarios);
        }
        // Elsewhere, each seed takes its time.
        let seeds = match self.backend.name(&self.command) {
            BackendName::Sim => config.seeds,
            BackendName::Turmoil | BackendName::Kafka => None,
        };
        let is_program = !self.command.is_empty();
        Self {
            seeds: self.seeds.or(seeds),
            keep_going: self.keep_going.or(config.keep_going),
            strict: self.strict.or(config.strict),
            report: self.report.or(config.report.clone()),
            trying: self.trying.or(is_program, config),
            ..self
        }
    }
}

impl ShrinkArgs {
    /// Takes what the command line does not say from the configuration.
    pub(crate) fn or(self, config: Config) -> Self {
        let trying = self.trying.or(!self.command.is_empty(), config);
        Self { trying, ..self }
    }
}

impl CompareArgs {
    /// Takes what the command line does not say from the configuration.
    pub(crate) fn or(self, config: Config) -> Self {
        let trying = self.trying.or(!self.command.is_empty(), config);
        Self { trying, ..self }
    }
}

impl TryingArgs {
    /// Takes what the command line does not say from the configuration. What it has of a consumer
    /// is of a program: it says nothing of the simulator, and `--keeps` nothing without one.
    fn or(mut self, is_program: bool, config: Config) -> Self {
        let declared = &mut self.declared;
        if is_program && declared.set.is_empty() {
            declared.set = config.set.unwrap_or_default();
        }
        if is_program && declared.keeps.is_empty() {
            declared.keeps = config.keeps.unwrap_or_default();
        }
        Self {
            jobs: self.jobs.or(config.jobs),
            regressions: self.regressions.or(config.regressions),
            ..self
        }
    }
}

impl CommitIntervalArgs {
    /// Takes what the command line does not say from the configuration.
    pub(crate) fn or(self, config: Config) -> Self {
        Self {
            jobs: self.jobs.or(config.jobs),
            ..self
        }
    }
}
