//! `meta`: the place of the last commit, the names of workspaces, the secrets that their tombstones are found by, and the
//! places of their last erasures.
//!
//! ```text
//! "applied"             | seq:8 | log time:8
//! "workspace/" | name…  | workspace id:4
//! "tombstones/" | workspace id:4 | secret:32
//! "erased/" | workspace id:4 | seq:8
//! ```

use rocksdb::WriteBatch;

use super::batch::Batch;
use super::catalogue::Family;
use super::view::{Read, View};
use super::{Error, Store, Tier};
use crate::codec;
use crate::codec::read::Cursor;
use crate::domain::ids::{LogPlace, Seq, WorkspaceId};
use crate::domain::time::Time;
use crate::domain::tombstone::TombstoneSecret;

const APPLIED_KEY: &[u8] = b"applied";
const WORKSPACE_PREFIX: &[u8] = b"workspace/";
const TOMBSTONES_PREFIX: &[u8] = b"tombstones/";
const ERASED_PREFIX: &[u8] = b"erased/";

pub(super) fn read_place(store: &Store) -> Result<LogPlace, Error> {
    let view = store.view(Tier::Disk);
    let Some(bytes) = view.get(Family::Meta, APPLIED_KEY)? else { return Ok(LogPlace::default()) };
    let (seq, log_time) = decode(&bytes, |cursor| Ok((cursor.u64()?, cursor.u64()?)))?;
    Ok(LogPlace { seq: Seq(seq), log_time: Time::from_micros(log_time) })
}

pub(super) fn put_place(store: &Store, writes: &mut WriteBatch, place: LogPlace) -> Result<(), Error> {
    let LogPlace { seq, log_time } = place;
    let value = [seq.0.to_be_bytes(), log_time.micros().to_be_bytes()].concat();
    writes.put_cf(store.handle(Family::Meta)?, APPLIED_KEY, value);
    Ok(())
}

/// The workspaces by name.
pub fn workspaces(view: &View<'_>) -> Result<Vec<(String, WorkspaceId)>, Error> {
    let mut found = Vec::new();
    for row in view.scan(Family::Meta, WORKSPACE_PREFIX, WORKSPACE_PREFIX)? {
        let (key, value) = row?;
        let name = key.get(WORKSPACE_PREFIX.len()..).unwrap_or_default();
        let id = decode(&value, |cursor| cursor.u32())?;
        found.push((String::from_utf8_lossy(name).into_owned(), WorkspaceId(id)));
    }
    Ok(found)
}

/// Gives a workspace its name.
pub fn put_workspace(batch: &mut Batch<'_>, name: &str, id: WorkspaceId) {
    batch.put(Family::Meta, [WORKSPACE_PREFIX, name.as_bytes()].concat(), id.0.to_be_bytes().to_vec());
}

/// The secrets of the workspaces that have tombstones.
pub fn tombstone_secrets(view: &View<'_>) -> Result<Vec<(WorkspaceId, TombstoneSecret)>, Error> {
    let mut found = Vec::new();
    for row in view.scan(Family::Meta, TOMBSTONES_PREFIX, TOMBSTONES_PREFIX)? {
        let (key, value) = row?;
        let id = decode(key.get(TOMBSTONES_PREFIX.len()..).unwrap_or_default(), |cursor| cursor.u32())?;
        found.push((WorkspaceId(id), TombstoneSecret(decode(&value, |cursor| cursor.array())?)));
    }
    Ok(found)
}

/// The secret of a workspace, if it has tombstones.
pub fn tombstone_secret(from: &impl Read, id: WorkspaceId) -> Result<Option<TombstoneSecret>, Error> {
    let found = from.get(Family::Meta, &[TOMBSTONES_PREFIX, &id.0.to_be_bytes()].concat())?;
    found.map(|bytes| decode(&bytes, |cursor| cursor.array()).map(TombstoneSecret)).transpose()
}

/// Gives a workspace the secret that its tombstones are found by, for ever.
pub fn put_tombstone_secret(batch: &mut Batch<'_>, id: WorkspaceId, secret: TombstoneSecret) {
    let key = [TOMBSTONES_PREFIX, &id.0.to_be_bytes()].concat();
    batch.put(Family::Meta, key, secret.0.to_vec());
}

/// The place of the last erasure in a workspace, if there was one.
pub fn last_erasure(from: &impl Read, id: WorkspaceId) -> Result<Option<Seq>, Error> {
    let found = from.get(Family::Meta, &[ERASED_PREFIX, &id.0.to_be_bytes()].concat())?;
    found.map(|bytes| decode(&bytes, |cursor| cursor.u64()).map(Seq)).transpose()
}

/// Notes that the command at `seq` erased somebody.
pub fn put_last_erasure(batch: &mut Batch<'_>, id: WorkspaceId, seq: Seq) {
    batch.put(Family::Meta, [ERASED_PREFIX, &id.0.to_be_bytes()].concat(), seq.0.to_be_bytes().to_vec());
}

/// True for keys of what the engine keeps in memory: workspaces and the secrets of their tombstones.
pub(super) fn is_registry(key: &[u8]) -> bool {
    !key.starts_with(ERASED_PREFIX)
}

fn decode<T>(bytes: &[u8], take: impl FnOnce(&mut Cursor<'_>) -> Result<T, codec::Error>) -> Result<T, Error> {
    let mut cursor = Cursor::new(bytes, "meta record");
    let decoded = take(&mut cursor).and_then(|value| cursor.end().map(|()| value));
    decoded.map_err(|source| Error::Corrupt { family: Family::Meta.name(), source })
}
