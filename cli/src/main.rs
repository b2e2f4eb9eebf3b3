//! The program `plimsoll`.
fn main() {}
