//! A bounded memory of recent things: one more makes room by forgetting the one that was used longest ago.

use std::borrow::Borrow;
use std::hash::Hash;
use std::num::NonZeroUsize;

use lru::LruCache;

/// A bounded memory.
pub struct Recent<K: Hash + Eq, V>(LruCache<K, V>);

impl<K: Hash + Eq, V> Recent<K, V> {
    /// An empty one, which takes its space as it is needed.
    pub fn new(max: NonZeroUsize) -> Self {
        let mut cache = LruCache::unbounded();
        cache.resize(max);
        Self(cache)
    }

    /// The value under a key, which counts as used now.
    pub fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)
    }

    /// Remembers a value.
    pub fn put(&mut self, key: K, value: V) {
        self.0.put(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_is_forgotten_and_nothing_else() {
        let mut recent: Recent<String, u32> = Recent::new(NonZeroUsize::new(3).unwrap());
        for (place, name) in ["a", "b", "c"].iter().enumerate() {
            recent.put((*name).into(), place as u32);
        }
        assert_eq!(recent.get("a"), Some(&0));
        recent.put("a".into(), 7);
        recent.put("d".into(), 8);
        let left = ["a", "b", "c", "d"].map(|name| recent.get(name).copied());
        assert_eq!(left, [Some(7), None, Some(2), Some(8)]);
    }
}
