//! A table with one value for each member.

use plimsoll_oracle::MemberId;
use std::ops::{Index, IndexMut};

/// One value for each member, indexed by the member's id.
#[derive(Clone, Debug)]
pub(crate) struct PerMember<T> {
    values: Vec<T>,
}

impl<T> PerMember<T> {
    /// Makes a table of `members` values, each made from its member's id.
    pub(crate) fn new(members: usize, value: impl FnMut(MemberId) -> T) -> Self {
        let ids = (0..members as u32).map(MemberId);
        ids.map(value).collect()
    }

    /// Returns the members, in order.
    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = MemberId> + use<T> {
        (0..self.values.len() as u32).map(MemberId)
    }

    /// Returns the value of a member, where the table has one.
    pub(crate) fn get(&self, member: MemberId) -> Option<&T> {
        self.values.get(member.0 as usize)
    }

    /// Returns the values, in the order of their members.
    pub(crate) fn values(&self) -> std::slice::Iter<'_, T> {
        self.values.iter()
    }

    /// Returns the values, to be changed, in the order of their members.
    pub(crate) fn values_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.values.iter_mut()
    }

    /// Returns the members with their values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (MemberId, &T)> {
        self.ids().zip(&self.values)
    }
}

impl<T> Index<MemberId> for PerMember<T> {
    type Output = T;

    fn index(&self, member: MemberId) -> &T {
        &self.values[member.0 as usize]
    }
}

impl<T> IndexMut<MemberId> for PerMember<T> {
    fn index_mut(&mut self, member: MemberId) -> &mut T {
        &mut self.values[member.0 as usize]
    }
}

/// Gives the values to the members from the first one up.
impl<T> FromIterator<T> for PerMember<T> {
    fn from_iter<V: IntoIterator<Item = T>>(values: V) -> Self {
        Self {
            values: values.into_iter().collect(),
        }
    }
}
