//! The served cluster, from its processes to its frames.

mod settings;
mod world;
