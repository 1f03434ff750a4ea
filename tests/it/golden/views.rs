//! What a view answers, through both doors. Each door also asks by a batch, and gRPC by a stream, and is told the same.

use std::collections::BTreeMap;

use kith::client::{Client, json};
use kith::domain::answer::{self, Answer, Resolution, Wanted};
use kith::domain::ids::WorkspaceId;
use kith::domain::key::Key;
use kith::domain::model::Model;
use kith::domain::served::{Kept, SendId, Served};
use kith::domain::view::{About, Reason, Shown, Viewed};
use kith::engine::{Engine, Error, Occasion, Sent, Tier};
use kith::proto::v1;
use kith::server;
use tokio::runtime::Runtime;

use super::Names;
use super::doors::{json as plain, tell_json};

/// What a field of a view is told by; `as_of` in seconds.
struct Told {
    value: Option<String>,
    state: String,
    because: String,
    rung: Option<u32>,
    as_of: Option<u64>,
    scope: String,
}

/// What a step asks of a view.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub view: &'a str,
    pub keys: &'a [String],
    pub about: &'a [String],
    pub send: &'a str,
}

/// What is asked, and in which workspace.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub engine: &'a Engine,
    pub workspace: WorkspaceId,
    pub model: &'a Model,
}

impl Subject<'_> {
    /// Looks up for a send, and once more if the answer had to be kept first.
    fn sent(
        self,
        runtime: &Runtime,
        keys: &[(usize, Key)],
        occasion: Occasion<'_>,
        send: &str,
    ) -> Result<Answer, Error> {
        let Self { engine, workspace, model: _ } = self;
        let send = SendId::parse(send)?;
        match engine.lookup_sent(workspace, keys, occasion, &send, Tier::Disk)? {
            Sent::Done(answer) => Ok(answer),
            Sent::First(first, serving) => {
                let kept = runtime.block_on(engine.serve(workspace, vec![*serving], occasion.now))?;
                let [Kept::Since(at)] = kept.as_slice() else { panic!("it is {kept:?}") };
                let Sent::Done(answer) = engine.lookup_sent(workspace, keys, occasion, &send, Tier::Disk)? else {
                    panic!("nothing was kept");
                };
                let viewed = first.viewed.clone().map(|viewed| Viewed { pinned_at: Some(*at), ..viewed });
                assert_eq!(answer, Answer { viewed, ..first }, "what is kept is not what was answered");
                Ok(answer)
            }
        }
    }
}

pub fn on_engine(subject: Subject<'_>, runtime: &Runtime, asked: Asked<'_>, names: &mut Names) -> String {
    let Subject { engine, workspace, model } = subject;
    let Asked { view, keys, about, send } = asked;
    let keys: Vec<String> = keys.iter().map(|key| names.key(key)).collect();
    let about = About::parse(about.to_vec()).unwrap();
    let wanted = match Wanted::view(view, "", about.clone(), model) {
        Ok(wanted) => wanted,
        Err(invalid) => return format!("refused {}: {}\n", invalid.field, invalid.text),
    };
    let view = model.view(view).unwrap();
    let keys = answer::keys(&keys, wanted.kind, model).unwrap();
    let occasion = Occasion { view, about: &about, now: server::now() };
    let answer = match send {
        "" => engine.lookup(workspace, &keys, occasion, Tier::Disk).unwrap(),
        send => match subject.sent(runtime, &keys, occasion, send) {
            Ok(answer) => answer,
            Err(error) => return format!("refused {error}\n"),
        },
    };
    if let ([(_, key)], "") = (keys.as_slice(), send) {
        let batch = engine.lookup_batch(workspace, &[key.clone(), key.clone()], occasion);
        let expected = [answer.clone(), Answer { key: 1, ..answer.clone() }];
        assert_eq!(batch.map_err(|error: Error| error.to_string()), Ok(expected.to_vec()), "a batch answers otherwise");
    }
    let viewed = answer.viewed.unwrap();
    let found = match answer.resolution {
        Resolution::Found(id) => names.of(&id.to_string()),
        Resolution::Shared { people } => format!("shared by {people}"),
        Resolution::NotFound => names.of(""),
        Resolution::Erased => "erased".to_owned(),
    };
    let name = format!("{}@{}", view.name, viewed.version);
    let reasons = viewed.reasons.into_iter();
    let reasons = reasons
        .map(|Reason { code, decision: _, hold, topic }| format!("{} {hold}{topic}", words(&format!("{code:?}"))));
    let decision = words(&format!("{:?}", viewed.decision));
    assert!(viewed.cache_until.is_none() || decision == "send", "only what is sent is kept");
    let decided = decided(&decision, reasons);
    let decided = if viewed.pinned_at.is_some() { format!(", pinned{decided}") } else { decided };
    tell(&found, &name, viewed.renderable, &decided, fields_of(viewed.fields))
}

pub fn served_on_engine(Subject { engine, workspace, model }: Subject<'_>, send: &str, key: &str) -> String {
    let (send, key) = (SendId::parse(send).unwrap(), Key::parse(key, "key", model).unwrap());
    match engine.served(workspace, &key, &send, server::now()).unwrap() {
        Some(Served { view, version, renderable, fields, .. }) => {
            tell("served", &format!("{view}@{version}"), renderable, "", fields_of(fields))
        }
        None => "nothing was served\n".to_owned(),
    }
}

fn fields_of(fields: Vec<Shown>) -> Vec<(String, Told)> {
    let told = fields.into_iter().map(|Shown { name, value, state, because, rung, as_of, scope }| {
        let told = Told {
            value: value.map(|value| tell_json(plain(&value))),
            state: words(&format!("{state:?}")),
            because: because.map(|state| words(&format!("{state:?}"))).unwrap_or_default(),
            rung: rung.map(|rung| rung.try_into().unwrap()),
            as_of: as_of.map(|time| time.micros() / 1_000_000),
            scope: scope.to_string(),
        };
        (name.to_string(), told)
    });
    told.collect()
}

/// What is decided, in words, with the reasons.
fn decided(decision: &str, reasons: impl Iterator<Item = String>) -> String {
    let reasons: Vec<String> = reasons.map(|reason| reason.trim().to_owned()).collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
    format!(", {decision}{reasons}")
}

/// The same at another moment: that of `cache_until` is one day after that of asking.
fn whenever(answer: v1::Answer) -> v1::Answer {
    let sent = answer.send_decision() == v1::SendDecision::Send;
    assert!(sent || answer.cache_until.is_none(), "only what is sent is kept");
    v1::Answer { cache_until: None, ..answer }
}

pub async fn through_grpc(client: &Client, asked: Asked<'_>, names: &mut Names) -> String {
    let Asked { view, keys, about, send } = asked;
    let keys: Vec<String> = keys.iter().map(|key| names.key(key)).collect();
    let request = v1::LookupRequest {
        keys: keys.clone(),
        view: view.to_owned(),
        about: about.to_vec(),
        send_id: send.to_owned(),
        ..Default::default()
    };
    let answer = match client.lookup().lookup(request.clone()).await {
        Ok(response) => whenever(response.into_inner().answer.unwrap()),
        Err(status) => return format!("refused {}\n", status.message()),
    };
    let v1::LookupRequest { keys, view: view_name, about, send_id, .. } = request;
    let streamed = v1::StreamLookupRequest {
        keys: keys.clone(),
        view: view_name.clone(),
        about: about.clone(),
        send_id: send_id.clone(),
        ..Default::default()
    };
    let mut stream = client.lookup().stream_lookup(tokio_stream::iter([streamed])).await.unwrap().into_inner();
    let streamed = stream.message().await.unwrap().unwrap().answer.map(whenever);
    assert_eq!(streamed.as_ref(), Some(&answer), "a stream answers otherwise");
    if let [_] = keys.as_slice() {
        let batch = v1::BatchLookupRequest { keys, view: view_name, about, send_id, ..Default::default() };
        let answers = client.lookup().batch_lookup(batch).await.unwrap().into_inner().answers;
        let answers: Vec<v1::Answer> = answers.into_iter().map(whenever).collect();
        assert_eq!(answers.as_slice(), std::slice::from_ref(&answer), "a batch answers otherwise");
    }
    tell_wire_answer(view, answer, names)
}

pub fn tell_wire_answer(view: &str, answer: v1::Answer, names: &mut Names) -> String {
    let resolution = answer.resolution();
    let decision = answer.send_decision().as_str_name().trim_start_matches("SEND_DECISION_").to_lowercase();
    let reasons = answer.send_reasons.iter().map(|reason| {
        let code = reason.code().as_str_name().trim_start_matches("SEND_REASON_CODE_").to_lowercase();
        format!("{} {}{}", code.replace('_', " "), reason.hold, reason.topic)
    });
    let decided = decided(&decision, reasons);
    let v1::Answer { profile_id, values, states, shared_by, info, renderable, view_version, pinned_at, .. } = answer;
    let found = match resolution {
        v1::Resolution::Shared => format!("shared by {shared_by}"),
        v1::Resolution::Erased => "erased".to_owned(),
        _ => names.of(&profile_id),
    };
    let name = format!("{}@{view_version}", view.split('@').next().unwrap());
    let decided = if pinned_at.is_some() { format!(", pinned{decided}") } else { decided };
    tell(&found, &name, renderable, &decided, wire_fields(&values, states, info))
}

pub async fn served_through_grpc(client: &Client, send: &str, key: &str) -> String {
    let request = v1::GetServedRequest { send_id: send.to_owned(), key: key.to_owned() };
    let Ok(response) = client.lookup().get_served(request).await else { return "nothing was served\n".to_owned() };
    let v1::ServedAnswer { view, view_version, renderable, values, states, info, served_at, pinned_until, .. } =
        response.into_inner().served.unwrap();
    assert_eq!(pinned_until.unwrap().seconds - served_at.unwrap().seconds, 24 * 60 * 60);
    tell("served", &format!("{view}@{view_version}"), renderable, "", wire_fields(&values, states, info))
}

fn wire_fields(
    values: &BTreeMap<String, prost_types::Value>,
    states: BTreeMap<String, i32>,
    mut info: BTreeMap<String, v1::FieldInfo>,
) -> Vec<(String, Told)> {
    let fields = states.into_iter().map(|(name, state)| {
        let v1::FieldInfo { rung, because, as_of, scope, html } = info.remove(&name).unwrap();
        assert_eq!(html, "", "nobody asked for HTML");
        let told = Told {
            value: values.get(&name).map(|value| tell_json(json::value(value))),
            state: state_words(state),
            because: state_words(because),
            rung,
            as_of: as_of.map(|time| time.seconds.try_into().unwrap()),
            scope,
        };
        (name, told)
    });
    fields.collect()
}

fn state_words(state: i32) -> String {
    let name = v1::FieldState::try_from(state).unwrap().as_str_name().trim_start_matches("FIELD_STATE_");
    if name == "UNSPECIFIED" { String::new() } else { name.to_lowercase().replace('_', " ") }
}

/// `NotSet` as `not set`.
fn words(name: &str) -> String {
    let spaced = name.chars().flat_map(|c| c.is_uppercase().then_some(' ').into_iter().chain(c.to_lowercase()));
    spaced.collect::<String>().trim().to_owned()
}

fn tell(found: &str, view: &str, renderable: bool, decided: &str, fields: Vec<(String, Told)>) -> String {
    let renderable = if renderable { "renderable" } else { "not renderable" };
    let mut told = format!("{found} {view} {renderable}{decided}\n");
    for (name, Told { value, state, because, rung, as_of, scope }) in fields {
        let value = value.map(|value| format!(" = {value}")).unwrap_or_default();
        let rung = rung.map(|rung| format!(", rung {rung}")).unwrap_or_default();
        let scope = if scope.is_empty() { scope } else { format!(" of {scope}") };
        let as_of = as_of.map(time).unwrap_or_default();
        let because = if because.is_empty() { because } else { format!(", because {because}") };
        told.push_str(&format!("  {name}{value} ({state}{rung}{scope}{as_of}{because})\n"));
    }
    told
}

/// Times that a script did not fix are those of `@+n`.
fn time(seconds: u64) -> String {
    if seconds > 1_000_000_000 { " as of today".to_owned() } else { format!(" as of {seconds}") }
}
