//! The largest profiles, and the merges page by page.

use std::time::Duration;

use kith::domain::fact::{Body, Fact};
use kith::domain::identifier::Identifier;
use kith::domain::ids::KindId;
use kith::domain::link::Moment;
use kith::domain::time::Time;
use kith::domain::value::Values;
use kith::engine::{DEFAULT_WORKSPACE, Durability, Engine, LargestBy, Options, REFOLD_PORTION};
use kith::proto::v1;
use kith::proto::v1::{ListLargestRequest, ListMergesRequest, UndoMergeRequest};
use serde_json::json;
use tonic::Code;

use super::{merges, profile_of, refused, seen, server_with};
use crate::harness::{MODEL, fact, run, write};

/// `count` cookies of the family `name`, said by one fact of each 15.
fn cookies(name: &str, count: usize, at: i64) -> Vec<v1::Fact> {
    let keys: Vec<String> = (0..count).map(|number| format!("anonymous_id:{name}{number}")).collect();
    let fact = |(number, chunk): (usize, &[String])| {
        let first = format!("anonymous_id:{name}0");
        let keys: Vec<&str> = std::iter::once(first.as_str()).chain(chunk.iter().map(String::as_str)).collect();
        seen(&format!("{name}-{number}"), at, &keys)
    };
    keys.chunks(15).enumerate().map(fact).collect()
}

async fn largest(client: &kith::client::Client, by: v1::LargestBy, page_size: i32) -> Vec<(String, u32, u32)> {
    let request = ListLargestRequest { kind: String::new(), by: by.into(), page_size };
    let response = client.identity().list_largest(request).await.unwrap().into_inner();
    response.profiles.into_iter().map(|large| (large.profile_id, large.identifiers, large.growth)).collect()
}

#[tokio::test]
async fn the_largest_profiles_come_first_and_small_ones_not_at_all() {
    let facts = [cookies("a", 7, 1), cookies("b", 8, 2), cookies("c", 40, 3)].concat();
    let (server, client) = server_with(facts).await;
    let [b, c] = [profile_of(&client, "anonymous_id:b0").await, profile_of(&client, "anonymous_id:c0").await];
    assert_eq!(largest(&client, v1::LargestBy::Size, 0).await, [(c.clone(), 40, 33), (b.clone(), 8, 1)]);
    assert_eq!(largest(&client, v1::LargestBy::Growth, 1).await, [(c.clone(), 40, 33)]);
    refused(
        client.identity().list_largest(ListLargestRequest { page_size: 1_001, ..Default::default() }).await,
        Code::InvalidArgument,
        "page_size",
    );
    refused(
        client.identity().list_largest(ListLargestRequest { by: 7, ..Default::default() }).await,
        Code::InvalidArgument,
        "by: ",
    );

    // A merge takes one row away and lets the other grow; undone, both are as they were.
    write(&client, seen("m1", 4, &["anonymous_id:b1", "anonymous_id:c1"])).await;
    assert_eq!(largest(&client, v1::LargestBy::Unspecified, 0).await, [(b.clone(), 48, 41)]);
    let request = UndoMergeRequest { merge_id: c.clone(), ..Default::default() };
    client.identity().undo_merge(request).await.unwrap();
    let sizes: Vec<(String, u32)> =
        largest(&client, v1::LargestBy::Size, 0).await.into_iter().map(|(id, size, _)| (id, size)).collect();
    assert_eq!(sizes, [(c, 40), (b.clone(), 8)]);

    // A profile that becomes small is listed no more.
    let request = v1::UnlinkRequest { a: "anonymous_id:b0".into(), b: "anonymous_id:b7".into(), ..Default::default() };
    client.identity().unlink(request).await.unwrap();
    let listed = largest(&client, v1::LargestBy::Size, 0).await;
    assert!(listed.iter().all(|(id, ..)| *id != b), "{listed:?}");
    let shown = run(server.kith(&["largest", "--by", "growth"]), "");
    assert!(String::from_utf8(shown.stdout).unwrap().contains("40"));
}

#[tokio::test]
async fn growth_is_forgotten_after_a_week_of_log_time() {
    const DAY: u64 = 86_400_000_000;
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        data: directory.path().to_owned(),
        durability: Durability::Interval(Duration::from_secs(1)),
        cache_bytes: 8 * 1024 * 1024,
        write_queue: 16,
        refold_portion: REFOLD_PORTION,
        invalidates: true,
    };
    let engine = Engine::open(&options).unwrap();
    let workspace = engine.apply_model(DEFAULT_WORKSPACE, MODEL, Time::from_micros(1)).await.unwrap();
    let see = async |family: &str, first: usize, last: usize, day: u64| {
        for number in first..last {
            let identifiers = [0, number].map(|n| Identifier::from_canonical("anonymous_id", &format!("{family}{n}")));
            let fact = Fact {
                moment: Moment { time: Time::from_micros(1), message_id: format!("{family}-{number}") },
                source: String::new(),
                raw_keys: identifiers.iter().map(|identifier| identifier.as_str().to_owned()).collect(),
                identifiers: identifiers.to_vec(),
                body: Body::Identify { traits: Values::new(), address: None },
            };
            engine.submit(workspace, fact, Time::from_micros(day * DAY)).await.unwrap().await.unwrap();
        }
    };
    let listed = |by| -> Vec<(u32, u32)> {
        let largest = engine.largest(workspace, KindId::of("person"), by, 10).unwrap();
        largest.into_iter().map(|large| (large.identifiers, large.growth)).collect()
    };
    see("old", 1, 30, 100).await;
    see("new", 1, 10, 106).await;
    assert_eq!(listed(LargestBy::Growth), [(30, 23), (10, 3)]);
    see("new", 10, 11, 107).await;
    assert_eq!(listed(LargestBy::Growth), [(11, 4), (30, 0)]);
    assert_eq!(listed(LargestBy::Size), [(30, 0), (11, 4)]);
}

#[tokio::test]
async fn merges_are_listed_page_by_page_and_by_profile() {
    let account =
        |message_id: &str, groups: &[&str]| fact(json!({"type": "identify", "messageId": message_id, "keys": groups}));
    let mut facts = vec![account("g1", &["account_id:x"]), account("g2", &["account_id:y"])];
    for number in 0..5 {
        facts.push(seen(&format!("a{number}"), 1, &[&format!("anonymous_id:a{number}")]));
        facts.push(seen(&format!("b{number}"), 2, &[&format!("anonymous_id:b{number}")]));
    }
    // Four merges of two, and one of the survivors into another.
    for number in 0..4 {
        let (a, b) = (format!("anonymous_id:a{number}"), format!("anonymous_id:b{number}"));
        facts.push(seen(&format!("j{number}"), 3 + number, &[&a, &b]));
    }
    facts.push(seen("j9", 9, &["anonymous_id:a0", "anonymous_id:a1"]));
    let (server, client) = server_with(facts).await;

    let mut request = ListMergesRequest { page_size: 2, ..Default::default() };
    let mut pages: Vec<Vec<v1::Merge>> = Vec::new();
    loop {
        let page = client.identity().list_merges(request.clone()).await.unwrap().into_inner();
        pages.push(page.merges);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let listed: Vec<v1::Merge> = pages.concat();
    let mut ids: Vec<&str> = listed.iter().map(|merge| &*merge.absorbed_profile_id).collect();
    assert!(ids.is_sorted());
    ids.dedup();
    assert_eq!(ids.len(), 5);
    assert_eq!(listed, merges(&client, "").await);

    let of_a0 = merges(&client, "anonymous_id:b1").await;
    let mut facts: Vec<&str> = of_a0.iter().map(|merge| &*merge.message_id).collect();
    facts.sort_unstable();
    assert_eq!(facts, ["j0", "j1", "j9"]);
    let request = ListMergesRequest { key: "anonymous_id:a0".into(), page_size: 2, ..Default::default() };
    let first = client.identity().list_merges(request.clone()).await.unwrap().into_inner();
    let request = ListMergesRequest { page_token: first.next_page_token, ..request };
    let second = client.identity().list_merges(request.clone()).await.unwrap().into_inner();
    assert_eq!([first.merges, second.merges].concat(), of_a0);
    assert_eq!(second.next_page_token, "");

    assert_eq!(merges(&client, "anonymous_id:a4").await, []);
    let others = ListMergesRequest { kind: "account".into(), ..Default::default() };
    assert_eq!(client.identity().list_merges(others).await.unwrap().into_inner().merges, []);
    let nobody = ListMergesRequest { key: "user_id:nobody".into(), ..Default::default() };
    refused(client.identity().list_merges(nobody).await, Code::NotFound, "no profile owns the key");
    let garbage = ListMergesRequest { page_token: "zz".into(), ..Default::default() };
    refused(client.identity().list_merges(garbage).await, Code::InvalidArgument, "page_token");

    let shown = run(server.kith(&["merges", "--limit", "3", "--json"]), "");
    assert_eq!(String::from_utf8(shown.stdout).unwrap().lines().count(), 3);
    assert_eq!(run(server.kith(&["merges", "anonymous_id:a4"]), "").status.code(), Some(4));
}
