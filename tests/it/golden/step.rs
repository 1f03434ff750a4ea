//! The steps of a script, read into facts as they come in.

use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::domain::{consent, hush};

/// What a word of a lookup begins with that asks for a purpose.
const PURPOSE: char = '?';

pub enum Step {
    Write(Draft),
    Lookup {
        kind: String,
        keys: Vec<String>,
        fields: Vec<String>,
        purpose: String,
        channel: String,
    },
    Profile {
        key: String,
        kind: String,
    },
    Members {
        key: String,
        kind: String,
    },
    Consents {
        key: String,
        kind: String,
    },
    Correct {
        message_id: String,
        correction: Correct,
    },
    /// Of what the script calls so: a key, or a profile by its place in the story.
    Erase {
        message_id: String,
        key: String,
        kind: String,
        suppress: bool,
    },
    /// Without a send where that is empty.
    View {
        name: String,
        keys: Vec<String>,
        about: Vec<String>,
        send: String,
    },
    /// Who is in a segment.
    Segment {
        name: String,
    },
    /// What was served.
    Served {
        send: String,
        key: String,
    },
    /// A fact, and a lookup of its keys by a view, in one call.
    WriteAndView {
        name: String,
        draft: Draft,
    },
    ModelDiff {
        file: String,
    },
    ModelApply {
        file: String,
    },
}

pub enum Correct {
    KeepApart {
        a: String,
        b: String,
        same_human: bool,
    },
    Unlink {
        a: String,
        b: String,
    },
    /// Of the profile that the script calls so.
    Undo {
        merge: String,
    },
    Release {
        key: String,
    },
}

impl Step {
    pub fn parse(line: &str) -> Self {
        let (verb, rest) = word(line);
        match verb {
            "lookup" => {
                let (kind, rest) = if rest.starts_with('{') { ("", rest) } else { word(rest) };
                let (keys, rest) = keys(rest);
                let (asked, fields): (Vec<&str>, Vec<&str>) =
                    rest.split_whitespace().partition(|word| word.starts_with(PURPOSE));
                let asked = asked.first().map(|asked| &asked[PURPOSE.len_utf8()..]).unwrap_or_default();
                let (purpose, channel) = asked.split_once('/').unwrap_or((asked, ""));
                Self::Lookup {
                    kind: kind.to_owned(),
                    keys,
                    fields: fields.into_iter().map(ToOwned::to_owned).collect(),
                    purpose: purpose.to_owned(),
                    channel: channel.to_owned(),
                }
            }
            "view" => {
                let (name, rest) = word(rest);
                let (keys, rest) = keys(rest);
                let about = rest.trim().strip_prefix("about ").unwrap_or_default();
                let about = about.split_whitespace().map(ToOwned::to_owned).collect();
                Self::View { name: name.to_owned(), keys, about, send: after("send", rest).0.to_owned() }
            }
            "served" => {
                let (send, rest) = word(rest);
                Self::Served { send: send.to_owned(), key: keys(rest).0.remove(0) }
            }
            "write-and-view" => {
                let (name, rest) = word(rest);
                let (verb, rest) = word(rest);
                Self::WriteAndView { name: name.to_owned(), draft: draft(verb, rest) }
            }
            "profile" => {
                let (mut keys, kind) = keys(rest);
                Self::Profile { key: keys.remove(0), kind: kind.trim().to_owned() }
            }
            "members" => {
                let (mut keys, kind) = keys(rest);
                Self::Members { key: keys.remove(0), kind: kind.trim().to_owned() }
            }
            "consents" => {
                let (mut keys, kind) = keys(rest);
                Self::Consents { key: keys.remove(0), kind: kind.trim().to_owned() }
            }
            "keep-apart" | "unlink" | "undo" | "release" => {
                let (message_id, rest) = word(rest);
                Self::Correct { message_id: message_id.to_owned(), correction: correction(verb, rest) }
            }
            "segment" => Self::Segment { name: rest.trim().to_owned() },
            "model-diff" => Self::ModelDiff { file: rest.trim().to_owned() },
            "model-apply" => Self::ModelApply { file: rest.trim().to_owned() },
            "erase" => {
                let (message_id, rest) = word(rest);
                let (mut keys, rest) = keys(rest);
                let suppress = rest.trim().ends_with("suppress");
                let kind = rest.trim().trim_end_matches("suppress").trim().to_owned();
                Self::Erase { message_id: message_id.to_owned(), key: keys.remove(0), kind, suppress }
            }
            verb => Self::Write(draft(verb, rest)),
        }
    }
}

fn correction(verb: &str, rest: &str) -> Correct {
    if verb == "undo" {
        return Correct::Undo { merge: rest.trim().to_owned() };
    }
    let (keys, rest) = keys(rest);
    match (verb, keys.as_slice()) {
        ("keep-apart", [a, b]) => {
            Correct::KeepApart { a: a.clone(), b: b.clone(), same_human: rest.trim() == "same_human" }
        }
        ("unlink", [a, b]) => Correct::Unlink { a: a.clone(), b: b.clone() },
        ("release", [key]) => Correct::Release { key: key.clone() },
        _ => panic!("{verb} takes other keys"),
    }
}

fn draft(verb: &str, rest: &str) -> Draft {
    let (message_id, rest) = word(rest);
    let (keys, rest) = keys(rest);
    let (time, rest) = word(rest.strip_prefix('@').expect("a time"));
    let time = self::time(time);
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
        "group" | "leave" => {
            let (key, rest) = word(rest);
            let (role, rest) = rest.strip_prefix("as ").map_or(("", rest), word);
            let (key, role) = (key.to_owned(), role.to_owned());
            DraftBody::Group { key, traits: values(rest), role, left: verb == "leave" }
        }
        "alias" => DraftBody::Alias { previous: word(rest).0.to_owned() },
        "hush" | "lift" => DraftBody::Hush(hush(rest, verb == "lift")),
        "grant" | "deny" => DraftBody::Consent(consent(rest, verb == "grant")),
        other => panic!("no such step: {other}"),
    };
    Draft { message_id: message_id.to_owned(), time: Some(time), source: String::new(), keys, body }
}

/// `topic in channel until n because "…"`, of which all but the topic may be left out.
fn hush(text: &str, lift: bool) -> hush::Saying {
    let (topic, rest) = word(text);
    let (channel, rest) = after("in", rest);
    let (until, rest) = after("until", rest);
    let cause = rest.strip_prefix("because ").map(|rest| quoted(rest).0).unwrap_or_default();
    let until = (!until.is_empty()).then(|| time(until));
    hush::Saying { topic: topic.to_owned(), channel: channel.to_owned(), lift, until, cause }
}

/// `purpose in channel for address`, of which all but the purpose may be left out.
fn consent(text: &str, granted: bool) -> consent::Saying {
    let (purpose, rest) = word(text);
    let (channel, rest) = after("in", rest);
    let (address, _) = after("for", rest);
    let (purpose, channel, address) = (purpose.to_owned(), channel.to_owned(), address.to_owned());
    consent::Saying { purpose, channel, granted: Some(granted), address }
}

/// The word after `name`, if `text` begins with that, and what follows.
fn after<'a>(name: &str, text: &'a str) -> (&'a str, &'a str) {
    match word(text) {
        (first, rest) if first == name => word(rest),
        _ => ("", text),
    }
}

fn time(text: &str) -> Time {
    let seconds = |text: &str| text.parse::<u64>().expect("a number of seconds") * 1_000_000;
    let now = kith::server::now();
    match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(ahead), _) => now.plus_micros(seconds(ahead)),
        (_, Some(ago)) => Time::from_micros(now.micros() - seconds(ago)),
        _ => Time::from_micros(seconds(text)),
    }
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

/// `name="text" name=1.5 name=true name=null`.
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
                let value = match value {
                    "null" => Value::Null,
                    "true" | "false" => Value::Bool(value == "true"),
                    _ => number(),
                };
                (value, after)
            }
        };
        values.insert(name.to_owned(), value);
        rest = after.trim_start();
    }
    values
}
