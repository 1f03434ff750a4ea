//! Lookups of customers who are not in memory: what is left of the quick way. Memory is tried once, the disk once, and the
//! answer is kept like any other.
//!
//! A core reads the disk by itself as long as it has [`Patience`] with it, and otherwise leaves it to threads whose waiting keeps
//! nobody else waiting. Lookups that it comes upon then while it has something to do, of all its calls and streams, are
//! gathered and share a few tasks, because to hand a task over and back costs as much as many reads. Each is looked up by
//! itself all the same, and not as a batch: nobody promised that they are of one view of the data, and a batch that meets a
//! commit is read a second time, whole, and none of it can be kept then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::super::Context;
use super::kept::KeptAnswers;
use super::patience::Patience;
use super::plan::Plan;
use super::quick::{Counted, make};
use crate::domain::key::Key;
use crate::engine::{self, Engine, Tier};
use crate::server::metrics::{ColdLookup, LookupResult};
use crate::server::status::Refusal;

/// How many lookups a task does, one after the other: what is read first waits for the last, and more would save little.
const MAX_PORTION: usize = 8;

/// A lookup by a plan that needs the disk.
pub(super) struct Cold {
    /// What is asked.
    pub(super) plan: Arc<Plan>,
    /// The key as the caller wrote it.
    pub(super) text: String,
    /// The same as it is meant, as the only one of its request.
    pub(super) asked: [(usize, Key); 1],
}

/// What a lookup comes to that was begun.
pub(super) type Reading = oneshot::Receiver<Read>;
/// What it came to.
pub(super) type Read = Result<Counted, Refusal>;

/// A lookup that is not begun yet, and who waits for it.
type Waiting = (Arc<Cold>, oneshot::Sender<Read>);

/// What a core has to do with the disk. Each has its own.
pub struct Disk {
    patience: Patience,
    /// Lookups that are not begun yet.
    gathered: Mutex<Vec<Waiting>>,
}

impl Disk {
    /// Of a core that `reads_by_itself` as long as it has patience, or never.
    pub fn new(reads_by_itself: bool) -> Self {
        Self { patience: Patience::new(reads_by_itself), gathered: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a lookup; true if it is the first.
    fn push(&self, waiting: Waiting) -> bool {
        let mut all = self.waiting();
        all.push(waiting);
        all.len() == 1
    }

    fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut *self.waiting())
    }
}

impl Cold {
    fn read(&self, engine: &Engine, answers: &KeptAnswers, tier: Tier) -> Result<Counted, engine::Error> {
        let Self { plan, text, asked } = self;
        let leased = engine.lookup_leased(plan.workspace, asked, plan.query.ask(), tier)?;
        Ok(make(answers, plan, text.clone(), leased))
    }
}

impl Context {
    /// Looks one customer up on the disk at once; `None` if that is to be done elsewhere, where it is also said what is wrong.
    pub(super) fn read_at_once(&self, cold: &Cold) -> Option<Counted> {
        let read = self.disk.patience.read(|| cold.read(&self.engine, &self.answers, Tier::DiskBriefly).ok())?;
        self.counts.cold_lookup(ColdLookup::InPlace);
        Some(read)
    }

    /// Looks one customer up on the disk.
    pub(super) async fn read_cold(&self, cold: Arc<Cold>) -> Result<Arc<[u8]>, Refusal> {
        let reading = self.begin(cold);
        self.settle(reading.await.ok())
    }

    /// Begins a lookup, whether it is waited for or not.
    pub(super) fn begin(&self, cold: Arc<Cold>) -> Reading {
        self.counts.cold_lookup(ColdLookup::HandedOver);
        let (sender, reading) = oneshot::channel();
        if self.disk.push((cold, sender)) {
            let context = self.clone();
            // It runs after whatever else has something to do now, which may come upon more.
            tokio::spawn(async move { context.begin_gathered() });
        }
        reading
    }

    /// The bytes of the answer that was read, which is counted here. `read` is `None` if it was given up.
    pub(super) fn settle(&self, read: Option<Read>) -> Result<Arc<[u8]>, Refusal> {
        let read = read.unwrap_or_else(|| Err(Refusal::internal(&"a lookup was begun and not ended")));
        match read {
            Ok((result, bytes)) => {
                self.counts.lookup(result);
                Ok(bytes)
            }
            Err(refusal) => {
                self.counts.lookup(LookupResult::Refused);
                Err(refusal)
            }
        }
    }

    fn begin_gathered(&self) {
        let mut gathered = self.disk.take().into_iter();
        loop {
            let portion: Vec<Waiting> = gathered.by_ref().take(MAX_PORTION).collect();
            if portion.is_empty() {
                return;
            }
            let context = self.clone();
            tokio::spawn(async move { context.read_portion(portion).await });
        }
    }

    async fn read_portion(&self, portion: Vec<Waiting>) {
        let (cold, waiting): (Vec<_>, Vec<_>) = portion.into_iter().unzip();
        let answers = Arc::clone(&self.answers);
        let read = move |engine: &Engine| {
            let read = cold.iter().map(|cold| cold.read(engine, &answers, Tier::Disk).map_err(Refusal::from));
            Ok(read.collect::<Vec<Read>>())
        };
        // If that panicked, it is logged, and those who wait find out because nobody sends them anything.
        let Ok(read) = self.on_disk(read).await else { return };
        for (waiting, read) in waiting.into_iter().zip(read) {
            // Who has gone needs no answer.
            let _gone = waiting.send(read);
        }
    }
}
