//! `StreamLookup`: answers in the order of the requests, each made when the client is ready to take it.
//!
//! The stream of answers pulls the stream of requests, so nothing is read ahead and nothing is buffered here. The caller
//! is checked again for each message: a revoked key reads nothing more.

use futures::Stream;
use futures::stream::unfold;
use tonic::{Status, Streaming};

use super::super::Context;
use crate::domain::answer::{self, Fields};
use crate::proto::v1::{Answer, StreamLookupRequest, StreamLookupResponse};
use crate::server::auth::Caller;
use crate::server::convert;
use crate::server::metrics::LookupResult;
use crate::server::status::Refusal;

/// The answers to `requests`.
pub fn answers(
    context: Context,
    caller: Caller,
    requests: Streaming<StreamLookupRequest>,
) -> impl Stream<Item = Result<StreamLookupResponse, Status>> + Send {
    let kind = String::new();
    let lookups = Lookups { context, caller, requests, kind, fields: Fields::Everything, ended: false };
    unfold(lookups, |mut lookups| async move { Some((lookups.next().await?, lookups)) })
}

/// A stream of lookups, with what later messages inherit from earlier ones.
struct Lookups {
    context: Context,
    caller: Caller,
    requests: Streaming<StreamLookupRequest>,
    kind: String,
    fields: Fields,
    ended: bool,
}

impl Lookups {
    async fn next(&mut self) -> Option<Result<StreamLookupResponse, Status>> {
        if self.ended {
            return None;
        }
        if self.context.drain.is_on() {
            return Some(self.end(Refusal::draining()));
        }
        let request = tokio::select! {
            biased;
            request = self.requests.message() => request,
            () = self.context.drain.wait() => return Some(self.end(Refusal::draining())),
        };
        match request {
            Ok(Some(request)) => match self.context.guard.check_again(&mut self.caller) {
                Ok(()) => Some(Ok(StreamLookupResponse { answer: Some(self.answer(request).await) })),
                Err(refusal) => Some(self.end(refusal)),
            },
            Ok(None) => None,
            Err(status) => Some(self.end(Refusal::unreadable(&status))),
        }
    }

    fn end(&mut self, refusal: Refusal) -> Result<StreamLookupResponse, Status> {
        self.ended = true;
        Err(refusal.into())
    }

    /// Answers one message; what is wrong with it is said in its place.
    async fn answer(&mut self, request: StreamLookupRequest) -> Answer {
        let StreamLookupRequest { keys, fields, kind, token } = request;
        let first = keys.first().cloned();
        match self.look_up(keys, fields, kind, &token).await {
            Ok(answer) => answer,
            Err(refusal) => {
                self.context.shard.lookup(LookupResult::Refused);
                convert::answer::refuse(first.unwrap_or_default(), refusal)
            }
        }
    }

    async fn look_up(
        &mut self,
        keys: Vec<String>,
        fields: Vec<String>,
        kind: String,
        token: &str,
    ) -> Result<Answer, Refusal> {
        self.context.reach(token).await?;
        let workspace = self.caller.workspace;
        let active = self.context.engine.model(workspace)?;
        // Later messages inherit only what was sound.
        if !kind.is_empty() {
            answer::kind(&kind, &active.model)?;
            self.kind = kind;
        }
        if !fields.is_empty() {
            self.fields = Fields::parse(fields)?;
        }
        let kind = answer::kind(&self.kind, &active.model)?;
        self.context.answer(workspace, &active, kind, keys, &self.fields).await
    }
}
