//! Segments over the wire and from the command line. What they answer is told by the golden scripts.

use std::collections::BTreeSet;

use kith::client::Client;
use kith::proto::v1::{
    ApplyModelRequest, BatchLookupRequest, BatchWriteRequest, ErrorReason, GetModelRequest, ListSegmentMembersRequest,
    ListSegmentMembersResponse, LookupRequest, StreamLookupRequest,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::harness::{Server, Setup, asking, fact, kith, lookup, repository, run, values, write};

/// How many people there are in a list of several pages.
const PEOPLE: usize = 2_300;

fn serve() -> Server {
    Setup::default().model(&repository("tests/golden/models/segments.toml")).start()
}

fn of(segment: &str) -> ListSegmentMembersRequest {
    ListSegmentMembersRequest { segment: segment.to_owned(), ..Default::default() }
}

/// All pages of a list.
async fn pages(client: &Client, request: ListSegmentMembersRequest) -> Vec<ListSegmentMembersResponse> {
    let mut stream = client.segment().list_segment_members(request).await.unwrap().into_inner();
    let mut pages = Vec::new();
    while let Some(page) = stream.message().await.unwrap() {
        pages.push(page);
    }
    pages
}

fn keys(pages: &[ListSegmentMembersResponse]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.members).map(|member| member.key.clone()).collect()
}

/// Writes people, of whom those with an odd number live nowhere that is known. Answers the last token.
async fn populate(client: &Client) -> String {
    let person = |number: usize| {
        let traits = if number.is_multiple_of(2) { json!({"country": "NL"}) } else { json!({"tags": "none"}) };
        let (id, user) = (format!("m{number}"), format!("u{number}"));
        fact(json!({"type": "identify", "messageId": id, "userId": user, "traits": traits}))
    };
    let mut token = String::new();
    for batch in (0..PEOPLE).collect::<Vec<_>>().chunks(1_000) {
        let request = BatchWriteRequest { facts: batch.iter().map(|number| person(*number)).collect() };
        let results = client.write().batch_write(request).await.unwrap().into_inner().results;
        for result in results {
            match result.result.unwrap() {
                kith::proto::v1::write_result::Result::Receipt(receipt) => token = receipt.token,
                kith::proto::v1::write_result::Result::Error(error) => panic!("{error:?}"),
            }
        }
    }
    token
}

#[tokio::test]
async fn members_come_in_pages_and_a_list_goes_on_where_it_was_left() {
    let server = serve();
    let client = server.client().await;
    let token = populate(&client).await;
    let listed = pages(&client, ListSegmentMembersRequest { token, ..of("unknown-country") }).await;
    let expected: Vec<String> = (0..PEOPLE).filter(|n| n % 2 == 1).map(|n| format!("user_id:u{n}")).collect();
    let mut found = keys(&listed);
    found.sort_by_key(|key| key["user_id:u".len()..].parse::<usize>().unwrap());
    assert_eq!(found, expected);
    assert_eq!(listed.len(), 2);
    assert!(
        listed.iter().all(|page| page.members.len() <= 1_000 && page.seen_about >= page.seen && page.undecided == 0)
    );
    assert_eq!(listed.last().map(|page| (page.seen, page.place.as_str())), Some((PEOPLE as u64, "")));
    let ids: Vec<&str> = listed.iter().flat_map(|page| &page.members).map(|member| &*member.profile_id).collect();
    assert!(ids.is_sorted(), "by id");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>().len(), expected.len(), "each once");

    let rest =
        pages(&client, ListSegmentMembersRequest { after: listed[0].place.clone(), ..of("unknown-country") }).await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].members, listed[1].members);

    // Who goes away after the first page leaves nothing behind.
    let mut left = client.segment().list_segment_members(of("unknown-country")).await.unwrap().into_inner();
    left.message().await.unwrap().unwrap();
    drop(left);
    assert_eq!(keys(&pages(&client, of("vip")).await), [""; 0]);
}

#[tokio::test]
async fn a_model_that_says_otherwise_counts_at_once() {
    let server = serve();
    let client = server.client().await;
    let traits = json!({"type": "identify", "messageId": "m1", "userId": "u1", "traits": {"country": "BE"}});
    write(&client, fact(traits)).await;
    let source = std::fs::read_to_string(repository("tests/golden/models/segments.toml")).unwrap();
    let vip = "when = 'orders.sum > 500 && country == \"NL\"'";
    assert!(source.contains(vip));
    assert_eq!(values(&lookup(&client, &["user_id:u1"], &["segment.vip"]).await)["segment.vip"], false);
    let changed = source.replace(vip, "when = 'country in [\"NL\", \"BE\"]'");
    client.model().apply_model(ApplyModelRequest { source: changed }).await.unwrap();
    let answer = lookup(&client, &["user_id:u1"], &["country", "segment.vip"]).await;
    assert_eq!(values(&answer), json!({"country": "BE", "segment.vip": true}), "and nothing that was only read for it");
    assert_eq!(keys(&pages(&client, of("vip")).await), ["user_id:u1"]);
    let all = lookup(&client, &["user_id:u1"], &[]).await;
    assert_eq!(values(&all), json!({"country": "BE"}), "everything has no segments in it");
}

fn refused(status: &Status) -> (Code, String, String) {
    let details = status.get_error_details();
    let field = details.bad_request().map(|bad| bad.field_violations[0].field.clone()).unwrap_or_default();
    (status.code(), field, details.error_info().unwrap().reason.clone())
}

#[tokio::test]
async fn what_is_no_segment_is_refused_with_its_field() {
    let server = serve();
    let client = server.client().await;
    let address = json!({"type": "identify", "messageId": "m1", "userId": "u1", "traits": {}});
    write(&client, fact(address)).await;
    let unknown = |field: &str| (Code::InvalidArgument, field.to_owned(), "ERROR_REASON_UNKNOWN_SEGMENT".to_owned());
    let malformed = |field: &str| (Code::InvalidArgument, field.to_owned(), "ERROR_REASON_MALFORMED_TOKEN".to_owned());
    let list = async |request| client.segment().list_segment_members(request).await.unwrap_err();
    let status = list(of("vpi")).await;
    assert_eq!(refused(&status), unknown("segment"));
    assert!(status.message().contains("did you mean `vip`?"), "{status}");
    assert_eq!(refused(&list(of("")).await), unknown("segment"));
    let after = |after: &str| ListSegmentMembersRequest { after: after.to_owned(), ..of("vip") };
    assert_eq!(refused(&list(after("nonsense")).await), malformed("after"));
    // The place of an address in a list of profiles: `user_id:u1`, sealed.
    let place = format!("{:08x}{}", crc32fast::hash(b"user_id:u1"), "757365725f69643a7531");
    assert_eq!(refused(&list(after(&place)).await), malformed("after"));
    let of_addresses = ListSegmentMembersRequest { after: place, ..of("bouncing") };
    assert!(keys(&pages(&client, of_addresses).await).is_empty());
    assert_eq!(
        refused(&list(ListSegmentMembersRequest { token: "x".to_owned(), ..of("vip") }).await),
        malformed("token")
    );

    for (fields, at) in [
        (vec!["country", "segment.vpi"], "fields[1]"),
        (vec!["segment.large"], "fields[0]"),
        (vec!["account.segment.vip"], "fields[0]"),
        (vec!["address.segment.vip"], "fields[0]"),
    ] {
        let status = client.lookup().lookup(asking(&["user_id:u1"], &fields)).await.unwrap_err();
        assert_eq!(refused(&status), unknown(at), "{fields:?}");
        let LookupRequest { keys, fields, .. } = asking(&["user_id:u1"], &fields);
        let batch = BatchLookupRequest { keys: keys.clone(), fields: fields.clone(), ..Default::default() };
        assert_eq!(refused(&client.lookup().batch_lookup(batch).await.unwrap_err()), unknown(at));
        let message = StreamLookupRequest { keys, fields, ..Default::default() };
        let stream = client.lookup().stream_lookup(tokio_stream::iter([message])).await.unwrap();
        let answer = stream.into_inner().message().await.unwrap().unwrap().answer.unwrap();
        assert_eq!(answer.error.unwrap().reason(), ErrorReason::UnknownSegment);
    }
    let traits = json!({"type": "identify", "messageId": "m2", "userId": "u1", "traits": {"segment.vip": true}});
    let request = kith::proto::v1::WriteRequest { fact: Some(fact(traits)) };
    assert!(client.write().write(request).await.unwrap_err().message().contains("`segment.…`"));
}

/// Bombs in a model are refused, each with its place, and the server goes on with the model that it had.
#[tokio::test]
async fn no_model_brings_the_server_down() {
    let server = serve();
    let client = server.client().await;
    let source = std::fs::read_to_string(repository("tests/golden/models/segments.toml")).unwrap();
    let version = || async { client.model().get_model(GetModelRequest {}).await.unwrap().into_inner().version };
    let before = version().await;
    for when in [
        "(".repeat(4_000),
        format!("{}country{}", "(".repeat(1_500), ")".repeat(1_500)),
        "!".repeat(4_000),
        format!("{}true", "true ? true : ".repeat(280)),
        vec!["orders.sum"; 380].join("+"),
        format!("country{} == 1", ".a".repeat(1_900)),
        "[[1].map(a, [a, a]), [1]].all(b, b.all(c, c.all(d, true)))".to_owned(),
        "country.matches(\"((a{100}){100}){100}\")".to_owned(),
        "country + country + country == country".to_owned(),
        "x".repeat(5_000),
        "\u{0}\u{1}\u{feff}".to_owned(),
    ] {
        let quoted = toml::Value::String(when.clone());
        let bomb = format!("{source}\n[segments.bomb]\nwhen = {quoted}\n");
        let status = client.model().apply_model(ApplyModelRequest { source: bomb }).await.unwrap_err();
        let shown: String = when.chars().take(40).collect();
        assert_eq!(status.code(), Code::InvalidArgument, "{shown}");
        assert!(status.message().contains("segments.bomb.when: "), "{shown} gives {}", status.message());
    }
    assert_eq!(version().await, before);
    assert_eq!(lookup(&client, &["user_id:u1"], &["segment.vip"]).await.error, None);
    assert!(!server.stop().await.contains("panicked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_members() {
    let server = serve();
    let client = server.client().await;
    for (id, user) in [("m1", "u1"), ("m2", "u2")] {
        write(&client, fact(json!({"type": "identify", "messageId": id, "userId": user, "traits": {}}))).await;
    }
    let listed = |arguments: &[&str]| {
        let all: Vec<&str> = ["segment", "list"].iter().chain(arguments).copied().collect();
        let output = run(server.kith(&all), "");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, told, _) = listed(&["unknown-country"]);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!((code, lines.len()), (0, 2));
    assert!(lines[0].ends_with("  user_id:u1") && lines[0].len() == 36 + 2 + 10, "{told}");
    let (_, told, _) = listed(&["unknown-country", "--limit", "1", "--json"]);
    let member: Json = serde_json::from_str(told.trim()).unwrap();
    assert_eq!(member["key"], "user_id:u1");
    assert_eq!(listed(&["vip"]).0, 4);
    let (code, _, complaint) = listed(&["vpi"]);
    assert_ne!(code, 0);
    assert!(complaint.contains("did you mean `vip`?"), "{complaint}");
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("model.toml");
    let source = std::fs::read_to_string(repository("tests/golden/models/segments.toml")).unwrap();
    let check = |source: &str| {
        std::fs::write(&file, source).unwrap();
        let mut command = kith();
        command.args(["model", "check"]).arg(&file);
        let output = run(command, "");
        (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (code, told) = check(&source);
    assert_eq!(code, 0);
    assert!(told.contains("segments") && told.contains("orders.sum > 500 && country == \"NL\""), "{told}");
    let (code, told) = check(&source.replace("&& country == \"NL\"", "&& contry == \"NL\""));
    assert_ne!(code, 0);
    let line = source.lines().position(|line| line.contains("country ==")).unwrap() + 1;
    assert_eq!(told.matches("model.toml:").count(), 1, "of the views that read it nothing is said: {told}");
    for part in [&format!(":{line}:29"), "^^^^^^", "`contry`", "did you mean `country`?"] {
        assert!(told.contains(part), "no {part} in {told}");
    }
}
