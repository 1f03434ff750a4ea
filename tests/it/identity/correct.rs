//! Corrections: what they do, what they would do, and how they are refused.

use kith::client::Client;
use kith::proto::v1::{KeepApartRequest, ReleaseQuarantineRequest, UndoMergeRequest, UnlinkRequest};
use tonic::Code;

use super::{alias, apart, applied, lines, merges, profile, profile_of, refused, seen, server_with};
use crate::harness::{run, write};

const JOE: &str = "email:joe@example.com";

fn undoing(merge_id: &str, dry_run: bool) -> UndoMergeRequest {
    UndoMergeRequest { merge_id: merge_id.to_owned(), dry_run, message_id: String::new(), source: "ops".to_owned() }
}

fn keeping_apart(a: &str, b: &str, message_id: &str) -> KeepApartRequest {
    let (a, b, message_id) = (a.to_owned(), b.to_owned(), message_id.to_owned());
    KeepApartRequest { a, b, same_human: false, message_id, source: String::new() }
}

async fn release(client: &Client, key: &str) -> Result<kith::proto::v1::Receipt, tonic::Status> {
    let request = ReleaseQuarantineRequest { key: key.to_owned(), ..Default::default() };
    Ok(client.identity().release_quarantine(request).await?.into_inner().receipt.unwrap())
}

#[tokio::test]
async fn an_undo_does_what_its_rehearsal_said() {
    let facts = vec![
        seen("m1", 1, &["anonymous_id:a1"]),
        seen("m2", 2, &["user_id:u1", JOE]),
        seen("m3", 3, &["user_id:u1", "anonymous_id:a1"]),
    ];
    let (server, client) = server_with(facts).await;
    let [merge] = merges(&client, "").await.try_into().unwrap();
    let (old, id) = (profile_of(&client, "user_id:u1").await, merge.absorbed_profile_id);
    let before = applied(&client).await;

    let mut identity = client.identity();
    let rehearsed = identity.undo_merge(undoing(&id, true)).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((applied(&client).await, merges(&client, "").await.len(), rehearsed.token.as_str()), (before, 1, ""));
    assert_eq!(profile_of(&client, "user_id:u1").await, old);
    let shown = run(server.kith(&["undo", &id, "--dry-run"]), "");
    assert!(shown.status.success() && String::from_utf8(shown.stdout).unwrap().contains("SPLIT"));

    let done = identity.undo_merge(undoing(&id, false)).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((&done.lines, &done.profiles), (&rehearsed.lines, &rehearsed.profiles));
    assert!(lines(&done).contains(&("SPLIT", "user_id:u1")), "{done:?}");
    assert!(done.message_id.len() == 36 && done.message_id != rehearsed.message_id, "the server made an id each");
    assert_eq!(profile_of(&client, "user_id:u1").await, id, "under the id that it had");
    assert_eq!(profile_of(&client, JOE).await, id);
    assert_eq!(profile_of(&client, "anonymous_id:a1").await, old);
    assert_eq!(merges(&client, "").await, []);

    let after = applied(&client).await;
    for dry_run in [true, false] {
        let undone = identity.undo_merge(undoing(&id, dry_run)).await;
        refused(undone, Code::FailedPrecondition, "was the merge undone?");
        let unknown = identity.undo_merge(undoing("00000000-0000-7000-8000-000000000000", dry_run)).await;
        refused(unknown, Code::NotFound, "the merge is not known");
        refused(identity.undo_merge(undoing("nonsense", dry_run)).await, Code::InvalidArgument, "merge_id: is no id");
    }
    assert_eq!(applied(&client).await, after);
    assert_eq!(run(server.kith(&["undo", "00000000-0000-7000-8000-000000000000"]), "").status.code(), Some(4));
}

#[tokio::test]
async fn the_same_correction_is_applied_once() {
    let (_server, client) = server_with(vec![seen("m1", 1, &["user_id:u1", JOE])]).await;
    let mut identity = client.identity();
    let first =
        identity.keep_apart(keeping_apart("user_id:u1", JOE, "w1")).await.unwrap().into_inner().receipt.unwrap();
    let actions: Vec<&str> = lines(&first).into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["WALLED", "WALLED", "SPLIT"]);
    let again =
        identity.keep_apart(keeping_apart("user_id:u1", JOE, "w1")).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(again, kith::proto::v1::Receipt { duplicate: true, ..first });
    assert_ne!(profile_of(&client, "user_id:u1").await, profile_of(&client, JOE).await);
    let long = keeping_apart("user_id:u1", JOE, &"x".repeat(129));
    refused(identity.keep_apart(long).await, Code::InvalidArgument, "message_id: is longer than 128 bytes");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let facts = vec![alias("m1", 1, "old", "new"), seen("m2", 2, &["user_id:u1", JOE])];
    let (_server, client) = server_with(facts).await;
    let before =
        (applied(&client).await, profile(&client, "user_id:new").await.unwrap(), profile(&client, JOE).await.unwrap());

    let mut identity = client.identity();
    let walls = [
        ("user_id:old", "user_id:new", Code::FailedPrecondition, "as an alias said"),
        (JOE, "email:JOE@example.com", Code::InvalidArgument, "b: is the same identifier as `a`"),
        (JOE, "account_id:acme", Code::InvalidArgument, "b: is of a type that has no kind in common"),
        ("nonsense", JOE, Code::InvalidArgument, "a: has no type"),
    ];
    for (a, b, code, words) in walls {
        refused(identity.keep_apart(keeping_apart(a, b, "")).await, code, words);
    }
    for (b, code) in [("user_id:new", Code::FailedPrecondition), ("phone:+4930901820", Code::FailedPrecondition)] {
        let request = UnlinkRequest { a: JOE.to_owned(), b: b.to_owned(), ..Default::default() };
        refused(identity.unlink(request).await, code, "there is nothing to unlink");
    }
    refused(release(&client, JOE).await, Code::FailedPrecondition, "is not in quarantine");
    refused(release(&client, "email:nobody@example.com").await, Code::FailedPrecondition, "is not in quarantine");
    refused(release(&client, "").await, Code::InvalidArgument, "key: is empty");

    let after =
        (applied(&client).await, profile(&client, "user_id:new").await.unwrap(), profile(&client, JOE).await.unwrap());
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_key_that_too_many_share_is_in_quarantine_until_it_is_released() {
    let user = |number: i64| format!("user_id:u{number}");
    let facts = (0..22).map(|number| seen(&format!("m{number}"), number + 1, &[&user(number), JOE])).collect();
    let (_server, client) = server_with(facts).await;
    // The first profile owned it, and 21 others could not have it.
    let answer = apart(&client, JOE, &user(3)).await.unwrap();
    assert_eq!((answer.a_profile_id.as_str(), answer.walls.len()), ("", 0));
    let rules: Vec<(&str, &str)> =
        answer.refusals.iter().map(|refusal| (&*refusal.message_id, &*refusal.rule)).collect();
    assert_eq!(rules, [("m3", "quarantine after 20 profiles")]);

    let receipt = release(&client, "email:Joe@Example.com").await.unwrap();
    assert_eq!(lines(&receipt), [("RELEASED", JOE)]);
    refused(release(&client, JOE).await, Code::FailedPrecondition, "is not in quarantine");
    let mut again = seen("m30", 0, &[&user(3), JOE]);
    again.time = None;
    write(&client, again).await;
    assert_eq!(profile_of(&client, JOE).await, profile_of(&client, &user(3)).await);
}
