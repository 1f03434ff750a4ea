//! Plans: what a request asks of its keys, read once against the model. A plan is found by the bytes of the request without
//! its keys, and holds as long as no workspace, model or API key is written.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prost::Message as _;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::query::OwnedQuery;
use crate::domain::answer::{Fields, What};
use crate::domain::ids::WorkspaceId;
use crate::engine::{Engine, Stamp};
use crate::proto::v1::LookupRequest;

/// How much memory plans may take, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// What a plan takes beside the bytes that it is found by, about.
const PLAN_BYTES: u64 = 2 * 1024;
/// What each field of it takes beside the bytes of its name, about: a text of its own, and its place.
const FIELD_BYTES: u64 = 48;

/// Names a plan; no other ever has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PlanId(u64);

/// What is asked of a key.
pub(super) struct Plan {
    /// Its name.
    pub(super) id: PlanId,
    /// The workspace that it is asked in.
    pub(super) workspace: WorkspaceId,
    /// What is asked.
    pub(super) query: OwnedQuery,
    /// The registry as it was before the model was read.
    registry: Stamp,
}

/// The plans of a server.
pub struct Plans {
    plans: Cache<PlanKey, Arc<Plan>, Weight>,
}

#[derive(PartialEq, Eq, Hash)]
struct PlanKey {
    workspace: WorkspaceId,
    rest: Box<[u8]>,
}

/// A place that is only asked for.
#[derive(Hash)]
struct PlanKeyRef<'a> {
    workspace: WorkspaceId,
    rest: &'a [u8],
}

impl Equivalent<PlanKey> for PlanKeyRef<'_> {
    fn equivalent(&self, place: &PlanKey) -> bool {
        self.workspace == place.workspace && *self.rest == *place.rest
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<PlanKey, Arc<Plan>> for Weight {
    fn weight(&self, place: &PlanKey, plan: &Arc<Plan>) -> u64 {
        let fields = match &plan.query.what {
            What::Fields { fields: Fields::Named(names), .. } => names.len() as u64,
            What::Fields { fields: Fields::Everything, .. } | What::View { .. } => 0,
        };
        // The names are there twice, in the bytes that it is found by too.
        PLAN_BYTES + 2 * place.rest.len() as u64 + FIELD_BYTES * fields
    }
}

impl PlanId {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Plan {
    /// Reads what `rest` asks, a request without keys.
    fn read(engine: &Engine, workspace: WorkspaceId, rest: &[u8]) -> Option<Self> {
        let registry = engine.registry_stamp()?;
        // What is wrong with a request is said to whoever decodes all of it.
        let request = LookupRequest::decode(rest).ok()?;
        let query = OwnedQuery::read(engine.model(workspace).ok()?, request).ok()?;
        Some(Self { id: PlanId::next(), workspace, query, registry })
    }

    /// True as long as it holds.
    pub(super) fn holds(&self, engine: &Engine) -> bool {
        engine.registry_stands(self.registry)
    }
}

impl Plans {
    /// No plans yet.
    pub fn new() -> Self {
        let expected = usize::try_from(MAX_BYTES / PLAN_BYTES).unwrap_or(usize::MAX);
        Self { plans: Cache::with_weighter(expected, MAX_BYTES, Weight) }
    }

    /// The plan of a request that is `rest` but for its keys; `None` if something is wrong with it.
    pub(super) fn find(&self, engine: &Engine, workspace: WorkspaceId, rest: &[u8]) -> Option<Arc<Plan>> {
        match self.plans.get(&PlanKeyRef { workspace, rest }) {
            Some(plan) if plan.holds(engine) => return Some(plan),
            // So no other holds either, and each keeps a model in memory.
            Some(_) => self.plans.clear(),
            None => {}
        }
        let plan = Arc::new(Plan::read(engine, workspace, rest)?);
        self.plans.insert(PlanKey { workspace, rest: rest.into() }, Arc::clone(&plan));
        Some(plan)
    }
}
