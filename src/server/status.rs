//! Errors as callers see them: the one table from what went wrong to a gRPC status, an item's error, an HTTP answer.
//!
//! Every status made here carries an `ErrorInfo` of domain `kith` with the name of an [`ErrorReason`]; answers in plain
//! HTTP are text, and what health, reflection and the router say by themselves is theirs. What is wrong inside the
//! server is logged here, once, and answered generically. No text holds a value of a request or of the database.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::domain::invalid::{Invalid, Reason};
use crate::engine;
use crate::proto::v1::{ErrorReason, ItemError};

/// The `domain` of every `ErrorInfo`.
const DOMAIN: &str = "kith";
/// When to come back after a limit was reached, or when the server is not ready.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// When to come back after the write queue was full.
const RETRY_WRITE_AFTER: Duration = Duration::from_millis(100);

/// What a caller is told of a failure inside the server.
const FAILED: &str = "the server failed; the details are in its log";

/// Why a call, or one item of it, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Refusal {
    reason: ErrorReason,
    field: String,
    text: String,
    retry_after: Option<Duration>,
    limit: Option<&'static str>,
}

impl Refusal {
    /// A refusal for `reason`; `text` says what is wrong and what to do.
    pub fn new(reason: ErrorReason, text: impl Into<String>) -> Self {
        Self { reason, field: String::new(), text: text.into(), retry_after: None, limit: None }
    }

    /// The limit called `limit` was reached.
    pub fn limit_reached(limit: &'static str, text: &str) -> Self {
        let refusal = Self::new(ErrorReason::LimitReached, text);
        Self { retry_after: Some(RETRY_AFTER), limit: Some(limit), ..refusal }
    }

    /// The call cannot be served now, and can be soon.
    pub fn not_ready(text: &str) -> Self {
        Self { retry_after: Some(RETRY_AFTER), ..Self::new(ErrorReason::NotReady, text) }
    }

    /// The server is ending; another one will take over.
    pub fn draining() -> Self {
        Self::not_ready("the server is ending; connect again")
    }

    /// The deadline of the call has passed.
    pub fn deadline_exceeded() -> Self {
        Self::new(ErrorReason::DeadlineExceeded, "the deadline of the call has passed; a write may yet be applied")
    }

    /// The server did what it never should; `error` goes to the log alone.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a call failed");
        Self::new(ErrorReason::Internal, FAILED)
    }

    /// What tonic says of a message that it could not read. Its texts name sizes and fields of the protocol only.
    pub fn unreadable(status: &Status) -> Self {
        if status.code() == Code::OutOfRange {
            let text = "the message is larger than the server takes; send less at once, or use a stream";
            return Self::new(ErrorReason::TooLarge, text);
        }
        let text = "the message is no valid message of this method: it is cut off, nests too deep, is compressed, or \
                    has text that is not UTF-8";
        Self::new(ErrorReason::BadValue, text)
    }

    /// An answer that is larger than any message may be.
    pub fn answer_too_large() -> Self {
        let text = "the answer is larger than a message may be; ask for fewer keys or fields";
        Self { retry_after: None, ..Self::limit_reached("max_message_bytes", text) }
    }

    /// The same refusal, seen from the message whose field `parent` is at fault or has the field at fault.
    pub fn within(self, parent: &str) -> Self {
        if code(self.reason) != Code::InvalidArgument {
            return self;
        }
        let field = if self.field.is_empty() { parent.to_owned() } else { format!("{parent}.{}", self.field) };
        Self { field, ..self }
    }

    /// What is wrong, where, and what to do.
    pub fn message(&self) -> String {
        let Self { field, text, .. } = self;
        if field.is_empty() { text.clone() } else { format!("{field}: {text}") }
    }

    /// The reason, for machines.
    pub fn reason(&self) -> ErrorReason {
        self.reason
    }

    /// As the error of one item of a batch or stream.
    pub fn into_item(self) -> ItemError {
        let Self { reason, field, text, retry_after: _, limit: _ } = self;
        ItemError { reason: reason.into(), field, message: text }
    }

    /// As an answer to a call with these headers: of gRPC, or plain HTTP.
    pub fn into_http(self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        if is_grpc(headers) {
            return Status::from(self).into_http();
        }
        let Self { reason, text, retry_after, .. } = self;
        let mut answer = Response::new(Full::from(format!("{text}\n")));
        *answer.status_mut() = http_status(code(reason));
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if reason == ErrorReason::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        answer
    }
}

/// True for calls of gRPC.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.message();
        let Refusal { reason, field, text, retry_after, limit } = refusal;
        let metadata: HashMap<_, _> = limit.map(|limit| ("limit".to_owned(), limit.to_owned())).into_iter().collect();
        let mut details = ErrorDetails::with_error_info(reason.as_str_name(), DOMAIN, metadata);
        if retry_after.is_some() {
            details.set_retry_info(retry_after);
        }
        if !field.is_empty() {
            details.add_bad_request_violation(field, text);
        }
        Self::with_error_details(code(reason), message, details)
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        let Invalid { reason, field, text } = invalid;
        let reason = match reason {
            Reason::Missing => ErrorReason::Missing,
            Reason::MalformedKey => ErrorReason::MalformedKey,
            Reason::UnknownType => ErrorReason::UnknownType,
            Reason::UnknownKind => ErrorReason::UnknownKind,
            Reason::UnknownView => ErrorReason::UnknownView,
            Reason::UnknownSegment => ErrorReason::UnknownSegment,
            Reason::TooLarge => ErrorReason::TooLarge,
            Reason::BadValue => ErrorReason::BadValue,
            Reason::TimeOutOfRange => ErrorReason::TimeOutOfRange,
            Reason::ConflictingIdentifiers => ErrorReason::ConflictingIdentifiers,
            Reason::MalformedToken => ErrorReason::MalformedToken,
        };
        Self { field, ..Self::new(reason, text) }
    }
}

impl Refusal {
    /// The store failed, which is logged already.
    fn stored(error: &engine::StoreError) -> Self {
        if error.is_corruption() {
            let text = "a stored record does not decode; the details are in the server's log";
            return Self::new(ErrorReason::DataLoss, text);
        }
        if matches!(error, engine::StoreError::Full(_)) {
            return Self::not_ready("the server's disk is full; nothing was stored; send it again later");
        }
        Self::new(ErrorReason::Internal, FAILED)
    }
}

impl From<engine::Error> for Refusal {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Invalid(invalid) => invalid.into(),
            engine::Error::Busy => {
                let text = "the write queue is full; send the fact again, or write over a stream";
                Self { retry_after: Some(RETRY_WRITE_AFTER), ..Self::limit_reached("write_queue", text) }
            }
            engine::Error::NotInMemory => Self::internal(&"a read of the disk was refused and not repeated"),
            engine::Error::Closed => Self::draining(),
            engine::Error::NotFound(_) | engine::Error::Erased(_) => {
                Self::new(ErrorReason::NotFound, error.to_string())
            }
            engine::Error::Conflict(text) => Self::new(ErrorReason::Conflict, text),
            engine::Error::Store(error) => {
                tracing::error!(%error, "the store failed");
                Self::stored(&error)
            }
            // The writer has logged it, once for all that shared the commit.
            engine::Error::NotCommitted(error) => Self::stored(&error),
        }
    }
}

/// The gRPC code of each reason.
fn code(reason: ErrorReason) -> Code {
    match reason {
        ErrorReason::Missing
        | ErrorReason::MalformedKey
        | ErrorReason::UnknownType
        | ErrorReason::UnknownKind
        | ErrorReason::UnknownView
        | ErrorReason::UnknownSegment
        | ErrorReason::TooLarge
        | ErrorReason::BadValue
        | ErrorReason::TimeOutOfRange
        | ErrorReason::ConflictingIdentifiers
        | ErrorReason::MalformedToken => Code::InvalidArgument,
        ErrorReason::Unauthenticated => Code::Unauthenticated,
        ErrorReason::ScopeMissing => Code::PermissionDenied,
        ErrorReason::LimitReached => Code::ResourceExhausted,
        ErrorReason::DeadlineExceeded => Code::DeadlineExceeded,
        ErrorReason::NotReady => Code::Unavailable,
        ErrorReason::NotFound => Code::NotFound,
        ErrorReason::Conflict => Code::FailedPrecondition,
        ErrorReason::DataLoss => Code::DataLoss,
        ErrorReason::Internal | ErrorReason::Unspecified => Code::Internal,
    }
}

/// The HTTP status of each gRPC code that a refusal can have.
fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_field_is_a_violation_with_its_reason() {
        let invalid = Invalid::new(Reason::MalformedKey, "fact.keys[1]", "has no type");
        let status = Status::from(Refusal::from(invalid));
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "fact.keys[1]: has no type");
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("ERROR_REASON_MALFORMED_KEY", "kith"));
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "fact.keys[1]");
        assert!(details.retry_info().is_none());
    }

    #[test]
    fn a_reached_limit_names_itself_and_says_when_to_come_back() {
        let status = Status::from(Refusal::from(engine::Error::Busy));
        assert_eq!(status.code(), Code::ResourceExhausted);
        let details = status.get_error_details();
        assert_eq!(details.error_info().unwrap().metadata["limit"], "write_queue");
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(RETRY_WRITE_AFTER));
    }

    #[test]
    fn every_reason_has_a_code_and_an_http_status() {
        for number in 1..=20 {
            let reason = ErrorReason::try_from(number).unwrap();
            assert_ne!(code(reason), Code::Ok);
            assert_ne!(http_status(code(reason)), StatusCode::OK);
        }
        assert!(ErrorReason::try_from(21).is_err(), "a reason was added: give it a place in this test");
    }

    #[test]
    fn plain_http_is_answered_in_plain_http() {
        let refusal = Refusal::new(ErrorReason::Unauthenticated, "no key");
        let answer = refusal.clone().into_http(&HeaderMap::new());
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], "Bearer");

        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc+proto"));
        let answer = refusal.into_http(&headers);
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["grpc-status"], "16");
    }
}
