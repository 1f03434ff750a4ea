//! Why two identifiers are one profile, and why they are not.

use kith::proto::v1::{IdentityWall, KeepApartRequest, LinkRefusal, UnlinkRequest};
use tonic::Code;

use super::{alias, apart, explain, explaining, merges, profile_of, refused, seen, server_with};
use crate::harness::{lookup, run, write};

const A1: &str = "anonymous_id:a1";
const U1: &str = "user_id:u1";
const U2: &str = "user_id:u2";
const JOE: &str = "email:joe@example.com";
const PHONE: &str = "phone:+4930901820";

#[tokio::test]
async fn a_chain_is_shown_link_by_link_and_what_would_cut_it() {
    let facts = vec![
        seen("m1", 1, &[A1, U1]),
        seen("m2", 2, &[U1, JOE]),
        seen("m3", 3, &["email:Joe@Example.com", PHONE]),
        // A second link between the first two: without either of the two they stay together.
        seen("m4", 4, &[A1, U1, "anonymous_id:a2"]),
    ];
    let (server, client) = server_with(facts).await;

    let answer = explain(&client, A1, "phone:+49 30 901820").await.unwrap();
    assert_eq!(answer.profile_id, profile_of(&client, A1).await);
    assert!(!answer.token.is_empty());
    let steps = answer.steps.iter().map(|step| (&*step.from_key, &*step.to_key, &*step.message_id, step.cuts));
    let expected = [(A1, U1, "m1", false), (U1, JOE, "m2", true), (JOE, PHONE, "m3", true)];
    assert_eq!(steps.collect::<Vec<_>>(), expected);
    let last = answer.steps.last().unwrap();
    assert_eq!((last.time.unwrap().seconds, last.source.as_str()), (3, "crm"));
    assert_eq!(last.keys, [JOE, PHONE]);

    let shown = run(server.kith(&["explain", A1, PHONE]), "");
    let shown = String::from_utf8(shown.stdout).unwrap();
    let cuts: Vec<bool> =
        shown.lines().filter(|line| line.contains("message m")).map(|line| line.contains("come apart")).collect();
    assert_eq!(cuts, [false, true, true], "{shown}");

    // The other way round, and with the link that is said first of equally short ones.
    let answer = explain(&client, PHONE, JOE).await.unwrap();
    assert_eq!(answer.steps.iter().map(|step| &*step.message_id).collect::<Vec<_>>(), ["m3"]);
    refused(apart(&client, A1, PHONE).await, Code::FailedPrecondition, "ask Explain ");
}

#[tokio::test]
async fn a_link_whose_place_another_one_would_take_does_not_cut() {
    // The second link is refused because of u1. Without the first one nobody has heard of u1, and the second one joins.
    let facts = vec![seen("m1", 1, &[A1, "anonymous_id:a2", U1]), seen("m2", 2, &[A1, "anonymous_id:a2", U2])];
    let (_server, client) = server_with(facts).await;
    let cuts = async |a, b| -> Vec<bool> {
        explain(&client, a, b).await.unwrap().steps.iter().map(|step| step.cuts).collect()
    };
    assert_eq!(cuts(A1, "anonymous_id:a2").await, [false]);
    assert_eq!(cuts(A1, U1).await, [true]);
}

#[tokio::test]
async fn other_names_are_explained_like_any_identifier() {
    let facts = vec![
        seen("m1", 1, &["user_id:old", JOE]),
        alias("m2", 2, "old", "new"),
        seen("m3", 3, &["user_id:old", PHONE]),
    ];
    let (_server, client) = server_with(facts).await;
    let way = |answer: kith::proto::v1::ExplainResponse| -> Vec<(String, String, String)> {
        answer.steps.into_iter().map(|step| (step.from_key, step.to_key, step.message_id)).collect()
    };
    let step = |from: &str, to: &str, by: &str| (from.to_owned(), to.to_owned(), by.to_owned());
    let direct = way(explain(&client, "user_id:old", "user_id:new").await.unwrap());
    assert_eq!(direct, [step("user_id:old", "user_id:new", "m2")]);
    // What is said of the old name after the alias is said of the new one.
    let through = way(explain(&client, PHONE, JOE).await.unwrap());
    let expected =
        [step(PHONE, "user_id:new", "m3"), step("user_id:new", "user_id:old", "m2"), step("user_id:old", JOE, "m1")];
    assert_eq!(through, expected);
}

#[tokio::test]
async fn a_limit_that_kept_two_apart_is_named_with_its_fact() {
    let (_server, client) = server_with(vec![seen("m1", 1, &[U1, JOE]), seen("m2", 2, &[U2, JOE])]).await;
    let answer = apart(&client, U2, JOE).await.unwrap();
    assert_eq!(answer.a_profile_id, profile_of(&client, U2).await);
    assert_eq!(answer.b_profile_id, profile_of(&client, JOE).await);
    let refusal = LinkRefusal {
        key: JOE.to_owned(),
        profile_id: profile_of(&client, U2).await,
        rule: "user_id limit 1".to_owned(),
        message_id: "m2".to_owned(),
        time: Some(prost_types::Timestamp { seconds: 2, nanos: 0 }),
    };
    assert_eq!((answer.refusals, answer.walls), (vec![refusal], vec![]));
    refused(explain(&client, U2, JOE).await, Code::FailedPrecondition, "ask ExplainApart");
}

#[tokio::test]
async fn a_refusal_names_the_profile_as_it_is_now() {
    // u2's profile could not have the address; then it became part of the older profile of a1.
    let facts =
        vec![seen("m1", 1, &[A1]), seen("m2", 2, &[U1, JOE]), seen("m3", 3, &[U2, JOE]), seen("m4", 4, &[U2, A1])];
    let (_server, client) = server_with(facts).await;
    let answer = apart(&client, A1, JOE).await.unwrap();
    assert_eq!(merges(&client, A1).await.len(), 1);
    assert_eq!(answer.refusals.iter().map(|refused| &*refused.message_id).collect::<Vec<_>>(), ["m3"]);
    assert_eq!(answer.refusals[0].profile_id, profile_of(&client, A1).await);
}

#[tokio::test]
async fn walls_are_shown_with_what_they_held_off() {
    let (_server, client) = server_with(vec![seen("m1", 1, &[JOE]), seen("m2", 2, &[A1])]).await;
    let nothing = apart(&client, JOE, A1).await.unwrap();
    assert!(nothing.refusals.is_empty() && nothing.walls.is_empty(), "nothing ever said that they belong together");

    let (a, b) = (JOE.to_owned(), A1.to_owned());
    let request = KeepApartRequest { a, b, same_human: true, message_id: "w1".to_owned(), source: "ops".to_owned() };
    client.identity().keep_apart(request).await.unwrap();
    write(&client, seen("m3", 3, &[JOE, A1])).await;
    let answer = apart(&client, A1, JOE).await.unwrap();
    let [refusal] = answer.refusals.as_slice() else { panic!("{answer:?}") };
    assert_eq!((&*refusal.key, &*refusal.rule, &*refusal.message_id), (A1, "wall", "m3"));
    let [wall] = answer.walls.as_slice() else { panic!("{answer:?}") };
    let IdentityWall { keys, until, same_human, message_id, time, source } = wall;
    assert_eq!((keys.as_slice(), *until, *same_human), (&[A1.to_owned(), JOE.to_owned()][..], None, true));
    assert_eq!((message_id.as_str(), source.as_str()), ("w1", "ops"));
    assert!(time.is_some());
}

#[tokio::test]
async fn a_wall_that_an_unlink_raised_says_until_when() {
    let (_server, client) = server_with(vec![seen("m1", 1, &[U1, A1])]).await;
    let request = UnlinkRequest { a: U1.to_owned(), b: A1.to_owned(), ..Default::default() };
    client.identity().unlink(request).await.unwrap();
    let answer = apart(&client, U1, A1).await.unwrap();
    assert_eq!(answer.walls.len(), 1);
    assert!(answer.walls[0].until.is_some() && answer.walls[0].until == answer.walls[0].time);
    assert_eq!(answer.refusals.iter().map(|refusal| &*refusal.rule).collect::<Vec<_>>(), ["wall"]);
}

#[tokio::test]
async fn values_that_identify_nobody_are_known_for_that() {
    let (_server, client) = server_with(vec![seen("m1", 1, &[A1, "user_id:null"])]).await;
    let answer = apart(&client, "user_id:null", A1).await.unwrap();
    assert_eq!(answer.a_profile_id, "");
    let [refusal] = answer.refusals.as_slice() else { panic!("{answer:?}") };
    assert_eq!((&*refusal.key, &*refusal.rule, &*refusal.message_id), ("user_id:null", "blocked value", "m1"));
    assert_eq!(refusal.profile_id, profile_of(&client, A1).await);
}

#[tokio::test]
async fn who_is_not_known_is_named_by_field_and_not_by_value() {
    let (server, client) = server_with(vec![seen("m1", 1, &[U1, JOE])]).await;
    let canary = "email:canary@example.com";
    for (a, b, field) in [(canary, U1, "`a`"), (U1, canary, "`b`"), (canary, "user_id:nobody", "`a`")] {
        for refusal in [explain(&client, a, b).await.map(|_| ()), apart(&client, a, b).await.map(|_| ())] {
            assert!(!format!("{refusal:?}").contains("canary"));
            refused(refusal, Code::NotFound, field);
        }
    }
    let profile = format!("profile_id:{}", profile_of(&client, U1).await);
    let asked = [
        (profile.as_str(), U1, "a: names a profile"),
        (U1, profile.as_str(), "b: names a profile"),
        (JOE, "email:JOE@example.com", "b: is the same identifier as `a`"),
        (JOE, "account_id:acme", "b: has a type that does not identify this kind"),
    ];
    for (a, b, words) in asked {
        refused(explain(&client, a, b).await, Code::InvalidArgument, words);
        refused(apart(&client, a, b).await, Code::InvalidArgument, words);
    }
    let request = kith::proto::v1::ExplainRequest { kind: "nothing".to_owned(), ..explaining(U1, JOE) };
    refused(client.identity().explain(request).await, Code::InvalidArgument, "kind: is not declared");
    let unknown = run(server.kith(&["explain", U1, canary]), "");
    assert_eq!(unknown.status.code(), Some(4));
    assert_eq!(lookup(&client, &[canary], &[]).await.profile_id, "", "asking creates nobody");
}
