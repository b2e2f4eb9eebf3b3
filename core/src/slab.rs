//! Values under small numbers, which are used again.

/// A place in a [`Slab`].
pub(crate) type Slot = u32;

/// A vector with holes: a value keeps its number until it is removed.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    /// The hole to be filled first.
    hole: Option<Slot>,
    len: usize,
}

#[derive(Debug)]
enum Place<T> {
    Value(T),
    /// A hole; the one to be filled next.
    Hole(Option<Slot>),
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            hole: None,
            len: 0,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        match self.places.get_mut(slot as usize)? {
            Place::Value(value) => Some(value),
            Place::Hole(_) => None,
        }
    }

    /// Iterates over the values, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        (0..)
            .zip(&self.places)
            .filter_map(|(slot, place)| match place {
                Place::Value(value) => Some((slot, value)),
                Place::Hole(_) => None,
            })
    }

    #[inline]
    pub(crate) fn insert(&mut self, value: T) -> Slot {
        self.len += 1;
        if let Some(slot) = self.hole
            && let Some(place @ &mut Place::Hole(next)) = self.places.get_mut(slot as usize)
        {
            self.hole = next;
            *place = Place::Value(value);
            return slot;
        }
        let slot = Slot::try_from(self.places.len()).expect("fewer than 2^32 buffered records");
        self.places.push(Place::Value(value));
        slot
    }

    #[inline]
    pub(crate) fn remove(&mut self, slot: Slot) {
        if let Some(place @ Place::Value(_)) = self.places.get_mut(slot as usize) {
            *place = Place::Hole(self.hole);
            self.hole = Some(slot);
            self.len -= 1;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.places.clear();
        self.hole = None;
        self.len = 0;
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
