//! The event history: each fact as it is kept under its origin identifier.

use std::fmt;

use super::fact::{Body, EventType, Fact};
use super::identifier::Identifier;
use super::link::Moment;
use super::time::Time;
use super::value::{Value, Values};

/// The call that a stored event came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Traits became known.
    Identify,
    /// Something happened.
    Track,
    /// A page was viewed.
    Page,
    /// A screen was viewed.
    Screen,
    /// The customer belongs to a group.
    Group,
    /// The customer has left a group.
    Leave,
    /// Two values are one identifier.
    Alias,
    /// A topic is not to be raised.
    Hush,
    /// A topic may be raised again.
    Lift,
    /// Something is allowed.
    Grant,
    /// Something is not allowed.
    Deny,
}

/// The property that names the channel of a hush, a lift, a grant or a denial; absent: all channels.
pub const CHANNEL: &str = "channel";
/// The property that says when a hush ends by itself.
pub const UNTIL: &str = "until";

/// A fact in the history of an identifier.
#[derive(Clone, PartialEq)]
pub struct StoredEvent {
    /// Event time and message id.
    pub moment: Moment,
    /// The identifier it is stored under.
    pub origin: Identifier,
    /// The call it came with.
    pub call: Call,
    /// The name of the event, page or screen; the role where a group fact names one; the topic of a hush or a lift; the
    /// purpose of a grant or a denial; else empty.
    pub name: String,
    /// Properties, or traits; of hushes and consents [`CHANNEL`] and [`UNTIL`], as far as they have them.
    pub properties: Values,
    /// The sending system; may be empty.
    pub source: String,
    /// The keys as they were given.
    pub raw_keys: Vec<String>,
    /// The group, the identifier that was given up, or the address that the traits or the consent are about, where the call
    /// names one.
    pub other: Option<Identifier>,
    /// Why a topic was hushed or lifted, if the fact says so. No answer may have it.
    pub cause: String,
}

/// Says under which type of identifier it is stored, and nothing of what it holds.
impl fmt::Debug for StoredEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredEvent").field("origin", &self.origin).field("call", &self.call).finish_non_exhaustive()
    }
}

impl StoredEvent {
    /// The history entry of `fact` under `origin`.
    pub fn of(fact: &Fact, origin: &Identifier) -> Self {
        let (call, name, properties, other) = told(&fact.body);
        let cause = match &fact.body {
            Body::Hush(said) => said.cause.clone(),
            Body::Identify { .. } | Body::Event(_) | Body::Group { .. } => String::new(),
            Body::Alias { .. } | Body::Consent(_) => String::new(),
        };
        Self {
            moment: fact.moment.clone(),
            origin: origin.clone(),
            call,
            name: name.to_owned(),
            properties,
            source: fact.source.clone(),
            raw_keys: fact.raw_keys.clone(),
            other,
            cause,
        }
    }
}

/// The call, the name, the properties and the other identifier that a fact comes to in the history.
fn told(body: &Body) -> (Call, &str, Values, Option<Identifier>) {
    match body {
        Body::Identify { traits, address } => (Call::Identify, "", traits.clone(), address.clone()),
        Body::Event(event) => (Call::from(event.event_type), &event.name, event.properties.clone(), None),
        Body::Group { group, traits, role, left } => {
            let call = if *left { Call::Leave } else { Call::Group };
            (call, role, traits.clone(), Some(group.clone()))
        }
        Body::Alias { previous } => (Call::Alias, "", Values::new(), Some(previous.clone())),
        Body::Hush(said) => {
            let call = if said.lift { Call::Lift } else { Call::Hush };
            let properties = details(&said.topic.channel, said.until);
            (call, &said.topic.name, properties, None)
        }
        Body::Consent(said) => {
            let call = if said.granted { Call::Grant } else { Call::Deny };
            (call, &said.purpose.name, details(&said.purpose.channel, None), said.address.clone())
        }
    }
}

fn details(channel: &str, until: Option<Time>) -> Values {
    let channel = (!channel.is_empty()).then(|| Value::Text(channel.to_owned()));
    let named = [(CHANNEL, channel), (UNTIL, until.map(Value::Time))].into_iter();
    named.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl From<EventType> for Call {
    fn from(event_type: EventType) -> Self {
        match event_type {
            EventType::Track => Self::Track,
            EventType::Page => Self::Page,
            EventType::Screen => Self::Screen,
        }
    }
}
