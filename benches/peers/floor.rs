//! Peer: the floor under kith. It serves `kith.v1.LookupService` as kith does, one runtime per core, decodes every
//! request, and answers bytes that were encoded once at the start: no lookup, no encoding. Nothing that
//! decodes its requests can be cheaper.

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes};
use clap::Parser;
use futures::{Stream, StreamExt as _};
use kith::cli::bench::people::{Datum, Population, spread_names};
use kith::proto::v1::{
    Answer, BatchLookupRequest, BatchLookupResponse, FieldState, LookupRequest, LookupResponse, Resolution,
    StreamLookupRequest, StreamLookupResponse,
};
use kith::server::cores::{CoreOptions, serve};
use mimalloc::MiMalloc;
use prost::Message;
use prost_types::Value;
use prost_types::value::Kind;
use tonic::body::Body;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic::server::{Grpc, NamedService};
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::{ProstCodec, ProstDecoder};
use tower::{Service, service_fn};

/// The allocator of the kith binary, so that nobody is ahead by that.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Loopback port to listen on
    #[arg(long)]
    port: u16,
    /// Fields of the answer
    #[arg(long, default_value_t = 6)]
    fields: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))?;
    let floor = Floor::answering(arguments.fields);
    let running = serve(listener, CoreOptions::default(), move || Routes::new(floor.clone()).prepare())?;
    running.join();
    Ok(())
}

/// The prepared answers.
#[derive(Clone)]
struct Floor {
    unary: Bytes,
    stream: Bytes,
    /// One answer of a batch, with its tag and length.
    item: Bytes,
    /// What follows the last one.
    batch_end: Bytes,
}

impl Floor {
    fn answering(fields: usize) -> Self {
        let token = "00000000000f42405a1c7d3e".to_owned();
        let answer = answer(fields);
        let batch = |answers, token| BatchLookupResponse { answers, token };
        Self {
            unary: encoded(LookupResponse { answer: Some(answer.clone()), token: token.clone() }),
            stream: encoded(StreamLookupResponse { answer: Some(answer.clone()) }),
            item: encoded(batch(vec![answer], String::new())),
            batch_end: encoded(batch(vec![], token)),
        }
    }

    async fn lookup(self, _: Request<LookupRequest>) -> Result<Response<Prepared>, Status> {
        Ok(Response::new(Prepared { body: self.unary, times: 1, end: Bytes::new() }))
    }

    async fn batch_lookup(self, request: Request<BatchLookupRequest>) -> Result<Response<Prepared>, Status> {
        let times = request.get_ref().keys.len();
        Ok(Response::new(Prepared { body: self.item, times, end: self.batch_end }))
    }

    async fn stream_lookup(
        self,
        requests: Request<Streaming<StreamLookupRequest>>,
    ) -> Result<Response<impl Stream<Item = Result<Prepared, Status>>>, Status> {
        let answer = Prepared { body: self.stream, times: 1, end: Bytes::new() };
        let answers = requests.into_inner().map(move |request| request.map(|_| answer.clone()));
        Ok(Response::new(answers))
    }
}

/// The answer about person 0.
fn answer(fields: usize) -> Answer {
    let people = Population { profiles: 1, seed: 1 };
    let names = spread_names(fields);
    let data = people.data(0).filter(|(name, _)| names.contains(name));
    Answer {
        key: people.key(0),
        resolution: Resolution::Found.into(),
        profile_id: "01936f5c-1b7e-7cc3-98f1-0242ac120002".into(),
        values: data.map(|(name, datum)| (name, Value { kind: Some(kind(datum)) })).collect(),
        states: names.into_iter().map(|name| (name, FieldState::Present.into())).collect(),
        model_version: 1,
        error: None,
        shared_by: 0,
        ..Default::default()
    }
}

fn kind(datum: Datum) -> Kind {
    match datum {
        Datum::Text(text) => Kind::StringValue(text),
        Datum::Number(number) => Kind::NumberValue(number),
        Datum::Flag(flag) => Kind::BoolValue(flag),
    }
}

fn encoded(message: impl Message) -> Bytes {
    message.encode_to_vec().into()
}

impl NamedService for Floor {
    const NAME: &'static str = "kith.v1.LookupService";
}

impl Service<http::Request<Body>> for Floor {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let floor = self.clone();
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap_or_default();
            Ok(match method {
                "Lookup" => {
                    let service = service_fn(move |request| floor.clone().lookup(request));
                    Grpc::new(PreparedCodec::default()).unary(service, request).await
                }
                "BatchLookup" => {
                    let service = service_fn(move |request| floor.clone().batch_lookup(request));
                    Grpc::new(PreparedCodec::default()).unary(service, request).await
                }
                "StreamLookup" => {
                    let service = service_fn(move |request| floor.clone().stream_lookup(request));
                    Grpc::new(PreparedCodec::default()).streaming(service, request).await
                }
                _ => Status::unimplemented("not a method of LookupService").into_http(),
            })
        })
    }
}

/// A message as bytes: `body` so many times, then `end`.
#[derive(Clone)]
struct Prepared {
    body: Bytes,
    times: usize,
    end: Bytes,
}

/// Decodes requests like any tonic service, and sends prepared bytes.
struct PreparedCodec<Q>(ProstCodec<Q, Q>);

impl<Q: Message + Default + 'static> Default for PreparedCodec<Q> {
    fn default() -> Self {
        Self(ProstCodec::new())
    }
}

impl<Q: Message + Default + 'static> Codec for PreparedCodec<Q> {
    type Encode = Prepared;
    type Decode = Q;
    type Encoder = PreparedEncoder;
    type Decoder = ProstDecoder<Q>;

    fn encoder(&mut self) -> PreparedEncoder {
        PreparedEncoder
    }

    fn decoder(&mut self) -> ProstDecoder<Q> {
        self.0.decoder()
    }
}

struct PreparedEncoder;

impl Encoder for PreparedEncoder {
    type Item = Prepared;
    type Error = Status;

    fn encode(&mut self, item: Prepared, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        for _ in 0..item.times {
            buffer.put_slice(&item.body);
        }
        buffer.put_slice(&item.end);
        Ok(())
    }
}
