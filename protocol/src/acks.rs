//! When a producer's records count as acknowledged.

crate::words! {
    /// The replicas that have a message when it is acknowledged.
    pub enum Acks: "acks" {
        /// All in-sync replicas have it.
        All = "all",
        /// The leader has it.
        Leader = "1",
        /// The producer does not wait.
        None = "0",
    }
}
