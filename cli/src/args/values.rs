//! Words and numbers of the command line, as several commands read them.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use plimsoll_oracle::{Property, Word};
use plimsoll_scenarios::Subject;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

/// The name of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    /// A cluster inside the program, thousands of schedules a second.
    Sim,
    /// The consumer as in production, in simulated time: its driver and its client, in bytes over a
    /// simulated network, on simulated brokers.
    Turmoil,
    /// Real processes, in real time, on real brokers or embedded ones.
    Kafka,
}

impl BackendName {
    /// Returns its word on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Turmoil => "turmoil",
            Self::Kafka => "kafka",
        }
    }
}

/// The brokers that the backend `kafka` starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BrokersName {
    /// Apache Kafka: three brokers in containers (feature `containers`), those of `plimsoll cluster up` if they are there.
    Containers,
    /// The simulator's brokers, served by this program in real time: a cluster for each schedule,
    /// ready in milliseconds, without a container engine.
    Embedded,
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// For programs: one versioned document.
    Json,
}

/// The format of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people.
    Human,
    /// For spreadsheets.
    Csv,
    /// For programs: one versioned document.
    Json,
}

/// Seeds from `from` up to, not including, `to`; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeedRange {
    pub from: u64,
    pub to: u64,
}

impl SeedRange {
    /// Returns the range of this seed alone.
    pub(crate) const fn one(seed: u64) -> Self {
        Self {
            from: seed,
            to: seed + 1,
        }
    }

    /// Returns the number of seeds.
    pub(crate) const fn len(self) -> u64 {
        self.to - self.from
    }
}

impl FromStr for SeedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<u64>()
                .map_err(|_| "expected a number of seeds such as 1000, or a range such as 200..300")
        };
        let (from, to) = match text.split_once("..") {
            Some((from, to)) => (number(from)?, number(to)?),
            None => (0, number(text)?),
        };
        if from < to {
            return Ok(Self { from, to });
        }
        Err(match to < from {
            true => format!("it counts down; expected {to}..{from}, or another range"),
            false => "expected at least one seed, as in 0..1000".into(),
        })
    }
}

pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse()
        .map_err(|_| "expected a whole number from 1 on")
}

/// Reads a time as in 250ms, 5s or 2min.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let unit = match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(1)),
        "s" => Some(Duration::from_secs(1)),
        "min" => Some(Duration::from_secs(60)),
        _ => None,
    };
    match (unit, digits.parse::<u32>()) {
        (Some(unit), Ok(count)) if count > 0 => Ok(unit * count),
        _ => Err("expected a time as in 250ms, 5s or 2min".into()),
    }
}

pub(super) fn bootstrap(text: &str) -> Result<String, String> {
    let is_address = |address: &str| {
        address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    if text.split(',').all(is_address) {
        Ok(text.to_owned())
    } else {
        Err("expected addresses as in localhost:9092,localhost:9093".into())
    }
}

pub(super) fn listen(text: &str) -> Result<IpAddr, &'static str> {
    text.parse()
        .map_err(|_| "expected an address of this machine, as in 172.17.0.1 or 0.0.0.0")
}

pub(super) fn advertise(text: &str) -> Result<String, &'static str> {
    let is_address = text.parse::<IpAddr>().is_ok();
    let is_host = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    match is_address || (!text.is_empty() && text.chars().all(is_host)) {
        true => Ok(text.to_owned()),
        false => Err("expected a host without a port, as in host.docker.internal"),
    }
}

pub(super) fn subjects() -> impl TypedValueParser<Value = Subject> {
    one_of_the_words()
}

pub(super) fn properties() -> impl TypedValueParser<Value = Property> {
    one_of_the_words()
}

/// Reads one of a type's words.
pub(super) fn one_of_the_words<T: Word + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let words = T::ALL.iter().map(|value| PossibleValue::new(value.word()));
    PossibleValuesParser::new(words)
        .map(|word| T::from_word(&word).expect("one of the possible values"))
}

/// Returns the number of threads to use.
pub(crate) fn threads(jobs: Option<NonZeroUsize>) -> NonZeroUsize {
    jobs.or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}
