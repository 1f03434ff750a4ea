//! Facts on their way in.

use prost::Message as _;

use super::{time, value};
use crate::domain::fact::{Draft, DraftBody, Event, EventType, MAX_FACT_BYTES};
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::{consent, hush};
use crate::proto::v1::fact::Body;
use crate::proto::v1::{Alias, Consent, Fact, Group, Hush, Identify, Page, Screen, Track};

/// Reads a fact. Field paths start inside it; a refusal of the fact as a whole has none.
pub fn read(fact: Option<Fact>) -> Result<Draft, Invalid> {
    let fact = fact.ok_or_else(|| Invalid::new(Reason::Missing, "", "the fact is missing"))?;
    if fact.encoded_len() > MAX_FACT_BYTES {
        let text = format!("the fact is larger than {MAX_FACT_BYTES} bytes; send less in one fact");
        return Err(Invalid::new(Reason::TooLarge, "", text));
    }
    let Fact { message_id, time, source, keys, body } = fact;
    let text = "is missing; set one of identify, track, page, screen, group, alias, hush, consent";
    let body = body.ok_or_else(|| Invalid::new(Reason::Missing, "body", text))?;
    let time = time.map(|time| time::read(&time, "time")).transpose()?;
    Ok(Draft { message_id, time, source, keys, body: read_body(body)? })
}

fn read_body(body: Body) -> Result<DraftBody, Invalid> {
    Ok(match body {
        Body::Identify(Identify { traits, address }) => {
            DraftBody::Identify { traits: value::read_object(traits, "identify.traits")?, address }
        }
        Body::Track(Track { event: name, properties }) => {
            let properties = value::read_object(properties, "track.properties")?;
            DraftBody::Event(Event { event_type: EventType::Track, name, properties })
        }
        Body::Page(Page { name, properties }) => {
            let properties = value::read_object(properties, "page.properties")?;
            DraftBody::Event(Event { event_type: EventType::Page, name, properties })
        }
        Body::Screen(Screen { name, properties }) => {
            let properties = value::read_object(properties, "screen.properties")?;
            DraftBody::Event(Event { event_type: EventType::Screen, name, properties })
        }
        Body::Group(Group { key, traits, role, left }) => {
            DraftBody::Group { key, traits: value::read_object(traits, "group.traits")?, role, left }
        }
        Body::Alias(Alias { previous }) => DraftBody::Alias { previous },
        Body::Hush(Hush { topic, lift, until, channel, cause }) => {
            let until = until.map(|until| time::read(&until, "hush.until")).transpose()?;
            DraftBody::Hush(hush::Saying { topic, channel, lift, until, cause })
        }
        Body::Consent(Consent { purpose, channel, granted, address }) => {
            DraftBody::Consent(consent::Saying { purpose, channel, granted, address })
        }
    })
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;

    fn track(name: &str) -> Fact {
        let body = Body::Track(Track { event: name.to_owned(), properties: None });
        Fact { message_id: "m1".to_owned(), body: Some(body), ..Fact::default() }
    }

    #[test]
    fn a_fact_that_cannot_be_read_names_the_field() {
        let early = Timestamp { seconds: -1, nanos: 0 };
        let cases = [
            (None, Reason::Missing, ""),
            (Some(track(&"x".repeat(MAX_FACT_BYTES))), Reason::TooLarge, ""),
            (Some(Fact { body: None, ..track("a") }), Reason::Missing, "body"),
            (Some(Fact { time: Some(early), ..track("a") }), Reason::TimeOutOfRange, "time"),
        ];
        for (fact, reason, field) in cases {
            let refused = read(fact).unwrap_err();
            assert_eq!((refused.reason, refused.field.as_str()), (reason, field));
        }
    }
}
