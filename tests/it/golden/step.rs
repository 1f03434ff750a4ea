//! The steps of a script, read into facts as they come in.

use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};

pub enum Step {
    Write(Draft),
    Lookup { keys: Vec<String>, fields: Vec<String> },
    Profile { key: String, kind: String },
}

impl Step {
    pub fn parse(line: &str) -> Self {
        let (verb, rest) = word(line);
        match verb {
            "lookup" => {
                let (keys, rest) = keys(rest);
                Self::Lookup { keys, fields: rest.split_whitespace().map(ToOwned::to_owned).collect() }
            }
            "profile" => {
                let (mut keys, kind) = keys(rest);
                Self::Profile { key: keys.remove(0), kind: kind.trim().to_owned() }
            }
            verb => Self::Write(draft(verb, rest)),
        }
    }
}

fn draft(verb: &str, rest: &str) -> Draft {
    let (message_id, rest) = word(rest);
    let (keys, rest) = keys(rest);
    let (time, rest) = word(rest.strip_prefix('@').expect("a time"));
    let time = Time::from_micros(time.parse::<u64>().expect("a number of seconds") * 1_000_000);
    let body = match verb {
        "identify" => DraftBody::Identify { traits: values(rest), address: String::new() },
        "describe" => {
            let (address, rest) = word(rest);
            DraftBody::Identify { traits: values(rest), address: address.to_owned() }
        }
        "track" => {
            let (name, rest) = quoted(rest);
            DraftBody::Event(Event { event_type: EventType::Track, name, properties: values(rest) })
        }
        "page" => {
            let (name, rest) = quoted(rest);
            DraftBody::Event(Event { event_type: EventType::Page, name, properties: values(rest) })
        }
        "group" => {
            let (key, rest) = word(rest);
            DraftBody::Group { key: key.to_owned(), traits: values(rest) }
        }
        "alias" => DraftBody::Alias { previous: word(rest).0.to_owned() },
        other => panic!("no such step: {other}"),
    };
    Draft { message_id: message_id.to_owned(), time: Some(time), source: String::new(), keys, body }
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(' ').map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

fn quoted(text: &str) -> (String, &str) {
    let (name, rest) = text.strip_prefix('"').and_then(|rest| rest.split_once('"')).expect("a name in quotes");
    (name.to_owned(), rest)
}

/// `{key, key}` and what follows.
fn keys(text: &str) -> (Vec<String>, &str) {
    let (keys, rest) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')).expect("keys in braces");
    (keys.split(", ").map(ToOwned::to_owned).collect(), rest)
}

/// `name="text" name=1.5 name=null`.
fn values(text: &str) -> Values {
    let mut values = Values::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').expect("name=value");
        let (value, after) = match after.starts_with('"') {
            true => {
                let (text, after) = quoted(after);
                (Value::Text(text), after)
            }
            false => {
                let (value, after) = word(after);
                let number = || Value::Number(value.parse().expect("a number"));
                (if value == "null" { Value::Null } else { number() }, after)
            }
        };
        values.insert(name.to_owned(), value);
        rest = after.trim_start();
    }
    values
}
