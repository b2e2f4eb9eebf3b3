//! A store for code that keeps state behind its handler.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The time that an operation takes.
const TAKES: Duration = Duration::from_millis(1);

/// A table of a database, as a handler sees it: each operation takes a millisecond of simulated
/// time, in which the process may die, and happens at its end or not at all.
///
/// One from [`Process::store`](crate::Process::store) is shared by all members, and survives their
/// crashes. One that the process makes by [`Store::new`] dies with it, like any of its memory.
pub struct Store<K, V> {
    rows: Arc<Mutex<BTreeMap<K, V>>>,
}

impl<K: Ord, V: Clone> Store<K, V> {
    /// Creates an empty store in the memory of the process.
    pub fn new() -> Self {
        Self {
            rows: Arc::default(),
        }
    }

    /// Returns the value at a key.
    pub async fn get(&self, key: &K) -> Option<V> {
        self.update(|rows| rows.get(key).cloned()).await
    }

    /// Returns whether there is a value at a key.
    pub async fn contains(&self, key: &K) -> bool {
        self.update(|rows| rows.contains_key(key)).await
    }

    /// Puts a value at a key; returns the one that was there.
    pub async fn insert(&self, key: K, value: V) -> Option<V> {
        self.update(|rows| rows.insert(key, value)).await
    }

    /// Removes the value at a key, and returns it.
    pub async fn remove(&self, key: &K) -> Option<V> {
        self.update(|rows| rows.remove(key)).await
    }

    /// Does something with all rows at once, as a transaction does.
    pub async fn update<T>(&self, update: impl FnOnce(&mut BTreeMap<K, V>) -> T) -> T {
        tokio::time::sleep(TAKES).await;
        update(&mut lock(&self.rows))
    }
}

impl<K: Ord, V: Clone> Default for Store<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> Clone for Store<K, V> {
    /// Returns another handle of the same store.
    fn clone(&self) -> Self {
        Self {
            rows: Arc::clone(&self.rows),
        }
    }
}

impl<K, V> fmt::Debug for Store<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("rows", &lock(&self.rows).len())
            .finish()
    }
}

/// The stores of a run, by name.
#[derive(Debug, Default)]
pub(crate) struct Stores(Mutex<BTreeMap<String, Box<dyn Any + Send>>>);

impl Stores {
    /// Returns the store of this name, which is made where it is new.
    #[track_caller]
    pub(crate) fn get<K, V>(&self, name: &str) -> Store<K, V>
    where
        K: Ord + Send + 'static,
        V: Clone + Send + 'static,
    {
        let mut stores = lock(&self.0);
        let store = stores
            .entry(name.to_owned())
            .or_insert_with(|| Box::new(Store::<K, V>::new()));
        match store.downcast_ref::<Store<K, V>>() {
            Some(store) => store.clone(),
            None => {
                drop(stores);
                panic!("the store \"{name}\" holds other types than a process wants of it")
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
