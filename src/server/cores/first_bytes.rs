//! A stream whose first bytes have to come in time, so that a client that connects and says nothing is let go.
//!
//! Once they have come it passes everything through. Later silence is watched by HTTP itself: the time for headers in
//! HTTP/1, pings in HTTP/2.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How many bytes have to come: those by which HTTP/2 is told from HTTP/1.
const FIRST_BYTES: usize = 24;
/// How long they may take.
const FIRST_BYTES_TIME: Duration = Duration::from_secs(10);

/// A stream under watch until its first bytes have come.
pub struct FirstBytes<T> {
    stream: T,
    watch: Option<Watch>,
}

struct Watch {
    missing: usize,
    time: Pin<Box<Sleep>>,
}

impl<T> FirstBytes<T> {
    /// Puts `stream` under watch.
    pub fn new(stream: T) -> Self {
        let watch = Watch { missing: FIRST_BYTES, time: Box::pin(sleep(FIRST_BYTES_TIME)) };
        Self { stream, watch: Some(watch) }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for FirstBytes<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let Some(watch) = &mut self.watch else { return read };
        if read.is_pending() && watch.time.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        watch.missing = watch.missing.saturating_sub(buf.filled().len() - before);
        if watch.missing == 0 {
            self.watch = None;
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for FirstBytes<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
