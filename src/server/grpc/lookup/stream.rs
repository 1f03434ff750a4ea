//! `StreamLookup`: answers in the order of the requests, made when the client is ready to take them.
//!
//! The stream of answers pulls the stream of requests, so nothing is read while nobody takes answers. The caller is
//! checked again for each message: a revoked key reads nothing more.
//!
//! Messages of a stream are mostly the same but for their key. One that repeats the one before it goes the quick way,
//! by a plan that is made once for all of them. If its customer is left to other threads to be read from the disk, the
//! messages behind it are taken up meanwhile, so that many are read side by side, and their answers wait in order
//! ([`Pending`]). Any other message, and the end of the stream, wait until nothing is pending. Every answer is of data
//! no older than the moment at which its message was taken up; that of one message may be older than that of the one
//! before it.

mod asked;
mod pending;

use std::sync::Arc;

use futures::Stream;
use futures::stream::unfold;
use prost::Message as _;
use tokio::task::coop::consume_budget;
use tonic::{Status, Streaming};

use super::super::Context;
use super::query::Query;
use super::quick::Quick;
use super::refused;
use crate::domain::answer::What;
use crate::domain::consent::Purpose;
use crate::domain::served::SendId;
use crate::domain::view::About;
use crate::proto::v1::StreamLookupRequest;
use crate::server::auth::Caller;
use crate::server::metrics::LookupResult;
use crate::server::status::Refusal;
use crate::server::wire::{self, Encoded, Item, Keys, Plain, Undecoded};
use asked::{Asked, Last, Message};
use pending::Pending;

/// How long a message may be, but for its keys and token, to be remembered for the next one, in bytes.
const MAX_REST_BYTES: usize = 64 * 1024;

/// The answers to `requests`.
pub fn answers(
    context: Context,
    caller: Caller,
    requests: Streaming<Undecoded>,
) -> impl Stream<Item = Result<Encoded, Status>> + Send {
    let (incoming, pending) = (Incoming { caller, requests }, Pending::default());
    let asked = Asked::nothing();
    let lookups = Lookups { context, incoming, asked, last: None, pending, held: None, ended: false };
    // On the heap, because it is moved twice for each answer.
    unfold(Box::new(lookups), |mut lookups| async move { Some((lookups.next().await?, lookups)) })
}

/// A stream of lookups, with what later messages inherit from earlier ones.
struct Lookups {
    context: Context,
    incoming: Incoming,
    asked: Asked,
    last: Option<Last>,
    pending: Pending,
    /// What came and waits until nothing is pending.
    held: Option<Came>,
    ended: bool,
}

/// Where messages come from.
struct Incoming {
    caller: Caller,
    requests: Streaming<Undecoded>,
}

/// The next message, or the end of the stream, with the reason if the client did not end it.
type Came = Result<Undecoded, Option<Refusal>>;

impl Incoming {
    /// Waits for what comes next. Nothing is lost if it is not waited for to the end.
    async fn next(&mut self, context: &Context) -> Came {
        if context.drain.is_on() {
            return Err(Some(Refusal::draining()));
        }
        let request = tokio::select! {
            biased;
            request = self.requests.message() => request,
            () = context.drain.wait() => return Err(Some(Refusal::draining())),
        };
        let request = request.map_err(|status| Refusal::unreadable(&status))?.ok_or(None)?;
        context.guard.check_again(&mut self.caller)?;
        Ok(request)
    }
}

impl Lookups {
    async fn next(&mut self) -> Option<Result<Encoded, Status>> {
        if let Some(answer) = self.pending.pop_made(&self.context) {
            return Some(Ok(without_token(answer)));
        }
        if self.ended {
            return None;
        }
        if !self.pending.is_empty() || self.held.is_some() {
            return Box::pin(self.next_pending()).await;
        }
        // What is answered at once never waits, and others are to have their turn too.
        consume_budget().await;
        let request = match self.incoming.next(&self.context).await {
            Ok(request) => request,
            Err(end) => return self.end(end),
        };
        match self.repeat(&request) {
            Some(Quick::Made(answer)) => Some(Ok(without_token(answer))),
            Some(Quick::Cold(cold)) => {
                self.pending.push_cold(&self.context, cold);
                Box::pin(self.next_pending()).await
            }
            None => Some(Box::pin(self.answer(&request)).await),
        }
    }

    /// The next answer while there are some pending, or what was held back behind them.
    async fn next_pending(&mut self) -> Option<Result<Encoded, Status>> {
        loop {
            if let Some(answer) = self.pending.pop_made(&self.context) {
                return Some(Ok(without_token(answer)));
            }
            if self.pending.is_empty() {
                return self.next_held().await;
            }
            let takes = self.held.is_none() && !self.pending.is_full();
            tokio::select! {
                biased;
                came = self.incoming.next(&self.context), if takes => self.take_up(came),
                () = self.pending.next_made(&self.context) => {}
            }
        }
    }

    /// Takes up what came while something is pending, or holds it back.
    fn take_up(&mut self, came: Came) {
        let quick = came.as_ref().ok().and_then(|request| self.repeat(request));
        match quick {
            Some(Quick::Made(answer)) => self.pending.push_made(answer),
            Some(Quick::Cold(cold)) => self.pending.push_cold(&self.context, cold),
            None => self.held = Some(came),
        }
    }

    async fn next_held(&mut self) -> Option<Result<Encoded, Status>> {
        match self.held.take()? {
            // It waited, and the key may have been revoked meanwhile.
            Ok(request) => match self.context.guard.check_again(&mut self.incoming.caller) {
                Ok(()) => Some(self.answer(&request).await),
                Err(refusal) => self.end(Some(refusal)),
            },
            Err(end) => self.end(end),
        }
    }

    /// Ends the stream, with the reason if there is one.
    fn end(&mut self, refusal: Option<Refusal>) -> Option<Result<Encoded, Status>> {
        self.ended = true;
        Some(Err(refusal?.into()))
    }

    /// What a message comes to that is the last one again but for its key; `None` if it is another, or is to go the long
    /// way.
    fn repeat(&mut self, request: &Undecoded) -> Option<Quick> {
        let Plain { keys: Keys::One(key), token, rest } = request.plain()? else { return None };
        let last = self.last.as_mut().filter(|last| *last.rest == *rest)?;
        if !matches!(self.context.unreached(token), Ok(None)) {
            return None;
        }
        let (context, workspace) = (&self.context, self.incoming.caller.workspace);
        if !last.plan.as_ref().is_some_and(|plan| plan.workspace == workspace && plan.holds(&context.engine)) {
            let rest = self.asked.request(last).encode_to_vec();
            last.plan = context.plans.find(&context.engine, workspace, &rest);
        }
        context.quick(last.plan.as_ref()?, key)
    }

    /// Answers one message; what is wrong with it is said in its place.
    async fn answer(&mut self, asked: &Undecoded) -> Result<Encoded, Status> {
        let request: StreamLookupRequest = match asked.decode() {
            Ok(request) => request,
            Err(status) => {
                self.ended = true;
                return Err(Refusal::unreadable(&status).into());
            }
        };
        let first = request.keys.first().cloned();
        let rest =
            asked.plain().filter(|plain| plain.rest.len() <= MAX_REST_BYTES).map(|plain| plain.rest.into_owned());
        let (kind, html, about) = (request.kind.clone(), request.html, request.about.clone());
        let answered = self.look_up(request).await;
        self.last = rest.filter(|_| answered.is_ok()).map(|rest| Last { rest, kind, html, about, plan: None });
        Ok(without_token(answered.map_or_else(
            |refusal| {
                self.context.counts.lookup(LookupResult::Refused);
                refused(first.unwrap_or_default(), refusal)
            },
            |item| wire::answer(&item),
        )))
    }

    async fn look_up(&mut self, request: StreamLookupRequest) -> Result<Item, Refusal> {
        let StreamLookupRequest { keys, fields, kind, token, view, html, purpose, channel, about, not_before, send_id } =
            request;
        self.context.reach(&token).await?;
        self.context.reach_moment(not_before.as_ref()).await?;
        let workspace = self.incoming.caller.workspace;
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

fn without_token(answer: Arc<[u8]>) -> Encoded {
    Encoded::One { answer, token: String::new() }
}
