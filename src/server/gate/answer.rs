//! The body of an answer on its way out: it ends the call, by itself, by the client's deadline or by the drain.
//!
//! The deadline of a unary call ends with the headers of its answer; from there on its connection bounds the time in
//! which the client has to take it, and until then the bytes keep the place of the call.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, sleep_until};
use tonic::body::Body;
use tonic::{Code, Status};

use super::call::Call;
use crate::server::cores::piece::Piece;
use crate::server::drain::Drain;
use crate::server::status::Refusal;

/// What ends a stream before its time.
pub struct Ending(Pin<Box<dyn Future<Output = Refusal> + Send>>);

impl Ending {
    /// The client's deadline, or the drain, or whichever comes first; `None` if there is neither.
    pub fn new(deadline: Option<Instant>, drain: Option<Drain>) -> Option<Self> {
        if deadline.is_none() && drain.is_none() {
            return None;
        }
        Some(Self(Box::pin(async move {
            tokio::select! {
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    Refusal::deadline_exceeded()
                }
                () = given(drain.as_ref()), if drain.is_some() => Refusal::draining(),
                else => Refusal::draining(),
            }
        })))
    }
}

async fn given(drain: Option<&Drain>) {
    if let Some(drain) = drain {
        drain.wait().await;
    }
}

/// The body of an answer.
pub struct Answer {
    body: Body,
    call: Call,
    ending: Option<Ending>,
}

impl Answer {
    /// The answer to `call`.
    pub fn new(body: Body, call: Call, ending: Option<Ending>) -> Self {
        Self { body, call, ending }
    }

    /// Cuts a stream short.
    fn cut(&mut self, refusal: Refusal) -> Frame<Piece> {
        self.body = Body::empty();
        self.ending = None;
        self.end_with(refusal)
    }

    fn end_with(&mut self, refusal: Refusal) -> Frame<Piece> {
        let status = Status::from(refusal);
        self.call.ended(status.code());
        let mut trailers = HeaderMap::new();
        // Fails for texts that no header can hold; ours are all of a kind that one can.
        let _added = status.add_header(&mut trailers);
        Frame::trailers(trailers)
    }

    /// A part of the answer as it leaves. Its trailers say how the call ended: an answer that is too large fails only
    /// when it is encoded.
    fn leave(&mut self, frame: Frame<Bytes>) -> Frame<Piece> {
        let frame = frame.map_data(|bytes| Piece::holding(bytes, self.call.unary_permit()));
        let Some(trailers) = frame.trailers_ref() else { return frame };
        let code = trailers.get("grpc-status").map_or(Code::Unknown, |code| Code::from_bytes(code.as_bytes()));
        if code == Code::OutOfRange {
            return self.end_with(Refusal::answer_too_large());
        }
        self.call.ended(code);
        frame
    }
}

impl http_body::Body for Answer {
    type Data = Piece;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, Status>>> {
        if let Some(Ending(ending)) = &mut self.ending
            && let Poll::Ready(refusal) = ending.as_mut().poll(cx)
        {
            return Poll::Ready(Some(Ok(self.cut(refusal))));
        }
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        frame.map(|frame| frame.map(|frame| frame.map(|frame| self.leave(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
