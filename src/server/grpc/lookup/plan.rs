//! Plans: what a request asks of its keys, read once against the model. A plan is found by the bytes of the request without
//! its keys, and holds as long as no workspace, model or API key is written.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prost::Message as _;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use crate::domain::answer::{Wanted, What};
use crate::domain::consent::Purpose;
use crate::domain::ids::WorkspaceId;
use crate::domain::model::Kind;
use crate::domain::time::Time;
use crate::domain::view::About;
use crate::engine::{ActiveModel, Ask, Engine, Occasion, Question, Stamp};
use crate::proto::v1::LookupRequest;
use crate::server::status::Refusal;

/// How much memory plans may take, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// What a plan takes beside the bytes that it is found by, about.
const PLAN_BYTES: u64 = 2 * 1024;

/// Names a plan; no other ever has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PlanId(u64);

/// What is asked of a key.
pub(super) struct Plan {
    /// Its name.
    pub(super) id: PlanId,
    /// The workspace that it is asked in.
    pub(super) workspace: WorkspaceId,
    /// The model that it was read against.
    pub(super) active: Arc<ActiveModel>,
    /// What is asked.
    what: What,
    /// True if the texts of a view have their HTML twins.
    pub(super) html: bool,
    kind: Kind,
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
    fn weight(&self, place: &PlanKey, _: &Arc<Plan>) -> u64 {
        PLAN_BYTES + place.rest.len() as u64
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
        let request = LookupRequest::decode(rest).ok()?;
        let read = || -> Result<Self, Refusal> {
            let LookupRequest { fields, kind, view, html, purpose, channel, about, .. } = request;
            let active = engine.model(workspace)?;
            let purpose = Purpose::asked(&purpose, &channel)?;
            let Wanted { kind, what } =
                Wanted::parse(&view, &kind, fields, purpose, About::parse(about)?, &active.model)?;
            let kind = kind.clone();
            Ok(Self { id: PlanId::next(), workspace, active, what, html, kind, registry })
        };
        // What is wrong with a request is said to whoever decodes all of it.
        read().ok()
    }

    /// The kind whose profiles are asked for.
    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What is asked at the time `now`.
    pub(super) fn ask(&self, now: Time) -> Ask<'_> {
        match &self.what {
            What::Fields { fields, purpose } => {
                Ask::Fields(Question { kind: self.kind.id, fields, now, purpose: purpose.as_ref() })
            }
            What::View { view, about } => Ask::View(Occasion { view, about, now }),
        }
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
