//! Simulated Kafka.
