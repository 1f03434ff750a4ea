//! What requests for customers ask, read against a model.

use std::sync::Arc;

use super::super::Context;
use crate::domain::answer::{Wanted, What};
use crate::domain::consent::Purpose;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::model::Kind;
use crate::domain::served::SendId;
use crate::domain::view::About;
use crate::engine::{ActiveModel, Ask, Occasion, Question};
use crate::proto::v1::LookupRequest;
use crate::server::clock;
use crate::server::status::Refusal;

/// What is asked of a customer.
#[derive(Clone, Copy)]
pub(super) struct Query<'a> {
    /// The model that it was read against.
    pub(super) active: &'a ActiveModel,
    /// What "the customer" means.
    pub(super) kind: &'a Kind,
    /// Fields, or a view.
    pub(super) what: &'a What,
    /// The send that it is asked for.
    pub(super) send: Option<&'a SendId>,
    /// True if the texts of a view have their HTML twins.
    pub(super) html: bool,
}

/// A [`Query`] that belongs to nobody else.
pub(super) struct OwnedQuery {
    /// The model that it was read against.
    pub(super) active: Arc<ActiveModel>,
    /// What "the customer" means.
    pub(super) kind: Kind,
    /// Fields, or a view.
    pub(super) what: What,
    /// The send that it is asked for.
    pub(super) send: Option<SendId>,
    /// True if the texts of a view have their HTML twins.
    pub(super) html: bool,
}

impl OwnedQuery {
    /// What `request` asks of the customers whom its keys name, which are not read.
    pub(super) fn read(active: Arc<ActiveModel>, request: LookupRequest) -> Result<Self, Refusal> {
        let LookupRequest {
            keys: _,
            fields,
            kind,
            token: _,
            view,
            html,
            purpose,
            channel,
            about,
            not_before: _,
            send_id,
        } = request;
        let purpose = Purpose::asked(&purpose, &channel)?;
        let Wanted { kind, what } = Wanted::parse(&view, &kind, fields, purpose, About::parse(about)?, &active.model)?;
        let (kind, send) = (kind.clone(), SendId::asked(&send_id, !view.is_empty())?);
        Ok(Self { active, kind, what, send, html })
    }

    /// The same, borrowed.
    pub(super) fn query(&self) -> Query<'_> {
        let Self { active, kind, what, send, html } = self;
        Query { active, kind, what, send: send.as_ref(), html: *html }
    }

    /// What is asked now.
    pub(super) fn ask(&self) -> Ask<'_> {
        ask(&self.what, self.kind.id)
    }
}

impl Context {
    /// Waits for the writes that a request wants to see, and reads what it asks.
    pub(super) async fn read(&self, workspace: WorkspaceId, request: LookupRequest) -> Result<OwnedQuery, Refusal> {
        self.reach(&request.token).await?;
        self.reach_moment(request.not_before.as_ref()).await?;
        OwnedQuery::read(self.engine.model(workspace)?, request)
    }
}

/// What is asked now of customers of `kind`.
pub(super) fn ask(what: &What, kind: KindId) -> Ask<'_> {
    let now = clock::now();
    match what {
        What::Fields { fields, purpose } => Ask::Fields(Question { kind, fields, now, purpose: purpose.as_ref() }),
        What::View { view, about } => Ask::View(Occasion { view, about, now }),
    }
}
