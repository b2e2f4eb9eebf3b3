//! What the consumer does, one situation a test, as transcripts that one can read.

mod assign;
mod commit;
mod driver;
mod failure;
mod flow;
mod order;
mod revoke;
mod shutdown;
