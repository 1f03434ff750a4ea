//! Two customers that become one and come apart again, written from the rules alone: what holds for their two keys.

use super::checker::{Shown, Step, Who};

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    A,
    B,
}

impl Side {
    /// The first and the second.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];
}

/// What was said of one of the two since it was erased last.
#[derive(Clone, Copy, Debug, Default)]
struct Customer {
    profile: Option<usize>,
    was_erased: bool,
    number: Option<u64>,
    hushed: Step,
    lifted: Step,
    denied: bool,
}

/// Two customers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pair {
    customers: [Customer; 2],
    together: bool,
}

impl Pair {
    /// The profile that was created for this side; `None` if there is none now.
    pub fn own(&self, side: Side) -> Option<usize> {
        self.customers[side as usize].profile
    }

    /// The one that a merge leaves and the one that it takes in: the one created first stays.
    pub fn merged(&self) -> Option<(usize, usize)> {
        let (a, b) = (self.own(Side::A)?, self.own(Side::B)?);
        Some((a.min(b), a.max(b)))
    }

    pub fn is_together(&self) -> bool {
        self.together
    }

    /// True if this side was erased and nothing was said of it since.
    pub fn is_erased(&self, side: Side) -> bool {
        let customer = &self.customers[side as usize];
        customer.was_erased && customer.profile.is_none()
    }

    /// A fact of one key, which creates `profile` if there is none.
    pub fn says(&mut self, side: Side, number: u64, profile: impl FnOnce() -> usize) {
        let customer = &mut self.customers[side as usize];
        customer.profile = customer.profile.or_else(|| Some(profile()));
        customer.number = Some(number);
    }

    /// A fact of both keys. Its values are of the first, whose type ranks higher.
    pub fn merges(&mut self, number: u64) {
        self.together = true;
        self.customers[Side::A as usize].number = Some(number);
    }

    /// A hush that holds is copied to both sides, everything else goes back to whom it was said of.
    pub fn comes_apart(&mut self) {
        let [a, b] = self.customers;
        let (hushed, lifted) = (a.hushed.max(b.hushed), a.lifted.max(b.lifted));
        if hushed > lifted {
            self.customers.iter_mut().for_each(|customer| customer.hushed = hushed);
        }
        self.together = false;
    }

    pub fn erase(&mut self, side: Side) {
        let erased = Customer { was_erased: true, ..Customer::default() };
        self.customers[side as usize] = erased;
        if self.together {
            self.customers = [erased; 2];
        }
        self.together = false;
    }

    pub fn hushes(&mut self, side: Side, lift: bool, step: Step) {
        let customer = &mut self.customers[side as usize];
        *(if lift { &mut customer.lifted } else { &mut customer.hushed }) = step;
    }

    pub fn consents(&mut self, side: Side, granted: bool) {
        self.customers[side as usize].denied = !granted;
    }

    /// What holds for the key of one side.
    pub fn shown(&self, side: Side) -> Shown {
        let [a, b] = self.customers;
        let Customer { profile, was_erased, number, hushed, lifted, denied } = match self.together {
            true => Customer {
                profile: self.merged().map(|(stays, _)| stays),
                was_erased: false,
                number: a.number.max(b.number),
                hushed: a.hushed.max(b.hushed),
                lifted: a.lifted.max(b.lifted),
                denied: a.denied || b.denied,
            },
            false => self.customers[side as usize],
        };
        let who = match (profile, was_erased) {
            (Some(profile), _) => Who::Profile(profile),
            (None, true) => Who::Erased,
            (None, false) => Who::Nobody,
        };
        Shown { who, number, hushed: hushed > lifted, denied }
    }
}
