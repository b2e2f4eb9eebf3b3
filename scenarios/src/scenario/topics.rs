//! `[[topics]]`.

/// A topic that the group consumes.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Its name: 1 to 249 of Kafka's legal characters.
    pub name: String,
    /// Partitions at the start; 1 to 64.
    pub partitions: u32,
}
