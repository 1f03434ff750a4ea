//! `IdentityService`.

mod correction;

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{Context, nobody, read_page_size, workspace};
use crate::domain::answer;
use crate::domain::correction::Act;
use crate::domain::fact::Fact;
use crate::domain::ids::WorkspaceId;
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::receipt::Receipt;
use crate::engine::{ActiveModel, MAX_SIMULATED_FACTS, Merges, Pair};
use crate::proto::v1;
use crate::proto::v1::identity_service_server::IdentityService;
use crate::proto::v1::write_result::Result as Outcome;
use crate::proto::v1::{
    ExplainApartRequest, ExplainApartResponse, ExplainRequest, ExplainResponse, KeepApartRequest, KeepApartResponse,
    ListLargestRequest, ListLargestResponse, ListMergesRequest, ListMergesResponse, ReleaseQuarantineRequest,
    ReleaseQuarantineResponse, SimulateRequest, SimulateResponse, UndoMergeRequest, UndoMergeResponse, UnlinkRequest,
    UnlinkResponse, WriteResult,
};
use crate::server::status::Refusal;
use crate::server::{clock, convert};
use correction::Said;

/// The handlers.
pub struct Identity(pub Context);

#[tonic::async_trait]
impl IdentityService for Identity {
    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<ExplainResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.explain(workspace, request.into_inner()).await?))
    }

    async fn explain_apart(
        &self,
        request: Request<ExplainApartRequest>,
    ) -> Result<Response<ExplainApartResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.explain_apart(workspace, request.into_inner()).await?))
    }

    async fn simulate(&self, request: Request<SimulateRequest>) -> Result<Response<SimulateResponse>, Status> {
        let workspace = workspace(&request)?;
        let SimulateRequest { facts } = request.into_inner();
        Ok(Response::new(self.0.simulate(workspace, facts).await?))
    }

    async fn keep_apart(&self, request: Request<KeepApartRequest>) -> Result<Response<KeepApartResponse>, Status> {
        let workspace = workspace(&request)?;
        let KeepApartRequest { a, b, same_human, message_id, source } = request.into_inner();
        let said = Said { workspace, message_id, source, dry_run: false };
        let act = self.0.between(workspace, &a, &b)?;
        let receipt = self.0.correct(said, Act::KeepApart { between: act, same_human }).await?;
        Ok(Response::new(KeepApartResponse { receipt: Some(receipt) }))
    }

    async fn unlink(&self, request: Request<UnlinkRequest>) -> Result<Response<UnlinkResponse>, Status> {
        let workspace = workspace(&request)?;
        let UnlinkRequest { a, b, message_id, source } = request.into_inner();
        let said = Said { workspace, message_id, source, dry_run: false };
        let between = self.0.between(workspace, &a, &b)?;
        let receipt = self.0.correct(said, Act::Unlink { between }).await?;
        Ok(Response::new(UnlinkResponse { receipt: Some(receipt) }))
    }

    async fn undo_merge(&self, request: Request<UndoMergeRequest>) -> Result<Response<UndoMergeResponse>, Status> {
        let workspace = workspace(&request)?;
        let UndoMergeRequest { merge_id, dry_run, message_id, source } = request.into_inner();
        let said = Said { workspace, message_id, source, dry_run };
        let merge = convert::identity::read_merge(&merge_id).map_err(Refusal::from)?;
        let receipt = self.0.correct(said, Act::UndoMerge { merge }).await?;
        Ok(Response::new(UndoMergeResponse { receipt: Some(receipt) }))
    }

    async fn release_quarantine(
        &self,
        request: Request<ReleaseQuarantineRequest>,
    ) -> Result<Response<ReleaseQuarantineResponse>, Status> {
        let workspace = workspace(&request)?;
        let ReleaseQuarantineRequest { key, message_id, source } = request.into_inner();
        let said = Said { workspace, message_id, source, dry_run: false };
        let identifier = self.0.identifier(workspace, &key)?;
        let receipt = self.0.correct(said, Act::ReleaseQuarantine { identifier }).await?;
        Ok(Response::new(ReleaseQuarantineResponse { receipt: Some(receipt) }))
    }

    async fn list_largest(
        &self,
        request: Request<ListLargestRequest>,
    ) -> Result<Response<ListLargestResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.list_largest(workspace, request.into_inner()).await?))
    }

    async fn list_merges(&self, request: Request<ListMergesRequest>) -> Result<Response<ListMergesResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.list_merges(workspace, request.into_inner()).await?))
    }
}

impl Context {
    async fn explain(&self, workspace: WorkspaceId, request: ExplainRequest) -> Result<ExplainResponse, Refusal> {
        let ExplainRequest { a, b, kind, token } = request;
        self.reach(&token).await?;
        let pair = self.pair(workspace, &a, &b, &kind)?;
        let token = self.token();
        let together = self.on_disk(move |engine| engine.explain(&pair)).await?;
        Ok(convert::identity::write_together(together, token))
    }

    async fn explain_apart(
        &self,
        workspace: WorkspaceId,
        request: ExplainApartRequest,
    ) -> Result<ExplainApartResponse, Refusal> {
        let ExplainApartRequest { a, b, kind, token } = request;
        self.reach(&token).await?;
        let pair = self.pair(workspace, &a, &b, &kind)?;
        let token = self.token();
        let apart = self.on_disk(move |engine| engine.explain_apart(&pair)).await?;
        Ok(convert::identity::write_apart(apart, token))
    }

    fn pair(&self, workspace: WorkspaceId, a: &str, b: &str, kind: &str) -> Result<Pair, Refusal> {
        let active = self.engine.model(workspace)?;
        Ok(convert::identity::read_pair(a, b, kind, workspace, &active.model)?)
    }

    async fn simulate(&self, workspace: WorkspaceId, facts: Vec<v1::Fact>) -> Result<SimulateResponse, Refusal> {
        check_facts(facts.len())?;
        let (now, active) = (clock::now(), self.engine.model(workspace)?);
        let mut sound: Vec<Fact> = Vec::with_capacity(facts.len());
        let mut refusals: Vec<Option<Refusal>> = Vec::with_capacity(facts.len());
        for fact in facts {
            let checked = self.check(workspace, Some(fact), now);
            refusals.push(checked.map(|fact| sound.push(fact)).err());
        }
        let mut receipts = self.on_disk(move |engine| engine.simulate(workspace, sound, now)).await?.into_iter();
        let results = refusals.into_iter().filter_map(|refusal| match refusal {
            Some(refusal) => Some(Err(refusal)),
            None => receipts.next().map(|receipt| receipt.map_err(Refusal::from)),
        });
        Ok(SimulateResponse { results: results.map(|result| write_simulated(result, &active)).collect() })
    }

    async fn list_largest(
        &self,
        workspace: WorkspaceId,
        request: ListLargestRequest,
    ) -> Result<ListLargestResponse, Refusal> {
        let ListLargestRequest { kind, by, page_size } = request;
        let by = convert::identity::read_largest_by(by)?;
        let limit = read_page_size(page_size)?;
        let kind = answer::kind(&kind, &self.engine.model(workspace)?.model)?.id;
        let profiles = self.on_disk(move |engine| engine.largest(workspace, kind, by, limit)).await?;
        Ok(ListLargestResponse { profiles: profiles.into_iter().map(convert::identity::write_large).collect() })
    }

    async fn list_merges(
        &self,
        workspace: WorkspaceId,
        request: ListMergesRequest,
    ) -> Result<ListMergesResponse, Refusal> {
        let ListMergesRequest { kind, key, page_size, page_token } = request;
        let limit = read_page_size(page_size)?;
        let after = convert::page::read_profile(&page_token)?;
        let active = self.engine.model(workspace)?;
        let kind = answer::kind(&kind, &active.model)?;
        let key = match key.as_str() {
            "" => None,
            key => Some(answer::ranked_key(key, "key", kind, &active.model)?.1),
        };
        let kind = kind.id;
        let page = self.on_disk(move |engine| engine.merges(workspace, key.as_ref(), kind, after, limit)).await?;
        let Merges { merges, last } = page.ok_or_else(nobody)?;
        let merges = merges.into_iter().map(convert::profile::write_merge).collect();
        let next_page_token = last.map(convert::page::write_profile).unwrap_or_default();
        Ok(ListMergesResponse { merges, next_page_token })
    }
}

fn check_facts(facts: usize) -> Result<(), Invalid> {
    match facts {
        0 => Err(Invalid::new(Reason::Missing, "facts", "is empty; send at least one fact")),
        1..=MAX_SIMULATED_FACTS => Ok(()),
        _ => {
            let text = format!("has more than {MAX_SIMULATED_FACTS} facts; try out fewer at once");
            Err(Invalid::new(Reason::TooLarge, "facts", text))
        }
    }
}

/// Nothing was written, so there is no place in the log for a token to name.
fn write_simulated(result: Result<Receipt, Refusal>, active: &Arc<ActiveModel>) -> WriteResult {
    let mut written = convert::receipt::write_result(result, &active.model);
    if let Some(Outcome::Receipt(receipt)) = &mut written.result {
        receipt.token.clear();
    }
    written
}
