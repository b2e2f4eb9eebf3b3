//! The consumer against a real broker: the one that `PLIMSOLL_TEST_BOOTSTRAP` names, as
//! `HOST:PORT`. Without it each test says that it is skipped, and passes.

mod cluster;
mod dead_letters;
mod members;
mod positions;
mod stops;
