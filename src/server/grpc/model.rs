//! `ModelService`.

use std::pin::Pin;

use futures::Stream;
use futures::stream::unfold;
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use super::{Context, workspace};
use crate::domain::ids::WorkspaceId;
use crate::domain::token::Token;
use crate::proto::v1::diff_model_response::Step;
use crate::proto::v1::model_service_server::ModelService;
use crate::proto::v1::{
    ApplyModelRequest, ApplyModelResponse, DiffModelRequest, DiffModelResponse, DiffProgress, GetModelRequest,
    GetModelResponse,
};
use crate::server::status::Refusal;
use crate::server::{clock, convert};

/// The handlers.
pub struct Models(pub Context);

type Steps = Pin<Box<dyn Stream<Item = Result<DiffModelResponse, Status>> + Send>>;

#[tonic::async_trait]
impl ModelService for Models {
    async fn get_model(&self, request: Request<GetModelRequest>) -> Result<Response<GetModelResponse>, Status> {
        let workspace = workspace(&request)?;
        let GetModelRequest {} = request.into_inner();
        Ok(Response::new(self.0.get_model(workspace).await?))
    }

    type DiffModelStream = Steps;

    async fn diff_model(&self, request: Request<DiffModelRequest>) -> Result<Response<Steps>, Status> {
        let workspace = workspace(&request)?;
        let DiffModelRequest { source } = request.into_inner();
        Ok(Response::new(self.0.diff_model(workspace, source)))
    }

    async fn apply_model(&self, request: Request<ApplyModelRequest>) -> Result<Response<ApplyModelResponse>, Status> {
        let workspace = workspace(&request)?;
        let ApplyModelRequest { source } = request.into_inner();
        self.0.engine.change_model(workspace, source, clock::now()).await.map_err(Refusal::from)?;
        let active = self.0.engine.model(workspace).map_err(Refusal::from)?;
        let token = Token(self.0.engine.applied()).to_string();
        let (version, refolding, backfilling) = (active.version, active.refolding, !active.awaited.is_empty());
        Ok(Response::new(ApplyModelResponse { version, refolding, token, backfilling }))
    }
}

impl Context {
    async fn get_model(&self, workspace: WorkspaceId) -> Result<GetModelResponse, Refusal> {
        let read = self.on_disk(move |engine| {
            Ok((engine.model_state(workspace)?, engine.identifiers_about()?, engine.events_about()?))
        });
        let (state, identifiers_about, events_about) = read.await?;
        Ok(convert::model::write_state(state, identifiers_about, events_about))
    }

    /// Compares on a thread of its own. The comparison ends when nobody hears its steps any more.
    fn diff_model(&self, workspace: WorkspaceId, source: String) -> Steps {
        let (steps, told) = mpsc::channel(1);
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || {
            let tell = |identifiers, identifiers_about| {
                let progress = Step::Progress(DiffProgress { identifiers, identifiers_about });
                match steps.try_send(Ok(progress)) {
                    // Who has not taken the last step yet misses this one.
                    Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => true,
                    Err(mpsc::error::TrySendError::Closed(_)) => false,
                }
            };
            let found = engine.diff_model(workspace, &source, tell).map_err(Refusal::from);
            let found = found.map(|(found, model)| Step::Diff(convert::model::write_difference(found, &model)));
            // Nobody hears it if the caller has gone away.
            let _ = steps.blocking_send(found);
        });
        let drain = self.drain.clone();
        Box::pin(unfold(Some(told), move |told| {
            let drain = drain.clone();
            async move {
                let mut told = told?;
                let step = tokio::select! {
                    biased;
                    step = told.recv() => step?,
                    () = drain.wait() => Err(Refusal::draining()),
                };
                let goes_on = step.is_ok().then_some(told);
                Some((step.map(|step| DiffModelResponse { step: Some(step) }).map_err(Status::from), goes_on))
            }
        }))
    }
}
