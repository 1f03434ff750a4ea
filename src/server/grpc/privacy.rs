//! `PrivacyService`.

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use tonic::{Request, Response, Status};

use super::{Context, new_message_id, workspace};
use crate::domain::answer;
use crate::domain::erasure::Erasure;
use crate::domain::ids::WorkspaceId;
use crate::domain::tombstone::{SECRET_BYTES, TombstoneSecret};
use crate::proto::v1::privacy_service_server::PrivacyService;
use crate::proto::v1::{EraseRequest, EraseResponse, ErasureReceipt};
use crate::server::status::Refusal;
use crate::server::{clock, convert};

/// The handlers.
pub struct Privacy(pub Context);

#[tonic::async_trait]
impl PrivacyService for Privacy {
    async fn erase(&self, request: Request<EraseRequest>) -> Result<Response<EraseResponse>, Status> {
        let workspace = workspace(&request)?;
        let receipt = self.0.erase(workspace, request.into_inner()).await?;
        Ok(Response::new(EraseResponse { receipt: Some(receipt) }))
    }
}

impl Context {
    async fn erase(&self, workspace: WorkspaceId, request: EraseRequest) -> Result<ErasureReceipt, Refusal> {
        let EraseRequest { key, kind, suppress, message_id, dry_run } = request;
        let active = self.engine.model(workspace)?;
        let kind = answer::kind(&kind, &active.model)?;
        let (_rank, key) = answer::ranked_key(&key, "key", kind, &active.model)?;
        let message_id = if message_id.is_empty() { new_message_id()? } else { message_id };
        let erasure = Erasure::new(message_id, key, kind.id, suppress, new_secret()?)?;
        let now = clock::now();
        if dry_run {
            let receipt = self.on_disk(move |engine| engine.rehearse_erasure(workspace, erasure, now)).await?;
            let receipt = convert::receipt::write_erasure(receipt, &active.model);
            return Ok(ErasureReceipt { token: String::new(), ..receipt });
        }
        let receipt = self.engine.erase(workspace, erasure, now).await?;
        Ok(convert::receipt::write_erasure(receipt, &active.model))
    }
}

/// A secret for the workspace, should it have none yet.
fn new_secret() -> Result<TombstoneSecret, Refusal> {
    let mut bytes = [0; SECRET_BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| Refusal::internal(&error))?;
    Ok(TombstoneSecret(bytes))
}
