//! What a view answers, through both doors. Each door also asks by a batch, and gRPC by a stream, and is told the same.

use kith::client::{Client, json};
use kith::domain::answer::{self, Answer, Resolution, Wanted};
use kith::domain::ids::WorkspaceId;
use kith::domain::model::Model;
use kith::domain::view::Shown;
use kith::engine::{Engine, Error, Tier};
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

pub fn on_engine(
    engine: &Engine,
    workspace: WorkspaceId,
    model: &Model,
    view: &str,
    keys: &[String],
    names: &mut Names,
) -> String {
    let wanted = match Wanted::view(view, "", model) {
        Ok(wanted) => wanted,
        Err(invalid) => return format!("refused {}: {}\n", invalid.field, invalid.text),
    };
    let view = model.view(view).unwrap();
    let keys = answer::keys(keys, wanted.kind, model).unwrap();
    let now = server::now();
    let answer = engine.lookup_view(workspace, &keys, view, now, Tier::Disk).unwrap();
    if let [(_, key)] = keys.as_slice() {
        let batch = engine.lookup_batch_view(workspace, &[key.clone(), key.clone()], view, now);
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
    tell(&found, &view.full_name(), viewed.renderable, fields.collect())
}

pub async fn through_grpc(client: &Client, view: &str, keys: &[String], names: &mut Names) -> String {
    let request = v1::LookupRequest { keys: keys.to_vec(), view: view.to_owned(), ..Default::default() };
    let answer = match client.lookup().lookup(request).await {
        Ok(response) => response.into_inner().answer.unwrap(),
        Err(status) => return format!("refused {}\n", status.message()),
    };
    let streamed = v1::StreamLookupRequest { keys: keys.to_vec(), view: view.to_owned(), ..Default::default() };
    let mut stream = client.lookup().stream_lookup(tokio_stream::iter([streamed])).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().answer.as_ref(), Some(&answer), "a stream answers otherwise");
    if let [_] = keys {
        let batch = v1::BatchLookupRequest { keys: keys.to_vec(), view: view.to_owned(), ..Default::default() };
        let answers = client.lookup().batch_lookup(batch).await.unwrap().into_inner().answers;
        assert_eq!(answers.as_slice(), std::slice::from_ref(&answer), "a batch answers otherwise");
    }
    let v1::Answer { profile_id, values, states, shared_by, mut info, renderable, view_version, .. } = answer;
    let found = if shared_by == 0 { names.of(&profile_id) } else { format!("shared by {shared_by}") };
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
    tell(&found, &format!("{name}@{view_version}"), renderable, fields.collect())
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

fn tell(found: &str, view: &str, renderable: bool, fields: Vec<(String, Told)>) -> String {
    let renderable = if renderable { "renderable" } else { "not renderable" };
    let mut told = format!("{found} {view} {renderable}\n");
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
