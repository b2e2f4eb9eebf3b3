//! A cluster that is served, seen from outside.

mod cluster;
mod http;
mod scenario;
mod wire;
