//! `LookupService`.

mod stream;

use std::pin::Pin;

use futures::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{Context, caller, workspace};
use crate::domain::answer::{self, MAX_BATCH_KEYS, Wanted, What};
use crate::domain::consent::Purpose;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::key::Key;
use crate::domain::model::Kind;
use crate::domain::view::About;
use crate::engine::{self, ActiveModel, Engine, Occasion, Question, Tier};
use crate::proto::v1::{BatchLookupRequest, LookupRequest, StreamLookupRequest};
use crate::server::clock;
use crate::server::metrics::LookupResult;
use crate::server::status::Refusal;
use crate::server::wire::{self, Encoded, Item, LookupService};

/// The handlers.
pub struct Lookup(pub Context);

#[tonic::async_trait]
impl LookupService for Lookup {
    async fn lookup(&self, request: Request<LookupRequest>) -> Result<Response<Encoded>, Status> {
        let workspace = workspace(&request)?;
        let answer = self.0.lookup(workspace, request.into_inner()).await;
        if answer.is_err() {
            self.0.shard.lookup(LookupResult::Refused);
        }
        Ok(Response::new(answer?))
    }

    async fn batch_lookup(&self, request: Request<BatchLookupRequest>) -> Result<Response<Encoded>, Status> {
        let workspace = workspace(&request)?;
        let answers = self.0.batch_lookup(workspace, request.into_inner()).await?;
        Ok(Response::new(answers))
    }

    type StreamLookupStream = Pin<Box<dyn Stream<Item = Result<Encoded, Status>> + Send>>;

    async fn stream_lookup(
        &self,
        request: Request<Streaming<StreamLookupRequest>>,
    ) -> Result<Response<Self::StreamLookupStream>, Status> {
        let caller = caller(&request)?;
        let answers = stream::answers(self.0.clone(), caller, request.into_inner());
        Ok(Response::new(Box::pin(answers)))
    }
}

impl Context {
    async fn lookup(&self, workspace: WorkspaceId, request: LookupRequest) -> Result<Encoded, Refusal> {
        let LookupRequest { keys, fields, kind, token, view, html, purpose, channel, about, not_before } = request;
        self.reach(&token).await?;
        self.reach_moment(not_before.as_ref()).await?;
        let active = self.engine.model(workspace)?;
        let purpose = Purpose::asked(&purpose, &channel)?;
        let Wanted { kind, what } = Wanted::parse(&view, &kind, fields, purpose, About::parse(about)?, &active.model)?;
        let token = self.token();
        let answer = self.answer(workspace, &active, kind, &what, keys, html).await?;
        Ok(wire::lookup(&answer, &token))
    }

    /// Looks one customer up: from memory if it is there, else from the disk.
    async fn answer(
        &self,
        workspace: WorkspaceId,
        active: &ActiveModel,
        kind: &Kind,
        what: &What,
        mut keys: Vec<String>,
        html: bool,
    ) -> Result<Item, Refusal> {
        let ranked = answer::keys(&keys, kind, &active.model)?;
        let kind = kind.id;
        let found = match find(&self.engine, workspace, &ranked, kind, what, Tier::Memory) {
            Err(engine::Error::NotInMemory) => {
                let what = what.clone();
                // On the heap, because the future of every lookup would have room for it otherwise.
                let again = move |engine: &Engine| find(engine, workspace, &ranked, kind, &what, Tier::Disk);
                Box::pin(self.on_disk(again)).await?
            }
            found => found?,
        };
        self.count(&found);
        let key = keys.get_mut(found.key).map(std::mem::take).unwrap_or_default();
        Ok(Item { key, found: Ok(found), model_version: active.version, html })
    }

    fn count(&self, answer: &answer::Answer) {
        self.shard.lookup(match answer.resolution {
            answer::Resolution::Found(_) => LookupResult::Found,
            answer::Resolution::Shared { .. } => LookupResult::Shared,
            answer::Resolution::NotFound => LookupResult::NotFound,
            answer::Resolution::Erased => LookupResult::Erased,
        });
    }

    async fn batch_lookup(&self, workspace: WorkspaceId, request: BatchLookupRequest) -> Result<Encoded, Refusal> {
        let BatchLookupRequest { keys, fields, kind, token, view, html, purpose, channel, about, not_before } = request;
        check_batch(keys.len())?;
        self.reach(&token).await?;
        self.reach_moment(not_before.as_ref()).await?;
        let active = self.engine.model(workspace)?;
        let purpose = Purpose::asked(&purpose, &channel)?;
        let Wanted { kind, what } = Wanted::parse(&view, &kind, fields, purpose, About::parse(about)?, &active.model)?;
        let token = self.token();

        let mut read = Vec::with_capacity(keys.len());
        let mut refusals = Vec::new();
        for (at, text) in keys.iter().enumerate() {
            match answer::ranked_key(text, "keys", kind, &active.model) {
                Ok((_rank, key)) => read.push(key),
                Err(invalid) => refusals.push((at, invalid.at(at))),
            }
        }
        let kind = kind.id;
        let found = self.on_disk(move |engine| find_many(engine, workspace, &read, kind, &what)).await?;
        Ok(wire::batch(self.in_order(keys, found, refusals, active.version, html), &token))
    }

    /// Puts what was found and what was refused back into the order of the keys.
    fn in_order(
        &self,
        keys: Vec<String>,
        found: Vec<answer::Answer>,
        refusals: Vec<(usize, Invalid)>,
        model_version: u64,
        html: bool,
    ) -> impl Iterator<Item = Item> {
        let mut found = found.into_iter();
        let mut refusals = refusals.into_iter().peekable();
        keys.into_iter().enumerate().filter_map(move |(at, key)| {
            let refused = refusals.next_if(|(refused, _)| *refused == at);
            let found = match refused {
                Some((_, invalid)) => {
                    self.shard.lookup(LookupResult::Refused);
                    Err(invalid.into())
                }
                None => found.next().inspect(|answer| self.count(answer)).map(Ok)?,
            };
            Some(Item { key, found, model_version, html })
        })
    }
}

/// Looks one customer up.
fn find(
    engine: &Engine,
    workspace: WorkspaceId,
    keys: &[(usize, Key)],
    kind: KindId,
    what: &What,
    tier: Tier,
) -> Result<answer::Answer, engine::Error> {
    match what {
        What::Fields { fields, purpose } => {
            let question = Question { kind, fields, now: clock::now(), purpose: purpose.as_ref() };
            engine.lookup(workspace, keys, question, tier)
        }
        What::View { view, about } => {
            engine.lookup_view(workspace, keys, Occasion { view, about, now: clock::now() }, tier)
        }
    }
}

/// Looks many customers up.
fn find_many(
    engine: &Engine,
    workspace: WorkspaceId,
    keys: &[Key],
    kind: KindId,
    what: &What,
) -> Result<Vec<answer::Answer>, engine::Error> {
    match what {
        What::Fields { fields, purpose } => {
            let question = Question { kind, fields, now: clock::now(), purpose: purpose.as_ref() };
            engine.lookup_batch(workspace, keys, question)
        }
        What::View { view, about } => {
            engine.lookup_batch_view(workspace, keys, Occasion { view, about, now: clock::now() })
        }
    }
}

fn check_batch(keys: usize) -> Result<(), Invalid> {
    match keys {
        0 => Err(Invalid::new(Reason::Missing, "keys", "is empty; name at least one customer")),
        1..=MAX_BATCH_KEYS => Ok(()),
        _ => {
            let text = format!("has more than {MAX_BATCH_KEYS} keys; send several batches, or use StreamLookup");
            Err(Invalid::new(Reason::TooLarge, "keys", text))
        }
    }
}
