//! Peer: what people build today. A tonic service on its ordinary multi-thread server looks a customer up in Redis in
//! two steps over shared connections, and answers the messages of `kith.v1`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use clap::Parser;
use futures::stream::Empty;
use kith::proto::v1::lookup_service_server::{LookupService, LookupServiceServer};
use kith::proto::v1::{
    Answer, BatchLookupRequest, BatchLookupResponse, FieldState, GetServedRequest, GetServedResponse, LookupRequest,
    LookupResponse, Resolution, StreamLookupRequest, StreamLookupResponse, WriteAndLookupRequest,
    WriteAndLookupResponse,
};
use mimalloc::MiMalloc;
use prost_types::Value;
use prost_types::value::Kind;
use redis::aio::MultiplexedConnection;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

mod redis_store;

/// The allocator of the kith binary, so that nobody is ahead by that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Loopback port to listen on
    #[arg(long)]
    port: u16,
    /// Host and port of Redis
    #[arg(long)]
    redis: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let connection = redis_store::connect(&arguments.redis).await?;
    let service = LookupServiceServer::new(OverRedis { connection });
    let address = SocketAddr::from(([127, 0, 0, 1], arguments.port));
    Server::builder().tcp_nodelay(true).add_service(service).serve(address).await?;
    Ok(())
}

struct OverRedis {
    connection: MultiplexedConnection,
}

#[tonic::async_trait]
impl LookupService for OverRedis {
    type StreamLookupStream = Empty<Result<StreamLookupResponse, Status>>;

    async fn lookup(&self, request: Request<LookupRequest>) -> Result<Response<LookupResponse>, Status> {
        let LookupRequest { keys, fields, .. } = request.into_inner();
        let key = keys.into_iter().next().ok_or_else(|| Status::invalid_argument("no key"))?;
        let mut connection = self.connection.clone();
        let found = redis_store::look_up(&mut connection, &key, &fields).await;
        let answer = match found.map_err(|_| Status::unavailable("redis"))? {
            Some((id, values)) => found_answer(key, id, fields, values),
            None => Answer { key, resolution: Resolution::NotFound.into(), ..Default::default() },
        };
        Ok(Response::new(LookupResponse { answer: Some(answer), token: String::new() }))
    }

    async fn batch_lookup(&self, _: Request<BatchLookupRequest>) -> Result<Response<BatchLookupResponse>, Status> {
        Err(Status::unimplemented("this peer is measured one by one"))
    }

    async fn stream_lookup(
        &self,
        _: Request<Streaming<StreamLookupRequest>>,
    ) -> Result<Response<Self::StreamLookupStream>, Status> {
        Err(Status::unimplemented("this peer is measured one by one"))
    }

    async fn get_served(&self, _: Request<GetServedRequest>) -> Result<Response<GetServedResponse>, Status> {
        Err(Status::unimplemented("this peer keeps nothing that it answered"))
    }

    async fn write_and_lookup(
        &self,
        _: Request<WriteAndLookupRequest>,
    ) -> Result<Response<WriteAndLookupResponse>, Status> {
        Err(Status::unimplemented("this peer is measured by its lookups"))
    }
}

fn found_answer(key: String, profile_id: String, fields: Vec<String>, found: Vec<Option<String>>) -> Answer {
    let (mut values, mut states) = (BTreeMap::new(), BTreeMap::new());
    for (name, value) in fields.into_iter().zip(found) {
        let state = match value {
            None => FieldState::NotSet,
            Some(text) => {
                values.insert(name.clone(), Value { kind: Some(Kind::StringValue(text)) });
                FieldState::Present
            }
        };
        states.insert(name, state.into());
    }
    Answer { key, resolution: Resolution::Found.into(), profile_id, values, states, ..Default::default() }
}
