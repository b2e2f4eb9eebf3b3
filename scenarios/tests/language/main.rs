//! The scenario language, from the outside.

mod aliases;
mod arbitrary;
mod drawing;
mod from_schema;
mod invalid;
mod library;
mod manual;
mod properties;
mod readme;
mod schema;
