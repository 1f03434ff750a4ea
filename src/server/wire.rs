//! The fast way in and out for lookups: requests stay bytes until somebody needs all of one, answers are written straight to
//! the bytes of `kith.v1.Answer`.
//!
//! As generated messages an answer would be three maps, with a copy of each name for each of them, and measured twice on its
//! way out; that cost as much as all the rest of a lookup by a view. So `LookupService` is compiled once more, for the
//! server alone, with messages that are bytes on their way in ([`Undecoded`]) and out ([`Encoded`]). That the bytes are those of
//! the contract is held by tests here, and by every client.

mod answer;
mod message;
mod undecoded;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::{Buf as _, BufMut};
use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic_prost::ProstDecoder;

pub use answer::{Item, answer, write_and_lookup};
pub use undecoded::{Keys, Plain, Undecoded};

/// The service, with [`Encoded`] messages on their way out.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/kith.v1.LookupService.rs"));
}

pub use generated::lookup_service_server::{LookupService, LookupServiceServer};

/// A message as the bytes that it is on the wire.
pub enum Encoded {
    /// All of it.
    Whole(Vec<u8>),
    /// One answer, and a token if it is not empty: a `LookupResponse`, or a `StreamLookupResponse`.
    One {
        /// The bytes of the `Answer`.
        answer: Arc<[u8]>,
        /// The token.
        token: String,
    },
    /// A `BatchLookupResponse`.
    Many {
        /// The bytes of each `Answer`.
        answers: Vec<Arc<[u8]>>,
        /// The token.
        token: String,
    },
}

/// The tags of the answers and of the token in all three responses.
const ANSWER: u32 = 1;
const TOKEN: u32 = 2;
/// How long tag and length of a message in a message may be.
const MAX_HEAD_BYTES: usize = 11;

/// Without its bytes, which tell of people.
impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded").field("usual_bytes", &self.usual_bytes()).finish_non_exhaustive()
    }
}

impl Encoded {
    /// About how many bytes it takes.
    fn usual_bytes(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::One { answer, token } => answer.len() + token.len() + 2 * MAX_HEAD_BYTES,
            Self::Many { answers, token } => {
                let answers: usize = answers.iter().map(|answer| answer.len() + MAX_HEAD_BYTES).sum();
                answers + token.len() + MAX_HEAD_BYTES
            }
        }
    }

    fn put(self, out: &mut impl BufMut) {
        match self {
            Self::Whole(bytes) => out.put_slice(&bytes),
            Self::One { answer, token } => {
                message::present_block(out, ANSWER, &answer);
                message::block(out, TOKEN, token.as_bytes());
            }
            Self::Many { answers, token } => {
                answers.iter().for_each(|answer| message::present_block(out, ANSWER, answer));
                message::block(out, TOKEN, token.as_bytes());
            }
        }
    }
}

/// Reads messages of type `Q`, and sends [`Encoded`] ones.
#[derive(Debug)]
pub struct EncodedCodec<Q>(PhantomData<Q>);

/// Leaves messages as they come, and sends [`Encoded`] ones.
#[derive(Debug, Default)]
pub struct BytesCodec;

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

impl Codec for BytesCodec {
    type Encode = Encoded;
    type Decode = Undecoded;
    type Encoder = PutBytes;
    type Decoder = TakeBytes;

    fn encoder(&mut self) -> PutBytes {
        PutBytes
    }

    fn decoder(&mut self) -> TakeBytes {
        TakeBytes
    }
}

/// Takes bytes as they are.
#[derive(Debug)]
pub struct TakeBytes;

impl Decoder for TakeBytes {
    type Item = Undecoded;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Undecoded>, Status> {
        Ok(Some(Undecoded::new(message.copy_to_bytes(message.remaining()))))
    }
}

/// Sends bytes as they are.
#[derive(Debug)]
pub struct PutBytes;

impl Encoder for PutBytes {
    type Item = Encoded;
    type Error = Status;

    fn encode(&mut self, encoded: Encoded, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(encoded.usual_bytes());
        encoded.put(out);
        Ok(())
    }
}
