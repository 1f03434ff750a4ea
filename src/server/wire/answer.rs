//! The bytes of answers. Tags are those of `proto/kith/v1/lookup.proto`; what is empty or zero is left out, as protobuf
//! has it.

use std::sync::Arc;

use prost::Message as _;
use uuid::Uuid;

use super::Encoded;
use super::message::{block, nested, number, present_double, present_number};
use crate::domain::answer::{Answer, Field, Resolution};
use crate::domain::consent::Consent;
use crate::domain::hush::{Hushed, Topic};
use crate::domain::time::Time;
use crate::domain::value::{Value, Values};
use crate::domain::view::{self, Reason, Shown, Viewed};
use crate::proto::v1;
use crate::server::convert::answer::{field_state, state};
use crate::server::convert::{consent, decision, time};
use crate::server::status::Refusal;

/// What an answer and each of its fields take about, so that its bytes are seldom moved.
const USUAL_BYTES: usize = 256;
const FIELD_BYTES: usize = 96;
/// The tags of a map's entry.
const KEY: u32 = 1;
const VALUE: u32 = 2;

/// The answer to one request, or why there is none.
pub struct Item {
    /// The key of the request that led to the answer, as it was given.
    pub key: String,
    /// What was found.
    pub found: Result<Answer, Refusal>,
    /// The version of the model that computed it.
    pub model_version: u64,
    /// True if the texts of a view have their HTML twins.
    pub html: bool,
}

/// The bytes of an `Answer`.
pub fn answer(item: &Item) -> Arc<[u8]> {
    let mut out = Vec::with_capacity(item.usual_bytes());
    item.write(&mut out);
    out.into()
}

/// The bytes of a `WriteAndLookupResponse`.
pub fn write_and_lookup(receipt: &v1::Receipt, item: &Item, token: &str) -> Encoded {
    let mut out = Vec::with_capacity(USUAL_BYTES + item.usual_bytes());
    nested(&mut out, 1, |out| out.extend(receipt.encode_to_vec()));
    nested(&mut out, 2, |out| item.write(out));
    block(&mut out, 3, token.as_bytes());
    Encoded::Whole(out)
}

impl Item {
    fn usual_bytes(&self) -> usize {
        let fields = self
            .found
            .as_ref()
            .map_or(0, |answer| answer.fields.len() + answer.viewed.as_ref().map_or(0, |viewed| viewed.fields.len()));
        USUAL_BYTES + FIELD_BYTES * fields
    }

    fn write(&self, out: &mut Vec<u8>) {
        let Self { key, found, model_version, html } = self;
        block(out, 1, key.as_bytes());
        let answer = match found {
            Ok(answer) => answer,
            Err(refusal) => {
                return block(out, 7, &refusal.clone().into_item().encode_to_vec());
            }
        };
        number(out, 6, *model_version);
        let Answer { key: _, resolution, fields, apart: _, hushed, viewed, consents, changes_at: _ } = answer;
        write_resolution(out, *resolution);
        for (name, field) in fields {
            write_field(out, name, field);
        }
        for hushed in hushed {
            nested(out, 9, |out| write_hushed(out, hushed));
        }
        for consent in consents {
            nested(out, 10, |out| write_consent(out, consent));
        }
        if let Some(viewed) = viewed {
            write_viewed(out, viewed, *html);
        }
    }
}

fn write_resolution(out: &mut Vec<u8>, resolution: Resolution) {
    let name = match resolution {
        Resolution::Found(id) => {
            let mut text = Uuid::encode_buffer();
            block(out, 3, Uuid::from_u128(id.0).hyphenated().encode_lower(&mut text).as_bytes());
            v1::Resolution::Found
        }
        Resolution::Shared { people } => {
            number(out, 8, people as u64);
            v1::Resolution::Shared
        }
        Resolution::NotFound => v1::Resolution::NotFound,
        Resolution::Erased => v1::Resolution::Erased,
    };
    number(out, 2, name as u64);
}

fn write_field(out: &mut Vec<u8>, name: &str, field: &Field) {
    if let Field::Present { value, as_of: _ } = field {
        entry(out, 4, name, |out| nested(out, VALUE, |out| write_value(out, value)));
    }
    entry(out, 5, name, |out| number(out, VALUE, field_state(field) as u64));
}

/// An entry of a map.
fn entry(out: &mut Vec<u8>, tag: u32, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
    nested(out, tag, |out| {
        block(out, KEY, name.as_bytes());
        value(out);
    });
}

/// A `google.protobuf.Value`.
fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => present_number(out, 1, 0),
        Value::Number(number) => present_double(out, 2, *number),
        Value::Text(text) => write_text(out, text),
        Value::Time(time) => write_text(out, &time.to_string()),
        Value::Bool(flag) => present_number(out, 4, u64::from(*flag)),
        Value::Object(values) => nested(out, 5, |out| write_object(out, values)),
        Value::List(values) => nested(out, 6, |out| {
            for value in values {
                nested(out, 1, |out| write_value(out, value));
            }
        }),
    }
}

/// A text that is there even if it is empty.
fn write_text(out: &mut Vec<u8>, text: &str) {
    nested(out, 3, |out| out.extend_from_slice(text.as_bytes()));
}

fn write_object(out: &mut Vec<u8>, values: &Values) {
    for (name, value) in values {
        entry(out, 1, name, |out| nested(out, VALUE, |out| write_value(out, value)));
    }
}

/// A `google.protobuf.Timestamp`.
fn write_time(out: &mut Vec<u8>, tag: u32, at: Time) {
    let prost_types::Timestamp { seconds, nanos } = time::write(at);
    nested(out, tag, |out| {
        number(out, 1, seconds.cast_unsigned());
        number(out, 2, i64::from(nanos).cast_unsigned());
    });
}

fn write_hushed(out: &mut Vec<u8>, hushed: &Hushed) {
    let Hushed { topic: Topic { name, channel }, until } = hushed;
    block(out, 1, name.as_bytes());
    block(out, 2, channel.as_bytes());
    until.iter().for_each(|until| write_time(out, 3, *until));
}

fn write_consent(out: &mut Vec<u8>, consent: &Consent) {
    let Consent { purpose, state, denied_by: _ } = consent;
    block(out, 1, purpose.name.as_bytes());
    block(out, 2, purpose.channel.as_bytes());
    number(out, 3, consent::write_state(*state) as u64);
}

fn write_viewed(out: &mut Vec<u8>, viewed: &Viewed, html: bool) {
    let Viewed { version, renderable, pinned_at, fields, decision, reasons, cache_until } = viewed;
    for shown in fields {
        if let Some(value) = &shown.value {
            entry(out, 4, &shown.name, |out| nested(out, VALUE, |out| write_value(out, value)));
        }
        entry(out, 5, &shown.name, |out| number(out, VALUE, state(shown.state) as u64));
        entry(out, 11, &shown.name, |out| nested(out, VALUE, |out| write_info(out, shown, html)));
    }
    number(out, 12, u64::from(*renderable));
    number(out, 13, u64::from(*version));
    number(out, 14, decision::write(*decision) as u64);
    for reason in reasons {
        nested(out, 15, |out| write_reason(out, reason));
    }
    cache_until.iter().for_each(|until| write_time(out, 16, *until));
    pinned_at.iter().for_each(|at| write_time(out, 17, *at));
}

/// A `SendReason`.
fn write_reason(out: &mut Vec<u8>, reason: &Reason) {
    let Reason { code, decision, hold, topic } = reason;
    number(out, 1, decision::write_code(*code) as u64);
    number(out, 2, decision::write(*decision) as u64);
    block(out, 3, hold.as_bytes());
    block(out, 4, topic.as_bytes());
}

/// A `FieldInfo`.
fn write_info(out: &mut Vec<u8>, shown: &Shown, html: bool) {
    let Shown { name: _, value, state: _, because, rung, as_of, scope } = shown;
    rung.iter().for_each(|rung| present_number(out, 1, *rung as u64));
    number(out, 2, because.map_or(0, |because| state(because) as u64));
    as_of.iter().for_each(|as_of| write_time(out, 3, *as_of));
    block(out, 4, scope.as_bytes());
    if let (Some(Value::Text(text)), true) = (value, html) {
        block(out, 5, view::escape(text).as_bytes());
    }
}

#[cfg(test)]
mod tests;
