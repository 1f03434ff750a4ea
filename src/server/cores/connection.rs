//! One connection: TLS if configured, then HTTP/1 or HTTP/2 as the client speaks, within limits, until the drain.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::Calls;
use super::accept::Accepted;
use super::door::Door;
use super::first_bytes::FirstBytes;
use super::piece::Untaken;
use crate::server::drain::Drain;

/// How long a TLS handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long an HTTP/1 client may take over the headers of a request, the wait for it included.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// How often an HTTP/2 client is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to answer that.
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How large the headers of a call may be, in bytes.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// How much of a request HTTP/1 buffers, in bytes; its headers have to fit.
const MAX_HTTP1_BUFFER_BYTES: usize = 64 * 1024;
/// How much a client may send ahead on one stream, in bytes.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// How much a client may send ahead on a connection, in bytes.
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// How much of a stream's answers is buffered for a client that does not read, in bytes.
const MAX_SEND_BUFFER_BYTES: usize = 256 * 1024;
/// How many streams a client may have opened and reset before the server got to them.
const MAX_PENDING_RESETS: usize = 20;
/// How many streams the server may have reset because of the client's errors.
const MAX_ERROR_RESETS: usize = 256;

/// What serves connections on a core.
pub struct Connector {
    /// The HTTP settings.
    pub http: auto::Builder<TokioExecutor>,
    /// How long an answer may be left untaken.
    pub taking_time: Duration,
    /// The TLS settings.
    pub tls: Option<TlsAcceptor>,
    /// The notice to end.
    pub drain: Drain,
}

/// The HTTP settings, every limit of a connection among them.
pub fn http(max_streams: u32) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HTTP1_BUFFER_BYTES)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(max_streams)
        .max_header_list_size(MAX_HEADER_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .adaptive_window(false)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(MAX_SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS);
    http
}

impl Connector {
    /// Serves a connection to its end. Its errors are the peer's affair and are not logged.
    pub async fn serve<S: Calls>(self: Arc<Self>, accepted: Accepted, service: S) {
        let Accepted { socket, slot: _slot, crowded } = accepted;
        let Ok(socket) = TcpStream::from_std(socket) else { return };
        let untaken = Arc::new(Untaken::default());
        let door = Door::new(service, crowded, Arc::clone(&untaken));
        let Some(tls) = &self.tls else {
            return self.run(socket, door, &untaken).await;
        };
        let handshake = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(socket)).await;
        if let Ok(Ok(stream)) = handshake {
            self.run(stream, door, &untaken).await;
        }
    }

    async fn run<S: Calls>(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        door: Door<S>,
        untaken: &Untaken,
    ) {
        let io = TokioIo::new(FirstBytes::new(stream));
        let mut connection = pin!(self.http.serve_connection(io, TowerToHyperService::new(door)));
        tokio::select! {
            biased;
            _ended = connection.as_mut() => return,
            // Closing it is the one way to be rid of what HTTP/2 has buffered for it.
            () = untaken.overdue(self.taking_time) => return,
            () = self.drain.wait() => connection.as_mut().graceful_shutdown(),
        }
        let _ended = connection.await;
    }
}
