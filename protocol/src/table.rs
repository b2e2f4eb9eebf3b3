//! Tables indexed by what they are about: nodes, partitions, nodes.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// An id that counts from zero without gaps.
pub trait DenseId: Copy {
    /// Returns the id with this number.
    fn from_index(index: usize) -> Self;

    /// Returns the id's number.
    fn index(self) -> usize;
}

/// Makes a number of its own type an id that counts from zero without gaps.
#[macro_export]
macro_rules! dense_id {
    ($id:ident($number:ty)) => {
        impl $crate::DenseId for $id {
            #[inline]
            fn from_index(index: usize) -> Self {
                Self(index as $number)
            }

            #[inline]
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

/// One value for each id from zero up.
#[derive(Clone)]
pub struct Table<I, T> {
    values: Vec<T>,
    ids: PhantomData<fn(I)>,
}

impl<I: DenseId, T> Table<I, T> {
    /// Creates a table of `len` values, each made from its id.
    pub fn new(len: usize, value: impl FnMut(I) -> T) -> Self {
        (0..len).map(I::from_index).map(value).collect()
    }

    /// Gives a value to the next id.
    pub fn push(&mut self, value: T) {
        self.values.push(value);
    }

    /// Gives a value to each id up to this one, where the table ends before it.
    #[inline]
    pub fn reach(&mut self, id: I)
    where
        T: Default,
    {
        if !self.contains(id) {
            self.grow(id.index() + 1);
        }
    }

    /// Gives values to ids until there are `len`; where there are more already, all stay.
    #[cold]
    pub fn grow(&mut self, len: usize)
    where
        T: Default,
    {
        let len = len.max(self.values.len());
        self.values.resize_with(len, T::default);
    }

    /// Returns the number of values.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a table has an entry for each id, and there is always one"
    )]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns whether the table has a value for an id.
    #[inline]
    pub fn contains(&self, id: I) -> bool {
        id.index() < self.values.len()
    }

    /// Returns the value of an id, where the table has one.
    #[inline]
    pub fn get(&self, id: I) -> Option<&T> {
        self.values.get(id.index())
    }

    /// Returns the value of an id, to be changed, where the table has one.
    #[inline]
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.values.get_mut(id.index())
    }

    /// Returns the ids, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + use<I, T> {
        (0..self.values.len()).map(I::from_index)
    }

    /// Returns the values, in the order of their ids.
    pub fn values(&self) -> std::slice::Iter<'_, T> {
        self.values.iter()
    }

    /// Returns the values, to be changed, in the order of their ids.
    pub fn values_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.values.iter_mut()
    }

    /// Returns the ids with their values, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (I, &T)> {
        let values = self.values.iter().enumerate();
        values.map(|(index, value)| (I::from_index(index), value))
    }
}

impl<I: DenseId, T> Index<I> for Table<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, id: I) -> &T {
        &self.values[id.index()]
    }
}

impl<I: DenseId, T> IndexMut<I> for Table<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.values[id.index()]
    }
}

/// Gives the values to the ids from zero up.
impl<I, T> FromIterator<T> for Table<I, T> {
    fn from_iter<V: IntoIterator<Item = T>>(values: V) -> Self {
        Self {
            values: values.into_iter().collect(),
            ids: PhantomData,
        }
    }
}

/// Creates an empty table.
impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self::from_iter([])
    }
}

impl<I, T: fmt::Debug> fmt::Debug for Table<I, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(&self.values).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Node, PerNode};

    fn table() -> PerNode<u16> {
        PerNode::new(3, |node| node.0 * 10)
    }

    #[test]
    fn values_are_found_by_their_ids() {
        let mut table = table();
        table[Node(1)] += 1;
        assert_eq!(table[Node(1)], 11);
        assert_eq!(table.get(Node(2)), Some(&20));
        table.values_mut().for_each(|value| *value += 1);
        assert_eq!(table.values().copied().collect::<Vec<_>>(), [1, 12, 21]);
    }

    #[test]
    fn an_id_beyond_the_end_has_no_value() {
        let table = table();
        assert!(table.contains(Node(2)) && !table.contains(Node(3)));
        assert_eq!(table.get(Node(3)), None);
    }

    #[test]
    fn ids_and_values_come_in_order() {
        let table: PerNode<char> = "ab".chars().collect();
        let pairs: Vec<_> = table.iter().map(|(id, value)| (id.0, *value)).collect();
        assert_eq!(pairs, [(0, 'a'), (1, 'b')]);
        let ids: Vec<_> = table.ids().rev().map(|id| id.0).collect();
        assert_eq!((ids, table.len()), (vec![1, 0], 2));
    }
}
