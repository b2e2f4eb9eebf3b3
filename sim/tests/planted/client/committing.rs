//! Bugs of a client that commits, and writes dead letters.

use plimsoll_client::{Action, AskOf, Parts, Seams, Speaker};
use plimsoll_core::{Command, CommitId, CommitOffset, CommitOutcome};
use plimsoll_protocol::Request;

/// kafka-node#1032: a commit that was refused is told as accepted.
#[derive(Default)]
pub(crate) struct RefusedCommitIsGood;

impl<S: Speaker> Seams<S> for RefusedCommitIsGood {
    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        if let Action::EndCommit(_, outcome @ CommitOutcome::Failed) = action {
            *outcome = CommitOutcome::Ok;
        }
        true
    }
}

/// KAFKA-10489: a commit that failed is never told of.
#[derive(Default)]
pub(crate) struct FailedCommitIsNotTold;

impl<S: Speaker> Seams<S> for FailedCommitIsNotTold {
    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        !matches!(
            action,
            Action::EndCommit(_, CommitOutcome::Failed | CommitOutcome::Unknown)
        )
    }
}

/// sarama#219: a commit carries all of its offsets but the last one.
#[derive(Default)]
pub(crate) struct CommitLeavesOneOut;

impl<S: Speaker> Seams<S> for CommitLeavesOneOut {
    fn request(&mut self, _: &mut Parts<'_, S>, ask: &mut AskOf<S>) -> bool {
        if let Request::OffsetCommit { offsets, .. } = &mut ask.request
            && offsets.len() > 1
        {
            offsets.pop();
        }
        true
    }
}

/// spring-kafka#1935: a commit that failed is sent again after a later one was accepted.
#[derive(Default)]
pub(crate) struct SendsOldCommitsAgain {
    sent: Sent,
    failed: Option<(CommitId, Vec<CommitOffset>)>,
}

impl<S: Speaker> Seams<S> for SendsOldCommitsAgain {
    fn command(&mut self, _: &mut Parts<'_, S>, command: &mut Command<S::Payload>) -> bool {
        self.sent.note(command);
        true
    }

    fn action(&mut self, parts: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        let Action::EndCommit(commit, outcome) = action else {
            return true;
        };
        let ended = self.sent.take(*commit);
        match outcome {
            CommitOutcome::Ok => {
                if let Some(again) = self.failed.take() {
                    commit_now(parts, again);
                }
            }
            _ => self.failed = ended.or(self.failed.take()),
        }
        true
    }
}

/// FluidFramework#4922: a commit that was refused during a rebalance is sent again in the next
/// generation, whatever the member has by then.
#[derive(Default)]
pub(crate) struct CommitsInTheNextGeneration {
    sent: Sent,
    refused: Option<(CommitId, Vec<CommitOffset>)>,
}

impl<S: Speaker> Seams<S> for CommitsInTheNextGeneration {
    fn command(&mut self, _: &mut Parts<'_, S>, command: &mut Command<S::Payload>) -> bool {
        self.sent.note(command);
        true
    }

    fn action(&mut self, parts: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        match action {
            Action::EndCommit(commit, CommitOutcome::Failed) => {
                self.refused = self.sent.take(*commit).or(self.refused.take());
            }
            Action::EndCommit(commit, _) => _ = self.sent.take(*commit),
            Action::Assign(..) => {
                if let Some(again) = self.refused.take() {
                    commit_now(parts, again);
                }
            }
            _ => {}
        }
        true
    }
}

/// A dead letter that its broker refused counts as written.
#[derive(Default)]
pub(crate) struct RefusedLetterIsGood;

impl<S: Speaker> Seams<S> for RefusedLetterIsGood {
    fn action(&mut self, _: &mut Parts<'_, S>, action: &mut Action<S>) -> bool {
        if let Action::EndDeadLetter(_, written) = action {
            *written = Ok(());
        }
        true
    }
}

/// The commits that have no outcome.
#[derive(Default)]
struct Sent(Vec<(CommitId, Vec<CommitOffset>)>);

impl Sent {
    fn note<P>(&mut self, command: &Command<P>) {
        if let Command::Commit { commit, offsets } = command {
            self.0.push((*commit, offsets.clone()));
        }
    }

    fn take(&mut self, commit: CommitId) -> Option<(CommitId, Vec<CommitOffset>)> {
        let place = self.0.iter().position(|(sent, _)| *sent == commit)?;
        Some(self.0.swap_remove(place))
    }
}

/// Commits offsets again, with the membership of this moment.
fn commit_now<S: Speaker>(
    parts: &mut Parts<'_, S>,
    (commit, offsets): (CommitId, Vec<CommitOffset>),
) {
    let stamp = parts.group.stamp();
    let epoch = |index, next| parts.fetcher.epoch_before(index, next);
    parts
        .commits
        .commit(parts.now, parts.view, stamp, (commit, &offsets), epoch);
}
