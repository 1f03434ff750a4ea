//! Trying out what facts would do.

use kith::client::Client;
use kith::proto::v1::write_result::Result as Outcome;
use kith::proto::v1::{BatchWriteRequest, Fact, ItemError, Receipt, SimulateRequest, WriteResult};
use serde_json::json;
use tonic::Code;

use super::{alias, applied, refused, seen, server_with};
use crate::harness::{Server, fact, lookup, run};

async fn simulate(client: &Client, facts: Vec<Fact>) -> Vec<WriteResult> {
    client.identity().simulate(SimulateRequest { facts }).await.unwrap().into_inner().results
}

/// A story in which facts create, attach, merge, demote, rename and are refused, each after those before it.
fn story() -> Vec<Fact> {
    vec![
        seen("s1", 1, &["user_id:u1", "email:joe@example.com"]),
        seen("s2", 2, &["anonymous_id:a1"]),
        seen("s3", 3, &["anonymous_id:a1", "user_id:u1"]),
        seen("s4", 4, &["user_id:u2", "email:joe@example.com"]),
        seen("s5", 5, &["user_id:u1", "user_id:u3"]),
        seen("s6", 6, &["nonsense"]),
        alias("s7", 7, "u2", "u4"),
        seen("s1", 8, &["user_id:u9"]),
        // Late: everything about its identifiers is folded again.
        seen("s8", 0, &["user_id:u2", "anonymous_id:a1"]),
    ]
}

/// What a result says once its ids and its place in the log are left out.
#[derive(Debug, PartialEq)]
enum Told {
    Did { message_id: String, profiles: usize, lines: Vec<(i32, String, String)>, duplicate: bool },
    Refused(ItemError),
}

fn told(result: &WriteResult) -> Told {
    match result.result.clone().unwrap() {
        Outcome::Error(error) => Told::Refused(error),
        Outcome::Receipt(Receipt { message_id, profiles, lines, duplicate, token: _ }) => {
            let lines = lines.into_iter().map(|line| (line.action, line.key, line.rule)).collect();
            Told::Did { message_id, profiles: profiles.len(), lines, duplicate }
        }
    }
}

#[tokio::test]
async fn a_simulation_leaves_no_trace_and_says_what_writing_does() {
    let (_server, client) = server_with(vec![seen("m1", 1, &["email:joe@example.com", "phone:+4930901820"])]).await;
    let before = (applied(&client).await, lookup(&client, &["email:joe@example.com"], &[]).await);

    let simulated = simulate(&client, story()).await;
    assert_eq!(
        simulate(&client, story()).await.iter().map(told).collect::<Vec<_>>(),
        simulated.iter().map(told).collect::<Vec<_>>()
    );
    for result in &simulated {
        let Some(Outcome::Receipt(receipt)) = &result.result else { continue };
        assert_eq!(receipt.token, "", "nothing was written that a token could name");
    }
    for nobody in ["user_id:u1", "anonymous_id:a1", "user_id:u4"] {
        assert_eq!(lookup(&client, &[nobody], &[]).await.profile_id, "", "{nobody}");
    }
    let after = (applied(&client).await, lookup(&client, &["email:joe@example.com"], &[]).await);
    assert_eq!(after, before);

    let request = BatchWriteRequest { facts: story() };
    let written = client.write().batch_write(request).await.unwrap().into_inner().results;
    assert_eq!(simulated.iter().map(told).collect::<Vec<_>>(), written.iter().map(told).collect::<Vec<_>>());
    assert_eq!(written.iter().filter(|result| matches!(told(result), Told::Refused(_))).count(), 2);
}

#[tokio::test]
async fn only_so_many_facts_are_tried_out_at_once() {
    let (_server, client) = server_with(Vec::new()).await;
    let facts = |count: usize| {
        let fact =
            |number| fact(json!({"type": "track", "messageId": format!("{number}"), "event": "e", "userId": "u"}));
        SimulateRequest { facts: (0..count).map(fact).collect() }
    };
    assert_eq!(client.identity().simulate(facts(100)).await.unwrap().into_inner().results.len(), 100);
    refused(client.identity().simulate(facts(101)).await, Code::InvalidArgument, "facts: has more than 100 facts");
    refused(client.identity().simulate(facts(0)).await, Code::InvalidArgument, "facts: is empty");
}

#[test]
fn a_file_is_tried_out_line_by_line() {
    let server = Server::start();
    let facts = "{\"type\":\"identify\",\"messageId\":\"1\",\"userId\":\"u1\",\"anonymousId\":\"a1\"}\n\
                 nonsense\n\
                 {\"type\":\"identify\",\"messageId\":\"2\",\"userId\":\"u2\",\"keys\":[\"shoe_size:9\"]}\n\
                 {\"type\":\"track\",\"messageId\":\"3\",\"userId\":\"u1\",\"event\":\"e\"}\n";
    let ran = run(server.kith(&["simulate", "-"]), facts);
    let (stdout, stderr) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert_eq!(ran.status.code(), Some(3), "{stdout} {stderr}");
    for part in ["CREATED", "user_id:u1", "ATTACHED", "anonymous_id:a1", "as it is"] {
        assert!(stdout.contains(part), "no {part} in {stdout}");
    }
    assert!(stderr.contains("-:2: not JSON") && stderr.contains("-:3: keys[1]: "), "{stderr}");

    let ran = run(server.kith(&["simulate", "-", "--json"]), facts);
    let lines: Vec<serde_json::Value> =
        String::from_utf8(ran.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["line"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(lines[1]["error"]["reason"], "ERROR_REASON_UNKNOWN_TYPE");
    assert_eq!(run(server.kith(&["lookup", "user_id:u1"]), "").status.code(), Some(4), "nothing was written");
}
