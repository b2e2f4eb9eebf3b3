//! A plan goes in, a trace comes out.
