//! What the tests of the server share: a server on a free port over a fresh database, and short ways to talk to it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use kith::domain::access::Scope;
use kith::domain::model::DEFAULT_MODEL;
use kith::engine::{self, Durability, Engine};
use kith::proto::v1::fact::Body;
use kith::proto::v1::lookup_service_client::LookupServiceClient;
use kith::proto::v1::write_service_client::WriteServiceClient;
use kith::proto::v1::{Fact, Identify, LookupRequest, Receipt, WriteRequest};
use kith::server::{self, Options, Server, auth};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

/// How long a test waits for what has to happen.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Durability for tests that are not about it.
pub const LAZY: Durability = Durability::Interval(Duration::from_millis(50));

/// A server with its engine and its directory, stopped when dropped.
pub struct Served {
    pub server: Server,
    pub engine: Engine,
    _data: TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.stop();
    }
}

/// An engine over a fresh database with the built-in model.
pub async fn engine(write_queue: usize, durability: Durability) -> (Engine, TempDir) {
    let data = tempfile::tempdir().unwrap();
    let engine = open(data.path(), 8 * 1024 * 1024, write_queue, durability);
    engine.apply_model(engine::DEFAULT_WORKSPACE, DEFAULT_MODEL, server::now()).await.unwrap();
    (engine, data)
}

/// An engine over the database in `data`.
pub fn open(data: &Path, cache_bytes: usize, write_queue: usize, durability: Durability) -> Engine {
    let refold_portion = engine::REFOLD_PORTION;
    let data = data.to_owned();
    let options = engine::Options { data, durability, cache_bytes, write_queue, refold_portion, invalidates: true };
    Engine::open(&options).unwrap()
}

/// A server on a free port of loopback.
pub async fn serve(change: impl FnOnce(&mut Options)) -> Served {
    let (engine, data) = engine(64, LAZY).await;
    serve_engine(engine, data, change).await
}

/// The same over an engine that is there.
pub async fn serve_engine(engine: Engine, data: TempDir, change: impl FnOnce(&mut Options)) -> Served {
    let mut options = Options { listen: "127.0.0.1:0".parse().unwrap(), cores: Some(2), ..Options::default() };
    change(&mut options);
    let server = Server::start(options, engine.clone()).await.unwrap();
    Served { server, engine, _data: data }
}

impl Served {
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// A connection of its own.
    pub async fn channel(&self) -> Channel {
        let url = format!("http://{}", self.addr());
        Channel::from_shared(url).unwrap().connect().await.unwrap()
    }

    pub async fn lookups(&self) -> LookupServiceClient<Channel> {
        LookupServiceClient::new(self.channel().await)
    }

    pub async fn writes(&self) -> WriteServiceClient<Channel> {
        WriteServiceClient::new(self.channel().await)
    }

    /// Creates a key in `workspace` and gives its secret.
    pub async fn key(&self, workspace: &str, scopes: &[Scope]) -> (String, String) {
        let workspace = self.engine.workspace(workspace).unwrap();
        let (key, secret) = auth::new_key("test", workspace, scopes.to_vec(), server::now()).unwrap();
        let key_id = key.key_id.clone();
        self.engine.create_key(key, server::now()).await.unwrap();
        (key_id, secret.to_string())
    }

    /// The status line and the body that plain HTTP/1.1 answers.
    pub async fn get(&self, path: &str, header: &str) -> (String, String) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: kith\r\nconnection: close\r\n{header}\r\n");
        let addr = self.addr();
        let answer = tokio::task::spawn_blocking(move || {
            let mut socket = TcpStream::connect(addr).unwrap();
            socket.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).unwrap();
            answer
        });
        let answer = answer.await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }
}

/// An identify of `key` with one trait.
pub fn identify(message_id: &str, key: &str, name: &str, value: &str) -> Fact {
    let value = Value { kind: Some(Kind::StringValue(value.to_owned())) };
    let traits = Struct { fields: [(name.to_owned(), value)].into() };
    Fact {
        message_id: message_id.to_owned(),
        keys: vec![key.to_owned()],
        body: Some(Body::Identify(Identify { traits: Some(traits), address: String::new() })),
        ..Fact::default()
    }
}

/// A lookup of one key.
pub fn lookup(key: &str) -> LookupRequest {
    LookupRequest { keys: vec![key.to_owned()], ..LookupRequest::default() }
}

/// Writes one fact.
pub async fn write(client: &mut WriteServiceClient<Channel>, fact: Fact) -> Result<Receipt, Status> {
    let response = client.write(WriteRequest { fact: Some(fact) }).await?;
    Ok(response.into_inner().receipt.unwrap())
}

/// The same message with a secret.
pub fn with_key<T>(message: T, secret: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
    request
}

/// Asserts code and reason, and gives the field at fault or the limit reached.
#[track_caller]
pub fn refused<T>(result: Result<T, Status>, code: Code, reason: &str) -> String {
    let Err(status) = result else { panic!("was not refused") };
    assert_eq!(status.code(), code, "{status:?}");
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("{status:?} has no ErrorInfo"));
    assert_eq!((info.domain.as_str(), info.reason.as_str()), ("kith", format!("ERROR_REASON_{reason}").as_str()));
    assert_eq!(details.retry_info().is_some(), matches!(code, Code::ResourceExhausted | Code::Unavailable));
    match details.bad_request() {
        Some(bad) => bad.field_violations[0].field.clone(),
        None => info.metadata.get("limit").cloned().unwrap_or_default(),
    }
}
