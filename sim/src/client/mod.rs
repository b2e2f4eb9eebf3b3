//! The simulated clients: the producer, and the members of the group.

mod member;
mod producer;

pub use member::Member;
pub use producer::Producer;
