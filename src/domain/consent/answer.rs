//! What is answered of consent: whether a purpose is allowed, and who denies it.

use std::collections::BTreeSet;

use super::{Consents, Purpose, State};

/// Whether a purpose is allowed in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The purpose.
    pub purpose: Purpose,
    /// Whether it is allowed.
    pub state: State,
    /// Who denies it, where it is denied.
    pub denied_by: Option<Denier>,
}

/// Who denies a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denier {
    /// The customer; of several people who share a key, any of them.
    Customer,
    /// The very identifier asked by, as an address.
    Address,
    /// Either.
    Both,
}

impl Denier {
    fn of(customer: bool, address: bool) -> Option<Self> {
        match (customer, address) {
            (true, false) => Some(Self::Customer),
            (false, true) => Some(Self::Address),
            (true, true) => Some(Self::Both),
            (false, false) => None,
        }
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Both }
    }
}

/// What is allowed by each of `people`, asked by `address`: whatever a person allows, what that address forbids is
/// forbidden. Asked for no channel, it is answered for all of them, and then for each that anything was said of.
pub fn answer(asked: &Purpose, people: &[Consents], address: &Consents) -> Vec<Consent> {
    let said = people.iter().chain([address]).flat_map(|consents| consents.purposes.keys());
    let mut purposes: BTreeSet<Purpose> = [asked.clone()].into();
    if asked.channel.is_empty() {
        purposes.extend(said.filter(|purpose| purpose.name == asked.name).cloned());
    }
    let consent = |purpose: Purpose| {
        let of_address = address.state(&purpose);
        let of_people: Vec<State> = people.iter().map(|person| person.state(&purpose)).collect();
        let denied_by = Denier::of(of_people.contains(&State::Denied), of_address == State::Denied);
        let both = of_people.iter().map(|person| person.and(of_address));
        let state = if people.is_empty() { of_address } else { State::of_all(both) };
        Consent { purpose, state, denied_by }
    };
    purposes.into_iter().map(consent).collect()
}
