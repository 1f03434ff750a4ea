//! Whether to speak at all: SEND, HOLD or SKIP, with every reason against it.
//!
//! A message that is held may be sent later, one that is skipped never. Each reason leads to one of the two; SKIP beats
//! HOLD, and without a reason it is SEND. All reasons are told, in the order of their codes, and of one code in the order
//! of their topics or holds, so that the same customer gives the same list.

use std::fmt;

use super::{About, Denier, Found, Gate, Permission, View, Viewed};
use crate::domain::time::Time;

/// What to do with a message. The greater one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Nothing stands against it.
    #[default]
    Send,
    /// Not now: ask again later.
    Hold,
    /// Not at all.
    Skip,
}

/// Why a message is not to be sent, for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The customer was erased.
    Erased,
    /// The customer denies the purpose of the view, or was never asked where that takes a yes.
    NoConsent,
    /// The very address asked by denies it.
    UnsubscribedAddress,
    /// The view speaks of a topic that is hushed.
    HushedTopic,
    /// Several people share the key asked by.
    SharedKey,
    /// The customer has what the message is about.
    Bought,
    /// There were as many messages as there may be.
    FrequencyCap,
    /// A hold of the view holds.
    Held,
    /// A required field has no value.
    NotRenderable,
}

/// One reason against sending.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason {
    /// What it is.
    pub code: Code,
    /// What it alone would lead to: HOLD or SKIP.
    pub decision: Decision,
    /// The name of the hold, if it is one.
    pub hold: String,
    /// The topic, if it is one.
    pub topic: String,
}

/// Says nothing of what the topic is.
impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reason").field("code", &self.code).field("decision", &self.decision).finish_non_exhaustive()
    }
}

impl Reason {
    fn skip(code: Code) -> Self {
        Self { code, decision: Decision::Skip, hold: String::new(), topic: String::new() }
    }
}

impl View {
    /// Every reason against sending a message about `about` at the time `now`.
    pub(super) fn reasons(
        &self,
        found: Found<'_>,
        about: &About,
        now: Time,
        gate: &Gate,
        renderable: bool,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if gate.erased {
            reasons.push(Reason::skip(Code::Erased));
        }
        reasons.extend(self.refusals(gate.permission));
        let hushed = self.topics.intersection(&gate.hushed);
        reasons.extend(hushed.map(|topic| Reason { topic: topic.clone(), ..Reason::skip(Code::HushedTopic) }));
        if gate.shared && self.shared != Decision::Send {
            reasons.push(Reason { decision: self.shared, ..Reason::skip(Code::SharedKey) });
        }
        let holding = self.holds.iter().filter(|hold| hold.holds(found, about, now));
        reasons.extend(holding.map(|hold| Reason {
            decision: hold.decision,
            hold: hold.name.clone(),
            ..Reason::skip(hold.condition.code())
        }));
        if !renderable {
            reasons.push(Reason::skip(Code::NotRenderable));
        }
        reasons.sort_by_key(|reason| reason.code);
        reasons
    }

    /// The answer, once its fields are others than those that were read for it: whether it can be rendered, and what follows
    /// from that.
    pub fn judge(&self, viewed: Viewed) -> Viewed {
        let Viewed { mut reasons, cache_until, .. } = viewed;
        let renderable = self.has_all(&viewed.fields);
        reasons.retain(|reason| reason.code != Code::NotRenderable);
        if !renderable {
            reasons.push(Reason::skip(Code::NotRenderable));
        }
        let decision = decide(&reasons);
        let cache_until = cache_until.filter(|_| decision == Decision::Send);
        Viewed { renderable, reasons, decision, cache_until, ..viewed }
    }

    /// Who does not allow the purpose of the view, of the customer and the address asked by.
    fn refusals(&self, permission: Permission) -> impl Iterator<Item = Reason> {
        let (customer, address) = match permission {
            _ if self.purpose.is_empty() => (false, false),
            Permission::Granted => (false, false),
            Permission::Unknown => (self.opt_in, false),
            Permission::Denied(Denier::Customer) => (true, false),
            Permission::Denied(Denier::Address) => (false, true),
            Permission::Denied(Denier::Both) => (true, true),
        };
        let customer = customer.then(|| Reason::skip(Code::NoConsent));
        customer.into_iter().chain(address.then(|| Reason::skip(Code::UnsubscribedAddress)))
    }
}

/// What all reasons together lead to.
pub(super) fn decide(reasons: &[Reason]) -> Decision {
    reasons.iter().map(|reason| reason.decision).max().unwrap_or_default()
}

#[cfg(test)]
mod tests;
