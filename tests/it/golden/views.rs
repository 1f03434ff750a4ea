//! What a view answers, through both doors. Each door also asks by a batch, and gRPC by a stream, and is told the same.

use kith::client::{Client, json};
use kith::domain::answer::{self, Answer, Resolution, Wanted};
use kith::domain::ids::WorkspaceId;
use kith::domain::model::Model;
use kith::domain::view::{About, Reason, Shown};
use kith::engine::{Engine, Error, Occasion, Tier};
use kith::proto::v1;
use kith::server;

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
}

pub fn on_engine(
    engine: &Engine,
    workspace: WorkspaceId,
    model: &Model,
    Asked { view, keys, about }: Asked<'_>,
    names: &mut Names,
) -> String {
    let about = About::parse(about.to_vec()).unwrap();
    let wanted = match Wanted::view(view, "", about.clone(), model) {
        Ok(wanted) => wanted,
        Err(invalid) => return format!("refused {}: {}\n", invalid.field, invalid.text),
    };
    let view = model.view(view).unwrap();
    let keys = answer::keys(keys, wanted.kind, model).unwrap();
    let occasion = Occasion { view, about: &about, now: server::now() };
    let answer = engine.lookup_view(workspace, &keys, occasion, Tier::Disk).unwrap();
    if let [(_, key)] = keys.as_slice() {
        let batch = engine.lookup_batch_view(workspace, &[key.clone(), key.clone()], occasion);
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
    let fields = viewed.fields.into_iter().map(|Shown { name, value, state, because, rung, as_of, scope }| {
        let told = Told {
            value: value.map(|value| tell_json(plain(&value))),
            state: words(&format!("{state:?}")),
            because: because.map(|state| words(&format!("{state:?}"))).unwrap_or_default(),
            rung: rung.map(|rung| rung.try_into().unwrap()),
            as_of: as_of.map(|time| time.micros() / 1_000_000),
            scope,
        };
        (name, told)
    });
    let reasons = viewed
        .reasons
        .into_iter()
        .map(|Reason { code, decision: _, hold, topic }| format!("{} {hold}{topic}", words(&format!("{code:?}"))));
    let decision = words(&format!("{:?}", viewed.decision));
    assert!(viewed.cache_until.is_none() || decision == "send", "only what is sent is kept");
    let head = tell_head(&found, &view.full_name(), viewed.renderable, &decision, reasons.collect());
    tell(head, fields.collect())
}

/// The same at another moment: that of `cache_until` is one day after that of asking.
fn whenever(answer: v1::Answer) -> v1::Answer {
    let sent = answer.send_decision() == v1::SendDecision::Send;
    assert!(sent || answer.cache_until.is_none(), "only what is sent is kept");
    v1::Answer { cache_until: None, ..answer }
}

pub async fn through_grpc(client: &Client, asked: Asked<'_>, names: &mut Names) -> String {
    let Asked { view, keys, about } = asked;
    let (asked_keys, view_name, about) = (keys.to_vec(), view.to_owned(), about.to_vec());
    let request =
        v1::LookupRequest { keys: asked_keys, view: view_name.clone(), about: about.clone(), ..Default::default() };
    let answer = match client.lookup().lookup(request).await {
        Ok(response) => whenever(response.into_inner().answer.unwrap()),
        Err(status) => return format!("refused {}\n", status.message()),
    };
    let (asked_keys, asked_about) = (keys.to_vec(), about.clone());
    let streamed =
        v1::StreamLookupRequest { keys: asked_keys, view: view_name.clone(), about: asked_about, ..Default::default() };
    let mut stream = client.lookup().stream_lookup(tokio_stream::iter([streamed])).await.unwrap().into_inner();
    let streamed = stream.message().await.unwrap().unwrap().answer.map(whenever);
    assert_eq!(streamed.as_ref(), Some(&answer), "a stream answers otherwise");
    if let [_] = keys {
        let batch = v1::BatchLookupRequest { keys: keys.to_vec(), view: view_name, about, ..Default::default() };
        let answers = client.lookup().batch_lookup(batch).await.unwrap().into_inner().answers;
        let answers: Vec<v1::Answer> = answers.into_iter().map(whenever).collect();
        assert_eq!(answers.as_slice(), std::slice::from_ref(&answer), "a batch answers otherwise");
    }
    let resolution = answer.resolution();
    let decision = answer.send_decision().as_str_name().trim_start_matches("SEND_DECISION_").to_lowercase();
    let v1::Answer { profile_id, values, states, shared_by, mut info, renderable, view_version, .. } = answer;
    let reasons = answer.send_reasons.iter().map(|reason| {
        let code = reason.code().as_str_name().trim_start_matches("SEND_REASON_CODE_").to_lowercase();
        format!("{} {}{}", code.replace('_', " "), reason.hold, reason.topic)
    });
    let reasons = reasons.collect();
    let found = match resolution {
        v1::Resolution::Shared => format!("shared by {shared_by}"),
        v1::Resolution::Erased => "erased".to_owned(),
        _ => names.of(&profile_id),
    };
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
    let name = view.split('@').next().unwrap();
    let fields = fields.collect();
    tell(tell_head(&found, &format!("{name}@{view_version}"), renderable, &decision, reasons), fields)
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

fn tell_head(found: &str, view: &str, renderable: bool, decision: &str, reasons: Vec<String>) -> String {
    let renderable = if renderable { "renderable" } else { "not renderable" };
    let reasons: Vec<&str> = reasons.iter().map(|reason| reason.trim()).collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
    format!("{found} {view} {renderable}, {decision}{reasons}\n")
}

fn tell(mut told: String, fields: Vec<(String, Told)>) -> String {
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
