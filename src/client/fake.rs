//! A server for the tests of clients: it takes facts, refuses those whose id starts with `refuse`, answers a repeated
//! id as a duplicate, and breaks the stream at the id `break`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

use crate::config::Config;
use crate::proto::v1::write_result::Result as Written;
use crate::proto::v1::write_service_server::{WriteService, WriteServiceServer};
use crate::proto::v1::{
    BatchWriteRequest, BatchWriteResponse, Fact, ItemError, Receipt, StreamWriteRequest, StreamWriteResponse,
    WriteRequest, WriteResponse, WriteResult,
};

/// Starts the server on a free port. It ends with the runtime.
pub async fn serve() -> Config {
    let address = start(Server::builder()).await;
    Config { server: format!("http://{address}"), ..Config::default() }
}

/// The same behind TLS for `localhost`.
pub async fn serve_tls(identity: Identity) -> Config {
    let tls = ServerTlsConfig::new().identity(identity);
    let address = start(Server::builder().tls_config(tls).unwrap()).await;
    Config { server: format!("https://localhost:{}", address.port()), ..Config::default() }
}

async fn start(mut server: Server) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = WriteServiceServer::new(Fake::default());
    tokio::spawn(server.add_service(service).serve_with_incoming(TcpListenerStream::new(listener)));
    address
}

#[derive(Debug, Clone, Default)]
struct Fake {
    seen: Arc<Mutex<BTreeSet<String>>>,
}

impl Fake {
    fn take(&self, fact: Fact) -> Result<StreamWriteResponse, Status> {
        let written = match fact.message_id.as_str() {
            "break" => return Err(Status::unavailable("draining")),
            id if id.starts_with("refuse") => Written::Error(ItemError {
                field: "keys[0]".into(),
                message: "is malformed".into(),
                ..Default::default()
            }),
            id => {
                let duplicate = !self.seen.lock().unwrap().insert(id.to_owned());
                Written::Receipt(Receipt { duplicate, ..Default::default() })
            }
        };
        Ok(StreamWriteResponse { result: Some(WriteResult { result: Some(written) }) })
    }
}

#[tonic::async_trait]
impl WriteService for Fake {
    type StreamWriteStream = Pin<Box<dyn Stream<Item = Result<StreamWriteResponse, Status>> + Send>>;

    async fn stream_write(
        &self,
        facts: Request<Streaming<StreamWriteRequest>>,
    ) -> Result<Response<Self::StreamWriteStream>, Status> {
        let fake = self.clone();
        let results = facts.into_inner().map(move |request| fake.take(request?.fact.unwrap_or_default()));
        Ok(Response::new(Box::pin(results)))
    }

    async fn write(&self, _: Request<WriteRequest>) -> Result<Response<WriteResponse>, Status> {
        Err(Status::unimplemented("not for these tests"))
    }

    async fn batch_write(&self, _: Request<BatchWriteRequest>) -> Result<Response<BatchWriteResponse>, Status> {
        Err(Status::unimplemented("not for these tests"))
    }
}
