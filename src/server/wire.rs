//! The fast way out for answers of lookups: straight from what was found to the bytes of `kith.v1.Answer`.
//!
//! As generated messages an answer would be three maps, with a copy of each name for each of them, and measured twice on its
//! way out; that cost as much as all the rest of a lookup by a view. So `LookupService` is compiled once more, for the
//! server alone, with answers that are bytes already ([`Encoded`]). What comes in is read as everywhere. That the bytes are
//! those of the contract is held by tests here, and by every client.

mod answer;
mod message;

use std::marker::PhantomData;

use bytes::BufMut as _;
use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic_prost::ProstDecoder;

pub use answer::{Item, batch, lookup, stream, write_and_lookup};

/// The service, with [`Encoded`] messages on their way out.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/kith.v1.LookupService.rs"));
}

pub use generated::lookup_service_server::{LookupService, LookupServiceServer};

/// A message as the bytes that it is on the wire.
#[derive(Debug)]
pub struct Encoded(Vec<u8>);

/// Reads messages of type `Q`, and sends [`Encoded`] ones.
#[derive(Debug)]
pub struct EncodedCodec<Q>(PhantomData<Q>);

impl<Q> Default for EncodedCodec<Q> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Q: Message + Default + Send + 'static> Codec for EncodedCodec<Q> {
    type Encode = Encoded;
    type Decode = Q;
    type Encoder = PutBytes;
    type Decoder = ProstDecoder<Q>;

    fn encoder(&mut self) -> PutBytes {
        PutBytes
    }

    fn decoder(&mut self) -> ProstDecoder<Q> {
        ProstDecoder::default()
    }
}

/// Sends bytes as they are.
#[derive(Debug)]
pub struct PutBytes;

impl Encoder for PutBytes {
    type Item = Encoded;
    type Error = Status;

    fn encode(&mut self, Encoded(bytes): Encoded, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&bytes);
        Ok(())
    }
}
