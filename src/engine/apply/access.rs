//! Commands on API keys.

use crate::domain::access::{ApiKey, SecretHash};
use crate::domain::time::Time;
use crate::engine::Error;
use crate::engine::state::Registry;
use crate::store::batch::Batch;
use crate::store::catalogue::KEYS;

pub(super) fn create(batch: &mut Batch<'_>, registry: &Registry, key: ApiKey) -> Result<ApiKey, Error> {
    registry.model(key.workspace)?;
    if KEYS.contains(batch, &key.hash)? {
        return Err(Error::Conflict("the key exists already".to_owned()));
    }
    KEYS.put(batch, &key.hash, &key)?;
    Ok(key)
}

/// The first revocation counts.
pub(super) fn revoke(batch: &mut Batch<'_>, hash: &SecretHash, logged: Time) -> Result<ApiKey, Error> {
    let mut key = KEYS.get(batch, hash)?.ok_or(Error::NotFound("the key"))?;
    if key.revoked_at.is_none() {
        key.revoked_at = Some(logged);
        KEYS.put(batch, hash, &key)?;
    }
    Ok(key)
}
