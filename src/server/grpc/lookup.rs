//! `LookupService`.

mod cold;
mod kept;
mod patience;
mod plan;
mod query;
mod quick;
mod send;
mod stream;
mod write;

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{Context, caller, workspace};
use crate::domain::answer::{self, MAX_BATCH_KEYS, What};
use crate::domain::ids::WorkspaceId;
use crate::domain::invalid::{Invalid, Reason};
use crate::engine::{self, Engine, Tier};
use crate::proto::v1::{GetServedRequest, GetServedResponse, LookupRequest, WriteAndLookupRequest};
use crate::server::metrics::LookupResult;
use crate::server::status::Refusal;
use crate::server::wire::{self, Encoded, Item, LookupService, Undecoded};
use query::{OwnedQuery, Query, ask};
use quick::Quick;
use send::Asking;

pub use cold::Disk;
pub use kept::KeptAnswers;
pub use plan::Plans;

/// The handlers.
pub struct Lookup(pub Context);

#[tonic::async_trait]
impl LookupService for Lookup {
    async fn lookup(&self, request: Request<Undecoded>) -> Result<Response<Encoded>, Status> {
        let workspace = workspace(&request)?;
        let asked = request.into_inner();
        match self.0.quick_lookup(workspace, &asked) {
            Some((Quick::Made(answer), token)) => return Ok(Response::new(Encoded::One { answer, token })),
            Some((Quick::Cold(cold), token)) => {
                let answer = Box::pin(self.0.read_cold(cold)).await?;
                return Ok(Response::new(Encoded::One { answer, token }));
            }
            None => {}
        }
        let request = asked.decode()?;
        drop(asked);
        let answer = Box::pin(self.0.lookup(workspace, request)).await;
        if answer.is_err() {
            self.0.counts.lookup(LookupResult::Refused);
        }
        let (item, token) = answer?;
        Ok(Response::new(Encoded::One { answer: wire::answer(&item), token }))
    }

    async fn batch_lookup(&self, request: Request<Undecoded>) -> Result<Response<Encoded>, Status> {
        let workspace = workspace(&request)?;
        let asked = request.into_inner();
        if let Some(answers) = self.0.quick_batch(workspace, &asked).await? {
            return Ok(Response::new(answers));
        }
        let request = asked.decode()?;
        drop(asked);
        Ok(Response::new(self.0.batch_lookup(workspace, request).await?))
    }

    type StreamLookupStream = Pin<Box<dyn Stream<Item = Result<Encoded, Status>> + Send>>;

    async fn stream_lookup(
        &self,
        request: Request<Streaming<Undecoded>>,
    ) -> Result<Response<Self::StreamLookupStream>, Status> {
        let caller = caller(&request)?;
        let answers = stream::answers(self.0.clone(), caller, request.into_inner());
        Ok(Response::new(Box::pin(answers)))
    }

    async fn get_served(&self, request: Request<GetServedRequest>) -> Result<Response<GetServedResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.get_served(workspace, request.into_inner()).await?))
    }

    async fn write_and_lookup(&self, request: Request<WriteAndLookupRequest>) -> Result<Response<Encoded>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.write_and_lookup(workspace, request.into_inner()).await?))
    }
}

impl Context {
    /// Looks one customer up; answers with the token of the data.
    async fn lookup(&self, workspace: WorkspaceId, mut request: LookupRequest) -> Result<(Item, String), Refusal> {
        let keys = std::mem::take(&mut request.keys);
        let query = self.read(workspace, request).await?;
        let token = self.token();
        Ok((self.answer(workspace, query.query(), keys).await?, token))
    }

    /// Looks one customer up: from memory if it is there, else from the disk.
    async fn answer(&self, workspace: WorkspaceId, query: Query<'_>, mut keys: Vec<String>) -> Result<Item, Refusal> {
        let Query { active, kind, what, send, html } = query;
        let ranked = answer::keys(&keys, kind, &active.model)?;
        let kind = kind.id;
        let found = match (what, send) {
            // On the heap, because the future of every lookup would have room for it otherwise.
            (What::View { view, about }, Some(send)) => {
                let asking = Asking { view: Arc::clone(view), about: about.clone() };
                Box::pin(self.find_sent(workspace, ranked, asking, send)).await?
            }
            _ => match self.engine.lookup(workspace, &ranked, ask(what, kind), Tier::Memory) {
                Err(engine::Error::NotInMemory) => {
                    let what = what.clone();
                    let again = move |engine: &Engine| engine.lookup(workspace, &ranked, ask(&what, kind), Tier::Disk);
                    Box::pin(self.on_disk(again)).await?
                }
                found => found?,
            },
        };
        self.count(&found);
        let key = keys.get_mut(found.key).map(std::mem::take).unwrap_or_default();
        Ok(Item { key, found: Ok(found), model_version: active.version, html })
    }

    fn count(&self, answer: &answer::Answer) {
        self.counts.lookup(result(answer));
    }

    async fn batch_lookup(&self, workspace: WorkspaceId, mut request: LookupRequest) -> Result<Encoded, Refusal> {
        let keys = std::mem::take(&mut request.keys);
        check_batch(keys.len())?;
        let query = self.read(workspace, request).await?;
        let token = self.token();

        let mut read = Vec::with_capacity(keys.len());
        let mut refusals = Vec::new();
        for (at, text) in keys.iter().enumerate() {
            match answer::ranked_key(text, "keys", &query.kind, &query.active.model) {
                Ok((_rank, key)) => read.push(key),
                Err(invalid) => refusals.push((at, invalid.at(at))),
            }
        }
        let (model_version, html) = (query.active.version, query.html);
        let found = match query {
            OwnedQuery { what: What::View { view, about }, send: Some(send), .. } => {
                self.find_many_sent(workspace, read, Asking { view, about }, send).await?
            }
            query => {
                let look_up = move |engine: &Engine| engine.lookup_batch(workspace, &read, query.ask());
                self.on_disk(look_up).await?.into_iter().map(Ok).collect()
            }
        };
        let items = self.in_order(keys, found, refusals, model_version, html);
        Ok(Encoded::Many { answers: items.map(|item| wire::answer(&item)).collect(), token })
    }

    /// Puts what was found and what was refused back into the order of the keys.
    fn in_order(
        &self,
        keys: Vec<String>,
        found: Vec<Result<answer::Answer, Refusal>>,
        refusals: Vec<(usize, Invalid)>,
        model_version: u64,
        html: bool,
    ) -> impl Iterator<Item = Item> {
        let mut found = found.into_iter();
        let mut refusals = refusals.into_iter().peekable();
        keys.into_iter().enumerate().filter_map(move |(at, key)| {
            let refused = refusals.next_if(|(refused, _)| *refused == at);
            let found = refused.map(|(_, invalid)| Err(invalid.into())).or_else(|| found.next())?;
            match &found {
                Ok(answer) => self.count(answer),
                Err(_) => self.counts.lookup(LookupResult::Refused),
            }
            Some(Item { key, found, model_version, html })
        })
    }
}

/// What an answer counts as.
fn result(answer: &answer::Answer) -> LookupResult {
    match answer.resolution {
        answer::Resolution::Found(_) => LookupResult::Found,
        answer::Resolution::Shared { .. } => LookupResult::Shared,
        answer::Resolution::NotFound => LookupResult::NotFound,
        answer::Resolution::Erased => LookupResult::Erased,
    }
}

/// The bytes of an answer that says why there is none.
fn refused(key: String, refusal: Refusal) -> Arc<[u8]> {
    wire::answer(&Item { key, found: Err(refusal), model_version: 0, html: false })
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
