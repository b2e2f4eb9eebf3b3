//! The consumers that can stand trial, and the clients beneath Plimsoll's own, by name.
//!
//! A recipe without a version in its name is that of the newest one that is modelled; where an
//! older one differs in what a run can show, its recipe has the last version of that kind.

plimsoll_oracle::words! {
    /// A consumer under test.
    pub enum Subject: "subject" {
        /// Plimsoll's own consumer: commits the watermark, retries in place.
        Plimsoll = "plimsoll",
        /// The same with the driver that production has around it, on tokio under simulated time.
        PlimsollDriver = "plimsoll-driver",
        /// Sarama with auto-commit off, marking on success: never commits anything.
        SaramaManualMark = "sarama-manual-mark",
        /// Sarama with auto-commit on, marking on success: commits past a skipped failure.
        SaramaAutoMark = "sarama-auto-mark",
        /// `sarama-manual-mark` on Sarama up to 1.60, whose sessions end when the coordinator
        /// moves.
        Sarama160ManualMark = "sarama-1.60-manual-mark",
        /// `sarama-auto-mark` on Sarama up to 1.60, whose sessions end when the coordinator moves.
        Sarama160AutoMark = "sarama-1.60-auto-mark",
        /// Commits what was polled, on a timer, whatever the handler says.
        AutoCommit = "auto-commit",
        /// Java's auto-commit: each poll commits what the ones before returned, failed or not.
        JavaAutoCommit = "java-auto-commit",
        /// Java with `commitSync` after each poll's records: commits past a skipped failure.
        JavaCommitSync = "java-commit-sync",
    }
}

plimsoll_oracle::words! {
    /// The client library beneath Plimsoll's own consumer, on real brokers.
    pub enum Client: "client" {
        /// librdkafka.
        Librdkafka = "librdkafka",
        /// The one in Rust alone (`plimsoll-native`): that of the simulator, with sockets.
        Native = "native",
    }
}
