use std::time::{Duration, Instant};

use super::*;

fn miss(cache: &ValueCache) -> Miss {
    cache.get(b"key").unwrap_err()
}

#[test]
fn what_was_read_before_a_commit_is_not_put_in_after_it() {
    let cache = ValueCache::new(1 << 20);
    let before = miss(&cache);
    cache.bar(b"key");
    cache.put(before, b"key", Some(b"old"));
    let during = miss(&cache);
    cache.put(during, b"key", None);
    cache.unbar();
    cache.put(before, b"key", Some(b"old"));
    cache.put(during, b"key", None);
    let after = miss(&cache);
    cache.put(after, b"key", Some(b"new"));
    assert_eq!(cache.get(b"key").unwrap().unwrap().as_ref(), b"new");
    cache.bar(b"key");
    let barred = miss(&cache);
    cache.unbar();
    cache.put(barred, b"key", None);
    let absent = miss(&cache);
    cache.put(absent, b"key", None);
    assert_eq!(cache.get(b"key").unwrap(), None);
}

#[test]
fn a_commit_refuses_nothing_that_it_does_not_change() {
    let cache = ValueCache::new(4 << 20);
    let keys: Vec<[u8; 4]> = (0..64_u32).map(u32::to_be_bytes).collect();
    let before: Vec<Miss> = keys.iter().map(|key| cache.get(key).unwrap_err()).collect();
    cache.bar(&keys[0]);
    cache.unbar();
    for (key, miss) in keys.iter().zip(before) {
        cache.put(miss, key, Some(b"read"));
    }
    assert!(cache.get(&keys[0]).is_err());
    assert!(keys.iter().filter(|key| cache.get(*key).is_ok()).count() > 32, "other parts were refused too");
}

#[test]
fn who_does_not_wait_for_a_shard_puts_nothing_in() {
    let cache = ValueCache::new(1 << 20);
    let held = cache.shards.wait(b"key");
    let busy = miss(&cache);
    assert!(matches!(busy, Miss::Busy));
    drop(held);
    cache.put(busy, b"key", Some(b"value"));
    cache.put(miss(&cache), b"key", Some(b"old"));
    cache.bar(b"key");
    cache.unbar();
    assert!(matches!(miss(&cache), Miss::Absent { commits: 1 }));
    cache.put_committed(b"key", Some(b"new"));
    assert_eq!(cache.get(b"key").unwrap().unwrap().as_ref(), b"new");
}

#[test]
fn it_stays_within_its_bytes() {
    let cache = ValueCache::new(1 << 20);
    for number in 0..20_000_u32 {
        let key = number.to_be_bytes();
        let missed = cache.get(&key).unwrap_err();
        cache.put(missed, &key, Some(&[0; 200]));
    }
    let weight: u64 = cache.shards.all().map(|shard| shard.plain.weight()).sum();
    assert!(weight <= 1 << 20 && weight > 1 << 18, "{weight}");
}

fn value(number: u32) -> Vec<u8> {
    format!("{number}, which is as long as everybody else's, and much like it: {number}").repeat(8).into_bytes()
}

/// A cache that packs, of 1 MiB, full of values that were put in by `put`.
fn packed(put: impl Fn(&ValueCache, &[u8], &[u8])) -> ValueCache {
    let cache = ValueCache::packing(1 << 20);
    let begun = Instant::now();
    for number in 0_u32.. {
        put(&cache, &number.to_be_bytes(), &value(number));
        if cache.shards.all().all(|shard| shard.packed.weight() > shard.packed.capacity() / 10 * 9) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it was never full");
    }
    cache
}

/// What `cache` has packed.
fn packed_keys(cache: &ValueCache) -> Vec<u32> {
    let keys = cache.shards.all().flat_map(|shard| shard.packed.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>());
    keys.map(|key| u32::from_be_bytes(key.as_ref().try_into().unwrap())).collect()
}

fn read(cache: &ValueCache, key: &[u8], value: &[u8]) {
    cache.put(cache.get(key).unwrap_err(), key, Some(value));
}

#[test]
fn what_had_to_make_room_is_found_packed() {
    let written = |cache: &ValueCache, key: &[u8], value: &[u8]| {
        cache.bar(key);
        cache.unbar();
        cache.put_committed(key, Some(value));
    };
    for cache in [packed(read), packed(written)] {
        let keys = packed_keys(&cache);
        let plain: usize = cache.shards.all().map(|shard| shard.plain.len()).sum();
        assert!(keys.len() > 6 * plain, "{} packed, {plain} plain", keys.len());
        for number in keys {
            let key = number.to_be_bytes();
            assert!(!cache.shards.wait(&key).plain.contains_key(key.as_slice()));
            assert_eq!(cache.get(&key).unwrap().unwrap().as_ref(), value(number));
        }
        let weight: u64 = cache.shards.all().map(|shard| shard.plain.weight() + shard.packed.weight()).sum();
        assert!(weight <= 1 << 20, "{weight}");
    }
}

#[test]
fn nothing_packed_outlives_a_commit_that_changes_it() {
    let cache = packed(read);
    let number = packed_keys(&cache).pop().unwrap();
    let key = number.to_be_bytes();
    cache.bar(&key);
    assert!(cache.get(&key).is_err());
    // It had made room before the commit, and is packed only now.
    let late = || vec![(Key::from(key.as_slice()), Some(Arc::from(value(number))))];
    cache.pack(b"another", late(), 0);
    assert!(cache.get(&key).is_err(), "barred");
    cache.unbar();
    cache.pack(b"another", late(), 0);
    assert!(cache.get(&key).is_err(), "of before");
    cache.pack(b"another", late(), 1);
    assert!(cache.get(&key).is_ok());
}
