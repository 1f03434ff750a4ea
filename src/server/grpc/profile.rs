//! `ProfileService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{Context, workspace};
use crate::domain::answer;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::key::Key;
use crate::engine::ActiveModel;
use crate::proto::v1::profile_service_server::ProfileService;
use crate::proto::v1::{ErrorReason, GetProfileRequest, GetProfileResponse, ListEventsRequest, ListEventsResponse};
use crate::server::convert;
use crate::server::status::Refusal;

/// How many events a page has if the request does not say.
const DEFAULT_PAGE_SIZE: usize = 50;
/// How many events a page may have.
const MAX_PAGE_SIZE: usize = 1_000;

/// The handlers.
pub struct Profile(pub Context);

#[tonic::async_trait]
impl ProfileService for Profile {
    async fn get_profile(&self, request: Request<GetProfileRequest>) -> Result<Response<GetProfileResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.get_profile(workspace, request.into_inner()).await?))
    }

    async fn list_events(&self, request: Request<ListEventsRequest>) -> Result<Response<ListEventsResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.list_events(workspace, request.into_inner()).await?))
    }
}

/// Whose profile, read against the model.
struct Subject {
    active: Arc<ActiveModel>,
    kind: KindId,
    key: Key,
}

impl Context {
    fn subject(&self, workspace: WorkspaceId, kind: &str, key: &str) -> Result<Subject, Refusal> {
        let active = self.engine.model(workspace)?;
        let kind = answer::kind(kind, &active.model)?;
        let (_rank, key) = answer::ranked_key(key, "key", kind, &active.model)?;
        let kind = kind.id;
        Ok(Subject { active, kind, key })
    }

    async fn get_profile(
        &self,
        workspace: WorkspaceId,
        request: GetProfileRequest,
    ) -> Result<GetProfileResponse, Refusal> {
        let GetProfileRequest { key, kind, token } = request;
        self.reach(&token).await?;
        let Subject { active, kind, key } = self.subject(workspace, &kind, &key)?;
        let token = self.token();
        let profile = self.on_disk(move |engine| engine.profile(workspace, &key, kind)).await?;
        let (profile, merges) = profile.ok_or_else(nobody)?;
        Ok(GetProfileResponse { profile: Some(convert::profile::write(profile, merges, &active.model)), token })
    }

    async fn list_events(
        &self,
        workspace: WorkspaceId,
        request: ListEventsRequest,
    ) -> Result<ListEventsResponse, Refusal> {
        let ListEventsRequest { key, kind, page_size, page_token } = request;
        let page_size = read_page_size(page_size)?;
        let after = convert::page::read(&page_token)?;
        let Subject { active: _, kind, key } = self.subject(workspace, &kind, &key)?;

        let one_more = page_size + 1;
        let events = self.on_disk(move |engine| engine.events(workspace, &key, kind, after.as_ref(), one_more)).await?;
        let mut events = events.ok_or_else(nobody)?;
        let more = events.len() > page_size;
        events.truncate(page_size);
        let last = events.last().filter(|_| more);
        let next_page_token = last.map(|event| convert::page::write(&event.moment)).unwrap_or_default();
        let events = events.into_iter().map(convert::profile::write_event).collect();
        Ok(ListEventsResponse { events, next_page_token })
    }
}

fn read_page_size(page_size: i32) -> Result<usize, Invalid> {
    match usize::try_from(page_size) {
        Ok(0) => Ok(DEFAULT_PAGE_SIZE),
        Ok(size) if size <= MAX_PAGE_SIZE => Ok(size),
        Ok(_) | Err(_) => {
            let text = format!("is not in 1 to {MAX_PAGE_SIZE}; leave it out for {DEFAULT_PAGE_SIZE}");
            Err(Invalid::new(Reason::TooLarge, "page_size", text))
        }
    }
}

fn nobody() -> Refusal {
    Refusal::new(ErrorReason::NotFound, "no profile owns the key")
}
