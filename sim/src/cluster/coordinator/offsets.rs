//! Committed offsets: records of the group's partition.

use super::append_error;
use crate::cluster::broker::Broker;
use crate::cluster::connections::Reply;
use crate::cluster::replica::Writer;
use crate::env::Env;
use crate::protocol::{CommittedOffset, Generation, Response, Value};
use plimsoll_scenarios::ErrorName;

impl Broker {
    /// Writes an accepted commit; it is answered, and observed, when it is replicated.
    pub(super) fn write_commit(
        &mut self,
        env: &mut Env<'_>,
        reply: Reply,
        generation: Generation,
        offsets: &[CommittedOffset],
        rebalancing: bool,
    ) {
        let member = env.member_at(reply.node).unwrap_or_default();
        let values = offsets.iter().map(|offset| Value::Commit {
            offset: *offset,
            member,
            generation,
            rebalancing,
        });
        self.write_offsets_partition(env, values, Writer::Commit(reply));
    }

    /// A commit is replicated, or is not known to be.
    pub(in crate::cluster) fn commit_written(
        &mut self,
        env: &mut Env<'_>,
        reply: Reply,
        result: Result<(), ErrorName>,
    ) {
        let result = result.map_err(append_error);
        self.reply(env, reply, Response::OffsetCommit(result));
    }
}
