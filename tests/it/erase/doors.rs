//! Erasing through the server and the command line: what it would do, what it does, and what is refused.

use kith::client::Client;
use kith::proto::v1::write_result::Result as Written;
use kith::proto::v1::{
    EraseRequest, ErasureReceipt, ExplainRequest, Fact, GetProfileRequest, GetStatsRequest, ListMergesRequest,
    LookupRequest, ReceiptAction, Resolution, SimulateRequest,
};
use serde_json::json;
use tonic::{Code, Status};

use crate::harness::{Server, asking, fact, lookup, run, write};

fn erasing(key: &str, message_id: &str) -> EraseRequest {
    EraseRequest { key: key.to_owned(), message_id: message_id.to_owned(), ..Default::default() }
}

async fn erase(client: &Client, request: EraseRequest) -> Result<ErasureReceipt, Status> {
    Ok(client.privacy().erase(request).await?.into_inner().receipt.unwrap())
}

async fn applied(client: &Client) -> u64 {
    client.admin().get_stats(GetStatsRequest {}).await.unwrap().into_inner().applied_commands
}

/// Joe, who was two for a while, and Ann.
async fn server_with_people() -> (Server, Client) {
    let server = Server::start();
    let client = server.client().await;
    for (id, keys) in [
        ("m1", json!(["anonymous_id:a1"])),
        ("m2", json!(["user_id:joe"])),
        ("m3", json!(["user_id:joe", "anonymous_id:a1"])),
        ("m4", json!(["user_id:ann"])),
    ] {
        let message = json!({"type": "identify", "messageId": id, "keys": keys, "traits": {"first_name": id}});
        write(&client, fact(message)).await;
    }
    (server, client)
}

#[tokio::test]
async fn an_erasure_does_what_its_rehearsal_said_and_is_done_once() {
    let (_server, client) = server_with_people().await;
    let before = applied(&client).await;
    let rehearsed = erase(&client, EraseRequest { dry_run: true, ..erasing("user_id:joe", "e1") }).await.unwrap();
    assert_eq!((applied(&client).await, rehearsed.token.as_str(), rehearsed.identifiers), (before, "", 2));
    assert_eq!(lookup(&client, &["user_id:joe"], &[]).await.resolution(), Resolution::Found);

    let done = erase(&client, erasing("user_id:joe", "e1")).await.unwrap();
    assert_eq!(done.links + done.events + done.fragments, 3 + 3 + 2);
    assert_eq!(ErasureReceipt { token: String::new(), ..done.clone() }, rehearsed);
    let request = LookupRequest { token: done.token.clone(), ..asking(&["user_id:joe"], &["first_name"]) };
    let answer = client.lookup().lookup(request).await.unwrap().into_inner().answer.unwrap();
    assert_eq!((answer.resolution(), answer.profile_id.as_str(), answer.values.len()), (Resolution::Erased, "", 0));

    let after = applied(&client).await;
    let again = erase(&client, erasing("user_id:joe", "e1")).await.unwrap();
    assert_eq!(ErasureReceipt { duplicate: false, ..again.clone() }, done);
    assert!(again.duplicate && applied(&client).await == after);

    // A fact that comes late has no place in the log, and its token is one that can be waited for.
    let keys = json!(["anonymous_id:a1", "user_id:ann"]);
    let late = fact(json!({"type": "page", "messageId": "late", "timestamp": "2020-01-01T00:00:00Z", "keys": keys}));
    assert_eq!(simulate(&client, late.clone()).await, ReceiptAction::Erased);
    let receipt = write(&client, late.clone()).await;
    assert_eq!((receipt.lines[0].action(), receipt.profiles.len()), (ReceiptAction::Erased, 0));
    assert!(!write(&client, late).await.duplicate && applied(&client).await == after);
    let request = LookupRequest { token: receipt.token, ..asking(&["anonymous_id:a1"], &[]) };
    assert!(client.lookup().lookup(request).await.is_ok());
}

/// The first line of what writing the fact would say.
async fn simulate(client: &Client, fact: Fact) -> ReceiptAction {
    let response = client.identity().simulate(SimulateRequest { facts: vec![fact] }).await.unwrap().into_inner();
    match response.results[0].result.clone().unwrap() {
        Written::Receipt(receipt) => receipt.lines[0].action(),
        Written::Error(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_erased_is_refused_and_stays() {
    let (_server, client) = server_with_people().await;
    let before = applied(&client).await;
    let long = "x".repeat(129);
    let refusals = [
        (erasing("user_id:nobody", ""), Code::NotFound, "the key is not known"),
        (erasing("profile_id:00000000-0000-7000-8000-000000000000", ""), Code::NotFound, "the key is not known"),
        (erasing("nonsense", ""), Code::InvalidArgument, "key: has no type"),
        (erasing("", ""), Code::InvalidArgument, "key: is empty"),
        (erasing("account_id:acme", ""), Code::InvalidArgument, "key: has a type that does not identify this kind"),
        (EraseRequest { kind: "planet".into(), ..erasing("user_id:joe", "") }, Code::InvalidArgument, "kind: is not"),
        (erasing("user_id:joe", &long), Code::InvalidArgument, "message_id: is longer than 128 bytes"),
        (erasing("user_id:joe", "m1"), Code::FailedPrecondition, "the message id is that of a fact or a correction"),
    ];
    for (request, code, text) in refusals {
        for dry_run in [true, false] {
            let refused = erase(&client, EraseRequest { dry_run, ..request.clone() }).await.unwrap_err();
            assert_eq!(refused.code(), code, "{refused:?}");
            assert!(refused.message().contains(text), "{refused:?}");
        }
    }
    assert_eq!(applied(&client).await, before);
    assert_eq!(lookup(&client, &["user_id:joe"], &[]).await.resolution(), Resolution::Found);
}

#[tokio::test]
async fn whoever_asks_for_the_erased_is_told_so_and_the_command_line_asks_first() {
    let (server, client) = server_with_people().await;
    let (code, _, stderr) = kith(&server, &["erase", "user_id:joe"]);
    assert!(code == 2 && stderr.contains("--yes"), "{stderr}");
    let (code, stdout, _) = kith(&server, &["erase", "user_id:joe", "--dry-run"]);
    assert!(code == 0 && stdout.contains("identifiers  2"), "{stdout}");
    assert_eq!(lookup(&client, &["user_id:joe"], &[]).await.resolution(), Resolution::Found);
    let (code, stdout, stderr) = kith(&server, &["erase", "user_id:joe", "--yes"]);
    assert!(code == 0 && stdout.contains("token"), "{stdout}");
    let id = stdout.lines().next().and_then(|line| line.split_whitespace().nth(1)).unwrap();
    assert!(stderr.contains(&format!("--message-id {id}")), "whatever interrupts it, it can be completed: {stderr}");
    let (code, stdout, _) = kith(&server, &["erase", "user_id:joe", "--yes", "--message-id", id]);
    assert!(code == 0 && stdout.contains("seen before"), "{stdout}");
    let (code, _, stderr) = kith(&server, &["erase", "user_id:joe", "--yes"]);
    assert!(code == 4 && stderr.contains("erased"), "{stderr}");
    let (code, stdout, _) = kith(&server, &["lookup", "user_id:joe"]);
    assert!(code == 4 && stdout.contains("ERASED"), "{stdout}");

    let (a, b) = ("user_id:ann".to_owned(), "user_id:joe".to_owned());
    let explain = client.identity().explain(ExplainRequest { a, b, ..Default::default() }).await;
    let key = || "anonymous_id:a1".to_owned();
    let merges = client.identity().list_merges(ListMergesRequest { key: key(), ..Default::default() }).await;
    let profile = client.profile().get_profile(GetProfileRequest { key: key(), ..Default::default() }).await;
    for refused in [explain.unwrap_err(), merges.unwrap_err(), profile.unwrap_err()] {
        assert!(refused.code() == Code::NotFound && refused.message().ends_with("was erased"), "{refused:?}");
    }
}

/// Where nobody sits at a terminal.
fn kith(server: &Server, arguments: &[&str]) -> (i32, String, String) {
    let output = run(server.kith(arguments), "");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}
