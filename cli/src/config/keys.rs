//! The keys of `plimsoll.toml`, each declared once.

use super::value::{self, Value};
use crate::args::SeedRange;
use crate::terminal::When;
use plimsoll_scenarios::scenario::{ManualKey, Override};
use serde::Deserialize;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Declares the keys: name, type, and the default in words.
macro_rules! keys {
    ($($(#[doc = $about:literal])+ $key:ident: $type:ty = $default:literal;)+) => {
        /// What the file says, outside of profiles or in one; absent is what it does not say.
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct Config {
            $(
                $(#[doc = $about])+
                #[serde(deserialize_with = "value::read")]
                pub $key: Option<$type>,
            )+
        }

        /// The file.
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct File {
            $(#[serde(deserialize_with = "value::read")] $key: Option<$type>,)+
            profile: BTreeMap<String, Config>,
        }

        impl File {
            /// Returns what stands outside of profiles, and the profiles by name.
            pub(super) fn into_parts(self) -> (Config, BTreeMap<String, Config>) {
                (Config { $($key: self.$key,)+ }, self.profile)
            }
        }

        impl Config {
            /// Takes what it does not say from another one.
            pub(super) fn over(self, other: Self) -> Self {
                Self { $($key: self.$key.or(other.$key),)+ }
            }

            /// Puts its paths below a folder.
            pub(super) fn below(self, folder: &Path) -> Self {
                Self { $($key: self.$key.map(|value| value.below(folder)),)+ }
            }

            /// Returns what the manual says of each key.
            pub(crate) fn keys() -> Vec<ManualKey> {
                vec![$(ManualKey {
                    name: stringify!($key).into(),
                    values: <$type>::EXPECTED.into(),
                    default: Some($default.into()),
                    required: false,
                    about: concat!($($about),+).trim_start().into(),
                },)+]
            }

            /// Returns the JSON schema of each key.
            pub(super) fn schema() -> serde_json::Value {
                let keys = [$((stringify!($key), <$type>::schema())),+];
                let described = keys.into_iter().zip(Self::keys()).map(|((key, schema), said)| {
                    let mut schema = schema;
                    schema["description"] = json!(said.about);
                    (key.to_owned(), schema)
                });
                described.collect::<Map<_, _>>().into()
            }

            /// Returns the names of the keys that it states.
            #[cfg(test)]
            pub(super) fn stated(&self) -> Vec<&'static str> {
                [$(self.$key.is_some().then_some(stringify!($key))),+]
                    .into_iter()
                    .flatten()
                    .collect()
            }
        }
    };
}

keys! {
    /// The scenario file, or the folder of them, that `plimsoll run` runs where it names none.
    scenarios: PathBuf = "the embedded library";
    /// The seeds of `plimsoll run` in the simulator.
    seeds: SeedRange = "1000";
    /// The number of schedules that run side by side.
    jobs: NonZeroUsize = "one for each core";
    /// Whether all seeds of a scenario are run, although some have failed.
    keep_going: bool = "false";
    /// Whether a scenario fails in which something that it names did not happen.
    strict: bool = "false";
    /// The folder into which failures are written.
    regressions: PathBuf = "regressions, where the command is given";
    /// The folder into which the report is written as files.
    report: PathBuf = "none";
    /// Settings that stand over those of scenarios on real Kafka, and that the program on trial
    /// has.
    set: Vec<Override> = "none";
    /// The settings that the program on trial does as it is told.
    keeps: Vec<String> = "none";
    /// When to use colours.
    color: When = "auto";
}
