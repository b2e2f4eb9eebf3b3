//! Tables indexed by what they are about.

pub(crate) use plimsoll_protocol::{DenseId, Table};

use plimsoll_oracle::MemberId;

/// One value for each member.
pub(crate) type PerMember<T> = Table<MemberId, T>;
