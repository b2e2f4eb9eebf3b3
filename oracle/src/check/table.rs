//! Tables whose rows are found by ids of a type of their own.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Index, IndexMut};
use std::vec::Drain;

/// The id of a row: its index, as a type that fits one table only.
pub(super) trait Id: Copy {
    /// Returns the id of the row at an index.
    fn from_index(index: usize) -> Self;

    /// Returns the index of the row.
    fn index(self) -> usize;
}

/// Rows of `T`, each with an id of type `I`.
#[derive(Debug)]
pub(super) struct Table<I, T> {
    rows: Vec<T>,
    ids: PhantomData<I>,
}

impl<I: Id, T> Table<I, T> {
    /// Appends a row, and returns its id.
    #[inline]
    pub(super) fn push(&mut self, row: T) -> I {
        let id = I::from_index(self.rows.len());
        self.rows.push(row);
        id
    }

    /// Returns the row of an id, unless there is none yet.
    #[inline]
    pub(super) fn get(&self, id: I) -> Option<&T> {
        self.rows.get(id.index())
    }

    /// Returns the row of an id, which is made where it is new, like all rows before it.
    #[inline]
    pub(super) fn row_mut(&mut self, id: I) -> &mut T
    where
        T: Default,
    {
        while self.rows.len() <= id.index() {
            self.rows.push(T::default());
        }
        &mut self.rows[id.index()]
    }

    /// Returns all rows with their ids, in order.
    pub(super) fn with_ids(&self) -> impl Iterator<Item = (I, &T)> {
        self.rows_from(I::from_index(0))
    }

    /// Returns the rows from an id on with their ids, in order.
    pub(super) fn rows_from(&self, id: I) -> impl Iterator<Item = (I, &T)> {
        let index = id.index();
        let rows = self.rows.iter().skip(index);
        (index..).map(I::from_index).zip(rows)
    }

    /// Returns the rows before an id with their ids, the last one first.
    pub(super) fn rows_before(&self, id: I) -> impl Iterator<Item = (I, &T)> {
        let before = self.rows.iter().enumerate().take(id.index()).rev();
        before.map(|(index, row)| (I::from_index(index), row))
    }

    /// Removes all rows, and keeps the table's memory.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    /// Removes all rows, and returns them in order.
    pub(super) fn drain(&mut self) -> Drain<'_, T> {
        self.rows.drain(..)
    }
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            ids: PhantomData,
        }
    }
}

/// The rows without their ids.
impl<I, T> Deref for Table<I, T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.rows
    }
}

impl<I, T> DerefMut for Table<I, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.rows
    }
}

impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, id: I) -> &T {
        &self.rows[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for Table<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.rows[id.index()]
    }
}
