//! The library of scenarios: the files of the folder `library`, embedded by the build script.

/// Every scenario of the library: its name (`folder/stem`) and its text, by name.
pub const LIBRARY: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/library.rs"));
