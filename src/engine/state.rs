//! What the writer and the readers share: the store, and the few things kept in memory beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use tokio::sync::watch;

use super::Error;
use super::apply::{Tombstones, backfills};
use crate::codec::key::ModelKey;
use crate::codec::record::ModelVersion;
use crate::domain::access::{ApiKey, SecretHash};
use crate::domain::aggregate::Window;
use crate::domain::backfill::Backfill;
use crate::domain::ids::{KindId, Seq, WorkspaceId};
use crate::domain::model::{Computed, Model};
use crate::domain::time::Time;
use crate::domain::tombstone::TombstoneSecret;
use crate::store::catalogue::{KEYS, MODELS};
use crate::store::view::View;
use crate::store::{Store, Tier, meta};

/// A model in force.
#[derive(Clone, Debug)]
pub struct ActiveModel {
    /// Its version; the first one is 1.
    pub version: u64,
    /// The version since which the rules of resolution are as they are.
    pub rules: u64,
    /// True as long as there are profiles that are not yet what these rules lead to.
    pub refolding: bool,
    /// The model.
    pub model: Model,
    /// Since when it has each of its sliding attributes as it is now, by kind and name.
    pub sliding_since: BTreeMap<(KindId, String), Time>,
    /// The names of computed attributes that have not counted all stored events yet: nobody reads them before they have.
    pub awaited: BTreeSet<String>,
}

impl ActiveModel {
    /// True for the names of computed attributes of `kind`, and of their companions, that have not counted all stored
    /// events yet.
    pub fn awaits(&self, kind: KindId, name: &str) -> bool {
        let awaited = |computed: &&Computed| computed.kind == kind && self.awaited.contains(&computed.name);
        self.model.computed().iter().filter(awaited).any(|computed| computed.names().any(|own| own == name))
    }

    /// When the model will have had a sliding attribute for as long as its window, or since when it has.
    pub fn full_at(&self, computed: &Computed, window: Window) -> Option<Time> {
        let since = self.sliding_since.get(&(computed.kind, computed.name.clone()));
        since.map(|since| since.plus_micros(window.micros()))
    }
}

/// The workspaces, their models, and the secrets of those that have tombstones.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    names: BTreeMap<String, WorkspaceId>,
    models: BTreeMap<WorkspaceId, Arc<ActiveModel>>,
    secrets: BTreeMap<WorkspaceId, TombstoneSecret>,
}

pub(super) struct State {
    pub(super) store: Store,
    registry: RwLock<Arc<Registry>>,
    applied: AtomicU64,
    announced: watch::Sender<Seq>,
    keys_in_use: AtomicBool,
    access_epoch: AtomicU64,
    /// True from before a commit that changes the registry until it is read again.
    changing: AtomicBool,
    /// True while there are computed attributes anywhere that nobody is to read yet.
    hiding: AtomicBool,
    diffing: Mutex<()>,
}

impl State {
    /// Reads what is kept in memory.
    pub(super) fn load(store: Store) -> Result<Self, Error> {
        let applied = store.place()?.seq;
        let state = Self {
            registry: RwLock::default(),
            applied: AtomicU64::new(applied.0),
            announced: watch::Sender::new(applied),
            keys_in_use: AtomicBool::new(false),
            access_epoch: AtomicU64::new(0),
            changing: AtomicBool::new(false),
            hiding: AtomicBool::new(false),
            diffing: Mutex::new(()),
            store,
        };
        state.refresh()?;
        Ok(state)
    }

    /// Reads the registry again, after a command that changed it was committed.
    pub(super) fn refresh(&self) -> Result<(), Error> {
        let view = self.store.view(Tier::Disk);
        let registry = Arc::new(Registry::read(&view)?);
        let hiding = registry.models.values().any(|active| !active.awaited.is_empty());
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = registry;
        self.hiding.store(hiding, Ordering::Release);
        let any_key = KEYS.scan(&view, &[], &[])?.next().is_some();
        self.keys_in_use.store(any_key, Ordering::Release);
        // Last, so that who sees the new epoch sees what it is about.
        self.access_epoch.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Tells that what is committed next changes the registry, or that this is over.
    pub(super) fn set_changing(&self, changing: bool) {
        self.changing.store(changing, Ordering::Release);
    }

    /// Makes a commit known: reads from now on see it.
    pub(super) fn announce(&self, applied: Seq) {
        self.applied.store(applied.0, Ordering::Release);
        self.announced.send_replace(applied);
    }

    pub(super) fn applied(&self) -> Seq {
        Seq(self.applied.load(Ordering::Acquire))
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Seq> {
        self.announced.subscribe()
    }

    pub(super) fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn workspace(&self, name: &str) -> Option<WorkspaceId> {
        self.registry().workspace(name)
    }

    pub(super) fn workspace_name(&self, id: WorkspaceId) -> Option<String> {
        self.registry().names.iter().find(|(_, known)| **known == id).map(|(name, _)| name.clone())
    }

    pub(super) fn model(&self, workspace: WorkspaceId) -> Result<Arc<ActiveModel>, Error> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner).model(workspace)
    }

    /// The model of a workspace, if it has computed attributes that nobody is to read yet.
    pub(super) fn hiding(&self, workspace: WorkspaceId) -> Option<Arc<ActiveModel>> {
        if !self.hiding.load(Ordering::Acquire) {
            return None;
        }
        self.model(workspace).ok().filter(|active| !active.awaited.is_empty())
    }

    /// The tombstones of a workspace, as `view` has them. The first erasure of a workspace is seen before the registry has
    /// its secret.
    pub(super) fn tombstones<'v>(
        &self,
        view: &'v View<'v>,
        workspace: WorkspaceId,
    ) -> Result<Tombstones<'v, View<'v>>, Error> {
        // First, so that what has been read again by then is in the registry.
        let changing = self.changing.load(Ordering::Acquire);
        let mut secret = self.registry.read().unwrap_or_else(PoisonError::into_inner).secret(workspace);
        if secret.is_none() && changing {
            secret = meta::tombstone_secret(view, workspace)?;
        }
        Ok(Tombstones { from: view, workspace, secret })
    }

    pub(super) fn keys(&self, workspace: WorkspaceId) -> Result<Vec<ApiKey>, Error> {
        let view = self.store.view(Tier::Disk);
        let mut keys = Vec::new();
        for row in KEYS.scan(&view, &[], &[])? {
            let (_, key) = row?;
            if key.workspace == workspace {
                keys.push(key);
            }
        }
        keys.sort_by(|a, b| (a.created_at, &a.key_id).cmp(&(b.created_at, &b.key_id)));
        Ok(keys)
    }

    pub(super) fn key(&self, hash: &SecretHash) -> Result<Option<ApiKey>, Error> {
        Ok(KEYS.get(&self.store.view(Tier::Disk), hash)?)
    }

    pub(super) fn keys_in_use(&self) -> bool {
        self.keys_in_use.load(Ordering::Acquire)
    }

    /// Begins the comparison of a model, of which there is one at a time: it reads all identities. `None` while there is
    /// one.
    pub(super) fn begin_diff(&self) -> Option<MutexGuard<'_, ()>> {
        match self.diffing.try_lock() {
            Ok(only) => Some(only),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(super) fn access_epoch(&self) -> u64 {
        self.access_epoch.load(Ordering::Acquire)
    }
}

impl Registry {
    fn read(view: &View<'_>) -> Result<Self, Error> {
        let mut registry = Self::default();
        for (name, id) in meta::workspaces(view)? {
            registry.names.insert(name, id);
            let prefix = id.0.to_be_bytes();
            let newest = MODELS.scan(view, &prefix, &prefix)?.next().transpose()?;
            let Some((ModelKey { version, .. }, stored)) = newest else { continue };
            let model = Model::parse(&stored.source)
                .map_err(|error| Error::Conflict(format!("model {version} of a workspace is not readable: {error}")))?;
            let (mut awaited, mut backfilled) = (BTreeSet::new(), BTreeSet::new());
            for (_, Backfill { attributes, finished, .. }) in backfills(view, id)? {
                if finished { &mut backfilled } else { &mut awaited }.extend(attributes);
            }
            // One that was dropped before there were facts may be back without it.
            backfilled.retain(|name: &String| model.is_backfilled(name));
            let sliding_since = sliding_since(view, id, &model, &backfilled)?;
            let ModelVersion { rules, refolding, .. } = stored;
            let active = ActiveModel { version, rules, refolding, model, sliding_since, awaited };
            registry.models.insert(id, Arc::new(active));
        }
        registry.secrets.extend(meta::tombstone_secrets(view)?);
        Ok(registry)
    }

    pub(super) fn workspace(&self, name: &str) -> Option<WorkspaceId> {
        self.names.get(name).copied()
    }

    /// The workspaces whose identities are being folded again, or whose stored events are being counted.
    pub(super) fn unsettled(&self) -> Vec<WorkspaceId> {
        let is_unsettled = |active: &ActiveModel| active.refolding || !active.awaited.is_empty();
        self.models.iter().filter(|(_, active)| is_unsettled(active)).map(|(id, _)| *id).collect()
    }

    /// The id for a workspace to be created.
    pub(super) fn next_workspace(&self) -> WorkspaceId {
        WorkspaceId(self.names.values().map(|id| id.0).max().unwrap_or(0).saturating_add(1))
    }

    /// All workspaces.
    pub(super) fn workspaces(&self) -> impl Iterator<Item = WorkspaceId> {
        self.names.values().copied()
    }

    /// What the tombstones of a workspace are found by; `None` as long as it has none.
    pub(super) fn secret(&self, workspace: WorkspaceId) -> Option<TombstoneSecret> {
        self.secrets.get(&workspace).copied()
    }

    pub(super) fn model(&self, workspace: WorkspaceId) -> Result<Arc<ActiveModel>, Error> {
        self.models.get(&workspace).cloned().ok_or(Error::NotFound("the workspace"))
    }
}

/// Since when the model of a workspace has had its sliding attributes: back from the newest version, as long as versions
/// have them as they are now; those that have counted all stored events, as long as versions have the kind whose events they
/// count.
fn sliding_since(
    view: &View<'_>,
    workspace: WorkspaceId,
    model: &Model,
    backfilled: &BTreeSet<String>,
) -> Result<BTreeMap<(KindId, String), Time>, Error> {
    let mut since = BTreeMap::new();
    let mut going: Vec<&Computed> = model.computed().iter().filter(|computed| computed.window.is_some()).collect();
    let prefix = workspace.0.to_be_bytes();
    for row in MODELS.scan(view, &prefix, &prefix)? {
        if going.is_empty() {
            break;
        }
        let (_, stored) = row?;
        let Ok(version) = Model::parse(&stored.source) else { break };
        going.retain(|computed| {
            let counted = || version.kind_by_id(computed.counts_events_of()).is_some();
            version.computed().contains(computed) || (backfilled.contains(&computed.name) && counted())
        });
        for computed in &going {
            since.insert((computed.kind, computed.name.clone()), stored.applied_at);
        }
    }
    Ok(since)
}
