//! Looking into identities and correcting them, over the real wire.

mod correct;
mod explain;
mod lists;
mod simulate;

use kith::client::Client;
use kith::proto::v1::{
    self, ExplainApartRequest, ExplainRequest, GetProfileRequest, GetStatsRequest, ListMergesRequest, Receipt,
};
use serde_json::json;
use tonic::{Code, Status};

use super::harness::{Server, fact, write};

/// A fact that says that these keys belong together, so many seconds after 1970.
fn seen(message_id: &str, seconds: i64, keys: &[&str]) -> v1::Fact {
    let time = Some(prost_types::Timestamp { seconds, nanos: 0 });
    v1::Fact { time, ..fact(json!({"type": "identify", "messageId": message_id, "keys": keys, "source": "crm"})) }
}

/// A fact that makes a user id another name of another.
fn alias(message_id: &str, seconds: i64, previous: &str, new: &str) -> v1::Fact {
    let time = Some(prost_types::Timestamp { seconds, nanos: 0 });
    let message = json!({"type": "alias", "messageId": message_id, "previousId": previous, "userId": new});
    v1::Fact { time, ..fact(message) }
}

/// A server with these facts, and a connection to it.
async fn server_with(facts: Vec<v1::Fact>) -> (Server, Client) {
    let server = Server::start();
    let client = server.client().await;
    for fact in facts {
        write(&client, fact).await;
    }
    (server, client)
}

/// The id of the profile that has a key.
async fn profile_of(client: &Client, key: &str) -> String {
    profile(client, key).await.unwrap().profile_id
}

/// The profile that has a key.
async fn profile(client: &Client, key: &str) -> Result<v1::Profile, Status> {
    let request = GetProfileRequest { key: key.to_owned(), ..Default::default() };
    Ok(client.profile().get_profile(request).await?.into_inner().profile.unwrap())
}

fn explaining(a: &str, b: &str) -> ExplainRequest {
    ExplainRequest { a: a.to_owned(), b: b.to_owned(), ..Default::default() }
}

async fn explain(client: &Client, a: &str, b: &str) -> Result<v1::ExplainResponse, Status> {
    Ok(client.identity().explain(explaining(a, b)).await?.into_inner())
}

async fn apart(client: &Client, a: &str, b: &str) -> Result<v1::ExplainApartResponse, Status> {
    let request = ExplainApartRequest { a: a.to_owned(), b: b.to_owned(), ..Default::default() };
    Ok(client.identity().explain_apart(request).await?.into_inner())
}

async fn merges(client: &Client, key: &str) -> Vec<v1::Merge> {
    let request = ListMergesRequest { key: key.to_owned(), ..Default::default() };
    client.identity().list_merges(request).await.unwrap().into_inner().merges
}

/// How many commands the server has applied.
async fn applied(client: &Client) -> u64 {
    client.admin().get_stats(GetStatsRequest {}).await.unwrap().into_inner().applied_commands
}

/// What was done and to whom, line by line.
fn lines(receipt: &Receipt) -> Vec<(&'static str, &str)> {
    let line = |line| -> (&'static str, &str) {
        let line: &v1::ReceiptLine = line;
        (line.action().as_str_name().trim_start_matches("RECEIPT_ACTION_"), line.key.as_str())
    };
    receipt.lines.iter().map(line).collect()
}

/// Asserts that a call was refused with this code and these words.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, words: &str) {
    let status = result.unwrap_err();
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.message().contains(words), "no `{words}` in `{}`", status.message());
}
