//! The gate: the one service that every call passes, whatever it calls.
//!
//! In this order: a place among the calls in flight, who is calling and may they, the deadline; and at the end the
//! figures. A drain is no business of the gate: connections stop taking calls. What tonic says of messages it cannot read or send is put in kith's words here.

mod answer;
mod call;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use tokio::time::Instant;
use tower::Service;

use super::auth::{Caller, Guard};
use super::drain::Drain;
use super::faces::Faces;
use super::limits::{self, InFlight, Permit};
use super::methods::{Access, Method, Shape};
use super::metrics::Counts;
use super::status::{Refusal, is_grpc};
use answer::Answer;
use call::{Call, Passing};

/// What the gate checks, the same on every core.
pub struct Policy {
    /// Checks callers.
    pub guard: Guard,
    /// Counts calls.
    pub in_flight: Arc<InFlight>,
    /// How long a call may take that is no stream, even if its client gives it longer.
    pub deadline: Duration,
    /// The notice to end, for streams that do not watch it themselves. It refuses no call: a draining connection takes
    /// no new ones, and those it has taken are answered.
    pub drain: Drain,
}

/// The gate before the services of one core.
#[derive(Clone)]
pub struct Gate {
    faces: Faces,
    policy: Arc<Policy>,
    counts: Arc<Counts>,
}

/// What a call was given on its way in.
struct Admission {
    caller: Caller,
    permit: Option<Permit>,
    deadline: Option<Instant>,
}

impl Gate {
    /// Puts the gate before `faces`; `counts` takes those of this core.
    pub fn new(faces: Faces, policy: Arc<Policy>, counts: Arc<Counts>) -> Self {
        Self { faces, policy, counts }
    }

    fn admit(&self, method: Method, headers: &HeaderMap, now: Instant) -> Result<Admission, Refusal> {
        let access = method.access();
        let permit = match access {
            Access::Open => None,
            Access::AnyKey | Access::Scoped(_) => Some(self.policy.in_flight.enter()?),
        };
        let caller = self.policy.guard.check(access, headers)?;
        let given = limits::client_timeout(headers)?;
        let timeout = match method.shape() {
            Shape::Unary => Some(given.map_or(self.policy.deadline, |given| given.min(self.policy.deadline))),
            Shape::Stream | Shape::ForeignStream => given,
        };
        let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
        Ok(Admission { caller, permit, deadline })
    }
}

impl Service<Request<Incoming>> for Gate {
    type Response = Response<Answer>;
    type Error = Infallible;
    type Future = Passing;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // All of its services are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Passing {
        let method = Method::of(request.uri().path());
        let grpc = is_grpc(request.headers());
        let now = Instant::now();
        let mut call = Call::begin(Arc::clone(&self.counts), method, grpc, now);
        match self.admit(method, request.headers(), now) {
            Ok(Admission { caller, permit, deadline }) => {
                call.permit = permit;
                request.extensions_mut().insert(caller);
                let drain = (method.shape() == Shape::ForeignStream).then(|| self.policy.drain.clone());
                Passing::admitted(call, self.faces.call(method.face(), request), deadline, drain)
            }
            Err(refusal) => Passing::refused(call, refusal.into_http(request.headers())),
        }
    }
}
