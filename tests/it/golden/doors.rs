//! The two doors: the engine, and gRPC through a real server. Each puts its answers into the same words.

use kith::client::Client;
use kith::domain::answer::{self, Answer, Field, Fields, Resolution};
use kith::domain::consent::{Purpose, State};
use kith::domain::correction::{Act, Correction, pair};
use kith::domain::erasure::{Erased, Erasure};
use kith::domain::event::{CHANNEL, Call, StoredEvent};
use kith::domain::fact::{Draft, DraftBody, EventType};
use kith::domain::hush::Hushed;
use kith::domain::ids::{KindId, ProfileId, WorkspaceId};
use kith::domain::key::Key;
use kith::domain::link::Moment;
use kith::domain::model::Model;
use kith::domain::profile::Profile;
use kith::domain::receipt::{Action, Line, Receipt};
use kith::domain::time::Time;
use kith::domain::tombstone::TombstoneSecret;
use kith::domain::value::{Value, Values};
use kith::domain::view::About;
use kith::domain::{consent, hush};
use kith::engine::{
    ConsentPage, Count, DEFAULT_WORKSPACE, Durability, Engine, Error, Options, Question, REFOLD_PORTION, Tier,
};
use kith::proto::v1;
use kith::server;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::step::{Correct, Step};
use super::{Door, Names, models, segments, tell, views};
use crate::harness;

pub struct EngineDoor {
    engine: Engine,
    workspace: WorkspaceId,
    runtime: Runtime,
    _directory: TempDir,
}

impl EngineDoor {
    pub fn open(model: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let options = Options {
            data: directory.path().to_owned(),
            durability: Durability::Interval(std::time::Duration::from_secs(1)),
            cache_bytes: 8 * 1024 * 1024,
            write_queue: 16,
            refold_portion: REFOLD_PORTION,
            invalidates: true,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = Engine::open(&options).unwrap();
        let workspace = runtime.block_on(engine.apply_model(DEFAULT_WORKSPACE, model, server::now())).unwrap();
        Self { engine, workspace, runtime, _directory: directory }
    }

    fn write(&self, draft: Draft) -> Result<Receipt, Error> {
        let fact = self.engine.check(self.workspace, draft, server::now())?;
        self.runtime.block_on(async { self.engine.submit(self.workspace, fact, server::now()).await?.await })
    }

    fn correct(&self, message_id: &str, correction: &Correct, names: &Names) -> Result<Receipt, Error> {
        let active = self.engine.model(self.workspace)?;
        let act = match correction {
            Correct::KeepApart { a, b, same_human } => {
                Act::KeepApart { between: pair(a, b, &active.model)?, same_human: *same_human }
            }
            Correct::Unlink { a, b } => Act::Unlink { between: pair(a, b, &active.model)? },
            Correct::Undo { merge } => Act::UndoMerge { merge: ProfileId::parse(&names.id(merge)).unwrap() },
            Correct::Release { key } => {
                Act::ReleaseQuarantine { identifier: kith::domain::key::identifier(key, "key", &active.model)? }
            }
        };
        let correction = Correction { message_id: message_id.to_owned(), source: String::new(), act };
        self.runtime.block_on(self.engine.correct(self.workspace, correction, server::now()))
    }

    fn tell(&self, receipt: &Receipt, names: &mut Names) -> String {
        let active = self.engine.model(self.workspace).unwrap();
        let landed = receipt.profiles.iter().map(|(kind, id)| (self.kind(&active.model, *kind), text(id)));
        let lines = receipt.lines.iter().map(|line| self.line(&active.model, line));
        tell_receipt(receipt.duplicate, landed.collect(), lines.collect(), names)
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
                Ok(receipt) => self.tell(&receipt, names),
                Err(Error::Invalid(invalid)) => format!("refused {}: {}\n", invalid.field, invalid.text),
                Err(error) => panic!("{error}"),
            },
            Step::Correct { message_id, correction } => match self.correct(message_id, correction, names) {
                Ok(receipt) => self.tell(&receipt, names),
                Err(Error::Invalid(invalid)) => format!("refused {}: {}\n", invalid.field, invalid.text),
                Err(error) => format!("refused {error}\n"),
            },
            Step::Erase { message_id, key, kind, suppress } => {
                let kind = answer::kind(kind, &active.model).unwrap();
                let key = Key::parse(&names.key(key), "key", &active.model).unwrap();
                let secret = TombstoneSecret([7; 32]);
                let erasure = Erasure::new(message_id.clone(), key, kind.id, *suppress, secret).unwrap();
                let rehearsed = self.engine.rehearse_erasure(self.workspace, erasure.clone(), server::now());
                let receipt = self.runtime.block_on(self.engine.erase(self.workspace, erasure, server::now()));
                match receipt {
                    Ok(receipt) => {
                        assert_eq!(rehearsed.unwrap().erased, receipt.erased, "a rehearsal says otherwise");
                        let landed =
                            receipt.profiles.iter().map(|(kind, id)| (self.kind(&active.model, *kind), text(id)));
                        let Erased { identifiers, links, events, fragments, unordered: _ } = receipt.erased.unwrap();
                        let counts = [identifiers, links, events, fragments];
                        tell_erasure(receipt.duplicate, landed.collect(), counts, names)
                    }
                    Err(error) => format!("refused {error}\n"),
                }
            }
            Step::Lookup { kind, keys, fields, purpose, channel } => {
                let kind = answer::kind(kind, &active.model).unwrap();
                let keys: Vec<String> = keys.iter().map(|key| names.key(key)).collect();
                let keys: Vec<(usize, Key)> = answer::keys(&keys, kind, &active.model).unwrap();
                let fields = Fields::parse(fields.clone()).unwrap();
                let purpose = Purpose::asked(purpose, channel).unwrap();
                let (now, purpose) = (server::now(), purpose.as_ref());
                let question = Question { kind: kind.id, fields: &fields, now, purpose };
                let answer = self.engine.lookup(self.workspace, &keys, question, Tier::Disk).unwrap();
                if let [(_, key)] = keys.as_slice() {
                    let batch = [key.clone(), key.clone()];
                    let answers = self.engine.lookup_batch(self.workspace, &batch, question).unwrap();
                    let expected = [answer.clone(), Answer { key: 1, ..answer.clone() }];
                    assert_eq!(answers, expected, "a batch answers otherwise");
                }
                let found = match answer.resolution {
                    Resolution::Found(id) => names.of(&text(&id)),
                    Resolution::Shared { people } => format!("shared by {people}"),
                    Resolution::NotFound => names.of(""),
                    Resolution::Erased => "erased".to_owned(),
                };
                let fields = answer.fields.into_iter().map(|(name, field)| {
                    let told = match field {
                        Field::Present { value, .. } => tell_json(json(&value)),
                        Field::NotSet => "not set".to_owned(),
                        Field::Ambiguous => "ambiguous".to_owned(),
                        Field::TooLarge => "too large".to_owned(),
                    };
                    (name.to_string(), told)
                });
                let hushed = answer
                    .hushed
                    .into_iter()
                    .map(|Hushed { topic, until }| tell::hush(&topic.name, &topic.channel, until.map(in_seconds), ""));
                let consents = answer.consents.iter();
                let consents = consents.map(|consent| tell::consent(&consent.purpose, state(consent.state)));
                tell_answer(&found, fields.collect()) + &hushed.collect::<String>() + &consents.collect::<String>()
            }
            Step::View { name, keys, about, send } => {
                let door = views::Subject { engine: &self.engine, workspace: self.workspace, model: &active.model };
                views::on_engine(door, &self.runtime, views::Asked { view: name, keys, about, send }, names)
            }
            Step::Served { send, key } => {
                let door = views::Subject { engine: &self.engine, workspace: self.workspace, model: &active.model };
                views::served_on_engine(door, send, &names.key(key))
            }
            Step::WriteAndView { name, draft } => {
                let wanted = answer::Wanted::view(name, "", About::default(), &active.model);
                if let Err(invalid) = wanted {
                    return format!("refused lookup.{}: {}\n", invalid.field, invalid.text);
                }
                let receipt = self.take(&Step::Write(draft.clone()), names);
                if receipt.starts_with("refused") {
                    return receipt;
                }
                let (name, keys, about, send) = (name.clone(), draft.keys.clone(), Vec::new(), String::new());
                receipt + &self.take(&Step::View { name, keys, about, send }, names)
            }
            Step::Profile { key, kind } => {
                let kind = answer::kind(kind, &active.model).unwrap();
                let key = Key::parse(&names.key(key), "key", &active.model).unwrap();
                let found = match self.engine.profile(self.workspace, &key, kind.id) {
                    Err(error @ Error::Erased(_)) => return format!("{error}\n"),
                    found => found.unwrap(),
                };
                let Some((profile, merges)) = found else { return "nobody\n".to_owned() };
                let mut members: Vec<(String, bool)> = profile
                    .membership
                    .members()
                    .iter()
                    .map(|member| (member.identifier.as_str().to_owned(), member.alias_of.is_some()))
                    .collect();
                let merges = merges.iter().map(|merge| (text(&merge.absorbed), text(&merge.survivor)));
                members.sort();
                let totals = self.engine.totals(self.workspace, &profile).unwrap();
                let figures = match totals.count {
                    Count::Of(figures) => Some((figures.members, figures.seats_used)),
                    Count::Nobody | Count::TooLarge => None,
                };
                let groups = profile.holdings.ties.groups.iter().filter_map(|(group, belonging)| {
                    let role = belonging.role().unwrap_or_default().to_owned();
                    Some((group.as_str().to_owned(), role, seconds(belonging.since()?)))
                });
                let groups = tell_groups(groups.collect(), figures);
                let holding = profile.holdings.hushes.holding(server::now()).topics;
                let hushes = holding.iter().flat_map(|(topic, opinions)| {
                    opinions.hushes.iter().map(|(origin, hush)| {
                        tell::hush(&topic.name, &topic.channel, hush.until.map(in_seconds), origin.as_str())
                    })
                });
                let hushes: String = hushes.collect();
                tell_profile(&text(&profile.id), &members, merges.collect(), names)
                    + &groups
                    + &hushes
                    + &self.tell_consents(&profile)
            }
            Step::Consents { key, kind } => {
                let kind = answer::kind(kind, &active.model).unwrap();
                let key = Key::parse(key, "key", &active.model).unwrap();
                let page = self.engine.consents(self.workspace, &key, kind.id, None, 100).unwrap();
                let Some(ConsentPage { events, next: None }) = page else { return "nobody\n".to_owned() };
                let property = |event: &StoredEvent, name: &str| match event.properties.get(name) {
                    Some(Value::Text(text)) => text.clone(),
                    _ => String::new(),
                };
                let change = |event: StoredEvent| {
                    let purpose = Purpose { name: event.name.clone(), channel: property(&event, CHANNEL) };
                    let granted = event.call == Call::Grant;
                    let address = event.other.as_ref().map(|address| address.as_str().to_owned()).unwrap_or_default();
                    let Moment { time, message_id } = &event.moment;
                    tell::change(granted, &purpose, &address, event.origin.as_str(), in_seconds(*time), message_id)
                };
                events.into_iter().map(change).collect()
            }
            Step::Segment { name } => segments::on_engine(&self.engine, self.workspace, &active.model, name, names),
            Step::ModelDiff { file } => models::diff(&self.engine, self.workspace, file, names),
            Step::ModelApply { file } => models::apply(&self.engine, self.workspace, file, &self.runtime),
            Step::Members { key, kind } => {
                let kind = answer::kind(if kind.is_empty() { "account" } else { kind }, &active.model).unwrap();
                let key = Key::parse(key, "key", &active.model).unwrap();
                let mut members = Vec::new();
                let mut after = None;
                loop {
                    let page = self.engine.members(self.workspace, &key, kind.id, after.as_ref(), 2).unwrap();
                    let Some(page) = page else { return "nobody\n".to_owned() };
                    for member in &page.members {
                        let (role, since) = (&member.role, seconds(&member.since));
                        members.push(tell_member(&text(&member.profile), role, since, member.group.as_str(), names));
                    }
                    after = page.next;
                    if after.is_none() {
                        return tell_members(members);
                    }
                }
            }
        }
    }
}

impl EngineDoor {
    fn tell_consents(&self, profile: &Profile) -> String {
        let of_addresses = self.engine.address_consents(self.workspace, profile).unwrap();
        let of_addresses = of_addresses.iter().map(|(address, said)| (address.as_str(), said));
        let all = [("", &profile.holdings.consents)].into_iter().chain(of_addresses);
        let told = all.flat_map(|(address, said)| {
            said.purposes.iter().map(move |(purpose, decisions)| {
                let said = decisions.standing();
                let said = said.map(|(granted, stamp)| (granted, stamp.origin.as_str(), seconds(&stamp.moment)));
                tell::decided(purpose, address, state(decisions.state()), said.collect())
            })
        });
        told.collect()
    }

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
            Action::Split => "split",
            Action::Moved => "moved",
            Action::Quarantined => "quarantined",
            Action::Released => "released",
            Action::Walled => "walled",
            Action::Unordered => "unordered",
            Action::Erased => "erased",
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

pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(value) => kith::client::json::number(*value),
        Value::Text(value) => value.as_str().into(),
        Value::Time(value) => value.to_string().into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Object(values) => values.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
    }
}

pub struct GrpcDoor {
    server: harness::Server,
    runtime: Runtime,
    _model: TempDir,
}

impl GrpcDoor {
    pub fn open(model: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("model.toml");
        std::fs::write(&file, model).unwrap();
        let server = harness::Setup::default().model(&file).arguments(&["--durability", "interval(1000)"]).start();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { server, runtime, _model: directory }
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
                Step::Correct { message_id, correction } => match correct(&client, message_id, correction, names).await
                {
                    Ok(receipt) => tell_wire_receipt(receipt, names),
                    Err(status) => format!("refused {}\n", status.message()),
                },
                Step::Erase { message_id, key, kind, suppress } => {
                    let (message_id, key, kind) = (message_id.clone(), names.key(key), kind.clone());
                    let request = v1::EraseRequest { key, kind, suppress: *suppress, message_id, dry_run: false };
                    match client.privacy().erase(request).await {
                        Ok(response) => {
                            let receipt = response.into_inner().receipt.unwrap();
                            let counts = [receipt.identifiers, receipt.links, receipt.events, receipt.fragments];
                            let landed = receipt.profiles.into_iter().map(|profile| (profile.kind, profile.profile_id));
                            tell_erasure(receipt.duplicate, landed.collect(), counts, names)
                        }
                        Err(status) => format!("refused {}\n", status.message()),
                    }
                }
                Step::Lookup { kind, keys, fields, purpose, channel } => {
                    let keys = keys.iter().map(|key| names.key(key)).collect();
                    let (kind, fields) = (kind.clone(), fields.clone());
                    let (purpose, channel) = (purpose.clone(), channel.clone());
                    let request = v1::LookupRequest { keys, fields, kind, purpose, channel, ..Default::default() };
                    let answer = client.lookup().lookup(request).await.unwrap().into_inner().answer.unwrap();
                    let values = answer.values;
                    let found = match (answer.shared_by, v1::Resolution::try_from(answer.resolution).unwrap()) {
                        (0, v1::Resolution::Erased) => "erased".to_owned(),
                        (0, _) => names.of(&answer.profile_id),
                        (people, _) => format!("shared by {people}"),
                    };
                    let fields = answer.states.into_iter().map(|(name, state)| {
                        let told = match v1::FieldState::try_from(state).unwrap() {
                            v1::FieldState::Present => tell_json(kith::client::json::value(&values[&name])),
                            v1::FieldState::NotSet => "not set".to_owned(),
                            v1::FieldState::Ambiguous => "ambiguous".to_owned(),
                            v1::FieldState::TooLarge => "too large".to_owned(),
                            state => panic!("a field of a lookup by names is {state:?}"),
                        };
                        (name, told)
                    });
                    let hushed = answer.hushed.into_iter().map(|v1::HushedTopic { topic, channel, until }| {
                        tell::hush(&topic, &channel, until.map(|until| wire_seconds(Some(until))), "")
                    });
                    let consents = answer.consents.into_iter().map(|consent| {
                        let state = wire_state(consent.state());
                        tell::consent(&Purpose { name: consent.purpose, channel: consent.channel }, state)
                    });
                    tell_answer(&found, fields.collect()) + &hushed.collect::<String>() + &consents.collect::<String>()
                }
                Step::View { name, keys, about, send } => {
                    views::through_grpc(&client, views::Asked { view: name, keys, about, send }, names).await
                }
                Step::Segment { name } => segments::through_grpc(&client, name, names).await,
                Step::Served { send, key } => views::served_through_grpc(&client, send, &names.key(key)).await,
                Step::WriteAndView { name, draft } => {
                    let lookup = Some(v1::LookupRequest { view: name.clone(), ..Default::default() });
                    let request = v1::WriteAndLookupRequest { fact: Some(wire_fact(draft.clone())), lookup };
                    match client.lookup().write_and_lookup(request).await {
                        Ok(response) => {
                            let v1::WriteAndLookupResponse { receipt, answer, token: _ } = response.into_inner();
                            let receipt = tell_wire_receipt(receipt.unwrap(), names);
                            receipt + &views::tell_wire_answer(name, answer.unwrap(), names)
                        }
                        Err(status) => format!("refused {}\n", status.message().trim_start_matches("fact.")),
                    }
                }
                Step::Profile { key, kind } => {
                    let (key, kind) = (names.key(key), kind.clone());
                    let request = v1::GetProfileRequest { key, kind, token: String::new() };
                    let response = match client.profile().get_profile(request).await {
                        Ok(response) => response,
                        Err(status) if status.message().ends_with("erased") => {
                            return format!("{}\n", status.message());
                        }
                        Err(_) => return "nobody\n".to_owned(),
                    };
                    let profile = response.into_inner().profile.unwrap();
                    let mut members: Vec<(String, bool)> =
                        profile.identifiers.into_iter().map(|member| (member.key, member.aliased)).collect();
                    members.sort();
                    let merges = profile.merges.into_iter();
                    let merges = merges.map(|merge| (merge.absorbed_profile_id, merge.survivor_profile_id));
                    let groups =
                        profile.groups.into_iter().map(|group| (group.key, group.role, wire_seconds(group.since)));
                    let groups = tell_groups(groups.collect(), profile.members.zip(profile.seats_used));
                    let hushes =
                        profile.hushes.into_iter().map(|v1::ProfileHush { topic, channel, until, provenance }| {
                            let until = until.map(|until| wire_seconds(Some(until)));
                            tell::hush(&topic, &channel, until, &provenance.unwrap().key)
                        });
                    let hushes: String = hushes.collect();
                    let consents: String = profile.consents.into_iter().map(wire_consent).collect();
                    tell_profile(&profile.profile_id, &members, merges.collect(), names) + &groups + &hushes + &consents
                }
                Step::Consents { key, kind } => {
                    let (key, kind) = (key.clone(), kind.clone());
                    let mut request = v1::ListConsentsRequest { key, kind, page_size: 1, page_token: String::new() };
                    let mut told = String::new();
                    loop {
                        let Ok(response) = client.profile().list_consents(request.clone()).await else {
                            return "nobody\n".to_owned();
                        };
                        let v1::ListConsentsResponse { changes, next_page_token } = response.into_inner();
                        for change in changes {
                            let v1::ConsentChange { purpose, channel, granted, address, provenance } = change;
                            let v1::Provenance { time, message_id, source: _, key } = provenance.unwrap();
                            let purpose = Purpose { name: purpose, channel };
                            told += &tell::change(granted, &purpose, &address, &key, wire_seconds(time), &message_id);
                        }
                        if next_page_token.is_empty() {
                            return told;
                        }
                        request.page_token = next_page_token;
                    }
                }
                Step::ModelDiff { file } => models::wire_diff(&client, file, names).await,
                Step::ModelApply { file } => models::wire_apply(&client, file).await,
                Step::Members { key, kind } => {
                    let mut members = Vec::new();
                    let (key, kind) = (key.clone(), kind.clone());
                    let mut request = v1::ListMembersRequest { key, kind, page_size: 1, page_token: String::new() };
                    loop {
                        let Ok(response) = client.profile().list_members(request.clone()).await else {
                            return "nobody\n".to_owned();
                        };
                        let v1::ListMembersResponse { members: page, next_page_token } = response.into_inner();
                        for v1::GroupMember { profile_id, role, since, group } in page {
                            members.push(tell_member(&profile_id, &role, wire_seconds(since), &group, names));
                        }
                        if next_page_token.is_empty() {
                            return tell_members(members);
                        }
                        request.page_token = next_page_token;
                    }
                }
            }
        })
    }
}

async fn correct(
    client: &Client,
    message_id: &str,
    correction: &Correct,
    names: &Names,
) -> Result<v1::Receipt, tonic::Status> {
    let (message_id, source) = (message_id.to_owned(), String::new());
    let mut identity = client.identity();
    let receipt = match correction {
        Correct::KeepApart { a, b, same_human } => {
            let (a, b, same_human) = (a.clone(), b.clone(), *same_human);
            let request = v1::KeepApartRequest { a, b, same_human, message_id, source };
            identity.keep_apart(request).await?.into_inner().receipt
        }
        Correct::Unlink { a, b } => {
            let request = v1::UnlinkRequest { a: a.clone(), b: b.clone(), message_id, source };
            identity.unlink(request).await?.into_inner().receipt
        }
        Correct::Undo { merge } => {
            let request = v1::UndoMergeRequest { merge_id: names.id(merge), dry_run: false, message_id, source };
            identity.undo_merge(request).await?.into_inner().receipt
        }
        Correct::Release { key } => {
            let request = v1::ReleaseQuarantineRequest { key: key.clone(), message_id, source };
            identity.release_quarantine(request).await?.into_inner().receipt
        }
    };
    Ok(receipt.unwrap())
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
        DraftBody::Group { key, traits, role, left } => {
            v1::fact::Body::Group(v1::Group { key, traits: Some(wire_values(&traits)), role, left })
        }
        DraftBody::Alias { previous } => v1::fact::Body::Alias(v1::Alias { previous }),
        DraftBody::Hush(hush::Saying { topic, channel, lift, until, cause }) => {
            v1::fact::Body::Hush(v1::Hush { topic, lift, until: until.map(wire_time), channel, cause })
        }
        DraftBody::Consent(consent::Saying { purpose, channel, granted, address }) => {
            v1::fact::Body::Consent(v1::Consent { purpose, channel, granted, address })
        }
    };
    v1::Fact { message_id, time: Some(wire_time(time.unwrap_or_default())), source, keys, body: Some(body) }
}

fn wire_consent(consent: v1::ProfileConsent) -> String {
    let state = wire_state(consent.state());
    let v1::ProfileConsent { purpose, channel, address, state: _, decisions } = consent;
    let said: Vec<(bool, v1::Provenance)> =
        decisions.into_iter().map(|decision| (decision.granted, decision.provenance.unwrap())).collect();
    let said = said.iter().map(|(granted, by)| (*granted, by.key.as_str(), wire_seconds(by.time))).collect();
    tell::decided(&Purpose { name: purpose, channel }, &address, state, said)
}

fn state(state: State) -> &'static str {
    match state {
        State::Granted => "granted",
        State::Denied => "denied",
        State::Unknown => "unknown",
    }
}

fn wire_state(state: v1::ConsentState) -> &'static str {
    match state {
        v1::ConsentState::Granted => "granted",
        v1::ConsentState::Denied => "denied",
        v1::ConsentState::Unknown => "unknown",
        v1::ConsentState::Unspecified => panic!("a consent without a state"),
    }
}

fn wire_time(time: Time) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: i64::try_from(in_seconds(time)).unwrap(), nanos: 0 }
}

fn wire_values(values: &Values) -> prost_types::Struct {
    use prost_types::value::Kind;
    let wire = |value: &Value| match value {
        Value::Null => Kind::NullValue(0),
        Value::Number(number) => Kind::NumberValue(*number),
        Value::Bool(value) => Kind::BoolValue(*value),
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

/// What an erasure took away: how many identifiers, links, events and fragments.
fn tell_erasure(duplicate: bool, people: Vec<(String, String)>, counts: [u64; 4], names: &mut Names) -> String {
    let [identifiers, links, events, fragments] = counts;
    let people: Vec<String> = people.iter().map(|(kind, id)| format!("{kind} {}", names.of(id))).collect();
    let again = if duplicate { "seen before; " } else { "" };
    format!(
        "{again}erased {}: {identifiers} identifiers, {links} links, {events} events, {fragments} fragments\n",
        people.join(", ")
    )
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

fn tell_answer(found: &str, mut fields: Vec<(String, String)>) -> String {
    fields.sort();
    let mut told = format!("{found}\n");
    for (name, value) in fields {
        told.push_str(&format!("  {name} = {value}\n"));
    }
    told
}

/// As JSON; whole numbers without their fraction, which only one of the doors writes.
pub(super) fn tell_json(value: Json) -> String {
    value.as_f64().map_or_else(|| value.to_string(), |number| number.to_string())
}

fn seconds(moment: &Moment) -> u64 {
    in_seconds(moment.time)
}

fn in_seconds(time: Time) -> u64 {
    time.micros() / 1_000_000
}

fn wire_seconds(time: Option<prost_types::Timestamp>) -> u64 {
    time.unwrap().seconds.try_into().unwrap()
}

fn as_role(role: &str) -> String {
    if role.is_empty() { String::new() } else { format!(" as {role}") }
}

/// The groups of a profile, in the order of their names, and what its members come to.
fn tell_groups(mut groups: Vec<(String, String, u64)>, figures: Option<(u32, u32)>) -> String {
    groups.sort();
    let groups = groups.iter().map(|(group, role, since)| format!("  in {group}{} since {since}\n", as_role(role)));
    let figures = figures.iter().map(|(members, seats)| format!("  members {members}, seats used {seats}\n"));
    groups.chain(figures).collect()
}

fn tell_member(profile: &str, role: &str, since: u64, group: &str, names: &mut Names) -> String {
    format!("{}{} since {since} in {group}\n", names.of(profile), as_role(role))
}

/// The members by their names, because the order of their ids is not the same through both doors.
fn tell_members(mut members: Vec<String>) -> String {
    members.sort();
    if members.is_empty() { "no members\n".to_owned() } else { members.concat() }
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
