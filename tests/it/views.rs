//! Lookups by a view over the wire and from the command line. What views answer is told by the golden scripts.

use std::path::PathBuf;

use kith::client::Client;
use kith::proto::v1::{Answer, BatchLookupRequest, ErrorReason, FieldState, LookupRequest, StreamLookupRequest};
use serde_json::{Value as Json, json};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::harness::{MODEL, Server, Setup, asking, fact, kith, repository, run, values, write};

fn model() -> PathBuf {
    repository("tests/golden/models/views.toml")
}

fn serve() -> Server {
    Setup::default().model(&model()).start()
}

fn through(view: &str) -> LookupRequest {
    LookupRequest { view: view.to_owned(), ..asking(&["user_id:u1"], &[]) }
}

async fn introduce(client: &Client, name: &str) {
    let traits = json!({"type": "identify", "messageId": "m1", "userId": "u1", "traits": {"first_name": name}});
    write(client, fact(traits)).await;
}

async fn ask(client: &Client, request: LookupRequest) -> Answer {
    client.lookup().lookup(request).await.unwrap().into_inner().answer.unwrap()
}

#[tokio::test]
async fn texts_have_twins_for_html_where_they_are_asked_for() {
    let server = serve();
    let client = server.client().await;
    introduce(&client, "Ann O'Neill & Söhne").await;
    let twin = |answer: &Answer, field: &str| answer.info[field].html.clone();
    let answer = ask(&client, LookupRequest { html: true, ..through("newsletter") }).await;
    assert_eq!(values(&answer)["greeting"], "Ann O'Neill & Söhne");
    assert_eq!(twin(&answer, "greeting"), "Ann O&#39;Neill &amp; Söhne");
    assert_eq!(twin(&answer, "hour"), "", "a number has no twin");
    assert_eq!(twin(&ask(&client, through("newsletter")).await, "greeting"), "");
    let batch = BatchLookupRequest {
        keys: vec!["user_id:u1".into(), "nonsense".into(), "user_id:nobody".into()],
        view: "newsletter@2".into(),
        html: true,
        ..Default::default()
    };
    let answers = client.lookup().batch_lookup(batch).await.unwrap().into_inner().answers;
    // It may be kept for a day from the moment of asking.
    let cache_until = answer.cache_until;
    assert_eq!(Answer { cache_until, ..answers[0].clone() }, answer);
    assert_eq!(answers[1].error.as_ref().unwrap().reason(), ErrorReason::MalformedKey);
    assert_eq!((twin(&answers[2], "greeting").as_str(), answers[2].renderable), ("there", true));
}

#[tokio::test]
async fn a_request_that_fits_no_view_is_refused_with_its_field() {
    let server = serve();
    let client = server.client().await;
    for (request, field, reason) in [
        (through("newslettre"), "view", "UNKNOWN_VIEW"),
        (through("newsletter@3"), "view", "UNKNOWN_VIEW"),
        (through("newsletter@"), "view", "UNKNOWN_VIEW"),
        (through("@1"), "view", "UNKNOWN_VIEW"),
        (LookupRequest { fields: vec!["city".into()], ..through("newsletter") }, "fields", "BAD_VALUE"),
        (LookupRequest { kind: "account".into(), ..through("newsletter") }, "kind", "BAD_VALUE"),
        (LookupRequest { keys: vec!["account_id:a".into()], ..through("newsletter") }, "keys[0]", "UNKNOWN_TYPE"),
    ] {
        let status = client.lookup().lookup(request).await.unwrap_err();
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().reason, format!("ERROR_REASON_{reason}"), "{status:?}");
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    ask(&client, LookupRequest { kind: "person".into(), ..through("newsletter") }).await;
    let by_account = LookupRequest { keys: vec!["account_id:a".into()], ..through("account") };
    assert!(ask(&client, by_account).await.renderable);
}

#[tokio::test]
async fn a_stream_inherits_a_view_until_it_asks_for_fields() {
    let server = serve();
    let client = server.client().await;
    introduce(&client, "Joe").await;
    let next = |view: &str, fields: &[&str], kind: &str| StreamLookupRequest {
        keys: vec!["user_id:u1".to_owned()],
        fields: fields.iter().map(ToString::to_string).collect(),
        view: view.to_owned(),
        kind: kind.to_owned(),
        ..Default::default()
    };
    let requests = [
        (next("newsletter@1", &[], ""), Ok((1, vec!["greeting"]))),
        (next("", &[], ""), Ok((1, vec!["greeting"]))),
        (next("newslettre", &[], ""), Err(ErrorReason::UnknownView)),
        (next("letter", &["city"], ""), Err(ErrorReason::BadValue)),
        (next("", &[], "account"), Err(ErrorReason::BadValue)),
        (next("", &[], ""), Ok((1, vec!["greeting"]))),
        (next("", &["first_name"], ""), Ok((0, vec!["first_name"]))),
        (next("", &[], ""), Ok((0, vec!["first_name"]))),
        (next("letter", &[], ""), Ok((1, vec!["city", "greeting"]))),
    ];
    let (requests, expected): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    let mut answers = client.lookup().stream_lookup(tokio_stream::iter(requests)).await.unwrap().into_inner();
    for (number, expected) in expected.into_iter().enumerate() {
        let Answer { error, view_version, states, .. } = answers.message().await.unwrap().unwrap().answer.unwrap();
        let answered = match &error {
            Some(error) => Err(error.reason()),
            None => Ok((view_version, states.keys().map(String::as_str).collect::<Vec<_>>())),
        };
        assert_eq!(answered, expected, "message {number}");
    }
}

#[tokio::test]
async fn views_change_while_facts_are_stored() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("model.toml");
    let data = directory.path().join("data");
    let serve = |views: &str| {
        std::fs::write(&file, format!("{MODEL}\n[attributes.person]\nfirst_name = \"text\"\n{views}")).unwrap();
        Setup::default().data(&data).model(&file).start()
    };
    let hello = |version: u32, from: &str| {
        format!("[[views.hello]]\nversion = {version}\n[views.hello.fields.name]\nfrom = [{from}]\ndefault = 'you'\n")
    };
    let server = serve(&hello(1, "'first_name'"));
    introduce(&server.client().await, "Joe").await;
    server.stop().await;

    let server = serve(&format!("{}{}", hello(2, ""), hello(1, "'first_name'")));
    let client = server.client().await;
    assert_eq!(values(&ask(&client, through("hello")).await), json!({"name": "you"}));
    assert_eq!(values(&ask(&client, through("hello@1")).await), json!({"name": "Joe"}));
    server.stop().await;

    let server = serve(&hello(2, ""));
    let client = server.client().await;
    assert_eq!(client.lookup().lookup(through("hello@1")).await.unwrap_err().code(), Code::InvalidArgument);
}

#[test]
fn the_linter_marks_every_mistake() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wrong.toml");
    let sound = std::fs::read_to_string(model()).unwrap();
    let wrong = sound
        .replace("\"nickname\", \"first_name\"", "\"nickmame\", \"first_name\"")
        .replace("default = 9", "default = '9'");
    std::fs::write(&file, wrong).unwrap();
    let check = |arguments: &[&str]| {
        let mut command = kith();
        command.args(["model", "check", file.to_str().unwrap()]).args(arguments);
        let output = run(command, "");
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, _, told) = check(&[]);
    assert_eq!(code, Some(3));
    for part in [
        "wrong.toml:50:9: views.newsletter[1].fields.greeting.from[0]",
        "^^^^^^^^^^ did you mean `nickname`?",
        "is not number",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let (code, told, _) = check(&["--json"]);
    let told: Json = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (code, &told["findings"][0]["suggestion"], &told["findings"][1]["line"]),
        (Some(3), &json!("nickname"), &json!(62))
    );

    std::fs::write(&file, format!("{sound}#{}", "x".repeat(10 * 1024 * 1024))).unwrap();
    let (code, _, told) = check(&[]);
    assert_eq!(code, Some(3));
    assert!(told.contains("is larger than 1048576 bytes"), "{told}");
}

#[tokio::test]
async fn the_command_line_looks_up_by_a_view() {
    let server = serve();
    introduce(&server.client().await, "N/A").await;
    let ask = |arguments: &[&str]| {
        let output = run(server.kith(arguments), "");
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = ask(&["lookup", "user_id:u1", "--view", "newsletter"]);
    for part in ["view_version  2", "renderable    true", "DEFAULTED", "REJECTED", "there"] {
        assert!(code == 0 && told.contains(part), "{part} in {told}");
    }
    let (_, told) = ask(&["lookup", "user_id:u1", "user_id:u2", "--view", "newsletter"]);
    assert!(told.lines().next().unwrap().contains("greeting") && told.matches("there").count() == 2, "{told}");
    let (code, told) = ask(&["lookup", "user_id:nobody", "--view", "newsletter@1", "--html", "--json"]);
    let told: Json = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["answer"]["info"]["greeting"]["html"]), (4, &json!("there")));
    assert_eq!(ask(&["lookup", "user_id:u1", "--view", "newsletter", "--fields", "city"]).0, 2);
    assert_eq!(ask(&["lookup", "user_id:u1", "--html"]).0, 2);
    assert_eq!(told["answer"]["states"]["greeting"], FieldState::Defaulted.as_str_name());
}
