//! What the programs share: the settings that a trial hands to them, by which they are judged, and
//! the work that they do with a record.

pub mod contract;
pub mod work;
