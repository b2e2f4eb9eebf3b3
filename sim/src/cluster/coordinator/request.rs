//! What is asked of groups, and of those that do not exist (`GroupCoordinatorService`).

use super::operation::Operation;
use crate::cluster::broker::Broker;
use crate::cluster::connections::Reply;
use crate::cluster::env::ClusterEnv;
use crate::protocol::{
    Dialect, GroupIndex, GroupMemberId, JoinError, JoinGroupRequest, Leaving, Request, Response,
    Sender, VotedProtocol,
};
use plimsoll_oracle::ErrorName;

impl<D: Dialect> Broker<D> {
    /// Handles a request about a group.
    pub(in crate::cluster) fn handle_group_request(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        request: Request<D>,
    ) {
        match request {
            Request::Heartbeat(sender) => self.heartbeat(env, reply, sender),
            Request::OffsetCommit { sender, offsets } => self.commit(env, reply, sender, offsets),
            Request::OffsetFetch {
                group,
                partitions,
                require_stable,
            } => {
                let wanted = partitions.as_deref();
                self.fetch_offsets(env, reply, group, wanted, require_stable);
            }
            Request::JoinGroup(request) => self.join(env, reply, *request),
            Request::SyncGroup {
                sender,
                protocol,
                assignments,
            } => self.sync(env, reply, sender, protocol, assignments),
            Request::LeaveGroup { group, members } => self.leave(env, reply, group, &members),
            Request::Admin(request) => self.handle_admin(env, reply, *request),
            _ => debug_assert!(false, "not about a group"),
        }
    }

    fn heartbeat(&mut self, env: &mut impl ClusterEnv<D>, reply: Reply, sender: Sender) {
        let (now, group) = (env.now(), sender.group);
        let coordinator = self.coordinator_of(env, group);
        let state = coordinator.and_then(|coordinator| coordinator.group_mut(group));
        let answer = match state.and_then(|group| group.heartbeat(now, sender)) {
            // The member shall wait, not rejoin (`GroupCoordinatorService.heartbeat`).
            Err(ErrorName::CoordinatorLoadInProgress) => Ok(()),
            // An exception, which does not wait.
            Err(error) if error != ErrorName::RebalanceInProgress => Err(error),
            answer => {
                let heartbeat = Operation::Heartbeat(reply, answer);
                return self.wait_for_pending_writes(env, group, heartbeat);
            }
        };
        self.reply(env, reply, Response::Heartbeat(answer));
    }

    fn join(&mut self, env: &mut impl ClusterEnv<D>, reply: Reply, request: JoinGroupRequest<D>) {
        let refuse = |error| Response::JoinGroup(Err(JoinError::Other(error)));
        let (now, group, timeout) = (env.now(), request.group, request.session_timeout);
        let shortest = self.settings.group_min_session_timeout;
        if timeout < shortest || timeout > self.settings.group_max_session_timeout {
            return self.reply(env, reply, refuse(ErrorName::InvalidSessionTimeout));
        }
        let coordinator = match self.coordinator_of(env, group) {
            Ok(coordinator) => coordinator,
            Err(error) => return self.reply(env, reply, refuse(error)),
        };
        match request.member {
            // A member without an id gets one, whatever becomes of its request.
            None => {
                let fresh = env.shared().new_group_member();
                let state = coordinator.group_or_new(group);
                state.join_new(now, reply, request, fresh);
            }
            Some(id) => match coordinator.group_mut(group) {
                Ok(state) => state.join_known(now, reply, request, id),
                Err(error) => return self.reply(env, reply, refuse(error)),
            },
        }
        self.carry_out(env, group);
        self.limit_wait(env, group, reply, Operation::Join(reply));
    }

    fn sync(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        sender: Sender,
        protocol: Option<VotedProtocol<D>>,
        assignments: Vec<(GroupMemberId, D::Assignment)>,
    ) {
        let group = sender.group;
        let coordinator = self.coordinator_of(env, group);
        match coordinator.and_then(|coordinator| coordinator.group_mut(group)) {
            Ok(state) => state.sync(reply, sender, protocol.as_ref(), assignments),
            Err(error) => return self.reply(env, reply, Response::SyncGroup(Err(error))),
        }
        self.carry_out(env, group);
        self.limit_wait(env, group, reply, Operation::Sync(reply));
    }

    /// Lets members leave, each with an answer of its own. Where there is no group, none of them is
    /// known; that is an exception, which does not wait (`GroupCoordinatorService.leaveGroup`).
    fn leave(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        group: GroupIndex,
        members: &[Leaving],
    ) {
        let now = env.now();
        let coordinator = match self.coordinator_of(env, group) {
            Ok(coordinator) => coordinator,
            Err(error) => return self.reply(env, reply, Response::LeaveGroup(Err(error))),
        };
        match coordinator.group_mut(group) {
            Ok(state) => {
                let answers = state.leave(now, members);
                self.carry_out(env, group);
                self.wait_for_pending_writes(env, group, Operation::Leave(reply, answers));
            }
            Err(error) => {
                let answers = members.iter().map(|member| Err((*member, error)));
                let response = Response::LeaveGroup(Ok(answers.collect()));
                self.reply(env, reply, response);
            }
        }
    }
}
