//! The served cluster, from its processes to its frames.

mod damage;
mod world;
