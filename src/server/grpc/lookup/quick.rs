//! The quick way of a lookup: from the bytes of its request to the bytes of its answer, without decoding the one or making
//! the other anew.
//!
//! A request is taken apart into its keys and the rest ([`Plain`]). The rest leads to a plan, read once against the model; plan
//! and key lead to an answer that was given before. It is given again if nothing that it was read from was written since:
//! the stamps of the store tell ([`Engine::stands`]), also of a write that nobody has seen yet. Otherwise the customer is
//! looked up by the plan, from memory or else from the disk ([`Cold`]), and the answer is kept if what it was read from can be
//! watched.
//!
//! This is a way around nothing: whatever is not like most requests, has to wait for a write, or is wrong is left to the long
//! way, which says so. What both cost is in benches/README.md.

use std::sync::Arc;

use super::super::Context;
use super::cold::Cold;
use super::kept::{KeptAnswer, KeptAnswers};
use super::plan::Plan;
use super::{check_batch, result};
use crate::domain::answer::{self, Answer};
use crate::domain::ids::WorkspaceId;
use crate::domain::key::Key;
use crate::engine::{self, Engine, Leased, Tier};
use crate::server::clock;
use crate::server::metrics::LookupResult;
use crate::server::status::Refusal;
use crate::server::wire::{self, Encoded, Item, Keys, Plain, Undecoded};

/// An answer as bytes, and what it counts as.
pub(super) type Counted = (LookupResult, Arc<[u8]>);

/// What the quick way makes of a key.
pub(super) enum Quick {
    /// The bytes of its answer.
    Made(Arc<[u8]>),
    /// What is still to be looked up on the disk. On the heap, so that nothing is larger for it.
    Cold(Arc<Cold>),
}

impl Context {
    /// What a request for one customer comes to, and the token of the answer; `None` if it is to go the long way.
    pub(super) fn quick_lookup(&self, workspace: WorkspaceId, asked: &Undecoded) -> Option<(Quick, String)> {
        let Plain { keys: Keys::One(key), token, rest } = asked.plain()? else { return None };
        let plan = self.plan(workspace, token, &rest)?;
        let token = self.token();
        Some((self.quick(&plan, key)?, token))
    }

    /// The answers to a request for many customers, of one view of the data; `None` if it is to go the long way.
    pub(super) async fn quick_batch(
        &self,
        workspace: WorkspaceId,
        asked: &Undecoded,
    ) -> Result<Option<Encoded>, Refusal> {
        let Some(Plain { keys, token, rest }) = asked.plain() else { return Ok(None) };
        let keys = keys.into_vec();
        let plan = check_batch(keys.len()).ok().and_then(|()| self.plan(workspace, token, &rest));
        let Some(plan) = plan else { return Ok(None) };
        let token = self.token();

        let kept: Vec<Option<KeptAnswer>> = keys.iter().map(|key| self.kept(&plan, key)).collect();
        let missing = keys.iter().zip(&kept).filter(|(_, kept)| kept.is_none());
        let Some(missing) = missing.map(|(key, _)| asked_by(&plan, key)).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let mut made = self.look_up_many(&plan, missing).await?.into_iter();
        // Those that were looked up are of one view of the data. What was kept and still stands stood then, and was read by
        // the same model as long as the plan holds.
        let all_stand = || kept.iter().flatten().all(|kept| self.engine.stands(&kept.lease, clock::now));
        if !plan.holds(&self.engine) || !all_stand() {
            return Ok(None);
        }
        let found = kept.into_iter().filter_map(|kept| kept.map(|kept| self.given_again(kept)).or_else(|| made.next()));
        let answers = found.map(|(result, bytes)| {
            self.counts.lookup(result);
            bytes
        });
        Ok(Some(Encoded::Many { answers: answers.collect(), token }))
    }

    /// The plan of a request; `None` if its token is still to be waited for, or something is wrong with it.
    fn plan(&self, workspace: WorkspaceId, token: &str, rest: &[u8]) -> Option<Arc<Plan>> {
        match self.unreached(token) {
            Ok(None) => self.plans.find(&self.engine, workspace, rest),
            Ok(Some(_)) | Err(_) => None,
        }
    }

    /// The bytes of one answer, kept or made, or what is left to be done for it; `None` if it is to go the long way.
    pub(super) fn quick(&self, plan: &Arc<Plan>, key: &str) -> Option<Quick> {
        let (result, bytes) = match self.kept(plan, key) {
            Some(kept) => self.given_again(kept),
            None => match self.look_up_one(plan, key)? {
                Ok(counted) => counted,
                Err(cold) => return Some(Quick::Cold(cold)),
            },
        };
        self.counts.lookup(result);
        Some(Quick::Made(bytes))
    }

    /// An answer that may be given again.
    fn kept(&self, plan: &Plan, key: &str) -> Option<KeptAnswer> {
        let kept = self.answers.get(plan.id, key)?;
        self.engine.stands(&kept.lease, clock::now).then_some(kept)
    }

    fn given_again(&self, KeptAnswer { lease: _, result, bytes }: KeptAnswer) -> Counted {
        self.counts.given_again();
        (result, bytes)
    }

    /// Looks a customer up in memory, or on the disk if that is done at once.
    fn look_up_one(&self, plan: &Arc<Plan>, key: &str) -> Option<Result<Counted, Arc<Cold>>> {
        let (text, key) = asked_by(plan, key)?;
        let asked = [(0, key)];
        match self.engine.lookup_leased(plan.workspace, &asked, plan.query.ask(), Tier::Memory) {
            Ok(leased) => Some(Ok(make(&self.answers, plan, text, leased))),
            Err(engine::Error::NotInMemory) => {
                let cold = Cold { plan: Arc::clone(plan), text, asked };
                Some(self.read_at_once(&cold).ok_or_else(|| Arc::new(cold)))
            }
            Err(_) => None,
        }
    }

    /// Looks customers up, in their order, where that keeps nobody else waiting.
    async fn look_up_many(&self, plan: &Arc<Plan>, asked: Vec<(String, Key)>) -> Result<Vec<Counted>, Refusal> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let (plan, answers) = (Arc::clone(plan), Arc::clone(&self.answers));
        let read = move |engine: &Engine| {
            let (texts, keys): (Vec<String>, Vec<Key>) = asked.into_iter().unzip();
            let leased = engine.lookup_batch_leased(plan.workspace, &keys, plan.query.ask())?;
            let made = texts.into_iter().zip(leased).map(|(text, leased)| make(&answers, &plan, text, leased));
            Ok(made.collect())
        };
        self.on_disk(read).await
    }
}

/// The key as it was written and as it is meant; `None` if something is wrong with it.
fn asked_by(plan: &Plan, text: &str) -> Option<(String, Key)> {
    let (_rank, key) = answer::ranked_key(text, "keys", &plan.query.kind, &plan.query.active.model).ok()?;
    Some((text.to_owned(), key))
}

/// The bytes of an answer, which are kept if they may be.
pub(super) fn make(answers: &KeptAnswers, plan: &Plan, text: String, Leased { answer, lease }: Leased) -> Counted {
    let result = result(&answer);
    let found = Ok::<Answer, _>(answer);
    let item = Item { key: text, found, model_version: plan.query.active.version, html: plan.query.html };
    let bytes = wire::answer(&item);
    if let Some(lease) = lease {
        answers.put(plan.id, item.key, KeptAnswer { lease, result, bytes: Arc::clone(&bytes) });
    }
    (result, bytes)
}
