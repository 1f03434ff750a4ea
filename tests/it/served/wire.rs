//! Sends over the wire and from the command line: what is refused, who may ask, and what a crash leaves.

use kith::client::Client;
use kith::proto::v1::{
    Answer, BatchLookupRequest, CreateKeyRequest, ErrorReason, GetServedRequest, LookupRequest, Resolution, Scope,
    StreamLookupRequest, WriteAndLookupRequest, WriteAndLookupResponse,
};
use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{Server, Setup, asking, fact, lookup, repository, run, values, write};

fn serve() -> Server {
    Setup::default().model(&repository("tests/golden/models/views.toml")).start()
}

fn sending(key: &str, send: &str) -> LookupRequest {
    LookupRequest { view: "newsletter".to_owned(), send_id: send.to_owned(), ..asking(&[key], &[]) }
}

async fn name(client: &Client, message_id: &str, user: &str, name: &str) {
    let message = json!({"type": "identify", "messageId": message_id, "userId": user, "traits": {"first_name": name}});
    write(client, fact(message)).await;
}

async fn ask(client: &Client, request: LookupRequest) -> Result<Answer, Status> {
    Ok(client.lookup().lookup(request).await?.into_inner().answer.unwrap())
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, reason: &str) -> String {
    let status = result.unwrap_err();
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, format!("ERROR_REASON_{reason}"), "{status:?}");
    assert_eq!(status.code(), code);
    details.bad_request().map(|bad| bad.field_violations[0].field.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_send_that_is_wrong_is_refused_with_its_field() {
    let server = serve();
    let client = server.client().await;
    let sends = [("a\nb".to_owned(), "BAD_VALUE"), ("x".repeat(129), "TOO_LARGE")];
    for (send, reason) in &sends {
        let field = refused(ask(&client, sending("user_id:u1", send)).await, Code::InvalidArgument, reason);
        assert_eq!(field, "send_id");
        let served = GetServedRequest { send_id: send.clone(), key: "user_id:u1".into() };
        let refusal = client.lookup().get_served(served).await;
        assert_eq!(refused(refusal, Code::InvalidArgument, reason), "send_id");
    }
    let no_view = LookupRequest { view: String::new(), ..sending("user_id:u1", "s") };
    assert_eq!(refused(ask(&client, no_view).await, Code::InvalidArgument, "BAD_VALUE"), "send_id");
    let batch = BatchLookupRequest { keys: vec!["user_id:u1".into()], send_id: "s".into(), ..Default::default() };
    let refusal = client.lookup().batch_lookup(batch).await;
    assert_eq!(refused(refusal, Code::InvalidArgument, "BAD_VALUE"), "send_id");
    for (served, reason, field) in [
        (GetServedRequest { send_id: String::new(), key: "user_id:u1".into() }, "MISSING", "send_id"),
        (GetServedRequest { send_id: "s".into(), key: "nonsense".into() }, "MALFORMED_KEY", "key"),
    ] {
        assert_eq!(refused(client.lookup().get_served(served).await, Code::InvalidArgument, reason), field);
    }
    let unknown = GetServedRequest { send_id: "s".into(), key: "user_id:u1".into() };
    refused(client.lookup().get_served(unknown).await, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn in_a_batch_and_a_stream_a_conflict_is_said_in_its_place() {
    let server = serve();
    let client = server.client().await;
    name(&client, "m1", "u1", "Joe").await;
    ask(&client, LookupRequest { view: "page".into(), ..sending("user_id:u2", "s") }).await.unwrap();
    let keys: Vec<String> = ["user_id:u1", "user_id:u2", "nonsense", "user_id:u1", "user_id:u3"].map(Into::into).into();
    let batch =
        BatchLookupRequest { keys: keys.clone(), view: "newsletter".into(), send_id: "s".into(), ..Default::default() };
    let answers = client.lookup().batch_lookup(batch).await.unwrap().into_inner().answers;
    let reasons: Vec<_> = answers.iter().map(|answer| answer.error.as_ref().map(|error| error.reason())).collect();
    let expected = [None, Some(ErrorReason::Conflict), Some(ErrorReason::MalformedKey), None, None];
    assert_eq!(reasons, expected);
    let of_one = [0, 3].map(|at: usize| Answer { cache_until: None, ..answers[at].clone() });
    assert_eq!((&of_one[0], values(&of_one[0])["greeting"].clone()), (&of_one[1], json!("Joe")));
    assert!(answers[0].pinned_at.is_some() && answers[4].pinned_at.is_some());

    let next = |key: &String| StreamLookupRequest {
        keys: vec![key.clone()],
        view: "newsletter".into(),
        send_id: "s".into(),
        ..Default::default()
    };
    let requests: Vec<_> = keys.iter().map(next).collect();
    let mut stream = client.lookup().stream_lookup(tokio_stream::iter(requests)).await.unwrap().into_inner();
    for expected in answers {
        let answer = stream.message().await.unwrap().unwrap().answer.unwrap();
        assert_eq!(answer.values, expected.values);
        assert_eq!(answer.error.map(|error| error.reason()), expected.error.map(|error| error.reason()));
    }
}

#[tokio::test]
async fn what_was_told_is_told_again_after_a_crash() {
    let directory = tempfile::tempdir().unwrap();
    let start = || {
        let model = repository("tests/golden/models/views.toml");
        Setup::default().data(directory.path()).model(&model).start()
    };
    let server = start();
    let client = server.client().await;
    name(&client, "m1", "u1", "Joe").await;
    let first = ask(&client, sending("user_id:u1", "s")).await.unwrap();
    server.kill();

    let server = start();
    let client = server.client().await;
    name(&client, "m2", "u1", "Jim").await;
    let again = ask(&client, sending("user_id:u1", "s")).await.unwrap();
    assert_eq!((&again.values, again.pinned_at), (&first.values, first.pinned_at));
    assert_eq!(values(&ask(&client, sending("user_id:u1", "t")).await.unwrap())["greeting"], "Jim");
    server.kill();

    let server = start();
    let served = GetServedRequest { send_id: "t".into(), key: "user_id:u1".into() };
    let served = server.client().await.lookup().get_served(served).await.unwrap().into_inner().served.unwrap();
    assert_eq!(kith::client::json::value(&served.values["greeting"]), "Jim");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_at_once_are_told_the_same() {
    let server = serve();
    let client = server.client().await;
    let writing = {
        let client = client.clone();
        tokio::spawn(async move {
            for number in 0..200 {
                name(&client, &format!("m{number}"), "u1", &format!("Joe {}", "x".repeat(number % 30))).await;
            }
        })
    };
    for round in 0..20 {
        let send = format!("s{round}");
        let asking = (0..8).map(|number| {
            let (client, send) = (client.clone(), send.clone());
            tokio::spawn(async move {
                if number % 2 == 0 {
                    return vec![ask(&client, sending("user_id:u1", &send)).await.unwrap()];
                }
                let keys = vec!["user_id:u1".to_owned(); 3];
                let batch = BatchLookupRequest { keys, view: "newsletter".into(), send_id: send, ..Default::default() };
                client.lookup().batch_lookup(batch).await.unwrap().into_inner().answers
            })
        });
        let mut told = Vec::new();
        for asked in asking.collect::<Vec<_>>() {
            told.extend(asked.await.unwrap().into_iter().map(|answer| (answer.values, answer.pinned_at)));
        }
        assert_eq!(told.len(), 16);
        assert!(told.iter().all(|one| *one == told[0] && one.1.is_some()), "{told:?}");
    }
    writing.await.unwrap();
}

fn bought(message_id: &str, keys: &[&str]) -> kith::proto::v1::Fact {
    let order = json!({"type": "track", "messageId": message_id, "keys": keys, "event": "Order Completed",
        "properties": {"item": "boots"}});
    fact(order)
}

async fn write_and_ask(
    client: &Client,
    fact: Option<kith::proto::v1::Fact>,
    lookup: LookupRequest,
) -> Result<WriteAndLookupResponse, Status> {
    let request = WriteAndLookupRequest { fact, lookup: Some(lookup) };
    Ok(client.lookup().write_and_lookup(request).await?.into_inner())
}

#[tokio::test]
async fn a_write_answers_with_its_lookup_and_all_that_can_be_refused_is_refused_before_it() {
    let server = serve();
    let client = server.client().await;
    ask(&client, LookupRequest { view: "newsletter".into(), ..sending("user_id:u1", "s") }).await.unwrap();
    let page = || LookupRequest { view: "page".into(), ..Default::default() };
    let keys = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    let bad = || Some(bought("m1", &["user_id:u1"]));
    for (fact, lookup, reason, field) in [
        (bad(), LookupRequest { view: "nopage".into(), ..page() }, "UNKNOWN_VIEW", "lookup.view"),
        (bad(), LookupRequest { keys: keys(&["nonsense"]), ..page() }, "MALFORMED_KEY", "lookup.keys[0]"),
        (bad(), LookupRequest { kind: "pet".into(), ..Default::default() }, "UNKNOWN_KIND", "lookup.kind"),
        (bad(), LookupRequest { token: "7".into(), ..page() }, "MALFORMED_TOKEN", "lookup.token"),
        (bad(), LookupRequest { send_id: "s".into(), ..Default::default() }, "BAD_VALUE", "lookup.send_id"),
        (bad(), LookupRequest { kind: "account".into(), ..Default::default() }, "MISSING", "lookup.keys"),
        (None, LookupRequest { keys: keys(&["user_id:u1"]), ..page() }, "MISSING", "fact"),
        (Some(bought("m1", &["user_id:u1", "user_id:u2"])), page(), "CONFLICTING_IDENTIFIERS", "fact.keys"),
    ] {
        let refusal = write_and_ask(&client, fact, lookup).await;
        assert_eq!(refused(refusal, Code::InvalidArgument, reason), field);
    }
    let pinned = LookupRequest { send_id: "s".into(), ..page() };
    refused(write_and_ask(&client, bad(), pinned).await, Code::FailedPrecondition, "CONFLICT");
    let unknown = lookup(&client, &["user_id:u1"], &["orders.count"]).await;
    assert_eq!(unknown.resolution(), Resolution::NotFound, "something was written");

    let facts_own = bought("m1", &["user_id:u1", "email:joe@x.org"]);
    for (duplicate, item) in [(false, "boots"), (true, "boots")] {
        let response = write_and_ask(&client, Some(facts_own.clone()), page()).await.unwrap();
        let (receipt, answer) = (response.receipt.unwrap(), response.answer.unwrap());
        assert_eq!((receipt.duplicate, values(&answer)["orders"].clone()), (duplicate, json!(1)));
        assert_eq!((values(&answer)["item"].as_str(), answer.key.as_str()), (Some(item), "user_id:u1"));
        assert_eq!(receipt.profiles[0].profile_id, answer.profile_id);
        let request = LookupRequest { token: response.token, ..asking(&["email:joe@x.org"], &["orders.count"]) };
        assert_eq!(values(&ask(&client, request).await.unwrap())["orders.count"], 1);
    }
    // A group is not a key of a person; the lookup may also be of somebody else.
    let other = LookupRequest { keys: keys(&["user_id:u9"]), ..page() };
    let response = write_and_ask(&client, Some(bought("m2", &["user_id:u1"])), other).await.unwrap();
    assert_eq!(response.answer.unwrap().resolution(), Resolution::NotFound);
}

#[tokio::test]
async fn a_write_with_its_lookup_needs_both_scopes() {
    let server = serve();
    let client = server.client().await;
    let mut secrets = Vec::new();
    let scopes = [vec![Scope::Admin, Scope::Read], vec![Scope::Write], vec![Scope::Read, Scope::Write]];
    for scopes in scopes {
        let admin = server.client_with_key(secrets.first().map(String::as_str)).await;
        let scopes = scopes.into_iter().map(Into::into).collect();
        let request = CreateKeyRequest { name: "k".into(), scopes };
        secrets.push(admin.admin().create_key(request).await.unwrap().into_inner().secret);
    }
    drop(client);
    let lookup = || LookupRequest { view: "page".into(), ..Default::default() };
    let mut outcomes = Vec::new();
    for secret in &secrets {
        let client = server.client_with_key(Some(secret)).await;
        let answered = write_and_ask(&client, Some(bought("m1", &["user_id:u1"])), lookup()).await;
        let unknown = GetServedRequest { send_id: "s".into(), key: "user_id:u1".into() };
        let served = client.lookup().get_served(unknown).await.unwrap_err().code();
        outcomes.push((answered.map_or_else(|status| status.code(), |_| Code::Ok), served));
    }
    let expected = [
        (Code::PermissionDenied, Code::NotFound),
        (Code::PermissionDenied, Code::PermissionDenied),
        (Code::Ok, Code::NotFound),
    ];
    assert_eq!(outcomes, expected);
}

#[tokio::test]
async fn the_command_line_shows_what_was_served() {
    let server = serve();
    name(&server.client().await, "m1", "u1", "Joe").await;
    let ask = |arguments: &[&str]| {
        let output = run(server.kith(arguments), "");
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(ask(&["served", "s", "user_id:u1"]).0, 4);
    assert_eq!(ask(&["lookup", "user_id:u1", "--send-id", "s"]).0, 2, "a send needs a view");
    let (code, told) = ask(&["lookup", "user_id:u1", "--view", "newsletter", "--send-id", "s"]);
    assert!(code == 0 && told.contains("pinned_at"), "{told}");
    let (code, told) = ask(&["served", "s", "user_id:u1"]);
    for part in ["newsletter@2", "served_at", "pinned_until", "Joe", "PRESENT", "because"] {
        assert!(code == 0 && told.contains(part), "{part} in {told}");
    }
    let (code, told) = ask(&["served", "s", "user_id:u1", "--json"]);
    let told: Json = serde_json::from_str(&told).unwrap();
    assert_eq!((code, &told["values"]["greeting"], &told["viewVersion"]), (0, &json!("Joe"), &json!(2)));
}
