//! The consumers that can stand trial, by name.

plimsoll_oracle::words! {
    /// A consumer under test.
    pub enum Subject: "subject" {
        /// Plimsoll's own consumer: commits the watermark, retries in place.
        Plimsoll = "plimsoll",
        /// Sarama with auto-commit off, marking on success: never commits anything.
        SaramaManualMark = "sarama-manual-mark",
        /// Sarama with auto-commit on, marking on success: commits past a skipped failure.
        SaramaAutoMark = "sarama-auto-mark",
        /// Commits what was polled, on a timer, whatever the handler says.
        AutoCommit = "auto-commit",
    }
}
