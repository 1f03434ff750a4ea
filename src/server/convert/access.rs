//! API keys. Their hashes never leave the server.

use super::time;
use crate::domain::access::{ApiKey, Scope};
use crate::domain::invalid::{Invalid, Reason};
use crate::proto::v1;

/// Reads the scopes in the field `scopes`.
pub fn read_scopes(scopes: &[i32]) -> Result<Vec<Scope>, Invalid> {
    let read = |(at, scope): (usize, &i32)| match v1::Scope::try_from(*scope) {
        Ok(v1::Scope::Read) => Ok(Scope::Read),
        Ok(v1::Scope::Write) => Ok(Scope::Write),
        Ok(v1::Scope::Admin) => Ok(Scope::Admin),
        Ok(v1::Scope::Unspecified) | Err(_) => {
            let text = "is no scope; use SCOPE_READ, SCOPE_WRITE or SCOPE_ADMIN";
            Err(Invalid::new(Reason::BadValue, format!("scopes[{at}]"), text))
        }
    };
    scopes.iter().enumerate().map(read).collect()
}

/// Writes a key of the workspace called `workspace`.
pub fn write(key: ApiKey, workspace: &str) -> v1::ApiKey {
    let ApiKey { key_id, hash: _, name, workspace: _, scopes, created_at, revoked_at } = key;
    v1::ApiKey {
        key_id,
        name,
        scopes: scopes.into_iter().map(|scope| write_scope(scope).into()).collect(),
        created_at: Some(time::write(created_at)),
        revoked_at: revoked_at.map(time::write),
        workspace: workspace.to_owned(),
    }
}

fn write_scope(scope: Scope) -> v1::Scope {
    match scope {
        Scope::Read => v1::Scope::Read,
        Scope::Write => v1::Scope::Write,
        Scope::Admin => v1::Scope::Admin,
    }
}
