//! Tables: typed access to a column family.

use std::marker::PhantomData;

use super::Error;
use super::batch::Batch;
use super::catalogue::Family;
use super::view::{Read, Row, View};
use crate::codec;
use crate::codec::key::Key;
use crate::codec::record::Record;

/// A column family of `K` to `V`.
pub struct Table<K, V> {
    family: Family,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Key, V: Record> Table<K, V> {
    pub(super) const fn new(family: Family) -> Self {
        Self { family, types: PhantomData }
    }

    /// The family that the table is kept in.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The value of `key`.
    pub fn get(&self, from: &impl Read, key: &K) -> Result<Option<V>, Error> {
        self.read(from, key, V::decode)
    }

    /// What `read` makes of the stored bytes of `key`, without decoding the whole value.
    pub fn read<T>(
        &self,
        from: &impl Read,
        key: &K,
        read: impl FnOnce(&[u8]) -> Result<T, codec::Error>,
    ) -> Result<Option<T>, Error> {
        let Some(bytes) = from.get(self.family, &key.encode())? else { return Ok(None) };
        read(&bytes).map(Some).map_err(|error| self.corrupt(error))
    }

    /// Whether `key` is there.
    pub fn contains(&self, from: &impl Read, key: &K) -> Result<bool, Error> {
        Ok(from.get(self.family, &key.encode())?.is_some())
    }

    /// Writes `value` under `key`.
    pub fn put(&self, batch: &mut Batch<'_>, key: &K, value: &V) -> Result<(), Error> {
        let bytes = value.encode().map_err(|error| self.corrupt(error))?;
        batch.put(self.family, key.encode(), bytes);
        Ok(())
    }

    /// Removes `key`.
    pub fn delete(&self, batch: &mut Batch<'_>, key: &K) {
        batch.delete(self.family, key.encode());
    }

    /// The first `limit` rows whose keys start with `prefix`, in key order, from `start` on.
    pub fn rows(&self, from: &impl Read, prefix: &[u8], start: &[u8], limit: usize) -> Result<Vec<(K, V)>, Error> {
        from.rows(self.family, prefix, start, limit)?.into_iter().map(|row| decode(self.family, row)).collect()
    }

    /// As [`Table::rows`], without reading the values.
    pub fn keys(&self, from: &impl Read, prefix: &[u8], start: &[u8], limit: usize) -> Result<Vec<K>, Error> {
        let rows = from.rows(self.family, prefix, start, limit)?.into_iter();
        rows.map(|(key, _)| K::decode(&key).map_err(|source| self.corrupt(source))).collect()
    }

    /// The rows whose keys start with `prefix`, in key order, from `from` on.
    pub fn scan<'v>(
        &self,
        view: &'v View<'v>,
        prefix: &'v [u8],
        from: &'v [u8],
    ) -> Result<impl Iterator<Item = Result<(K, V), Error>>, Error> {
        let family = self.family;
        Ok(view.scan(family, prefix, from)?.map(move |row| decode(family, row?)))
    }

    /// The error for bytes of this table that do not decode.
    pub fn corrupt(&self, source: codec::Error) -> Error {
        Error::Corrupt { family: self.family.name(), source }
    }
}

fn decode<K: Key, V: Record>(family: Family, (key, value): Row) -> Result<(K, V), Error> {
    let decoded = K::decode(&key).and_then(|key| Ok((key, V::decode(&value)?)));
    decoded.map_err(|source| Error::Corrupt { family: family.name(), source })
}
