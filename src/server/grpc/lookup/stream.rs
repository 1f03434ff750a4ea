//! `StreamLookup`: answers in the order of the requests, each made when the client is ready to take it.
//!
//! The stream of answers pulls the stream of requests, so nothing is read ahead and nothing is buffered here. The caller
//! is checked again for each message: a revoked key reads nothing more.
//!
//! Messages of a stream are mostly the same but for their key. One that repeats the one before it goes the quick way, by a
//! plan that is made once for all of them.

use std::sync::Arc;

use futures::Stream;
use futures::stream::unfold;
use prost::Message as _;
use tonic::{Status, Streaming};

use super::super::Context;
use super::Query;
use super::plan::Plan;
use crate::domain::answer::{self, Fields, Wanted, What};
use crate::domain::consent::Purpose;
use crate::domain::invalid::Invalid;
use crate::domain::model::{Kind, Model};
use crate::domain::served::SendId;
use crate::domain::view::About;
use crate::proto::v1::{LookupRequest, StreamLookupRequest};
use crate::server::auth::Caller;
use crate::server::metrics::LookupResult;
use crate::server::status::Refusal;
use crate::server::wire::{self, Encoded, Item, Keys, Plain, Undecoded};

/// How long a message may be, but for its keys and token, to be remembered for the next one, in bytes.
const MAX_REST_BYTES: usize = 64 * 1024;

/// The answers to `requests`.
pub fn answers(
    context: Context,
    caller: Caller,
    requests: Streaming<Undecoded>,
) -> impl Stream<Item = Result<Encoded, Status>> + Send {
    let what = What::Fields { fields: Fields::Everything, purpose: None };
    let asked = Asked { view: String::new(), kind: String::new(), what };
    let lookups = Lookups { context, caller, requests, asked, last: None, ended: false };
    unfold(lookups, |mut lookups| async move { Some((lookups.next().await?, lookups)) })
}

/// A stream of lookups, with what later messages inherit from earlier ones.
struct Lookups {
    context: Context,
    caller: Caller,
    requests: Streaming<Undecoded>,
    asked: Asked,
    last: Option<Last>,
    ended: bool,
}

/// A message that was answered, but for its key, and its plan once it was repeated. What a repeated message inherits is what
/// it says or has inherited before, so it asks the same.
struct Last {
    rest: Vec<u8>,
    kind: String,
    html: bool,
    about: Vec<String>,
    plan: Option<Arc<Plan>>,
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

    /// What was asked last, as a request that inherits nothing.
    fn request(&self, Last { kind, html, about, .. }: &Last) -> LookupRequest {
        let (html, about) = (*html, about.clone());
        let (fields, purpose) = match &self.what {
            What::View { .. } => {
                let (view, kind) = (self.view.clone(), kind.clone());
                return LookupRequest { view, kind, html, about, ..Default::default() };
            }
            What::Fields { fields: Fields::Everything, purpose } => (Vec::new(), purpose.clone()),
            What::Fields { fields: Fields::Named(names), purpose } => {
                (names.iter().map(ToString::to_string).collect(), purpose.clone())
            }
        };
        let (purpose, channel) = purpose.map(|Purpose { name, channel }| (name, channel)).unwrap_or_default();
        let kind = self.kind.clone();
        LookupRequest { kind, fields, purpose, channel, html, about, ..Default::default() }
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
                Ok(()) => match self.repeat(&request) {
                    Some(answer) => Some(Ok(answer)),
                    None => Some(Box::pin(self.answer(&request)).await),
                },
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

    /// Answers a message that is the last one again but for its key; `None` if it is another, or is to go the long way.
    fn repeat(&mut self, request: &Undecoded) -> Option<Encoded> {
        let Plain { keys: Keys::One(key), token, rest } = request.plain()? else { return None };
        let last = self.last.as_mut().filter(|last| *last.rest == *rest)?;
        if !matches!(self.context.unreached(token), Ok(None)) {
            return None;
        }
        let (context, workspace) = (&self.context, self.caller.workspace);
        if !last.plan.as_ref().is_some_and(|plan| plan.workspace == workspace && plan.holds(&context.engine)) {
            let rest = self.asked.request(last).encode_to_vec();
            last.plan = context.plans.find(&context.engine, workspace, &rest);
        }
        let answer = context.quick(last.plan.as_ref()?, key)?;
        Some(Encoded::One { answer, token: String::new() })
    }

    /// Answers one message; what is wrong with it is said in its place.
    async fn answer(&mut self, asked: &Undecoded) -> Result<Encoded, Status> {
        let request: StreamLookupRequest = match asked.decode() {
            Ok(request) => request,
            Err(status) => return self.end(Refusal::unreadable(&status)),
        };
        let first = request.keys.first().cloned();
        let rest =
            asked.plain().filter(|plain| plain.rest.len() <= MAX_REST_BYTES).map(|plain| plain.rest.into_owned());
        let (kind, html, about) = (request.kind.clone(), request.html, request.about.clone());
        let answered = self.look_up(request).await;
        self.last = rest.filter(|_| answered.is_ok()).map(|rest| Last { rest, kind, html, about, plan: None });
        let item = answered.unwrap_or_else(|refusal| {
            self.context.shard.lookup(LookupResult::Refused);
            Item { key: first.unwrap_or_default(), found: Err(refusal), model_version: 0, html: false }
        });
        Ok(Encoded::One { answer: wire::answer(&item), token: String::new() })
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
