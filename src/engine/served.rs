//! Lookups for a send: the first one is kept before it is answered, and those after it answer the same.
//!
//! The pin is looked for under every key of the request and kept under the one that led to the answer, so a send says the
//! same by whichever of these keys it is asked for again, as long as that leads to the same customer. What is to be respected is always as of now; see
//! [`Served::pin`].

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::{Command, Effect};
use super::writer::Job;
use super::{ActiveModel, Engine, Error, Occasion, Tier};
use crate::codec::key::{Key as _, ProfileKey, ServedKey};
use crate::codec::record::Record as _;
use crate::domain::answer::{Answer, Fields, Resolution};
use crate::domain::ids::{KindId, Seq, WorkspaceId};
use crate::domain::key::Key;
use crate::domain::served::{Kept, MAX_SERVED_BYTES, SendId, Served};
use crate::domain::time::Time;
use crate::domain::view::{View, Viewed};
use crate::store;
use crate::store::catalogue::{SERVED, SURVIVORS};
use crate::store::view::Read;

/// How many bytes of records one command keeps, about.
const MAX_COMMAND_BYTES: usize = 1024 * 1024;

/// What a lookup for a send came to.
#[derive(Clone, Debug)]
pub enum Sent {
    /// An answer that can be given: its fields were kept before, or are of somebody who was erased and are never kept.
    Done(Answer),
    /// The first answer. It is to be kept by [`Engine::serve`] before it is given.
    First(Answer, Box<Serving>),
}

/// An answer that is to be kept.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The send.
    pub(super) send: SendId,
    /// All keys that it was asked for by, the strongest first.
    pub(super) keys: Vec<Key>,
    /// Which of them led to the answer.
    pub(super) by: Key,
    /// Whom that led to.
    pub(super) resolution: Resolution,
    /// The kind of the view.
    pub(super) kind: KindId,
    /// The fields that were read for it.
    pub(super) slots: Fields,
    /// Where the data was at least when the answer was read.
    pub(super) read: Seq,
    /// What was answered; when, and about whom, is known once it is kept.
    pub(super) served: Served,
    bytes: usize,
}

/// A record that pins, and the view that it is of.
struct Pin {
    served: Served,
    view: Arc<View>,
}

/// Customers of a batch who are answered by one version of a view, by their places in it.
struct OfVersion {
    view: Arc<View>,
    customers: Vec<(usize, Option<Pin>)>,
}

impl Engine {
    /// Looks up one customer as [`Engine::lookup`] does, for a send.
    ///
    /// Fails with [`Error::Conflict`] if the send has answered by a view of another name, or if the answer is too large to
    /// be kept.
    pub fn lookup_sent(
        &self,
        workspace: WorkspaceId,
        keys: &[(usize, Key)],
        occasion: Occasion<'_>,
        send: &SendId,
        tier: Tier,
    ) -> Result<Sent, Error> {
        let Occasion { view, now, .. } = occasion;
        let (active, read) = (self.model(workspace)?, self.applied());
        let from = self.state.store.view(tier);
        let mut answer = self.lookup(workspace, keys, occasion, tier)?;
        let mut pin = None;
        for (at, key) in keys {
            let key = ServedKey { workspace, key: key.clone(), send: send.clone() };
            let Some(served) = SERVED.get(&from, &key)? else { continue };
            if is_of_same(&from, workspace, &served, *at == answer.key, answer.resolution)? {
                pin = pinned(Some(served), view, &active, now)?;
            }
            if pin.is_some() {
                break;
            }
        }
        if let Some(Pin { view: of_pin, .. }) = pin.as_ref().filter(|pin| pin.view.version != view.version) {
            answer = self.lookup(workspace, keys, Occasion { view: of_pin, ..occasion }, tier)?;
        }
        let by = keys.iter().find(|(at, _)| *at == answer.key).map(|(_, key)| key.clone());
        let by = by.ok_or(Error::NotFound("the key"))?;
        let keys = keys.iter().map(|(_, key)| key.clone()).collect();
        Asked { send, view, active: &active, read }.sent(pin, answer, keys, by)
    }

    /// Looks up many customers as [`Engine::lookup_batch`] does, for a send, each by one key. What is wrong with the
    /// answer of one of them is said in its place.
    pub fn lookup_batch_sent(
        &self,
        workspace: WorkspaceId,
        keys: &[Key],
        occasion: Occasion<'_>,
        send: &SendId,
    ) -> Result<Vec<Result<Sent, Error>>, Error> {
        let Occasion { view, now, .. } = occasion;
        let (active, read) = (self.model(workspace)?, self.applied());
        let asked = Asked { send, view, active: &active, read };
        let mut sent: Vec<Option<Result<Sent, Error>>> = keys.iter().map(|_| None).collect();
        // Most are of one version of the view; each is read in one view of the data.
        let mut by_version: BTreeMap<u32, OfVersion> = BTreeMap::new();
        let newest = Arc::new(view.clone());
        for (at, pin) in self.pins(workspace, keys, asked, now)?.into_iter().enumerate() {
            match pin {
                Ok(pin) => {
                    let read_by = pin.as_ref().map_or(&newest, |pin| &pin.view);
                    let of_version = by_version.entry(read_by.version);
                    let fresh = || OfVersion { view: Arc::clone(read_by), customers: Vec::new() };
                    of_version.or_insert_with(fresh).customers.push((at, pin));
                }
                Err(error) => put(&mut sent, at, Err(error)),
            }
        }
        for OfVersion { view, customers } in by_version.into_values() {
            let named: Vec<Key> = customers.iter().filter_map(|(at, _)| keys.get(*at).cloned()).collect();
            let answers = self.lookup_batch(workspace, &named, Occasion { view: &view, ..occasion })?;
            let from = self.state.store.view(Tier::Disk);
            for (((at, pin), key), answer) in customers.into_iter().zip(named).zip(answers) {
                let of_same = |pin: &Pin| is_of_same(&from, workspace, &pin.served, true, answer.resolution);
                let heeded = pin.as_ref().map(of_same).transpose()?;
                let answer = match heeded {
                    Some(false) if view.version != newest.version => {
                        self.lookup(workspace, &[(at, key.clone())], occasion, Tier::Disk)?
                    }
                    _ => Answer { key: at, ..answer },
                };
                let pin = pin.filter(|_| heeded == Some(true));
                put(&mut sent, at, asked.sent(pin, answer, vec![key.clone()], key));
            }
        }
        Ok(sent.into_iter().map(|sent| sent.unwrap_or(Err(Error::NotFound("the key")))).collect())
    }

    fn pins(
        &self,
        workspace: WorkspaceId,
        keys: &[Key],
        Asked { send, view, active, read: _ }: Asked<'_>,
        now: Time,
    ) -> Result<Vec<Result<Option<Pin>, Error>>, Error> {
        let key = |key: &Key| ServedKey { workspace, key: key.clone(), send: send.clone() }.encode();
        let encoded: Vec<Vec<u8>> = keys.iter().map(key).collect();
        let from = self.state.store.view(Tier::Disk);
        let found = from.get_many(SERVED.family(), &encoded)?;
        let read = |bytes: Option<store::view::Slice<'_>>| {
            let served = bytes.map(|bytes| Served::decode(&bytes)).transpose();
            pinned(served.map_err(|error| SERVED.corrupt(error))?, view, active, now)
        };
        Ok(found.into_iter().map(read).collect())
    }

    /// Keeps answers, and says of each, in their order, what became of it. Only one that is kept is to be given.
    pub async fn serve(&self, workspace: WorkspaceId, servings: Vec<Serving>, now: Time) -> Result<Vec<Kept>, Error> {
        let mut waiting = Vec::new();
        let mut rest = servings.into_iter().peekable();
        while rest.peek().is_some() {
            let mut bytes = 0;
            let mut servings = Vec::new();
            while let Some(serving) = rest.next_if(|_| bytes < MAX_COMMAND_BYTES) {
                bytes += serving.bytes;
                servings.push(serving);
            }
            let (job, pending) = Job::new(Command::Serve { workspace, servings }, now);
            self.queue.send(job).await.map_err(|_| Error::Closed)?;
            waiting.push(pending.of(Effect::into_served));
        }
        let mut kept = Vec::new();
        for pending in waiting {
            kept.extend(pending.await?);
        }
        Ok(kept)
    }

    /// What was served for a send to whoever was asked for by `key`, at the time `now`: the last answer that was kept.
    pub fn served(&self, workspace: WorkspaceId, key: &Key, send: &SendId, now: Time) -> Result<Option<Served>, Error> {
        let key = ServedKey { workspace, key: key.clone(), send: send.clone() };
        let served = SERVED.get(&self.state.store.view(Tier::Disk), &key)?;
        Ok(served.filter(|served| !served.expired(now)))
    }
}

/// What a send asks.
#[derive(Clone, Copy)]
struct Asked<'a> {
    send: &'a SendId,
    view: &'a View,
    active: &'a ActiveModel,
    read: Seq,
}

impl Asked<'_> {
    /// What the answer of one customer comes to, asked for by `keys`, of which `by` led to it.
    fn sent(self, pin: Option<Pin>, answer: Answer, keys: Vec<Key>, by: Key) -> Result<Sent, Error> {
        if let Some(Pin { served, view }) = pin {
            let viewed = answer.viewed.map(|live| served.pin(&view, live));
            return Ok(Sent::Done(Answer { viewed, ..answer }));
        }
        let Self { send, view, active, read } = self;
        let (Some(viewed), false) = (&answer.viewed, answer.resolution == Resolution::Erased) else {
            return Ok(Sent::Done(answer));
        };
        let served = record(view, viewed, answer.resolution, active);
        let bytes = served.encode().map_err(|error| SERVED.corrupt(error))?.len();
        if bytes > MAX_SERVED_BYTES {
            return Err(Error::Conflict(format!(
                "the answer takes more than the {MAX_SERVED_BYTES} bytes that are kept for a send; give the longest \
                 fields of the view a `max_length`, or leave out `send_id`"
            )));
        }
        let (resolution, kind) = (answer.resolution, view.kind);
        let (send, slots) = (send.clone(), view.slots.clone());
        let serving = Serving { send, keys, by, resolution, kind, slots, read, served, bytes };
        Ok(Sent::First(answer, Box::new(serving)))
    }
}

fn record(view: &View, viewed: &Viewed, resolution: Resolution, active: &ActiveModel) -> Served {
    let Viewed { version, renderable, pinned_at: _, fields, decision: _, reasons: _, cache_until: _ } = viewed;
    Served {
        at: Time::default(),
        view: view.name.clone(),
        version: *version,
        model_version: active.version,
        renderable: *renderable,
        fields: fields.clone(),
        customer: match resolution {
            Resolution::Found(id) => Some(id),
            Resolution::Shared { .. } | Resolution::NotFound | Resolution::Erased => None,
        },
        about: Default::default(),
    }
}

/// True if a record is of the customer whom a lookup led to, and not of whoever had its key then: of the same profile, or of
/// one that became part of it. A record of nobody in particular is for its own key alone, if that `leads`.
fn is_of_same(
    from: &impl Read,
    workspace: WorkspaceId,
    served: &Served,
    leads: bool,
    resolution: Resolution,
) -> Result<bool, store::Error> {
    let Some(profile) = served.customer else { return Ok(leads) };
    let Resolution::Found(live) = resolution else { return Ok(false) };
    Ok(profile == live || SURVIVORS.get(from, &ProfileKey { workspace, profile })? == Some(live))
}

/// What a record pins of a lookup by `view`, if it does. A version that the model no longer has pins nothing any more: what
/// it has to respect is not known.
fn pinned(served: Option<Served>, view: &View, active: &ActiveModel, now: Time) -> Result<Option<Pin>, Error> {
    let Some(served) = served.filter(|served| served.pins(now)) else { return Ok(None) };
    if served.view != view.name {
        return Err(Error::Conflict(format!(
            "the send has answered by another view, `{}`, in the last 24 hours; ask by that one, or give each view a send \
             of its own",
            served.view
        )));
    }
    let versions = active.model.views().iter();
    let mut own = versions.filter(|known| known.name == served.view && known.version == served.version);
    let own = own.find(|own| own.kind == view.kind).cloned();
    Ok(own.map(|view| Pin { served, view }))
}

fn put(sent: &mut [Option<Result<Sent, Error>>], at: usize, one: Result<Sent, Error>) {
    if let Some(place) = sent.get_mut(at) {
        *place = Some(one);
    }
}

/// True if one of the keys has a record that pins, of a version of a view that the model has.
pub(super) fn is_pinned(
    from: &impl Read,
    workspace: WorkspaceId,
    serving: &Serving,
    active: &ActiveModel,
    now: Time,
) -> Result<bool, store::Error> {
    for key in &serving.keys {
        let key = ServedKey { workspace, key: key.clone(), send: serving.send.clone() };
        let leads = key.key == serving.by;
        let Some(served) = SERVED.get(from, &key)?.filter(|served| served.pins(now)) else { continue };
        if !is_of_same(from, workspace, &served, leads, serving.resolution)? {
            continue;
        }
        let is_own = |view: &&Arc<View>| view.name == served.view && view.version == served.version;
        let own = active.model.views().iter().find(is_own);
        if served.view != serving.served.view || own.is_some_and(|own| own.kind == serving.kind) {
            return Ok(true);
        }
    }
    Ok(false)
}
