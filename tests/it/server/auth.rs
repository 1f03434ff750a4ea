//! Keys: every call but health is checked, in one place, and sees the workspace of its key alone.

use kith::domain::access::Scope;
use kith::domain::model::DEFAULT_MODEL;
use kith::proto::v1::admin_service_client::AdminServiceClient;
use kith::proto::v1::identity_service_client::IdentityServiceClient;
use kith::proto::v1::profile_service_client::ProfileServiceClient;
use kith::proto::v1::{
    CreateKeyRequest, GetProfileRequest, GetStatsRequest, KeepApartRequest, ListKeysRequest, ListMergesRequest,
    Resolution, RevokeKeyRequest, SimulateRequest, StreamLookupRequest, StreamLookupResponse, StreamWriteRequest,
    StreamWriteResponse, UndoMergeRequest, WriteRequest,
};
use kith::server;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

use super::kit::{Served, identify, lookup, refused, serve, with_key, write};

#[tokio::test]
async fn without_any_key_loopback_is_open_and_the_first_key_shuts_it() {
    let served = serve(|_| {}).await;
    let mut lookups = served.lookups().await;
    lookups.lookup(lookup("user_id:1")).await.unwrap();

    let mut admin = AdminServiceClient::new(served.channel().await);
    let request = CreateKeyRequest { name: "site".to_owned(), scopes: vec![1] };
    let created = admin.create_key(request.clone()).await.unwrap().into_inner();
    let key = created.key.unwrap();
    assert_eq!((key.name.as_str(), key.workspace.as_str()), ("site", "default"));
    assert!(created.secret.starts_with(&format!("kith_{}_", key.key_id)));

    refused(lookups.lookup(lookup("user_id:1")).await, Code::Unauthenticated, "UNAUTHENTICATED");
    refused(admin.create_key(request).await, Code::Unauthenticated, "UNAUTHENTICATED");
    lookups.lookup(with_key(lookup("user_id:1"), &created.secret)).await.unwrap();
}

#[tokio::test]
async fn each_service_needs_its_scope() {
    let served = serve(|_| {}).await;
    let (_, read) = served.key("default", &[Scope::Read]).await;
    let (_, write) = served.key("default", &[Scope::Write]).await;
    let (_, admin) = served.key("default", &[Scope::Admin]).await;
    let mut lookups = served.lookups().await;
    let mut writes = served.writes().await;
    let mut profiles = ProfileServiceClient::new(served.channel().await);
    let mut admins = AdminServiceClient::new(served.channel().await);
    let fact = || WriteRequest { fact: Some(identify("m1", "user_id:1", "name", "Joe")) };
    let profile = || GetProfileRequest { key: "user_id:1".to_owned(), ..GetProfileRequest::default() };

    writes.write(with_key(fact(), &write)).await.unwrap();
    lookups.lookup(with_key(lookup("user_id:1"), &read)).await.unwrap();
    profiles.get_profile(with_key(profile(), &read)).await.unwrap();
    admins.get_stats(with_key(GetStatsRequest {}, &admin)).await.unwrap();

    let (code, reason) = (Code::PermissionDenied, "SCOPE_MISSING");
    refused(writes.write(with_key(fact(), &read)).await, code, reason);
    refused(lookups.lookup(with_key(lookup("user_id:1"), &write)).await, code, reason);
    refused(profiles.get_profile(with_key(profile(), &admin)).await, code, reason);
    refused(admins.get_stats(with_key(GetStatsRequest {}, &read)).await, code, reason);
}

#[tokio::test]
async fn looking_into_identities_needs_read_and_correcting_them_write() {
    let served = serve(|_| {}).await;
    let (_, read) = served.key("default", &[Scope::Read]).await;
    let (_, write) = served.key("default", &[Scope::Write]).await;
    let mut identity = IdentityServiceClient::new(served.channel().await);
    let fact = || SimulateRequest { facts: vec![identify("m1", "user_id:1", "name", "Joe")] };
    let (a, b) = ("user_id:1".to_owned(), "email:joe@example.com".to_owned());
    let apart = || KeepApartRequest { a: a.clone(), b: b.clone(), ..KeepApartRequest::default() };
    let undo = || UndoMergeRequest { merge_id: "1".repeat(32), dry_run: true, ..UndoMergeRequest::default() };

    identity.simulate(with_key(fact(), &read)).await.unwrap();
    identity.list_merges(with_key(ListMergesRequest::default(), &read)).await.unwrap();
    identity.keep_apart(with_key(apart(), &write)).await.unwrap();

    let (code, reason) = (Code::PermissionDenied, "SCOPE_MISSING");
    refused(identity.simulate(with_key(fact(), &write)).await, code, reason);
    refused(identity.list_merges(with_key(ListMergesRequest::default(), &write)).await, code, reason);
    refused(identity.keep_apart(with_key(apart(), &read)).await, code, reason);
    refused(identity.undo_merge(with_key(undo(), &read)).await, code, reason);
}

#[tokio::test]
async fn wrong_and_revoked_keys_are_refused_alike() {
    let served = serve(|_| {}).await;
    let (key_id, secret) = served.key("default", &[Scope::Read, Scope::Admin]).await;
    let mut lookups = served.lookups().await;
    let mut admin = AdminServiceClient::new(served.channel().await);
    let mut elsewhere = Request::new(lookup("user_id:1"));
    elsewhere.metadata_mut().insert("x-api-key", secret.parse().unwrap());
    lookups.lookup(elsewhere).await.unwrap();

    let wrong = format!("{}x", &secret[..secret.len() - 1]);
    let unknown = lookups.lookup(with_key(lookup("user_id:1"), &wrong)).await;
    let revoked = admin.revoke_key(with_key(RevokeKeyRequest { key_id }, &secret)).await.unwrap().into_inner();
    assert!(revoked.key.unwrap().revoked_at.is_some());
    let revoked = lookups.lookup(with_key(lookup("user_id:1"), &secret)).await;
    assert_eq!(unknown.as_ref().unwrap_err().message(), revoked.as_ref().unwrap_err().message());
    refused(unknown, Code::Unauthenticated, "UNAUTHENTICATED");
    refused(revoked, Code::Unauthenticated, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_key_that_is_not_there_cannot_be_revoked_and_scopes_are_checked() {
    let served = serve(|_| {}).await;
    let mut admin = AdminServiceClient::new(served.channel().await);
    let unknown = RevokeKeyRequest { key_id: "nothing".to_owned() };
    refused(admin.revoke_key(unknown).await, Code::NotFound, "NOT_FOUND");
    let no_name = CreateKeyRequest { name: String::new(), scopes: vec![1] };
    assert_eq!(refused(admin.create_key(no_name).await, Code::InvalidArgument, "MISSING"), "name");
    let no_scope = CreateKeyRequest { name: "site".to_owned(), scopes: vec![1, 0] };
    assert_eq!(refused(admin.create_key(no_scope).await, Code::InvalidArgument, "BAD_VALUE"), "scopes[1]");
    assert!(admin.list_keys(ListKeysRequest {}).await.unwrap().into_inner().keys.is_empty());
}

#[tokio::test]
async fn a_key_sees_its_own_workspace_alone() {
    let served = serve(|_| {}).await;
    served.engine.apply_model("other", DEFAULT_MODEL, server::now()).await.unwrap();
    let mut writes = served.writes().await;
    write(&mut writes, identify("m1", "user_id:1", "name", "Joe")).await.unwrap();

    let (_, own) = served.key("default", &[Scope::Read]).await;
    let (_, other) = served.key("other", &[Scope::Read, Scope::Admin]).await;
    let mut lookups = served.lookups().await;
    for (secret, expected) in [(own, Resolution::Found), (other.clone(), Resolution::NotFound)] {
        let answer = lookups.lookup(with_key(lookup("user_id:1"), &secret)).await.unwrap().into_inner().answer;
        assert_eq!(answer.unwrap().resolution(), expected);
    }
    let mut admin = AdminServiceClient::new(served.channel().await);
    let keys = admin.list_keys(with_key(ListKeysRequest {}, &other)).await.unwrap().into_inner().keys;
    assert_eq!(keys.iter().map(|key| key.workspace.as_str()).collect::<Vec<_>>(), ["other"]);
}

#[tokio::test]
async fn health_is_open_and_all_else_is_not() {
    let served = serve(|_| {}).await;
    let (_, secret) = served.key("default", &[Scope::Write]).await;
    let mut health = HealthClient::new(served.channel().await);
    for service in ["", "kith.v1.LookupService", "kith.v1.AdminService"] {
        let answer = health.check(HealthCheckRequest { service: service.to_owned() }).await.unwrap();
        assert_eq!(answer.into_inner().status, 1);
    }
    let mut reflection = ServerReflectionClient::new(served.channel().await);
    let asked = || tokio_stream::iter([ServerReflectionRequest::default()]);
    refused(reflection.server_reflection_info(asked()).await, Code::Unauthenticated, "UNAUTHENTICATED");
    reflection.server_reflection_info(with_key(asked(), &secret)).await.unwrap();

    let key = format!("authorization: Bearer {secret}\r\n");
    assert_eq!(served.get("/livez", "").await.0, "HTTP/1.1 200 OK");
    assert_eq!(served.get("/readyz", "").await.0, "HTTP/1.1 200 OK");
    assert_eq!(served.get("/metrics", "").await.0, "HTTP/1.1 401 Unauthorized");
    assert_eq!(served.get("/metrics", &key).await.0, "HTTP/1.1 200 OK");
    assert_eq!(served.get("/nothing", "").await.0, "HTTP/1.1 401 Unauthorized");
    assert_eq!(served.get("/nothing", &key).await.0, "HTTP/1.1 404 Not Found");
}

/// A stream of lookups and one of facts that have each been answered once.
struct Streams {
    keys: mpsc::Sender<StreamLookupRequest>,
    answers: Streaming<StreamLookupResponse>,
    facts: mpsc::Sender<StreamWriteRequest>,
    results: Streaming<StreamWriteResponse>,
}

impl Streams {
    async fn open(served: &Served, secret: Option<&str>) -> Self {
        let (keys, lookups) = mpsc::channel(4);
        let (facts, writes) = mpsc::channel(4);
        let (lookups, writes) = (ReceiverStream::new(lookups), ReceiverStream::new(writes));
        let (lookups, writes) = match secret {
            Some(secret) => (with_key(lookups, secret), with_key(writes, secret)),
            None => (Request::new(lookups), Request::new(writes)),
        };
        let answers = served.lookups().await.stream_lookup(lookups).await.unwrap().into_inner();
        let results = served.writes().await.stream_write(writes).await.unwrap().into_inner();
        let mut streams = Self { keys, answers, facts, results };
        streams.ask("m1").await;
        streams.answers.message().await.unwrap().unwrap();
        streams.results.message().await.unwrap().unwrap();
        streams
    }

    async fn ask(&self, message_id: &str) {
        let request = StreamLookupRequest { keys: vec!["user_id:1".to_owned()], ..StreamLookupRequest::default() };
        self.keys.send(request).await.unwrap();
        let fact = Some(identify(message_id, "user_id:1", "name", "Joe"));
        self.facts.send(StreamWriteRequest { fact }).await.unwrap();
    }

    async fn are_shut(mut self, served: &Served) {
        let applied = served.engine.applied();
        self.ask("m2").await;
        refused(self.answers.message().await, Code::Unauthenticated, "UNAUTHENTICATED");
        refused(self.results.message().await, Code::Unauthenticated, "UNAUTHENTICATED");
        assert_eq!(served.engine.applied(), applied, "nothing was written any more");
    }
}

#[tokio::test]
async fn a_revoked_key_ends_the_streams_that_it_opened_and_no_others() {
    let served = serve(|_| {}).await;
    let (key_id, secret) = served.key("default", &[Scope::Read, Scope::Write]).await;
    let (_, other) = served.key("default", &[Scope::Read, Scope::Write]).await;
    let revoked = Streams::open(&served, Some(&secret)).await;
    let mut kept = Streams::open(&served, Some(&other)).await;

    let workspace = served.engine.workspace("default").unwrap();
    served.engine.revoke_key(workspace, &key_id, server::now()).await.unwrap();
    revoked.are_shut(&served).await;
    kept.ask("m3").await;
    kept.answers.message().await.unwrap().unwrap();
    kept.results.message().await.unwrap().unwrap();
}

#[tokio::test]
async fn the_first_key_ends_the_streams_that_were_opened_without_one() {
    let served = serve(|_| {}).await;
    let streams = Streams::open(&served, None).await;
    served.key("default", &[Scope::Read]).await;
    streams.are_shut(&served).await;
}
