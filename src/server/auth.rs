//! Who is calling, and may they: the one place where keys are made and checked.
//!
//! A key is bound to one workspace; the workspace of a call is that of its key. Secrets are never stored or logged.

use http::HeaderMap;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::methods::Access;
use super::status::Refusal;
use crate::domain::access::{ApiKey, Scope, SecretHash};
use crate::domain::ids::WorkspaceId;
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::time::Time;
use crate::engine::Engine;
use crate::proto::v1::ErrorReason;

/// How long the name of a key may be, in bytes.
pub const MAX_KEY_NAME_BYTES: usize = 64;

/// What every secret starts with, so that people and leak scanners know what it is.
const SECRET_PREFIX: &str = "kith_";
/// The randomness of a key's public id, in bytes.
const KEY_ID_BYTES: usize = 8;
/// The randomness of a secret, in bytes.
const SECRET_BYTES: usize = 32;
/// The header that takes a secret where `authorization` is in other use.
const KEY_HEADER: &str = "x-api-key";

/// Who is calling: the workspace that every read and write of the call is confined to, and what a stream needs to ask
/// [`Guard::check_again`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The workspace of the caller's key.
    pub workspace: WorkspaceId,
    access: Access,
    key: Option<SecretHash>,
    epoch: u64,
}

/// Checks the callers of a server.
#[derive(Clone)]
pub struct Guard {
    engine: Engine,
    open: bool,
    workspace: WorkspaceId,
}

impl Guard {
    /// Checks against the keys of `engine`. If the server is `open`, calls without a key are let into the default
    /// `workspace` until the first key is created.
    pub fn new(engine: Engine, open: bool, workspace: WorkspaceId) -> Self {
        Self { engine, open, workspace }
    }

    /// Finds out who is calling and whether they have the `access` that the call needs.
    pub fn check(&self, access: Access, headers: &HeaderMap) -> Result<Caller, Refusal> {
        self.admit(access, || secret(headers).map(hash))
    }

    /// Asks for each message of a stream whether its caller may still go on. Costs next to nothing until a key or model
    /// changes.
    pub fn check_again(&self, caller: &mut Caller) -> Result<(), Refusal> {
        if self.engine.access_epoch() != caller.epoch {
            *caller = self.admit(caller.access, || caller.key)?;
        }
        Ok(())
    }

    fn admit(&self, access: Access, hash: impl FnOnce() -> Option<SecretHash>) -> Result<Caller, Refusal> {
        // Read first: what changes from here on is checked again.
        let epoch = self.engine.access_epoch();
        if access == Access::Open || (self.open && !self.engine.keys_in_use()) {
            return Ok(Caller { workspace: self.workspace, access, key: None, epoch });
        }
        let missing = "the call needs an API key: send `authorization: Bearer SECRET`";
        let hash = hash().ok_or_else(|| Refusal::new(ErrorReason::Unauthenticated, missing))?;
        let key = self.key(&hash)?;
        let needed: &[Scope] = match access {
            Access::Scoped(scopes) => scopes,
            Access::Open | Access::AnyKey => &[],
        };
        match needed.iter().find(|scope| !key.scopes.contains(scope)) {
            Some(missing) => Err(scope_missing(*missing)),
            None => Ok(Caller { workspace: key.workspace, access, key: Some(hash), epoch }),
        }
    }

    fn key(&self, hash: &SecretHash) -> Result<ApiKey, Refusal> {
        let unknown = || Refusal::new(ErrorReason::Unauthenticated, "the API key is unknown or revoked");
        let key = self.engine.authenticate(hash)?.ok_or_else(unknown)?;
        // The search by hash that led here does not take constant time. What its time could tell is the beginning of a
        // digest, of which no secret can be made. This comparison makes sure of the record: that a key answers for no
        // hash but its own.
        let same = bool::from(key.hash.0.ct_eq(&hash.0));
        if !same || key.revoked_at.is_some() {
            return Err(unknown());
        }
        Ok(key)
    }
}

fn scope_missing(scope: Scope) -> Refusal {
    let name = match scope {
        Scope::Read => "read",
        Scope::Write => "write",
        Scope::Admin => "admin",
    };
    Refusal::new(ErrorReason::ScopeMissing, format!("the API key lacks the scope `{name}` that this call needs"))
}

/// The secret that came with a call.
fn secret(headers: &HeaderMap) -> Option<&[u8]> {
    let Some(authorization) = headers.get(http::header::AUTHORIZATION) else {
        return headers.get(KEY_HEADER).map(|secret| secret.as_bytes());
    };
    let (scheme, secret) = authorization.as_bytes().split_first_chunk::<7>()?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| secret.trim_ascii())
}

fn hash(secret: &[u8]) -> SecretHash {
    SecretHash(Sha256::digest(secret).into())
}

/// Makes a key and its secret, which is to be shown once and then forgotten.
pub fn new_key(
    name: &str,
    workspace: WorkspaceId,
    mut scopes: Vec<Scope>,
    now: Time,
) -> Result<(ApiKey, Zeroizing<String>), Refusal> {
    if name.trim().is_empty() {
        return Err(Invalid::new(Reason::Missing, "name", "is empty; say what the key is for").into());
    }
    if name.len() > MAX_KEY_NAME_BYTES {
        let text = format!("is longer than {MAX_KEY_NAME_BYTES} bytes");
        return Err(Invalid::new(Reason::TooLarge, "name", text).into());
    }
    if scopes.is_empty() {
        return Err(Invalid::new(Reason::Missing, "scopes", "is empty; name at least one scope").into());
    }
    scopes.sort_unstable();
    scopes.dedup();

    let key_id = random_hex::<KEY_ID_BYTES>()?;
    let secret = random_hex::<SECRET_BYTES>()?;
    let secret = Zeroizing::new(format!("{SECRET_PREFIX}{}_{}", key_id.as_str(), secret.as_str()));
    let hash = hash(secret.as_bytes());
    let key_id = key_id.to_string();
    let key = ApiKey { key_id, hash, name: name.to_owned(), workspace, scopes, created_at: now, revoked_at: None };
    Ok((key, secret))
}

fn random_hex<const BYTES: usize>() -> Result<Zeroizing<String>, Refusal> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    OsRng.try_fill_bytes(bytes.as_mut_slice()).map_err(|error| Refusal::internal(&error))?;
    Ok(Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn secrets_are_read_from_either_header() {
        assert_eq!(secret(&headers("authorization", "Bearer kith_a_b")), Some(b"kith_a_b".as_slice()));
        assert_eq!(secret(&headers("authorization", "bearer  kith_a_b ")), Some(b"kith_a_b".as_slice()));
        assert_eq!(secret(&headers("x-api-key", "kith_a_b")), Some(b"kith_a_b".as_slice()));
        assert_eq!(secret(&headers("authorization", "Basic a2l0aA==")), None);
        assert_eq!(secret(&headers("authorization", "Bearer")), None);
        assert_eq!(secret(&HeaderMap::new()), None);
    }

    #[test]
    fn a_new_key_is_found_by_its_secret_and_has_each_scope_once() {
        let scopes = vec![Scope::Write, Scope::Read, Scope::Write];
        let (key, secret) = new_key("site", WorkspaceId(1), scopes, Time::from_micros(1)).unwrap();
        assert_eq!(key.hash, hash(secret.as_bytes()));
        assert_eq!(key.scopes, [Scope::Read, Scope::Write]);
        assert!(secret.starts_with(&format!("kith_{}_", key.key_id)));
        let (other, _) = new_key("site", WorkspaceId(1), vec![Scope::Read], Time::from_micros(1)).unwrap();
        assert_ne!((other.key_id, other.hash), (key.key_id, key.hash));
    }

    #[test]
    fn a_key_needs_a_name_and_a_scope() {
        let refused = |name, scopes| new_key(name, WorkspaceId(1), scopes, Time::from_micros(1)).unwrap_err().reason();
        assert_eq!(refused(" ", vec![Scope::Read]), ErrorReason::Missing);
        assert_eq!(refused("site", vec![]), ErrorReason::Missing);
        assert_eq!(refused(&"x".repeat(65), vec![Scope::Read]), ErrorReason::TooLarge);
    }
}
