//! Frames, whole and damaged.

pub(crate) mod corpus;
pub(crate) mod mutation;
