//! The command line over the configuration: what it does not say comes from there.

use super::Config;
use crate::args::{BackendName, CommitIntervalArgs, RunArgs, ShrinkArgs};

impl RunArgs {
    /// Takes what the command line does not say from the configuration.
    pub(crate) fn or(self, config: Config) -> Self {
        let mut paths = self.paths;
        if paths.is_empty() {
            let scenarios = config.scenarios.iter();
            paths.extend(scenarios.map(|path| path.display().to_string()));
        }
        // Each seed takes real time on real Kafka.
        let seeds = match self.backend.backend {
            BackendName::Sim => config.seeds,
            BackendName::Kafka => None,
        };
        // What a program has says nothing of the simulator, and `--keeps` nothing without one.
        let mut declared = self.declared;
        if !self.command.is_empty() {
            if declared.set.is_empty() {
                declared.set = config.set.unwrap_or_default();
            }
            if declared.keeps.is_empty() {
                declared.keeps = config.keeps.unwrap_or_default();
            }
        }
        Self {
            paths,
            declared,
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

impl ShrinkArgs {
    /// Takes what the command line does not say from the configuration.
    pub(crate) fn or(self, config: Config) -> Self {
        Self {
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
