//! A piece of an answer on its way out: what holds its place among the calls in flight until the client has taken it.
//!
//! HTTP/2 buffers a whole unary answer as soon as the client gives it one byte of room, and forgets its body. So the
//! place of the call goes with the bytes, and a client that takes none of them for too long loses its connection:
//! its pings alone would keep it, and the memory of its answers, for ever.

use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::server::limits::Permit;

/// Bytes of an answer. Dropped when they are sent, or when nobody is there to take them.
#[derive(Debug)]
pub struct Piece {
    bytes: Bytes,
    permit: Option<Permit>,
    _taking: Option<Taking>,
}

impl Piece {
    /// A piece that keeps the place of its call until it is taken: the whole of a unary answer.
    pub fn holding(bytes: Bytes, permit: Option<Permit>) -> Self {
        Self { bytes, permit, _taking: None }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Self::holding(bytes, None)
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.bytes.copy_to_bytes(count)
    }
}

/// Counts the pieces of one connection that hold a place and are not taken yet, in two generations.
#[derive(Debug, Default)]
pub struct Untaken {
    generation: AtomicUsize,
    even: AtomicUsize,
    odd: AtomicUsize,
}

/// One such piece, until dropped.
#[derive(Debug)]
struct Taking {
    untaken: Arc<Untaken>,
    generation: usize,
}

impl Untaken {
    /// Waits until a piece was not taken for at least `time`, and for less than twice that. One timer a connection.
    pub async fn overdue(&self, time: Duration) {
        loop {
            tokio::time::sleep(time).await;
            let next = self.generation.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            // The next generation counts where the last but one did, all of whose pieces are older than `time`.
            if self.of(next).load(Ordering::Relaxed) > 0 {
                return;
            }
        }
    }

    fn begin(self: &Arc<Self>) -> Taking {
        let generation = self.generation.load(Ordering::Relaxed);
        self.of(generation).fetch_add(1, Ordering::Relaxed);
        Taking { untaken: Arc::clone(self), generation }
    }

    fn of(&self, generation: usize) -> &AtomicUsize {
        if generation.is_multiple_of(2) { &self.even } else { &self.odd }
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.untaken.of(self.generation).fetch_sub(1, Ordering::Relaxed);
    }
}

pin_project! {
    /// A body whose pieces are watched until the client has taken them.
    pub struct Watched<B> {
        #[pin]
        body: B,
        untaken: Arc<Untaken>,
    }
}

impl<B> Watched<B> {
    /// Watches the pieces of `body` in the counts of its connection.
    pub fn new(body: B, untaken: Arc<Untaken>) -> Self {
        Self { body, untaken }
    }
}

impl<B: Body<Data: Into<Piece>>> Body for Watched<B> {
    type Data = Piece;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, B::Error>>> {
        let this = self.project();
        let watch = |data: B::Data| {
            let piece: Piece = data.into();
            let _taking = piece.permit.is_some().then(|| this.untaken.begin());
            Piece { _taking, ..piece }
        };
        this.body.poll_frame(cx).map(|frame| frame.map(|frame| frame.map(|frame| frame.map_data(watch))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn only_a_piece_that_is_not_taken_is_overdue() {
        let untaken = Arc::new(Untaken::default());
        let quick = async {
            for _ in 0..20 {
                let _taken = untaken.begin();
                tokio::time::sleep(TIME / 10).await;
            }
        };
        tokio::select! {
            () = untaken.overdue(TIME) => panic!("every piece was taken in time"),
            () = quick => {}
        }
        let _held = untaken.begin();
        tokio::time::timeout(TIME * 40, untaken.overdue(TIME)).await.expect("the piece is overdue");
    }
}
