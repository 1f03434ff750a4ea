//! Sends: what a view answered for a customer is kept, so that the same send says the same when it is rendered again.

use std::collections::BTreeSet;
use std::fmt;

use super::fact::check_text;
use super::identifier::Identifier;
use super::ids::ProfileId;
use super::invalid::{Invalid, Reason};
use super::time::Time;
use super::view::{Shown, State, View, Viewed};

/// How long the id of a send may be, in bytes.
pub const MAX_SEND_ID_BYTES: usize = 128;
/// For how long a send says the same, in microseconds of log time: 24 hours.
pub const PIN_MICROS: u64 = 24 * 60 * 60 * 1_000_000;
/// How long it can be read what was served, in microseconds of log time: 90 days.
pub const SERVED_WINDOW_MICROS: u64 = 90 * 24 * 60 * 60 * 1_000_000;
/// How large the record of an answer may be, in bytes. A larger answer is not for a send.
pub const MAX_SERVED_BYTES: usize = 64 * 1024;
/// How many identifiers an answer may be about: of a large profile 1,000, and of the groups and members it is read from.
pub const MAX_ABOUT: usize = 2_000;

/// The sender's name for one send, such as `spring-sale-2`: a campaign, a mail-out, one notification.
#[derive(Clone, PartialEq, Eq)]
pub struct SendId(String);

impl SendId {
    /// Reads the `send_id` of a request that asks by a view if it `has_view`; `None` if it has none.
    pub fn asked(text: &str, has_view: bool) -> Result<Option<Self>, Invalid> {
        if text.is_empty() {
            return Ok(None);
        }
        if !has_view {
            let text = "goes only with a `view`: what a send says are the fields of one; name it";
            return Err(Invalid::new(Reason::BadValue, "send_id", text));
        }
        Self::parse(text).map(Some)
    }

    /// Reads an id: 1 to 128 bytes, no control characters.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        check_text(text, "send_id", MAX_SEND_ID_BYTES, true)?;
        if text.chars().any(char::is_control) {
            return Err(Invalid::new(Reason::BadValue, "send_id", "has a control character"));
        }
        Ok(Self(text.to_owned()))
    }

    /// An id as it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Senders choose it, and may put anything into it.
impl fmt::Debug for SendId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendId(…)")
    }
}

/// What a view answered for one send and key.
#[derive(Clone, Debug, PartialEq)]
pub struct Served {
    /// The log time at which it was kept.
    pub at: Time,
    /// The name of the view.
    pub view: String,
    /// Its version.
    pub version: u32,
    /// The version of the model that answered.
    pub model_version: u64,
    /// Whether every required field had a value.
    pub renderable: bool,
    /// The fields, in the order of their names.
    pub fields: Vec<Shown>,
    /// The profile that the key led to. `None` if it led to nobody, or to several people.
    pub customer: Option<ProfileId>,
    /// Whom it was about: the identifiers of every profile that was read for it, and the groups it belongs to. An erasure of
    /// one of them takes it away, wherever its key belongs by then.
    pub about: BTreeSet<Identifier>,
}

impl Served {
    /// The log time from which on the send may say something else.
    pub fn pinned_until(&self) -> Time {
        self.at.plus_micros(PIN_MICROS)
    }

    /// True as long as the send is to say the same at log time `now`.
    pub fn pins(&self, now: Time) -> bool {
        now < self.pinned_until()
    }

    /// True if it is to be forgotten at log time `now`.
    pub fn expired(&self, now: Time) -> bool {
        self.trail().expired(now)
    }

    /// That it was about an identifier.
    pub fn trail(&self) -> Trail {
        Trail { at: self.at }
    }

    /// `live`, which `view` answers now, with the fields as they were served. What is to be respected is as of now: a field
    /// that speaks of a hushed topic, that there is no consent to, or of somebody who was erased, is answered live.
    pub fn pin(&self, view: &View, live: Viewed) -> Viewed {
        let kept = |shown: Shown| match is_barred(&shown) {
            true => shown,
            false => self.fields.iter().find(|field| field.name == shown.name).cloned().unwrap_or(shown),
        };
        let fields: Vec<Shown> = live.fields.into_iter().map(kept).collect();
        let viewed = view.judge(Viewed { fields, pinned_at: Some(self.at), ..live });
        let cache_until = viewed.cache_until.map(|until| until.min(self.pinned_until()));
        Viewed { cache_until, ..viewed }
    }
}

/// That an answer was about an identifier. It is forgotten with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trail {
    /// The log time at which the answer was kept.
    pub at: Time,
}

impl Trail {
    /// True if it is to be forgotten at log time `now`.
    pub fn expired(&self, now: Time) -> bool {
        self.at.plus_micros(SERVED_WINDOW_MICROS) <= now
    }
}

/// What became of an answer that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is kept since then, and is the answer to be given.
    Since(Time),
    /// The customer is to be looked up again: another lookup was first, or somebody was erased meanwhile.
    Not,
    /// It was read of more than [`MAX_ABOUT`] identifiers, and is not kept.
    TooMany,
}

/// True if the gate stands before the field, whatever its value is.
fn is_barred(shown: &Shown) -> bool {
    let bars = |state| matches!(state, State::Suppressed | State::Forbidden | State::Erased);
    bars(shown.state) || shown.because.is_some_and(bars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_sends_are_short_and_printable() {
        assert_eq!(SendId::asked("", false), Ok(None));
        assert_eq!(SendId::asked("spring sale ✿", true).unwrap().unwrap().as_str(), "spring sale ✿");
        assert!(SendId::parse(&"x".repeat(MAX_SEND_ID_BYTES)).is_ok());
        let refused = |text: &str, has_view| SendId::asked(text, has_view).unwrap_err().reason;
        assert_eq!(refused("s", false), Reason::BadValue);
        assert_eq!(refused("a\nb", true), Reason::BadValue);
        assert_eq!(refused(&"x".repeat(MAX_SEND_ID_BYTES + 1), true), Reason::TooLarge);
        assert_eq!(SendId::parse("").unwrap_err().reason, Reason::Missing);
    }

    #[test]
    fn a_record_pins_for_a_day_and_is_kept_for_ninety() {
        let at = Time::from_micros(5);
        let (customer, about, fields) = (None, BTreeSet::new(), Vec::new());
        let view = "v".into();
        let served = Served { at, view, version: 1, model_version: 1, renderable: true, fields, customer, about };
        let after = |micros: u64| at.plus_micros(micros);
        assert!(served.pins(after(PIN_MICROS - 1)) && !served.pins(after(PIN_MICROS)));
        assert!(!served.expired(after(SERVED_WINDOW_MICROS - 1)) && served.expired(after(SERVED_WINDOW_MICROS)));
    }
}
