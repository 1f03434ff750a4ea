//! The door of a connection: passes its calls on, or refuses every one if the connection came past the cap.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::Service;

use super::Calls;
use super::piece::{Piece, Untaken, Watched};
use crate::server::status::Refusal;

/// The calls of one connection.
#[derive(Clone)]
pub struct Door<S> {
    service: S,
    crowded: bool,
    untaken: Arc<Untaken>,
}

impl<S> Door<S> {
    /// The door to `service`, shut if the connection is one too many. Counts what is not taken yet in `untaken`.
    pub fn new(service: S, crowded: bool, untaken: Arc<Untaken>) -> Self {
        Self { service, crowded, untaken }
    }
}

impl<S: Calls> Service<Request<Incoming>> for Door<S> {
    type Response = Response<Either<Watched<S::Body>, Full<Piece>>>;
    type Error = Infallible;
    type Future = Passage<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        if self.crowded {
            let text = "the server has as many connections as it may; reuse connections, or come back later";
            let refusal = Refusal::limit_reached("max_connections", text);
            let answer = refusal.into_http(request.headers()).map(whole);
            return Passage::Shut { answer: Some(answer) };
        }
        Passage::Open { call: self.service.call(request), untaken: Arc::clone(&self.untaken) }
    }
}

/// The same body in pieces.
fn whole(body: Full<Bytes>) -> Full<Piece> {
    body.into_inner().map_or_else(Full::default, |bytes| Full::new(bytes.into()))
}

pin_project! {
    /// One call through a [`Door`].
    #[project = PassageProjection]
    pub enum Passage<F> {
        /// It was passed on.
        Open { #[pin] call: F, untaken: Arc<Untaken> },
        /// It is refused.
        Shut { answer: Option<Response<Full<Piece>>> },
    }
}

impl<F, B> Future for Passage<F>
where
    F: Future<Output = Result<Response<B>, Infallible>>,
{
    type Output = Result<Response<Either<Watched<B>, Full<Piece>>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            PassageProjection::Open { call, untaken } => {
                let watched = |body| Either::Left(Watched::new(body, Arc::clone(untaken)));
                call.poll(cx).map_ok(|answer| answer.map(watched))
            }
            PassageProjection::Shut { answer } => match answer.take() {
                Some(answer) => Poll::Ready(Ok(answer.map(Either::Right))),
                None => Poll::Pending,
            },
        }
    }
}
