//! Consent: what a customer, or one address, has allowed and forbidden, for a purpose, in a channel or in all.
//!
//! What was said is kept under the identifier it was said of. Of what one identifier says for a purpose in a channel the
//! newest moment decides. Between identifiers that form one profile the most restrictive wins: one that denies is enough.
//! A grant speaks for every identifier that its fact names, and so it ends what any of those denied before it, for as long
//! as they are of one profile; otherwise somebody who once denied as a visitor could never allow it as a customer. What
//! was said for all channels and what was said for one stand beside each other, and a reader heeds both.
//!
//! All of this is a function of the set of facts: the union is commutative, associative and idempotent, and what an
//! identifier said comes back with it when a merge is undone.

mod answer;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::holdings::Stamp;
use super::identifier::Identifier;
use super::invalid::{Invalid, Reason};
use super::label;
use super::link::Moment;

pub use answer::{Consent, Denier, answer};

/// How many purposes one identifier may bring, each counted once for every channel, and for how many other identifiers its
/// grants may speak in each of them; what is more is refused.
pub const MAX_CONSENTS: usize = 128;

/// A purpose in one channel, or in all of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Purpose {
    /// Its name.
    pub name: String,
    /// The channel; empty: all of them.
    pub channel: String,
}

/// What a fact says, as it came in.
#[derive(Clone)]
pub struct Saying {
    /// The name of the purpose.
    pub purpose: String,
    /// The channel; empty: all of them.
    pub channel: String,
    /// True if it is allowed, false if it is not.
    pub granted: Option<bool>,
    /// One of the keys, or empty.
    pub address: String,
}

/// What a fact says, checked.
#[derive(Clone, PartialEq)]
pub struct Said {
    /// What for.
    pub purpose: Purpose,
    /// True if it is allowed, false if it is not.
    pub granted: bool,
    /// The address that this is about, instead of the customer.
    pub address: Option<Identifier>,
}

/// Whether something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is.
    Granted,
    /// It is not.
    Denied,
    /// Nobody has said.
    Unknown,
}

/// What was said of one purpose in one channel.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// By identifier, its newest fact that denies, unless a later grant speaks for it.
    pub denied: BTreeMap<Identifier, Arc<Stamp>>,
    /// By identifier, its newest fact that grants.
    pub granted: BTreeMap<Identifier, Arc<Stamp>>,
    /// By identifier, the newest grant of another one that speaks for it.
    pub spoken_for: BTreeMap<Identifier, Moment>,
}

/// What was said of purposes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Consents {
    /// By purpose and channel; none is empty.
    pub purposes: BTreeMap<Purpose, Decisions>,
}

/// Says nothing of what the purpose is.
impl fmt::Debug for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Purpose(…)")
    }
}

/// Says of how many purposes something was said, and not of which.
impl fmt::Debug for Consents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consents").field("purposes", &self.purposes.len()).finish()
    }
}

impl Purpose {
    /// Reads what a lookup asks for; `None` if it asks for no purpose.
    pub fn asked(purpose: &str, channel: &str) -> Result<Option<Self>, Invalid> {
        if purpose.is_empty() && !channel.is_empty() {
            let text = "is set and `purpose` is not; consent is asked for a purpose";
            return Err(Invalid::new(Reason::Missing, "channel", text));
        }
        let name = label::read(purpose, "purpose", false)?;
        let channel = label::read(channel, "channel", false)?;
        Ok((!name.is_empty()).then_some(Self { name, channel }))
    }
}

impl Saying {
    /// Checks every limit; `address` is the address read against the fact's keys.
    pub(super) fn check(self, address: Option<Identifier>) -> Result<Said, Invalid> {
        let Self { purpose, channel, granted, address: _ } = self;
        let purpose = Purpose {
            name: label::read(&purpose, "consent.purpose", true)?,
            channel: label::read(&channel, "consent.channel", false)?,
        };
        let granted =
            granted.ok_or_else(|| Invalid::new(Reason::Missing, "consent.granted", "is missing; say true or false"))?;
        Ok(Said { purpose, granted, address })
    }
}

impl State {
    /// Two that both count for the same one: a denial is enough, and nothing said restricts nothing.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Denied, _) | (_, Self::Denied) => Self::Denied,
            (Self::Granted, _) | (_, Self::Granted) => Self::Granted,
            (Self::Unknown, Self::Unknown) => Self::Unknown,
        }
    }

    /// What is true of all of several, be they people or channels: it is allowed only if each allows it.
    pub fn of_all(states: impl IntoIterator<Item = Self>) -> Self {
        let strictness = |state: &Self| match state {
            Self::Granted => 0,
            Self::Unknown => 1,
            Self::Denied => 2,
        };
        states.into_iter().max_by_key(strictness).unwrap_or(Self::Unknown)
    }
}

impl Decisions {
    /// Whether it is allowed.
    pub fn state(&self) -> State {
        match (self.denied.is_empty(), self.granted.is_empty()) {
            (false, _) => State::Denied,
            (true, false) => State::Granted,
            (true, true) => State::Unknown,
        }
    }

    /// The decisions that count: of every identifier its newest one, unless that was a denial that is over.
    pub fn standing(&self) -> impl Iterator<Item = (bool, &Stamp)> {
        let granted = self.granted.iter().filter(|(origin, _)| !self.denied.contains_key(*origin));
        let granted = granted.map(|(_, stamp)| (true, stamp.as_ref()));
        self.denied.values().map(|stamp| (false, stamp.as_ref())).chain(granted)
    }

    fn deny(&mut self, stamp: &Arc<Stamp>) -> bool {
        !self.is_over(&stamp.origin, &stamp.moment) && keep_newest(&mut self.denied, stamp)
    }

    fn grant(&mut self, stamp: &Arc<Stamp>, named: &[Identifier]) -> bool {
        let mut changed = keep_newest(&mut self.granted, stamp);
        for identifier in named {
            changed |= self.speak_for(identifier, &stamp.moment);
        }
        self.settle();
        changed
    }

    fn speak_for(&mut self, identifier: &Identifier, moment: &Moment) -> bool {
        let newer = self.spoken_for.get(identifier).is_none_or(|known| known < moment);
        if newer {
            self.spoken_for.insert(identifier.clone(), moment.clone());
        }
        newer
    }

    fn absorb(&mut self, other: Self) {
        let Self { denied, granted, spoken_for } = other;
        for stamp in denied.values() {
            keep_newest(&mut self.denied, stamp);
        }
        for stamp in granted.values() {
            keep_newest(&mut self.granted, stamp);
        }
        for (identifier, moment) in &spoken_for {
            self.speak_for(identifier, moment);
        }
        self.settle();
    }

    /// Takes away denials that are over.
    fn settle(&mut self) {
        let mut denied = std::mem::take(&mut self.denied);
        denied.retain(|origin, stamp| !self.is_over(origin, &stamp.moment));
        self.denied = denied;
    }

    /// True if a later grant speaks for an identifier that denied at `moment`.
    fn is_over(&self, origin: &Identifier, moment: &Moment) -> bool {
        let own = self.granted.get(origin).map(|stamp| &stamp.moment);
        own.max(self.spoken_for.get(origin)) > Some(moment)
    }
}

/// Of one identifier the newest stamp is kept. True if it is this one.
fn keep_newest(known: &mut BTreeMap<Identifier, Arc<Stamp>>, stamp: &Arc<Stamp>) -> bool {
    let newer = known.get(&stamp.origin).is_none_or(|known| known < stamp);
    if newer {
        known.insert(stamp.origin.clone(), Arc::clone(stamp));
    }
    newer
}

impl Consents {
    /// True if nothing was ever said.
    pub fn is_empty(&self) -> bool {
        self.purposes.is_empty()
    }

    /// True if there is room for a purpose: something was said of it, or it is one of the first [`MAX_CONSENTS`].
    pub fn has_room_for(&self, purpose: &Purpose) -> bool {
        self.purposes.len() < MAX_CONSENTS || self.purposes.contains_key(purpose)
    }

    /// The identifiers for which there is room to speak: known ones, and new ones up to [`MAX_CONSENTS`].
    pub fn admit(&self, purpose: &Purpose, named: &[Identifier]) -> Vec<Identifier> {
        let known = self.purposes.get(purpose).map(|decisions| &decisions.spoken_for);
        let mut room = MAX_CONSENTS.saturating_sub(known.map_or(0, BTreeMap::len));
        let mut admits = |identifier: &Identifier| {
            let is_known = known.is_some_and(|known| known.contains_key(identifier));
            let fits = is_known || room > 0;
            room = room.saturating_sub(usize::from(!is_known));
            fits
        };
        named.iter().filter(|identifier| admits(identifier)).cloned().collect()
    }

    /// Takes in what a fact says; `named` are the other identifiers that a grant speaks for. True if anything is different
    /// now.
    pub fn learn(&mut self, said: &Said, stamp: &Arc<Stamp>, named: &[Identifier]) -> bool {
        let Said { purpose, granted, address: _ } = said;
        let decisions = self.purposes.entry(purpose.clone()).or_default();
        if *granted { decisions.grant(stamp, named) } else { decisions.deny(stamp) }
    }

    /// Takes in all of `other`.
    pub fn absorb(&mut self, other: Self) {
        for (purpose, decisions) in other.purposes {
            self.purposes.entry(purpose).or_default().absorb(decisions);
        }
    }

    /// What was said of the purpose called `name`, and nothing else.
    #[must_use]
    pub fn of(mut self, name: &str) -> Self {
        self.purposes.retain(|purpose, _| purpose.name == name);
        self
    }

    /// Forgets that grants spoke for any of `identifiers`. True if one did.
    pub fn forget(&mut self, identifiers: &BTreeSet<Identifier>) -> bool {
        let mut changed = false;
        for Decisions { denied: _, granted: _, spoken_for } in self.purposes.values_mut() {
            let before = spoken_for.len();
            spoken_for.retain(|identifier, _| !identifiers.contains(identifier));
            changed |= spoken_for.len() < before;
        }
        changed
    }

    /// Whether `purpose` is allowed, by what was said for its channel and for all of them.
    pub fn state(&self, purpose: &Purpose) -> State {
        let everywhere = Purpose { name: purpose.name.clone(), channel: String::new() };
        let said = |purpose: &Purpose| self.purposes.get(purpose).map_or(State::Unknown, Decisions::state);
        said(purpose).and(said(&everywhere))
    }
}

#[cfg(test)]
mod tests;
