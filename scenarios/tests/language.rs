//! The scenario language, from the outside.

#[path = "language/arbitrary.rs"]
mod arbitrary;
#[path = "language/drawing.rs"]
mod drawing;
#[path = "language/from_schema.rs"]
mod from_schema;
#[path = "language/invalid.rs"]
mod invalid;
#[path = "language/library.rs"]
mod library;
#[path = "language/manual.rs"]
mod manual;
#[path = "language/properties.rs"]
mod properties;
#[path = "language/readme.rs"]
mod readme;
#[path = "language/schema.rs"]
mod schema;
