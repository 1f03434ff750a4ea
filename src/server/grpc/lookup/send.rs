//! Lookups for a send: what is answered first is kept before it is told.

use std::sync::Arc;

use super::super::Context;
use crate::domain::answer::Answer;
use crate::domain::ids::WorkspaceId;
use crate::domain::key::Key;
use crate::domain::served::{Kept, MAX_ABOUT, SendId};
use crate::domain::time::Time;
use crate::domain::view::{About, View, Viewed};
use crate::engine::{self, Engine, Occasion, Sent, Serving, Tier};
use crate::proto::v1::{ErrorReason, GetServedRequest, GetServedResponse};
use crate::server::status::Refusal;
use crate::server::{clock, convert};

/// How often a customer is looked up anew because another lookup for the same send was first, or somebody was erased in
/// between.
const MAX_TRIES: usize = 8;

/// What a send asks by.
#[derive(Clone)]
pub(super) struct Asking {
    /// The view.
    pub view: Arc<View>,
    /// What the message is about.
    pub about: About,
}

impl Asking {
    fn now(&self) -> Occasion<'_> {
        Occasion { view: &self.view, about: &self.about, now: clock::now() }
    }
}

impl Context {
    /// Looks one customer up for a send: from memory if it is there, else from the disk.
    pub(super) async fn find_sent(
        &self,
        workspace: WorkspaceId,
        keys: Vec<(usize, Key)>,
        asking: Asking,
        send: &SendId,
    ) -> Result<Answer, Refusal> {
        for _ in 0..MAX_TRIES {
            let (answer, serving) = match self.read_sent(workspace, &keys, &asking, send).await? {
                Sent::Done(answer) => return Ok(answer),
                Sent::First(answer, serving) => (answer, serving),
            };
            match self.engine.serve(workspace, vec![*serving], clock::now()).await?.first() {
                Some(Kept::Since(at)) => return Ok(pinned(answer, *at)),
                Some(Kept::TooMany) => return Err(too_many()),
                Some(Kept::Not) | None => {}
            }
        }
        Err(contended())
    }

    /// What a lookup for a send comes to, before anything is kept.
    pub(super) async fn read_sent(
        &self,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        asking: &Asking,
        send: &SendId,
    ) -> Result<Sent, Refusal> {
        match self.engine.lookup_sent(workspace, keys, asking.now(), send, Tier::Memory) {
            Err(engine::Error::NotInMemory) => {
                let (keys, asking, send) = (keys.to_vec(), asking.clone(), send.clone());
                let again =
                    move |engine: &Engine| engine.lookup_sent(workspace, &keys, asking.now(), &send, Tier::Disk);
                self.on_disk(again).await
            }
            sent => Ok(sent?),
        }
    }

    /// Looks many customers up for a send. All that are answered for the first time share a write.
    pub(super) async fn find_many_sent(
        &self,
        workspace: WorkspaceId,
        keys: Vec<Key>,
        asking: Asking,
        send: SendId,
    ) -> Result<Vec<Result<Answer, Refusal>>, Refusal> {
        let mut found: Vec<Result<Answer, Refusal>> = keys.iter().map(|_| Err(contended())).collect();
        let mut rest: Vec<(usize, Key)> = keys.into_iter().enumerate().collect();
        for _ in 0..MAX_TRIES {
            if rest.is_empty() {
                break;
            }
            let asked: Vec<Key> = rest.iter().map(|(_, key)| key.clone()).collect();
            let (asking, send) = (asking.clone(), send.clone());
            let read = move |engine: &Engine| engine.lookup_batch_sent(workspace, &asked, asking.now(), &send);
            let sent = self.on_disk(read).await?;
            rest = self.keep(workspace, rest, sent, &mut found).await?;
        }
        Ok(found)
    }

    /// Keeps what was answered for the first time and puts into `found` what can be told. Answers those that are to be
    /// looked up again.
    async fn keep(
        &self,
        workspace: WorkspaceId,
        customers: Vec<(usize, Key)>,
        sent: Vec<Result<Sent, engine::Error>>,
        found: &mut [Result<Answer, Refusal>],
    ) -> Result<Vec<(usize, Key)>, Refusal> {
        let mut first: Vec<((usize, Key), Answer)> = Vec::new();
        let mut servings: Vec<Serving> = Vec::new();
        for (customer, sent) in customers.into_iter().zip(sent) {
            match sent {
                Ok(Sent::First(answer, serving)) => {
                    first.push((customer, answer));
                    servings.push(*serving);
                }
                Ok(Sent::Done(answer)) => put(found, customer.0, Ok(answer)),
                Err(error) => put(found, customer.0, Err(error.into())),
            }
        }
        let kept = self.engine.serve(workspace, servings, clock::now()).await?;
        let mut again = Vec::new();
        for ((customer, answer), at) in first.into_iter().zip(kept) {
            match at {
                Kept::Since(at) => put(found, customer.0, Ok(pinned(answer, at))),
                Kept::TooMany => put(found, customer.0, Err(too_many())),
                Kept::Not => again.push(customer),
            }
        }
        Ok(again)
    }

    pub(super) async fn get_served(
        &self,
        workspace: WorkspaceId,
        request: GetServedRequest,
    ) -> Result<GetServedResponse, Refusal> {
        let GetServedRequest { send_id, key } = request;
        let active = self.engine.model(workspace)?;
        let send = SendId::parse(&send_id)?;
        let key = Key::parse(&key, "key", &active.model)?;
        let read = move |engine: &Engine| engine.served(workspace, &key, &send, clock::now());
        let served = self.on_disk(read).await?;
        let nothing =
            || Refusal::new(ErrorReason::NotFound, "nothing is kept that was served for the send and the key");
        Ok(GetServedResponse { served: Some(convert::served::write(served.ok_or_else(nothing)?)) })
    }
}

fn pinned(answer: Answer, at: Time) -> Answer {
    let viewed = answer.viewed.map(|viewed| Viewed { pinned_at: Some(at), ..viewed });
    Answer { viewed, ..answer }
}

fn put(found: &mut [Result<Answer, Refusal>], at: usize, one: Result<Answer, Refusal>) {
    if let Some(place) = found.get_mut(at) {
        *place = one;
    }
}

fn too_many() -> Refusal {
    let text = format!(
        "the answer is about more than the {MAX_ABOUT} identifiers of whom one is kept for a send; read nothing over the \
         members of a large group, or leave out `send_id`"
    );
    Refusal::new(ErrorReason::Conflict, text)
}

fn contended() -> Refusal {
    Refusal::not_ready(
        "the answer for the send could not be kept, because others were faster again and again; ask again",
    )
}
