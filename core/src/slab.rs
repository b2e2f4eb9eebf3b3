//! Values under small numbers, which are used again.

/// A place in a [`Slab`].
pub(crate) type Slot = u32;

/// A vector with holes: a value keeps its number until it is removed.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    values: Vec<Option<T>>,
    free: Vec<Slot>,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            values: Vec::new(),
            free: Vec::new(),
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.values.len() - self.free.len()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.values.get_mut(slot as usize)?.as_mut()
    }

    /// Iterates over the values, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        (0..)
            .zip(&self.values)
            .filter_map(|(slot, value)| Some((slot, value.as_ref()?)))
    }

    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.values[slot as usize] = Some(value);
            return slot;
        }
        let slot = Slot::try_from(self.values.len()).expect("fewer than 2^32 buffered records");
        self.values.push(Some(value));
        slot
    }

    #[inline]
    pub(crate) fn remove(&mut self, slot: Slot) {
        if let Some(value) = self.values.get_mut(slot as usize)
            && value.is_some()
        {
            *value = None;
            self.free.push(slot);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.values.clear();
        self.free.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_again_after_its_value_is_removed() {
        let mut slab = Slab::new();
        let (a, b) = (slab.insert('a'), slab.insert('b'));
        slab.remove(a);
        slab.remove(a);
        assert_eq!(slab.get_mut(a), None);
        assert_eq!(slab.insert('c'), a);
        assert_eq!(slab.len(), 2);
        assert_eq!(slab.get_mut(b), Some(&mut 'b'));
        assert_eq!(slab.iter().collect::<Vec<_>>(), [(a, &'c'), (b, &'b')]);
    }
}
