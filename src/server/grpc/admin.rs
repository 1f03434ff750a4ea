//! `AdminService`.

use tonic::{Request, Response, Status};

use super::{Context, workspace};
use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::token::Token;
use crate::engine::Stats;
use crate::proto::v1::admin_service_server::AdminService;
use crate::proto::v1::{
    CreateKeyRequest, CreateKeyResponse, FamilyStats, GetStatsRequest, GetStatsResponse, ListKeysRequest,
    ListKeysResponse, RevokeKeyRequest, RevokeKeyResponse,
};
use crate::server::status::Refusal;
use crate::server::{auth, clock, convert};

/// The handlers.
pub struct Admin(pub Context);

#[tonic::async_trait]
impl AdminService for Admin {
    async fn get_stats(&self, request: Request<GetStatsRequest>) -> Result<Response<GetStatsResponse>, Status> {
        let workspace = workspace(&request)?;
        let GetStatsRequest {} = request.into_inner();
        Ok(Response::new(self.0.get_stats(workspace).await?))
    }

    async fn create_key(&self, request: Request<CreateKeyRequest>) -> Result<Response<CreateKeyResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.create_key(workspace, request.into_inner()).await?))
    }

    async fn list_keys(&self, request: Request<ListKeysRequest>) -> Result<Response<ListKeysResponse>, Status> {
        let workspace = workspace(&request)?;
        let ListKeysRequest {} = request.into_inner();
        Ok(Response::new(self.0.list_keys(workspace).await?))
    }

    async fn revoke_key(&self, request: Request<RevokeKeyRequest>) -> Result<Response<RevokeKeyResponse>, Status> {
        let workspace = workspace(&request)?;
        Ok(Response::new(self.0.revoke_key(workspace, request.into_inner()).await?))
    }
}

impl Context {
    async fn get_stats(&self, workspace: WorkspaceId) -> Result<GetStatsResponse, Refusal> {
        let model_version = self.engine.model(workspace)?.version;
        let Stats { applied, disk_bytes, families } = self.on_disk(|engine| engine.stats()).await?;
        let Seq(applied_commands) = applied;
        let families = families.into_iter().map(|family| FamilyStats {
            name: family.name.to_owned(),
            records: family.records,
            disk_bytes: family.disk_bytes,
        });
        Ok(GetStatsResponse {
            token: Token(applied).to_string(),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            model_version,
            applied_commands,
            disk_bytes,
            families: families.collect(),
        })
    }

    async fn create_key(
        &self,
        workspace: WorkspaceId,
        request: CreateKeyRequest,
    ) -> Result<CreateKeyResponse, Refusal> {
        let CreateKeyRequest { name, scopes } = request;
        let scopes = convert::access::read_scopes(&scopes)?;
        let now = clock::now();
        let (key, secret) = auth::new_key(&name, workspace, scopes, now)?;
        self.engine.create_key(key.clone(), now).await?;
        let key = convert::access::write(key, &self.workspace_name(workspace));
        Ok(CreateKeyResponse { key: Some(key), secret: secret.to_string() })
    }

    async fn list_keys(&self, workspace: WorkspaceId) -> Result<ListKeysResponse, Refusal> {
        let name = self.workspace_name(workspace);
        let keys = self.on_disk(move |engine| engine.keys(workspace)).await?;
        Ok(ListKeysResponse { keys: keys.into_iter().map(|key| convert::access::write(key, &name)).collect() })
    }

    async fn revoke_key(
        &self,
        workspace: WorkspaceId,
        request: RevokeKeyRequest,
    ) -> Result<RevokeKeyResponse, Refusal> {
        let RevokeKeyRequest { key_id } = request;
        if key_id.is_empty() {
            return Err(Invalid::new(Reason::Missing, "key_id", "is empty; see ListKeys").into());
        }
        let key = self.engine.revoke_key(workspace, &key_id, clock::now()).await?;
        Ok(RevokeKeyResponse { key: Some(convert::access::write(key, &self.workspace_name(workspace))) })
    }

    fn workspace_name(&self, workspace: WorkspaceId) -> String {
        self.engine.workspace_name(workspace).unwrap_or_default()
    }
}
