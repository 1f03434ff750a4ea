//! A call on its way through the gate: from the headers of its request to the headers of its answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::body::Body;
use tonic::{Code, Status};

use super::answer::{Answer, Ending};
use crate::server::drain::Drain;
use crate::server::faces::Routed;
use crate::server::limits::Permit;
use crate::server::methods::{Method, Shape};
use crate::server::metrics::Counts;
use crate::server::status::Refusal;

/// A call: counted when it ends, whichever way it ends.
pub struct Call {
    counts: Arc<Counts>,
    method: Method,
    grpc: bool,
    begun: Instant,
    code: Option<Code>,
    /// Its place among the calls in flight, held until its answer is taken.
    pub permit: Option<Permit>,
}

impl Call {
    /// A call that came at `begun`.
    pub fn begin(counts: Arc<Counts>, method: Method, grpc: bool, begun: Instant) -> Self {
        Self { counts, method, grpc, begun, code: None, permit: None }
    }

    /// The place of a unary call, for the bytes of its answer to keep. A stream keeps its own to its end.
    pub fn unary_permit(&mut self) -> Option<Permit> {
        if self.method.shape() == Shape::Unary { self.permit.take() } else { None }
    }

    /// Notes how it ended.
    pub fn ended(&mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // A call without a code was dropped on its way: its client has gone.
        self.counts.call(self.method, self.code.unwrap_or(Code::Cancelled), self.begun.elapsed());
    }
}

pin_project! {
    /// A call that is being answered.
    pub struct Passing {
        call: Option<Call>,
        #[pin]
        way: Way,
    }
}

pin_project! {
    #[project = WayProjection]
    enum Way {
        Refused { answer: Option<Response<Full<Bytes>>> },
        Admitted {
            #[pin]
            routed: Routed,
            deadline: Option<Instant>,
            // Made when the call has to wait for the first time: most never do.
            #[pin]
            timer: Option<Sleep>,
            drain: Option<Drain>,
        },
    }
}

impl Passing {
    /// A call that goes to its handler. A stream that does not watch the drain itself brings it here.
    pub fn admitted(call: Call, routed: Routed, deadline: Option<Instant>, drain: Option<Drain>) -> Self {
        Self { call: Some(call), way: Way::Admitted { routed, deadline, timer: None, drain } }
    }

    /// A call that is answered here.
    pub fn refused(call: Call, answer: Response<Full<Bytes>>) -> Self {
        Self { call: Some(call), way: Way::Refused { answer: Some(answer) } }
    }
}

impl Future for Passing {
    type Output = Result<Response<Answer>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (answer, ending) = match this.way.project() {
            WayProjection::Refused { answer } => {
                let Some(answer) = answer.take() else { return Poll::Pending };
                (answer.map(Body::new), None)
            }
            WayProjection::Admitted { routed, deadline, timer, drain } => {
                let answer = match ready_or_late(routed, *deadline, timer, cx) {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => return Poll::Pending,
                };
                let streams = this.call.as_ref().is_some_and(|call| call.method.shape() != Shape::Unary);
                let ending = if streams { Ending::new(*deadline, drain.take()) } else { None };
                (answer, ending)
            }
        };
        // Polled again after its end, which nobody does.
        let Some(call) = this.call.take() else { return Poll::Pending };
        Poll::Ready(Ok(finish_headers(answer, call, ending)))
    }
}

/// Polls the handler, and the clock if it has to wait.
fn ready_or_late(
    routed: Pin<&mut Routed>,
    deadline: Option<Instant>,
    mut timer: Pin<&mut Option<Sleep>>,
    cx: &mut Context<'_>,
) -> Poll<Response<Body>> {
    if let Poll::Ready(Ok(answer)) = routed.poll(cx) {
        return Poll::Ready(answer);
    }
    let Some(deadline) = deadline else { return Poll::Pending };
    if timer.is_none() {
        timer.set(Some(sleep_until(deadline)));
    }
    let Some(timer) = timer.as_pin_mut() else { return Poll::Pending };
    ready!(timer.poll(cx));
    Poll::Ready(Status::from(Refusal::deadline_exceeded()).into_http())
}

/// Reads how the call ended off the headers of its answer, if they say so already.
fn finish_headers(mut answer: Response<Body>, mut call: Call, ending: Option<Ending>) -> Response<Answer> {
    if !call.grpc {
        call.ended(code_of_http(answer.status()));
    } else if let Some(status) = unreadable(answer.headers()) {
        answer = Status::from(Refusal::unreadable(&status)).into_http();
    }
    if let Some(code) = answer.headers().get("grpc-status") {
        call.ended(Code::from_bytes(code.as_bytes()));
    }
    answer.map(|body| Answer::new(body, call, ending))
}

/// What tonic answers by itself to a message that it cannot read: its statuses have no details, ours always do.
fn unreadable(headers: &HeaderMap) -> Option<Status> {
    if headers.contains_key("grpc-status-details-bin") {
        return None;
    }
    let status = Status::from_header_map(headers)?;
    matches!(status.code(), Code::OutOfRange | Code::Internal).then_some(status)
}

/// The code under which plain HTTP is counted.
fn code_of_http(status: StatusCode) -> Code {
    match status.as_u16() {
        200..=299 => Code::Ok,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 | 405 => Code::NotFound,
        429 => Code::ResourceExhausted,
        503 => Code::Unavailable,
        504 => Code::DeadlineExceeded,
        400..=499 => Code::InvalidArgument,
        _ => Code::Internal,
    }
}
