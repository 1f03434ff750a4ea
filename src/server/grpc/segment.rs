//! `SegmentService`.
//!
//! A list is made page by page, each when the client has taken the one before. So a slow client holds up nothing, and who
//! has gone away asks for no more.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use futures::stream::unfold;
use tonic::{Request, Response, Status};

use super::{Context, caller};
use crate::domain::segment::Segment;
use crate::domain::time::Time;
use crate::engine::{SegmentPage, SegmentPlace};
use crate::proto::v1::segment_service_server::SegmentService;
use crate::proto::v1::{ListSegmentMembersRequest, ListSegmentMembersResponse};
use crate::server::auth::Caller;
use crate::server::status::Refusal;
use crate::server::{clock, convert};

/// The handlers.
pub struct Segments(pub Context);

type Pages = Pin<Box<dyn Stream<Item = Result<ListSegmentMembersResponse, Status>> + Send>>;

#[tonic::async_trait]
impl SegmentService for Segments {
    type ListSegmentMembersStream = Pages;

    async fn list_segment_members(
        &self,
        request: Request<ListSegmentMembersRequest>,
    ) -> Result<Response<Pages>, Status> {
        let caller = caller(&request)?;
        let list = self.0.list_segment_members(caller, request.into_inner()).await?;
        Ok(Response::new(Box::pin(unfold(Some(list), |list| async move {
            let mut list = list?;
            let page = list.page().await.map_err(Status::from);
            let goes_on = page.as_ref().is_ok_and(|page| !page.place.is_empty());
            Some((page, goes_on.then_some(list)))
        }))))
    }
}

/// A list on its way.
struct List {
    context: Context,
    caller: Caller,
    segment: Arc<Segment>,
    now: Time,
    after: Option<SegmentPlace>,
    about: u64,
    seen: u64,
    undecided: u64,
}

impl Context {
    async fn list_segment_members(&self, caller: Caller, request: ListSegmentMembersRequest) -> Result<List, Refusal> {
        let ListSegmentMembersRequest { segment, after, token } = request;
        self.reach(&token).await?;
        let active = self.engine.model(caller.workspace)?;
        let segment = Arc::clone(active.model.segment(&segment)?);
        let after = convert::page::read_segment(&after, segment.kind)?;
        let about = match segment.is_of_addresses() {
            true => 0,
            false => self.on_disk(|engine| engine.profiles_about()).await?,
        };
        let (context, now) = (self.clone(), clock::now());
        Ok(List { context, caller, segment, now, after, about, seen: 0, undecided: 0 })
    }
}

impl List {
    async fn page(&mut self) -> Result<ListSegmentMembersResponse, Refusal> {
        if self.context.drain.is_on() {
            return Err(Refusal::draining());
        }
        self.context.guard.check_again(&mut self.caller)?;
        let (workspace, now) = (self.caller.workspace, self.now);
        let (segment, after) = (Arc::clone(&self.segment), self.after.take());
        let page = self.context.on_disk(move |engine| engine.segment_page(workspace, &segment, now, after.as_ref()));
        let SegmentPage { members, seen, undecided, next } = page.await?;
        self.seen += seen;
        self.undecided += undecided;
        let response = ListSegmentMembersResponse {
            members: members.into_iter().map(convert::profile::write_segment_member).collect(),
            seen: self.seen,
            seen_about: if self.about == 0 { 0 } else { self.about.max(self.seen) },
            undecided: self.undecided,
            place: next.as_ref().map(convert::page::write_segment).unwrap_or_default(),
        };
        self.after = next;
        Ok(response)
    }
}
