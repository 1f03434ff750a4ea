//! `ProfileService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{Context, nobody, read_page_size, workspace};
use crate::domain::answer;
use crate::domain::ids::{KindId, WorkspaceId};
use crate::domain::key::Key;
use crate::engine::{ActiveModel, ConsentPage, Engine, MemberPage};
use crate::proto::v1::profile_service_server::ProfileService;
use crate::proto::v1::{
    GetProfileRequest, GetProfileResponse, ListConsentsRequest, ListConsentsResponse, ListEventsRequest,
    ListEventsResponse, ListMembersRequest, ListMembersResponse,
};
use crate::server::convert::profile::Shown;
use crate::server::status::Refusal;
use crate::server::{clock, convert};

/// The kind whose members are meant where a request names none.
const KIND_WITH_MEMBERS: &str = "account";

/// The handlers.
pub struct Profile(pub Context);

#[tonic::async_trait]
impl ProfileService for Profile {
    async fn get_profile(&self, request: Request<GetProfileRequest>) -> Result<Response<GetProfileResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.get_profile(workspace, request.into_inner()).await?))
    }

    async fn list_members(
        &self,
        request: Request<ListMembersRequest>,
    ) -> Result<Response<ListMembersResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.list_members(workspace, request.into_inner()).await?))
    }

    async fn list_consents(
        &self,
        request: Request<ListConsentsRequest>,
    ) -> Result<Response<ListConsentsResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.list_consents(workspace, request.into_inner()).await?))
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
        let found = move |engine: &Engine| {
            let Some((profile, merges)) = engine.profile(workspace, &key, kind)? else { return Ok(None) };
            let totals = engine.totals(workspace, &profile)?;
            let address_consents = engine.address_consents(workspace, &profile)?;
            Ok(Some(Shown { profile, merges, totals, address_consents }))
        };
        let shown = self.on_disk(found).await?.ok_or_else(nobody)?;
        let profile = convert::profile::write(shown, &active.model, clock::now());
        Ok(GetProfileResponse { profile: Some(profile), token })
    }

    async fn list_members(
        &self,
        workspace: WorkspaceId,
        request: ListMembersRequest,
    ) -> Result<ListMembersResponse, Refusal> {
        let ListMembersRequest { key, kind, page_size, page_token } = request;
        let page_size = read_page_size(page_size)?;
        let after = convert::page::read_member(&page_token)?;
        let kind = if kind.is_empty() { KIND_WITH_MEMBERS } else { &kind };
        let Subject { active: _, kind, key } = self.subject(workspace, kind, &key)?;
        let page = move |engine: &Engine| engine.members(workspace, &key, kind, after.as_ref(), page_size);
        let MemberPage { members, next } = self.on_disk(page).await?.ok_or_else(nobody)?;
        let next_page_token = next.as_ref().map(convert::page::write_member).unwrap_or_default();
        let members = members.into_iter().map(convert::profile::write_listed).collect();
        Ok(ListMembersResponse { members, next_page_token })
    }

    async fn list_consents(
        &self,
        workspace: WorkspaceId,
        request: ListConsentsRequest,
    ) -> Result<ListConsentsResponse, Refusal> {
        let ListConsentsRequest { key, kind, page_size, page_token } = request;
        let page_size = read_page_size(page_size)?;
        let after = convert::page::read(&page_token)?;
        let Subject { active: _, kind, key } = self.subject(workspace, &kind, &key)?;
        let page = move |engine: &Engine| engine.consents(workspace, &key, kind, after.as_ref(), page_size);
        let ConsentPage { events, next } = self.on_disk(page).await?.ok_or_else(nobody)?;
        let next_page_token = next.as_ref().map(convert::page::write).unwrap_or_default();
        let changes = events.into_iter().map(convert::consent::write_change).collect();
        Ok(ListConsentsResponse { changes, next_page_token })
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
