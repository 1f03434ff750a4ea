//! What kith does: apply commands, look up, show.
//!
//! Every change is a [`Command`]; [`apply`] turns one into changes and an effect, deterministically; the single
//! [`writer`] commits many at once. Readers never wait for it. Nothing here knows a status, a socket or a clock.

mod apply;
mod command;
mod identity;
mod lookup;
mod members;
mod model;
mod refolder;
mod served;
mod show;
mod state;
mod sync;
mod writer;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::domain::access::{ApiKey, SecretHash};
use crate::domain::correction::Correction;
use crate::domain::erasure::Erasure;
use crate::domain::fact::{Draft, Fact};
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::invalid::Invalid;
use crate::domain::receipt::Receipt;
use crate::domain::time::Time;
use crate::store;
use crate::store::Store;
use command::{Command, Effect};
use refolder::Refolder;
use state::State;
use sync::Sync;
use writer::{Job, Writer};

pub use crate::store::{Error as StoreError, FamilyStats, MAX_OPEN_FILES, Stamp, Tier, is_database};
pub use identity::{Apart, LargeProfile, LargestBy, MAX_SIMULATED_FACTS, Merges, Pair, Together};
pub use lookup::{Ask, Lease, Leased, Occasion, Question, SegmentMember, SegmentPage, SegmentPlace};
pub use members::{Count, Figures, Listed, MemberPage, MemberPlace, Totals};
pub use model::{Difference, ModelState};
pub use served::{Sent, Serving};
pub use show::ConsentPage;
pub use state::ActiveModel;

/// The workspace that is always there.
pub const DEFAULT_WORKSPACE: &str = "default";

/// Links and identifiers that one command folds again after a change of rules, and identifiers that it passes over: some
/// 10 ms of the writer's time, so that the writes between two portions hardly wait.
pub const REFOLD_PORTION: usize = 500;

/// When a write is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Before it is acknowledged.
    Sync,
    /// At most this long after it is acknowledged: a power cut loses that much. A crash of kith alone loses nothing.
    Interval(Duration),
}

/// How to open an engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory of the database; created if missing.
    pub data: PathBuf,
    /// When a write is on disk.
    pub durability: Durability,
    /// Bytes of stored data kept in memory, as records and as blocks: see [`Store::open`].
    pub cache_bytes: usize,
    /// Commands that may wait for the writer.
    pub write_queue: usize,
    /// How much of a change of rules one command does, about, and how many stored events one command counts for new
    /// computed attributes, at most 256: see [`REFOLD_PORTION`].
    pub refold_portion: usize,
    /// That what was changed leaves the caches. True everywhere but in the one test that shows that stale answers would
    /// be found.
    pub invalidates: bool,
}

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The write queue is full.
    #[error("the write queue is full; try again")]
    Busy,
    /// The answer is not in memory, and only memory was to be read.
    #[error("the answer is not in memory")]
    NotInMemory,
    /// The engine is shutting down.
    #[error("the server is shutting down")]
    Closed,
    /// There is no such thing.
    #[error("{0} is not known")]
    NotFound(&'static str),
    /// There is no such thing any more.
    #[error("{0} was erased")]
    Erased(&'static str),
    /// The change contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    /// The store failed.
    #[error(transparent)]
    Store(store::Error),
    /// The write was not committed, and with it none of its group. The writer has logged why.
    #[error("the write was not committed")]
    NotCommitted(Arc<store::Error>),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotInMemory => Self::NotInMemory,
            error => Self::Store(error),
        }
    }
}

/// Figures of an open engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// The place of the last applied command.
    pub applied: Seq,
    /// Bytes on disk, write-ahead log excluded.
    pub disk_bytes: u64,
    /// Figures by column family.
    pub families: Vec<FamilyStats>,
}

/// An open database with its writer. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    state: Arc<State>,
    queue: mpsc::Sender<Job>,
    threads: Arc<Threads>,
}

struct Threads {
    writer: Writer,
    refolder: Refolder,
    sync: Sync,
}

impl Threads {
    /// The writer first: nobody waits for it then, and what it commits last is synced too.
    fn stop(&self) {
        self.writer.stop();
        self.refolder.stop();
        self.sync.stop();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A fact that is on its way: resolves to its receipt.
pub type Pending = writer::Reply<Receipt>;

impl Engine {
    /// Opens or creates the database and starts the writer.
    pub fn open(options: &Options) -> Result<Self, Error> {
        let store = Store::open(&options.data, options.cache_bytes, options.invalidates)?;
        let state = Arc::new(State::load(store)?);
        let (queue, jobs) = mpsc::channel(options.write_queue.max(1));
        let writer = Writer::start(Arc::clone(&state), jobs, options.durability)?;
        let refolder = Refolder::start(Arc::clone(&state), queue.clone(), options.refold_portion)?;
        let sync = Sync::start(Arc::clone(&state), options.durability)?;
        Ok(Self { state, queue, threads: Arc::new(Threads { writer, refolder, sync }) })
    }

    /// Makes `source` the model of the workspace called `name`, which is created if there is none. The same model
    /// again changes nothing. A change of the rules of resolution is refused where there are facts: see
    /// [`Engine::change_model`].
    pub async fn apply_model(&self, name: &str, source: &str, now: Time) -> Result<WorkspaceId, Error> {
        let (workspace, source) = (name.to_owned(), source.to_owned());
        let command = Command::ApplyModel { workspace, source, refolds: false };
        match self.run(command, now).await? {
            Effect::Model(workspace) => {
                self.threads.refolder.wake();
                Ok(workspace)
            }
            Effect::Receipt(_)
            | Effect::Key(_)
            | Effect::Refolded
            | Effect::Served(_)
            | Effect::Backfilled
            | Effect::Erasing { .. }
            | Effect::Scrubbed { .. } => Err(Error::Closed),
        }
    }

    /// The workspace called `name`.
    pub fn workspace(&self, name: &str) -> Option<WorkspaceId> {
        self.state.workspace(name)
    }

    /// The name of a workspace.
    pub fn workspace_name(&self, id: WorkspaceId) -> Option<String> {
        self.state.workspace_name(id)
    }

    /// The model of a workspace.
    pub fn model(&self, workspace: WorkspaceId) -> Result<Arc<ActiveModel>, Error> {
        self.state.model(workspace)
    }

    /// Checks a fact as it came in, against the model of its workspace and the time of its arrival.
    pub fn check(&self, workspace: WorkspaceId, draft: Draft, now: Time) -> Result<Fact, Error> {
        Ok(draft.check(&self.model(workspace)?.model, now)?)
    }

    /// Hands a fact to the writer; waits for room in its queue.
    pub async fn submit(&self, workspace: WorkspaceId, fact: Fact, now: Time) -> Result<Pending, Error> {
        let (job, pending) = Job::new(Command::Write { workspace, fact: Box::new(fact) }, now);
        self.queue.send(job).await.map_err(|_| Error::Closed)?;
        Ok(pending.of(Effect::into_receipt))
    }

    /// Hands a fact to the writer; fails with [`Error::Busy`] if its queue is full.
    pub fn try_submit(&self, workspace: WorkspaceId, fact: Fact, now: Time) -> Result<Pending, Error> {
        let (job, pending) = Job::new(Command::Write { workspace, fact: Box::new(fact) }, now);
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })?;
        Ok(pending.of(Effect::into_receipt))
    }

    /// Applies a correction of identities.
    ///
    /// Fails with [`Error::Conflict`] if it contradicts what is stored, or would fold more again than the bounds
    /// allow, and with [`Error::NotFound`] for a merge that never was. Nothing is changed then.
    pub async fn correct(&self, workspace: WorkspaceId, correction: Correction, now: Time) -> Result<Receipt, Error> {
        self.run(Command::Correct { workspace, correction: Box::new(correction) }, now).await?.into_receipt()
    }

    /// Erases the human that a key leads to: all personas, all of their identifiers, in every kind. Answers once all of
    /// it is gone. What is long goes in parts, between which others write.
    ///
    /// Fails with [`Error::NotFound`] if the key leads to nobody, with [`Error::Erased`] if it does so because of an
    /// erasure, and with [`Error::Conflict`] if several people share it, or if more than 50,000 links name them.
    /// Nothing is changed then. Whatever else interrupts it: asked again with the same message id, it is completed.
    pub async fn erase(&self, workspace: WorkspaceId, mut erasure: Erasure, now: Time) -> Result<Receipt, Error> {
        let receipt = loop {
            let command = Command::Erase { workspace, erasure: Box::new(erasure.clone()) };
            match self.run(command, now).await? {
                Effect::Erasing { events } => erasure.gone += events,
                effect => break effect.into_receipt()?,
            }
        };
        while let Effect::Scrubbed { more: true } = self.run(Command::Scrub { workspace }, now).await? {}
        Ok(receipt)
    }

    /// The place of the last applied command: everything read from now on reflects it.
    pub fn applied(&self) -> Seq {
        self.state.applied()
    }

    /// Waits until the command at `seq` is applied.
    pub fn reached(&self, seq: Seq) -> impl Future<Output = ()> + use<> {
        let mut applied = self.state.subscribe();
        async move {
            // It ends only with the engine itself, and then nothing more will be applied.
            if applied.wait_for(|applied| *applied >= seq).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Waits until every command that waits for the writer now is decided: what is read from then on reflects those that
    /// were committed.
    pub async fn settled(&self) -> Result<(), Error> {
        let (told, settled) = oneshot::channel();
        self.queue.send(Job::Barrier(told)).await.map_err(|_| Error::Closed)?;
        settled.await.map_err(|_| Error::Closed)
    }

    /// Figures of the store.
    pub fn stats(&self) -> Result<Stats, Error> {
        let families = self.state.store.stats()?;
        let disk_bytes = families.iter().map(|family| family.disk_bytes).sum();
        Ok(Stats { applied: self.applied(), disk_bytes, families })
    }

    /// Stores an API key.
    pub async fn create_key(&self, key: ApiKey, now: Time) -> Result<(), Error> {
        self.run(Command::CreateKey(key), now).await.map(|_| ())
    }

    /// Revokes an API key of `workspace`; revoking it again changes nothing.
    pub async fn revoke_key(&self, workspace: WorkspaceId, key_id: &str, now: Time) -> Result<ApiKey, Error> {
        let hash = self.keys(workspace)?.into_iter().find(|key| key.key_id == key_id).map(|key| key.hash);
        let hash = hash.ok_or(Error::NotFound("the key"))?;
        match self.run(Command::RevokeKey(hash), now).await? {
            Effect::Key(key) => Ok(key),
            Effect::Receipt(_)
            | Effect::Model(_)
            | Effect::Refolded
            | Effect::Served(_)
            | Effect::Backfilled
            | Effect::Erasing { .. }
            | Effect::Scrubbed { .. } => Err(Error::Closed),
        }
    }

    /// The API keys of a workspace, revoked ones too, oldest first.
    pub fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>, Error> {
        self.state.keys(workspace)
    }

    /// The API key with this hash, revoked ones too.
    pub fn authenticate(&self, hash: &SecretHash) -> Result<Option<ApiKey>, Error> {
        self.state.key(hash)
    }

    /// True as soon as any API key was ever created, in any workspace.
    pub fn keys_in_use(&self) -> bool {
        self.state.keys_in_use()
    }

    /// Moves when keys or models change, before the change is acknowledged. As long as it stands still, what was found
    /// out about a caller holds.
    pub fn access_epoch(&self) -> u64 {
        self.state.access_epoch()
    }

    /// Takes no more commands, commits those that wait, and stops, such that the next start has no log to read back.
    /// Reads still work.
    pub fn close(&self) {
        self.threads.stop();
        if let Err(error) = self.state.store.flush() {
            tracing::warn!(%error, "the log could not be cleared; the next start reads it back and takes longer");
        }
    }

    async fn run(&self, command: Command, now: Time) -> Result<Effect, Error> {
        let (job, pending) = Job::new(command, now);
        self.queue.send(job).await.map_err(|_| Error::Closed)?;
        pending.await
    }
}
