//! Facts: one write each, and the limits every fact keeps.

use std::fmt;

use super::belonging::MAX_ROLE_BYTES;
use super::identifier::Identifier;
use super::invalid::{Invalid, Reason};
use super::key;
use super::link::{Link, Moment};
use super::model::Model;
use super::time::{MAX_AHEAD_MICROS, Time};
use super::value::{self, Values};
use super::{consent, hush};

/// How large an encoded fact may be, in bytes.
pub const MAX_FACT_BYTES: usize = 32 * 1024;
/// How many facts a batch may hold.
pub const MAX_BATCH_FACTS: usize = 1_000;
/// How many keys a fact or a lookup may bring for one customer.
pub const MAX_KEYS: usize = 16;
/// How long a message id may be, in bytes.
pub const MAX_MESSAGE_ID_BYTES: usize = 128;
/// How long the name of a source may be, in bytes.
pub const MAX_SOURCE_BYTES: usize = 64;
/// How long the name of an event, page or screen may be, in bytes.
pub const MAX_EVENT_NAME_BYTES: usize = 128;

/// A fact as it came in: nothing is checked yet.
#[derive(Clone)]
pub struct Draft {
    /// The sender's id for this fact.
    pub message_id: String,
    /// Event time; absent: the time of arrival.
    pub time: Option<Time>,
    /// The sending system.
    pub source: String,
    /// `type:value` each, as given.
    pub keys: Vec<String>,
    /// What is said.
    pub body: DraftBody,
}

/// The body of a [`Draft`].
#[derive(Clone)]
pub enum DraftBody {
    /// Traits of the customer, or of the address named.
    Identify {
        /// Attributes by name.
        traits: Values,
        /// One of the keys, or empty.
        address: String,
    },
    /// An event.
    Event(Event),
    /// The customer belongs to a group, or has left it.
    Group {
        /// The group's `type:value`.
        key: String,
        /// Attributes of the group.
        traits: Values,
        /// What the customer is there; empty: nothing is said of that.
        role: String,
        /// True if the customer has left.
        left: bool,
    },
    /// `previous` is another name of the one key.
    Alias {
        /// `type:value`.
        previous: String,
    },
    /// A topic is not to be raised, or may be again.
    Hush(hush::Saying),
    /// Something is allowed or forbidden, by the customer or for the address named.
    Consent(consent::Saying),
}

/// What happened, by the call it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// Anything that a customer does.
    Track,
    /// A page was viewed.
    Page,
    /// A screen was viewed.
    Screen,
}

/// Something that happened.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// The call it came with.
    pub event_type: EventType,
    /// The name of the event, page or screen.
    pub name: String,
    /// What it carries.
    pub properties: Values,
}

/// A checked fact in canonical form.
#[derive(Clone, PartialEq)]
pub struct Fact {
    /// Its place in the fold: event time and message id.
    pub moment: Moment,
    /// The sending system; may be empty.
    pub source: String,
    /// Who it is about; at least one, without repeats.
    pub identifiers: Vec<Identifier>,
    /// The keys as they were given, before they were brought to canonical form.
    pub raw_keys: Vec<String>,
    /// What is said.
    pub body: Body,
}

/// The body of a [`Fact`].
#[derive(Clone, PartialEq)]
pub enum Body {
    /// Traits of the customer, or of one of the identifiers as an address.
    Identify {
        /// Attributes by name; null unsets.
        traits: Values,
        /// The address that the traits describe, instead of the customer.
        address: Option<Identifier>,
    },
    /// An event.
    Event(Event),
    /// The customer belongs to a group, or has left it.
    Group {
        /// The group.
        group: Identifier,
        /// Attributes of the group.
        traits: Values,
        /// What the customer is there; empty: nothing is said of that.
        role: String,
        /// True if the customer has left.
        left: bool,
    },
    /// `previous` is another name of the one identifier.
    Alias {
        /// The value that is given up.
        previous: Identifier,
    },
    /// A topic is not to be raised, or may be again.
    Hush(hush::Said),
    /// Something is allowed or forbidden, by the customer or for one of the identifiers as an address.
    Consent(consent::Said),
}

/// Says how many keys there are and nothing of what they are.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// As for [`Draft`].
impl fmt::Debug for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fact").field("keys", &self.raw_keys.len()).finish_non_exhaustive()
    }
}

impl Fact {
    /// The evidence in this fact.
    pub fn link(&self) -> Link {
        let mut identifiers = self.identifiers.clone();
        let mut previous = None;
        match &self.body {
            Body::Group { group, .. } => identifiers.push(group.clone()),
            Body::Alias { previous: given_up } => previous = Some(given_up.clone()),
            Body::Identify { .. } | Body::Event(_) | Body::Hush(_) | Body::Consent(_) => {}
        }
        let (first, source) = (self.moment.clone(), self.source.clone());
        Link { first, again: Vec::new(), source, identifiers, previous }
    }

    /// True if it says anything of the identifier.
    pub fn names(&self, identifier: &Identifier) -> bool {
        let other = match &self.body {
            Body::Group { group: other, .. } | Body::Alias { previous: other } => Some(other),
            Body::Identify { .. } | Body::Event(_) | Body::Hush(_) | Body::Consent(_) => None,
        };
        self.identifiers.contains(identifier) || other == Some(identifier)
    }
}

impl Draft {
    /// Checks every limit and brings the keys to canonical form. `now` is the time of arrival.
    pub fn check(self, model: &Model, now: Time) -> Result<Fact, Invalid> {
        check_text(&self.message_id, "message_id", MAX_MESSAGE_ID_BYTES, true)?;
        check_text(&self.source, "source", MAX_SOURCE_BYTES, false)?;
        let time = check_time(self.time, now)?;
        let identifiers = check_keys(&self.keys, model)?;
        let body = check_body(self.body, &identifiers, model, time)?;
        let moment = Moment { time, message_id: self.message_id };
        Ok(Fact { moment, source: self.source, identifiers, raw_keys: self.keys, body })
    }
}

/// Refuses a text that is too long, or empty where it is `required`.
pub(super) fn check_text(text: &str, field: &str, limit: usize, required: bool) -> Result<(), Invalid> {
    if required && text.is_empty() {
        return Err(Invalid::new(Reason::Missing, field, "is empty"));
    }
    if text.len() > limit {
        return Err(Invalid::new(Reason::TooLarge, field, format!("is longer than {limit} bytes")));
    }
    Ok(())
}

fn check_time(time: Option<Time>, now: Time) -> Result<Time, Invalid> {
    let time = time.unwrap_or(now);
    if time > now.plus_micros(MAX_AHEAD_MICROS) {
        let text = "is more than 24 h ahead of the server's clock; check the sender's clock and time zone";
        return Err(Invalid::new(Reason::TimeOutOfRange, "time", text));
    }
    Ok(time)
}

fn check_keys(keys: &[String], model: &Model) -> Result<Vec<Identifier>, Invalid> {
    if keys.is_empty() {
        return Err(Invalid::new(Reason::Missing, "keys", "is empty; a fact needs at least one identifier"));
    }
    if keys.len() > MAX_KEYS {
        return Err(Invalid::new(Reason::TooLarge, "keys", format!("has more than {MAX_KEYS} keys")));
    }
    let mut identifiers = Vec::with_capacity(keys.len());
    for (at, text) in keys.iter().enumerate() {
        let identifier = key::identifier(text, "keys", model).map_err(|invalid| invalid.at(at))?;
        if !identifiers.contains(&identifier) {
            identifiers.push(identifier);
        }
    }
    Ok(identifiers)
}

fn check_body(body: DraftBody, identifiers: &[Identifier], model: &Model, time: Time) -> Result<Body, Invalid> {
    match body {
        DraftBody::Identify { traits, address } => {
            check_traits(&traits, "identify.traits", model)?;
            let address = check_address(&address, "identify.address", identifiers, model)?;
            Ok(Body::Identify { traits, address })
        }
        DraftBody::Event(event) => check_event(event).map(Body::Event),
        DraftBody::Group { key, traits, role, left } => {
            check_traits(&traits, "group.traits", model)?;
            check_text(&role, "group.role", MAX_ROLE_BYTES, false)?;
            let group = key::identifier(&key, "group.key", model)?;
            if identifiers.iter().any(|member| model.share_a_kind(member.type_name(), group.type_name())) {
                let text = "is of a type that identifies the member too; a group needs a type of a kind of its own";
                return Err(Invalid::new(Reason::BadValue, "group.key", text));
            }
            Ok(Body::Group { group, traits, role, left })
        }
        DraftBody::Alias { previous } => {
            let previous = key::identifier(&previous, "alias.previous", model)?;
            let [only] = identifiers else {
                return Err(Invalid::new(Reason::TooLarge, "keys", "an alias takes exactly one key"));
            };
            if !model.share_a_kind(only.type_name(), previous.type_name()) {
                let text = "is of a type that has no kind in common with the key's";
                return Err(Invalid::new(Reason::BadValue, "alias.previous", text));
            }
            Ok(Body::Alias { previous })
        }
        DraftBody::Hush(saying) => saying.check(time).map(Body::Hush),
        DraftBody::Consent(saying) => {
            let address = check_address(&saying.address, "consent.address", identifiers, model)?;
            saying.check(address).map(Body::Consent)
        }
    }
}

fn check_traits(traits: &Values, field: &str, model: &Model) -> Result<(), Invalid> {
    if traits.keys().any(|name| model.reads_otherwise(name)) {
        let text = "has a name that lookups read otherwise (`*`, `address.…`, `segment.…`, or a kind of the model and a dot, \
                    such as `account.…`); attributes of an address go with identify.address, those of a group with its group";
        return Err(Invalid::new(Reason::BadValue, field, text));
    }
    value::check(traits, field)
}

fn check_address(
    address: &str,
    field: &str,
    identifiers: &[Identifier],
    model: &Model,
) -> Result<Option<Identifier>, Invalid> {
    if address.is_empty() {
        return Ok(None);
    }
    let address = key::identifier(address, field, model)?;
    if !identifiers.contains(&address) {
        return Err(Invalid::new(Reason::BadValue, field, "is not one of the fact's keys"));
    }
    Ok(Some(address))
}

fn check_event(event: Event) -> Result<Event, Invalid> {
    let (name, properties, required) = match event.event_type {
        EventType::Track => ("track.event", "track.properties", true),
        EventType::Page => ("page.name", "page.properties", false),
        EventType::Screen => ("screen.name", "screen.properties", false),
    };
    check_text(&event.name, name, MAX_EVENT_NAME_BYTES, required)?;
    value::check(&event.properties, properties)?;
    Ok(event)
}
