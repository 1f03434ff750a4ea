//! Fragments: what came under one identifier, wherever it is stored.
//!
//! Most profiles hold what came under one identifier alone: a visitor has no other, and what is said of a customer lands on
//! the login. The fragment of that identifier and the profile's holdings are the same then, and are stored once, with the
//! profile, which says so ([`Profile::sole`]). As soon as something else comes to such a profile its fragment is stored
//! apart. A profile never is the sole place of a fragment that has a row of its own.

use super::{Place, component, profile_rows};
use crate::codec::key::IdentifierKey;
use crate::domain::holdings::Holdings;
use crate::domain::identifier::Identifier;
use crate::domain::ids::KindId;
use crate::domain::profile::Profile;
use crate::engine::Error;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::FRAGMENTS;

/// The fragment of an identifier and the profile that has it, to be changed as one.
pub(super) struct Fragment<'p> {
    key: IdentifierKey,
    profile: &'p mut Profile,
    /// What is stored apart; `None` if the profile's holdings are the fragment.
    apart: Option<Holdings>,
}

impl<'p> Fragment<'p> {
    /// The fragment of `origin` in `profile`, which has it.
    pub(super) fn of(
        batch: &Batch<'_>,
        place: Place,
        origin: &Identifier,
        profile: &'p mut Profile,
    ) -> Result<Self, store::Error> {
        let key = key(place, profile.kind, origin);
        let apart = match profile.sole.as_ref() == Some(origin) {
            true => None,
            false => Some(FRAGMENTS.get(batch, &key)?.unwrap_or_default()),
        };
        Ok(Self { key, profile, apart })
    }

    /// The profile.
    pub(super) fn profile(&self) -> &Profile {
        self.profile
    }

    /// What came under the identifier.
    pub(super) fn holdings(&self) -> &Holdings {
        self.apart.as_ref().unwrap_or(&self.profile.holdings)
    }

    /// Changes the fragment and, equally, the profile, which then is to be written. `change` says whether it changes
    /// anything; what changes no fragment changes no union of them.
    pub(super) fn change(
        self,
        batch: &mut Batch<'_>,
        place: Place,
        change: impl Fn(&mut Holdings) -> bool,
    ) -> Result<bool, store::Error> {
        let Some(mut apart) = self.apart else { return Ok(change(&mut self.profile.holdings)) };
        if !change(&mut apart) {
            return Ok(false);
        }
        set_apart(batch, place, self.profile)?;
        change(&mut self.profile.holdings);
        FRAGMENTS.put(batch, &self.key, &apart)?;
        Ok(true)
    }
}

/// Changes the fragment of an identifier, and the profile that has it, if any does.
pub(super) fn change(
    batch: &mut Batch<'_>,
    place: Place,
    kind: KindId,
    identifier: &Identifier,
    change: impl Fn(&mut Holdings) -> bool,
) -> Result<(), Error> {
    let Some(before) = component::profile_of(batch, place, kind, identifier)? else {
        let key = key(place, kind, identifier);
        let mut fragment = FRAGMENTS.get(batch, &key)?.unwrap_or_default();
        if change(&mut fragment) {
            FRAGMENTS.put(batch, &key, &fragment)?;
        }
        return Ok(());
    };
    let mut profile = before.clone();
    if Fragment::of(batch, place, identifier, &mut profile)?.change(batch, place, change)? {
        profile_rows::put(batch, place, Some(&before), &profile)?;
    }
    Ok(())
}

/// Stores apart what `profile` is the sole place of. The profile is to be written, or taken away, afterwards.
pub(super) fn set_apart(batch: &mut Batch<'_>, place: Place, profile: &mut Profile) -> Result<(), store::Error> {
    match profile.sole.take() {
        Some(origin) => put(batch, place, profile.kind, &origin, &profile.holdings),
        None => Ok(()),
    }
}

/// Writes the row of a fragment. One that holds nothing has none.
pub(super) fn put(
    batch: &mut Batch<'_>,
    place: Place,
    kind: KindId,
    identifier: &Identifier,
    holdings: &Holdings,
) -> Result<(), store::Error> {
    if *holdings == Holdings::default() {
        return Ok(());
    }
    FRAGMENTS.put(batch, &key(place, kind, identifier), holdings)
}

/// The row of a fragment, if it is stored apart.
pub(super) fn row(
    batch: &Batch<'_>,
    place: Place,
    kind: KindId,
    identifier: &Identifier,
) -> Result<Option<Holdings>, store::Error> {
    FRAGMENTS.get(batch, &key(place, kind, identifier))
}

/// Takes away the row of a fragment.
pub(super) fn remove(batch: &mut Batch<'_>, place: Place, kind: KindId, identifier: &Identifier) {
    FRAGMENTS.delete(batch, &key(place, kind, identifier));
}

fn key(place: Place, kind: KindId, identifier: &Identifier) -> IdentifierKey {
    IdentifierKey { workspace: place.workspace, kind, identifier: identifier.clone() }
}
