//! The scenario language, from the outside.

#[path = "language/library.rs"]
mod library;
