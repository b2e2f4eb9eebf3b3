//! The behaviour of the consumer, one situation a test, as transcripts.

mod assign;
mod commit;
mod driver;
mod failure;
mod flow;
mod order;
mod revoke;
mod shutdown;
