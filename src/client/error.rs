//! Why a call did not work, in words for people.
//!
//! Invariant: it says what the server said and no more; nothing of the request is in it.

use std::fmt;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Why a call did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection cannot even be tried: a malformed URL, an unreadable certificate.
    #[error("{0}")]
    Setup(String),
    /// A message that this build cannot show as JSON.
    #[error("the message {0} cannot be written as JSON")]
    NoJson(String),
    /// Nobody answered.
    #[error("{0}")]
    Unreachable(String),
    /// The server answered no.
    #[error("{0}")]
    Refused(Box<Refusal>),
}

impl Error {
    /// No connection could be made.
    pub(super) fn unreachable(server: &str, cause: &tonic::transport::Error) -> Self {
        Self::Unreachable(format!("cannot reach {server}: {}; is `kith serve` running there?", chain(cause)))
    }

    /// Whether the server answered that it has nothing of the kind.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.not_found)
    }
}

/// What the server said when it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong and what to do, in the server's words.
    pub message: String,
    /// Machine-readable reason, such as `ERROR_REASON_MALFORMED_KEY`, if the server gave one.
    pub reason: Option<String>,
    /// Fields at fault with what is wrong with each.
    pub fields: Vec<(String, String)>,
    /// When to try again, if the server said so.
    pub retry_after: Option<Duration>,
    /// The status was NOT_FOUND.
    not_found: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        for (field, problem) in self.fields.iter().filter(|(_, problem)| *problem != self.message) {
            write!(out, "; {field}: {problem}")?;
        }
        if let Some(reason) = &self.reason {
            write!(out, " ({reason})")?;
        }
        if let Some(delay) = self.retry_after {
            write!(out, "; try again in {} ms", delay.as_millis())?;
        }
        Ok(())
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        if let Some(cause) = std::error::Error::source(&status) {
            return Self::Unreachable(format!("the connection to the server broke: {}", chain(cause)));
        }
        let details = status.get_error_details();
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        let message = match status.message() {
            "" => format!("the server refused: {}", status.code().description()),
            message => message.to_owned(),
        };
        Self::Refused(Box::new(Refusal {
            message,
            reason: details.error_info().map(|info| info.reason.clone()),
            fields: violations.iter().map(|one| (one.field.clone(), one.description.clone())).collect(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
            not_found: status.code() == Code::NotFound,
        }))
    }
}

/// An error with all its causes. Neighbours that say the same are said once.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        if parts.last() != Some(&part) {
            parts.push(part);
        }
        next = cause.source();
    }
    parts.join(": ")
}
