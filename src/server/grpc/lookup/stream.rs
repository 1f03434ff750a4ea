//! `StreamLookup`: answers in the order of the requests, each made when the client is ready to take it.
//!
//! The stream of answers pulls the stream of requests, so nothing is read ahead and nothing is buffered here. The caller
//! is checked again for each message: a revoked key reads nothing more.

use futures::Stream;
use futures::stream::unfold;
use tonic::{Status, Streaming};

use super::super::Context;
use super::Query;
use crate::domain::answer::{self, Fields, Wanted, What};
use crate::domain::consent::Purpose;
use crate::domain::invalid::Invalid;
use crate::domain::model::{Kind, Model};
use crate::domain::served::SendId;
use crate::domain::view::About;
use crate::proto::v1::StreamLookupRequest;
use crate::server::auth::Caller;
use crate::server::metrics::LookupResult;
use crate::server::status::Refusal;
use crate::server::wire::{self, Encoded, Item};

/// The answers to `requests`.
pub fn answers(
    context: Context,
    caller: Caller,
    requests: Streaming<StreamLookupRequest>,
) -> impl Stream<Item = Result<Encoded, Status>> + Send {
    let what = What::Fields { fields: Fields::Everything, purpose: None };
    let asked = Asked { view: String::new(), kind: String::new(), what };
    let lookups = Lookups { context, caller, requests, asked, ended: false };
    unfold(lookups, |mut lookups| async move { Some((lookups.next().await?, lookups)) })
}

/// A stream of lookups, with what later messages inherit from earlier ones.
struct Lookups {
    context: Context,
    caller: Caller,
    requests: Streaming<StreamLookupRequest>,
    asked: Asked,
    ended: bool,
}

/// What was asked last; of a view its name, because the model may change under the stream.
struct Asked {
    view: String,
    kind: String,
    what: What,
}

/// What one message asks for.
struct Message {
    view: String,
    kind: String,
    fields: Vec<String>,
    purpose: Option<Purpose>,
    about: About,
}

impl Asked {
    /// Takes in what a message asks for, if it is sound: of customers of which kind. What is asked is in `self.what` then.
    fn next<'m>(&mut self, message: Message, model: &'m Model) -> Result<&'m Kind, Invalid> {
        let Message { view, kind, fields, purpose, about } = message;
        let repeats = view.is_empty() && fields.is_empty();
        if !view.is_empty() || (repeats && !self.view.is_empty()) {
            let name = if repeats { &self.view } else { &view };
            let Wanted { kind, what } = Wanted::parse(name, &kind, fields, purpose, about, model)?;
            self.what = what;
            if !repeats {
                self.view = view;
            }
            return Ok(kind);
        }
        answer::without_view(&about)?;
        let found = answer::kind(if kind.is_empty() { &self.kind } else { &kind }, model)?;
        model.check_segments(&fields, found)?;
        let fields = if fields.is_empty() { None } else { Some(Fields::parse(fields)?) };
        let last = std::mem::replace(&mut self.what, What::Fields { fields: Fields::Everything, purpose: None });
        let (last_fields, last_purpose) = match last {
            What::Fields { fields, purpose } => (fields, purpose),
            What::View { .. } => (Fields::Everything, None),
        };
        self.what = What::Fields { fields: fields.unwrap_or(last_fields), purpose: purpose.or(last_purpose) };
        self.view.clear();
        if !kind.is_empty() {
            self.kind = kind;
        }
        Ok(found)
    }
}

impl Lookups {
    async fn next(&mut self) -> Option<Result<Encoded, Status>> {
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
                Ok(()) => Some(Ok(wire::stream(&self.answer(request).await))),
                Err(refusal) => Some(self.end(refusal)),
            },
            Ok(None) => None,
            Err(status) => Some(self.end(Refusal::unreadable(&status))),
        }
    }

    fn end(&mut self, refusal: Refusal) -> Result<Encoded, Status> {
        self.ended = true;
        Err(refusal.into())
    }

    /// Answers one message; what is wrong with it is said in its place.
    async fn answer(&mut self, request: StreamLookupRequest) -> Item {
        let first = request.keys.first().cloned();
        match self.look_up(request).await {
            Ok(answer) => answer,
            Err(refusal) => {
                self.context.shard.lookup(LookupResult::Refused);
                Item { key: first.unwrap_or_default(), found: Err(refusal), model_version: 0, html: false }
            }
        }
    }

    async fn look_up(&mut self, request: StreamLookupRequest) -> Result<Item, Refusal> {
        let StreamLookupRequest { keys, fields, kind, token, view, html, purpose, channel, about, not_before, send_id } =
            request;
        self.context.reach(&token).await?;
        self.context.reach_moment(not_before.as_ref()).await?;
        let workspace = self.caller.workspace;
        let active = self.context.engine.model(workspace)?;
        let purpose = Purpose::asked(&purpose, &channel)?;
        let kind =
            self.asked.next(Message { view, kind, fields, purpose, about: About::parse(about)? }, &active.model)?;
        let what = &self.asked.what;
        let send = SendId::asked(&send_id, matches!(what, What::View { .. }))?;
        let query = Query { active: &active, kind, what, send: send.as_ref(), html };
        self.context.answer(workspace, query, keys).await
    }
}
