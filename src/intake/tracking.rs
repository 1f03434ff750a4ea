//! One message in the shape of the Segment tracking spec to one fact.
//!
//! | field | becomes |
//! |---|---|
//! | `type` | identify, track, page, screen, group or alias; hush and consent (kith's own) |
//! | `messageId` | the fact's message_id |
//! | `timestamp` (RFC 3339) | its time; `originalTimestamp` and `sentAt` are ignored, absent means time of arrival |
//! | `userId`, `anonymousId` | keys `user_id:…`, `anonymous_id:…` |
//! | `context.externalIds` `[{type, id}]` | keys `type:id` |
//! | `traits.email`, `traits.phone`, also below `context` | keys `email:…`, `phone:…`, and they stay attributes |
//! | `groupId` | `Group.key`, as `account_id:…`; traits of a group bring no keys |
//! | `groupKey` (kith's own) | `Group.key`, `type:value`, instead of `groupId` |
//! | `role`, `left` (kith's own) | `Group.role`, text; `Group.left`, true or false |
//! | `previousId` | `Alias.previous`, as `user_id:…`, or `anonymous_id:…` if it equals `anonymousId` |
//! | `traits`, `properties`, `event`, `name` | the same |
//! | `source`, else the `name` of `context.app` or `context.library` | the fact's source |
//! | `topic`, `lift`, `until`, `channel`, `cause` (kith's own) | those of `Hush`: texts; `lift` true or false; `until` RFC 3339 |
//! | `purpose`, `channel`, `granted` (kith's own) | those of `Consent`; `granted` is true or false and must be there |
//! | `keys` (kith's own) | a list of further keys, `type:value` |
//! | `context.address` (kith's own) | `Identify.address`, `Consent.address`: the key that is described |
//!
//! A field that is `null` counts as absent. Fields that are not in the table are ignored: the spec is open. A field of
//! the table with another type of value is refused by name.

mod message;

use serde_json::Value as Json;

use self::message::{Message, Object};
use super::{Refusal, value};
use crate::proto::v1;
use v1::fact::Body;

/// Identifier types that the spec's own fields stand for.
const USER_ID: &str = "user_id";
const ANONYMOUS_ID: &str = "anonymous_id";
const ACCOUNT_ID: &str = "account_id";
/// Traits that are identifiers too; trait and identifier type have the same name.
const IDENTIFYING_TRAITS: [&str; 2] = ["email", "phone"];

/// Reads one message from its JSON.
pub fn parse(json: &[u8]) -> Result<v1::Fact, Refusal> {
    let text = std::str::from_utf8(json).map_err(|_| Refusal::new("not UTF-8"))?;
    let json = serde_json::from_str(text).map_err(|error| {
        let kind = if error.is_eof() { "JSON that ends too early" } else { "not JSON" };
        Refusal::new(format!("{kind}, at column {}", error.column()))
    })?;
    match json {
        Json::Object(object) => to_fact(object),
        _ => Err(Refusal::new("not a JSON object")),
    }
}

/// Reads one message.
pub fn to_fact(object: Object) -> Result<v1::Fact, Refusal> {
    let mut message = Message::new(object)?;
    let kind = message.required("type")?;
    let keys = keys(&message, &kind)?;
    Ok(v1::Fact {
        message_id: message.required("messageId")?,
        time: message.time("timestamp")?.map(super::to_wire),
        source: source(&message)?,
        body: Some(body(&mut message, &kind, &keys)?),
        keys,
    })
}

/// The identifiers of the customer, the spec's own first: an alias is for the first one.
fn keys(message: &Message, kind: &str) -> Result<Vec<String>, Refusal> {
    let mut keys = Vec::new();
    if let Some(id) = message.text("userId")? {
        keys.push(format!("{USER_ID}:{id}"));
    }
    if let Some(id) = message.text("anonymousId")? {
        let given_up = kind == "alias" && message.text("previousId")?.is_some_and(|previous| previous == id);
        if !given_up {
            keys.push(format!("{ANONYMOUS_ID}:{id}"));
        }
    }
    keys.extend(message.external_ids()?);
    for name in IDENTIFYING_TRAITS {
        let own = if kind == "group" { None } else { message.identifying_trait("traits", name) };
        let in_context = message.identifying_trait("context.traits", name);
        keys.extend(own.into_iter().chain(in_context).map(|value| format!("{name}:{value}")));
    }
    keys.extend(message.texts("keys")?);
    let mut unique = Vec::with_capacity(keys.len());
    for key in keys {
        if !unique.contains(&key) {
            unique.push(key);
        }
    }
    match unique.is_empty() {
        true => Err(Refusal::new("names nobody: none of `userId`, `anonymousId`, `context.externalIds`, `keys`")),
        false => Ok(unique),
    }
}

fn source(message: &Message) -> Result<String, Refusal> {
    for path in ["source", "context.app.name", "context.library.name"] {
        if let Some(source) = message.text(path)? {
            return Ok(source.into());
        }
    }
    Ok(String::new())
}

fn body(message: &mut Message, kind: &str, keys: &[String]) -> Result<Body, Refusal> {
    let name = |message: &Message| Ok(message.text("name")?.unwrap_or_default().to_owned());
    Ok(match kind {
        "identify" => {
            let address = address(message, keys)?;
            Body::Identify(v1::Identify { traits: members(message, "traits")?, address })
        }
        "track" => {
            Body::Track(v1::Track { event: message.required("event")?, properties: members(message, "properties")? })
        }
        "page" => Body::Page(v1::Page { name: name(message)?, properties: members(message, "properties")? }),
        "screen" => Body::Screen(v1::Screen { name: name(message)?, properties: members(message, "properties")? }),
        "group" => {
            let key = match message.text("groupKey")? {
                Some(key) => key.to_owned(),
                None => format!("{ACCOUNT_ID}:{}", message.required("groupId")?),
            };
            let role = message.text("role")?.unwrap_or_default().to_owned();
            let left = message.flag("left")?;
            Body::Group(v1::Group { key, traits: members(message, "traits")?, role, left })
        }
        "alias" => Body::Alias(v1::Alias { previous: previous(message)? }),
        "hush" => Body::Hush(hush(message)?),
        "consent" => Body::Consent(v1::Consent {
            purpose: message.required("purpose")?,
            channel: message.text("channel")?.unwrap_or_default().to_owned(),
            granted: Some(message.required_flag("granted")?),
            address: address(message, keys)?,
        }),
        _ => return Err(Refusal::new("`type` must be identify, track, page, screen, group, alias, hush or consent")),
    })
}

/// The key that is described, or nothing.
fn address(message: &Message, keys: &[String]) -> Result<String, Refusal> {
    let address = message.text("context.address")?.unwrap_or_default().to_owned();
    match address.is_empty() || keys.contains(&address) {
        true => Ok(address),
        false => Err(Refusal::new("`context.address` is not one of the message's keys")),
    }
}

fn hush(message: &Message) -> Result<v1::Hush, Refusal> {
    let text = |name| Ok::<_, Refusal>(message.text(name)?.unwrap_or_default().to_owned());
    Ok(v1::Hush {
        topic: message.required("topic")?,
        lift: message.flag("lift")?,
        until: message.time("until")?.map(super::to_wire),
        channel: text("channel")?,
        cause: text("cause")?,
    })
}

/// The value an alias gives up. Without a `userId` there is nothing it could become.
fn previous(message: &Message) -> Result<String, Refusal> {
    message.required("userId")?;
    let previous = message.required("previousId")?;
    let is_anonymous = message.text("anonymousId")?.is_some_and(|id| id == previous);
    let kind = if is_anonymous { ANONYMOUS_ID } else { USER_ID };
    Ok(format!("{kind}:{previous}"))
}

fn members(message: &mut Message, name: &str) -> Result<Option<prost_types::Struct>, Refusal> {
    let in_field = |refusal: Refusal| Refusal::new(format!("`{name}`: {refusal}"));
    message.take(name)?.map(|object| value::to_struct(object).map_err(in_field)).transpose()
}

#[cfg(test)]
mod tests;
