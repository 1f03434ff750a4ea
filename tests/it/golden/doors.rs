//! The two doors: the engine, and gRPC through a real server. Each puts its answers into the same words.

use kith::domain::answer::{self, Fields, Resolution};
use kith::domain::fact::{Draft, DraftBody, EventType};
use kith::domain::ids::{KindId, ProfileId, WorkspaceId};
use kith::domain::key::Key;
use kith::domain::model::Model;
use kith::domain::receipt::{Action, Line, Receipt};
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::engine::{DEFAULT_WORKSPACE, Durability, Engine, Error, Options, Tier};
use kith::proto::v1;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::step::Step;
use super::{Door, Names};
use crate::harness::{self, MODEL};

/// When every fact of a script arrives: a day after 1970, so that event times are in the past.
const NOW: Time = Time::from_micros(86_400_000_000);

pub struct EngineDoor {
    engine: Engine,
    workspace: WorkspaceId,
    runtime: Runtime,
    _directory: TempDir,
}

impl EngineDoor {
    pub fn open() -> Self {
        let directory = TempDir::new().unwrap();
        let options = Options {
            data: directory.path().to_owned(),
            durability: Durability::Interval(std::time::Duration::from_secs(1)),
            cache_bytes: 8 * 1024 * 1024,
            write_queue: 16,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = Engine::open(&options).unwrap();
        let workspace = runtime.block_on(engine.apply_model(DEFAULT_WORKSPACE, MODEL, NOW)).unwrap();
        Self { engine, workspace, runtime, _directory: directory }
    }

    fn write(&self, draft: Draft) -> Result<Receipt, Error> {
        let fact = self.engine.check(self.workspace, draft, NOW)?;
        self.runtime.block_on(async { self.engine.submit(self.workspace, fact, NOW).await?.await })
    }

    fn kind(&self, model: &Model, id: KindId) -> String {
        model.kind_by_id(id).map(|kind| kind.name.clone()).unwrap_or_default()
    }
}

impl Door for EngineDoor {
    fn take(&mut self, step: &Step, names: &mut Names) -> String {
        let active = self.engine.model(self.workspace).unwrap();
        match step {
            Step::Write(draft) => match self.write(draft.clone()) {
                Ok(receipt) => {
                    let landed = receipt.profiles.iter().map(|(kind, id)| (self.kind(&active.model, *kind), text(id)));
                    let lines = receipt.lines.iter().map(|line| self.line(&active.model, line));
                    tell_receipt(receipt.duplicate, landed.collect(), lines.collect(), names)
                }
                Err(Error::Invalid(invalid)) => format!("refused {}: {}\n", invalid.field, invalid.text),
                Err(error) => panic!("{error}"),
            },
            Step::Lookup { keys, fields } => {
                let kind = answer::kind("", &active.model).unwrap();
                let keys: Vec<(usize, Key)> = answer::keys(keys, kind, &active.model).unwrap();
                let fields = Fields::parse(fields.clone()).unwrap();
                let answer = self.engine.lookup(self.workspace, &keys, kind.id, &fields, Tier::Disk).unwrap();
                let found = match answer.resolution {
                    Resolution::Found(id) => text(&id),
                    Resolution::NotFound => String::new(),
                };
                let fields = answer.fields.into_iter().map(|(name, value)| (name, value.map(|value| json(&value))));
                tell_answer(&found, fields.collect(), names)
            }
            Step::Profile { key, kind } => {
                let kind = answer::kind(kind, &active.model).unwrap();
                let key = Key::parse(key, "key", &active.model).unwrap();
                let Some((profile, merges)) = self.engine.profile(self.workspace, &key, kind.id).unwrap() else {
                    return "nobody\n".to_owned();
                };
                let mut members: Vec<(String, bool)> = profile
                    .membership
                    .members
                    .iter()
                    .map(|member| (member.identifier.as_str().to_owned(), member.alias_of.is_some()))
                    .collect();
                let merges = merges.iter().map(|merge| (text(&merge.absorbed), text(&merge.survivor)));
                members.sort();
                tell_profile(&text(&profile.id), &members, merges.collect(), names)
            }
        }
    }
}

impl EngineDoor {
    fn line(&self, model: &Model, line: &Line) -> [String; 5] {
        let Line { action, kind, identifier, profile, rule } = line;
        let action = match action {
            Action::Created => "created",
            Action::Attached => "attached",
            Action::Merged => "merged",
            Action::Demoted => "demoted",
            Action::Blocked => "blocked",
            Action::Capped => "capped",
            Action::Refused => "refused",
            Action::Aliased => "aliased",
        };
        let key = identifier.as_ref().map(|identifier| identifier.as_str().to_owned()).unwrap_or_default();
        let rule = rule.as_ref().map(ToString::to_string).unwrap_or_default();
        let kind = self.kind(model, *kind);
        [action.to_owned(), kind, key, profile.as_ref().map(text).unwrap_or_default(), rule]
    }
}

fn text(id: &ProfileId) -> String {
    id.to_string()
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(value) => (*value).into(),
        Value::Text(value) => value.as_str().into(),
        Value::Time(value) => value.to_string().into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Object(values) => values.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
    }
}

pub struct GrpcDoor {
    server: harness::Server,
    runtime: Runtime,
}

impl GrpcDoor {
    pub fn open() -> Self {
        let server = harness::Setup::default().arguments(&["--durability", "interval(1000)"]).start();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { server, runtime }
    }
}

impl Door for GrpcDoor {
    fn take(&mut self, step: &Step, names: &mut Names) -> String {
        self.runtime.block_on(async {
            let client = self.server.client().await;
            match step {
                Step::Write(draft) => {
                    let request = v1::WriteRequest { fact: Some(wire_fact(draft.clone())) };
                    match client.write().write(request).await {
                        Ok(response) => tell_wire_receipt(response.into_inner().receipt.unwrap(), names),
                        Err(status) => format!("refused {}\n", status.message().trim_start_matches("fact.")),
                    }
                }
                Step::Lookup { keys, fields } => {
                    let request =
                        v1::LookupRequest { keys: keys.clone(), fields: fields.clone(), ..Default::default() };
                    let answer = client.lookup().lookup(request).await.unwrap().into_inner().answer.unwrap();
                    let values = answer.values;
                    let fields = answer.states.into_keys().map(|name| {
                        let value = values.get(&name).map(kith::client::json::value);
                        (name, value)
                    });
                    tell_answer(&answer.profile_id, fields.collect(), names)
                }
                Step::Profile { key, kind } => {
                    let request = v1::GetProfileRequest { key: key.clone(), kind: kind.clone(), token: String::new() };
                    let Ok(response) = client.profile().get_profile(request).await else {
                        return "nobody\n".to_owned();
                    };
                    let profile = response.into_inner().profile.unwrap();
                    let mut members: Vec<(String, bool)> =
                        profile.identifiers.into_iter().map(|member| (member.key, member.aliased)).collect();
                    members.sort();
                    let merges = profile.merges.into_iter();
                    let merges = merges.map(|merge| (merge.absorbed_profile_id, merge.survivor_profile_id));
                    tell_profile(&profile.profile_id, &members, merges.collect(), names)
                }
            }
        })
    }
}

fn wire_fact(draft: Draft) -> v1::Fact {
    let Draft { message_id, time, source, keys, body } = draft;
    let body = match body {
        DraftBody::Identify { traits, address } => {
            v1::fact::Body::Identify(v1::Identify { traits: Some(wire_values(&traits)), address })
        }
        DraftBody::Event(event) => {
            let properties = Some(wire_values(&event.properties));
            match event.event_type {
                EventType::Track => v1::fact::Body::Track(v1::Track { event: event.name, properties }),
                EventType::Page => v1::fact::Body::Page(v1::Page { name: event.name, properties }),
                EventType::Screen => v1::fact::Body::Screen(v1::Screen { name: event.name, properties }),
            }
        }
        DraftBody::Group { key, traits } => {
            v1::fact::Body::Group(v1::Group { key, traits: Some(wire_values(&traits)) })
        }
        DraftBody::Alias { previous } => v1::fact::Body::Alias(v1::Alias { previous }),
    };
    let micros = i64::try_from(time.unwrap_or_default().micros()).unwrap();
    let time = Some(prost_types::Timestamp { seconds: micros / 1_000_000, nanos: 0 });
    v1::Fact { message_id, time, source, keys, body: Some(body) }
}

fn wire_values(values: &Values) -> prost_types::Struct {
    use prost_types::value::Kind;
    let wire = |value: &Value| match value {
        Value::Null => Kind::NullValue(0),
        Value::Number(number) => Kind::NumberValue(*number),
        Value::Text(text) => Kind::StringValue(text.clone()),
        other => panic!("scripts have no {other:?}"),
    };
    let fields = values.iter().map(|(name, value)| (name.clone(), prost_types::Value { kind: Some(wire(value)) }));
    prost_types::Struct { fields: fields.collect() }
}

fn tell_wire_receipt(receipt: v1::Receipt, names: &mut Names) -> String {
    let lines = receipt.lines.into_iter().map(|line| {
        let action = line.action().as_str_name().trim_start_matches("RECEIPT_ACTION_").to_lowercase();
        [action, line.kind, line.key, line.profile_id, line.rule]
    });
    let landed = receipt.profiles.into_iter().map(|profile| (profile.kind, profile.profile_id));
    tell_receipt(receipt.duplicate, landed.collect(), lines.collect(), names)
}

/// What a write did, as the scripts put it.
fn tell_receipt(duplicate: bool, landed: Vec<(String, String)>, lines: Vec<[String; 5]>, names: &mut Names) -> String {
    let mut told = if duplicate { "seen before; ".to_owned() } else { String::new() };
    let landed: Vec<String> = landed.iter().map(|(kind, id)| format!("{kind} {}", names.of(id))).collect();
    told.push_str(&format!("landed {}\n", if landed.is_empty() { "nowhere".to_owned() } else { landed.join(", ") }));
    for [action, _, key, profile, rule] in &lines {
        let profile = if profile.is_empty() { String::new() } else { names.of(profile) };
        let rule = if rule.is_empty() { String::new() } else { format!("({rule})") };
        let words = [action, key, &profile, &rule];
        let words: Vec<&str> = words.into_iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
        told.push_str(&format!("  {}\n", words.join(" ")));
    }
    told
}

fn tell_answer(profile: &str, mut fields: Vec<(String, Option<Json>)>, names: &mut Names) -> String {
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut told = format!("{}\n", names.of(profile));
    for (name, value) in fields {
        let number = value.as_ref().and_then(Json::as_f64).map(|number| number.to_string());
        let value = number.or_else(|| value.map(|value| value.to_string()));
        told.push_str(&format!("  {name} = {}\n", value.unwrap_or_else(|| "not set".to_owned())));
    }
    told
}

fn tell_profile(profile: &str, members: &[(String, bool)], merges: Vec<(String, String)>, names: &mut Names) -> String {
    let name = |(key, aliased): &(String, bool)| format!("{key}{}", if *aliased { " (another name)" } else { "" });
    let members: Vec<String> = members.iter().map(name).collect();
    let mut told = format!("{} {{{}}}\n", names.of(profile), members.join(", "));
    for (absorbed, survivor) in merges {
        told.push_str(&format!("  merged {} into {}\n", names.of(&absorbed), names.of(&survivor)));
    }
    told
}
