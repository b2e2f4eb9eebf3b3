//! The command line over the configuration: what it does not say comes from there.

use super::Config;
use crate::args::{
    BackendName, CommitIntervalArgs, CompareArgs, DeclaredArgs, RunArgs, ShrinkArgs,
};
use plimsoll_scenarios::scenario::Override;

impl RunArgs {
    /// Takes what the command line does not say from the configuration.
    pub(crate) fn or(self, config: Config) -> Self {
        let mut paths = self.paths;
        if paths.is_empty() {
            let scenarios = config.scenarios.iter();
            paths.extend(scenarios.map(|path| path.display().to_string()));
        }
        // There, each seed takes real time.
        let seeds = match self.backend.name(&self.command) {
            BackendName::Sim => config.seeds,
            BackendName::Kafka => None,
        };
        let declared = self.declared;
        Self {
            paths,
            declared: declared.or(!self.command.is_empty(), config.set, config.keeps),
            seeds: self.seeds.or(seeds),
            jobs: self.jobs.or(config.jobs),
            keep_going: self.keep_going.or(config.keep_going),
            strict: self.strict.or(config.strict),
            regressions: self.regressions.or(config.regressions),
            report: self.report.or(config.report),
            ..self
        }
    }
}

impl DeclaredArgs {
    /// Takes what the command line does not say from the configuration, where a program stands
    /// trial: what it has says nothing of the simulator, and `--keeps` nothing without one.
    fn or(
        mut self,
        is_program: bool,
        set: Option<Vec<Override>>,
        keeps: Option<Vec<String>>,
    ) -> Self {
        if is_program && self.set.is_empty() {
            self.set = set.unwrap_or_default();
        }
        if is_program && self.keeps.is_empty() {
            self.keeps = keeps.unwrap_or_default();
        }
        self
    }
}

impl ShrinkArgs {
    /// Takes what the command line does not say from the configuration.
    pub(crate) fn or(self, config: Config) -> Self {
        let declared = self.declared;
        Self {
            declared: declared.or(!self.command.is_empty(), config.set, config.keeps),
            jobs: self.jobs.or(config.jobs),
            regressions: self.regressions.or(config.regressions),
            ..self
        }
    }
}

impl CompareArgs {
    /// Takes what the command line does not say from the configuration.
    pub(crate) fn or(self, config: Config) -> Self {
        let declared = self.declared;
        Self {
            declared: declared.or(!self.command.is_empty(), config.set, config.keeps),
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
