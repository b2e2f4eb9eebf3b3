//! The rules by which a group's partitions are given to its members, by Kafka's names.

crate::words! {
    /// A rule by which partitions are given to members.
    pub enum Assignor: "assignor" {
        /// Eager: contiguous ranges.
        Range = "range",
        /// Eager: one by one, in turn.
        RoundRobin = "roundrobin",
        /// Cooperative: partitions stay where they are unless balance asks for a move.
        CooperativeSticky = "cooperative-sticky",
    }
}
