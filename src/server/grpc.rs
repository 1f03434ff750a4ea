//! The gRPC services: thin handlers that decode, call the engine and encode.

mod admin;
mod identity;
mod lookup;
mod model;
mod privacy;
mod profile;
mod reach;
mod segment;
mod write;

use std::sync::Arc;

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use tonic::service::Routes;
use uuid::Builder;

use super::auth::{Caller, Guard};
use super::drain::Drain;
use super::faces::Faces;
use super::metrics::Counts;
use super::status::Refusal;
use super::wire::LookupServiceServer;
use crate::domain::ids::WorkspaceId;
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::token::Token;
use crate::engine::{self, Engine};
use crate::proto::v1::ErrorReason;
use crate::proto::v1::admin_service_server::AdminServiceServer;
use crate::proto::v1::identity_service_server::IdentityServiceServer;
use crate::proto::v1::model_service_server::ModelServiceServer;
use crate::proto::v1::privacy_service_server::PrivacyServiceServer;
use crate::proto::v1::profile_service_server::ProfileServiceServer;
use crate::proto::v1::segment_service_server::SegmentServiceServer;
use crate::proto::v1::write_service_server::WriteServiceServer;

/// How many rows a page has if the request does not say.
const DEFAULT_PAGE_SIZE: usize = 50;
/// How many rows a page may have.
const MAX_PAGE_SIZE: usize = 1_000;
/// The randomness of a message id that is made here, in bytes.
const MESSAGE_ID_BYTES: usize = 16;

/// What every handler works with.
#[derive(Clone)]
pub struct Context {
    /// The engine.
    pub engine: Engine,
    /// Checks the callers of streams again when keys change.
    pub guard: Guard,
    /// The notice to end, for streams.
    pub drain: Drain,
    /// The figures of this core.
    pub counts: Arc<Counts>,
    /// What lookups ask, read against the models.
    pub plans: Arc<Plans>,
    /// Answers of lookups that may be given again.
    pub answers: Arc<KeptAnswers>,
    /// What this core has to do with the disk.
    pub disk: Arc<Disk>,
}

pub use lookup::{Disk, KeptAnswers, Plans};

/// Answers `LookupService`.
pub type LookupServer = LookupServiceServer<lookup::Lookup>;
/// Answers `WriteService`.
pub type WriteServer = WriteServiceServer<write::Write>;

/// Kith's services, and `routes` for all else. No message may be larger than `max_message_bytes`, either way.
pub fn faces(routes: Routes, context: &Context, max_message_bytes: usize) -> Faces {
    let lookup = LookupServiceServer::new(lookup::Lookup(context.clone()));
    let write = WriteServiceServer::new(write::Write(context.clone()));
    let profile = ProfileServiceServer::new(profile::Profile(context.clone()));
    let identity = IdentityServiceServer::new(identity::Identity(context.clone()));
    let segment = SegmentServiceServer::new(segment::Segments(context.clone()));
    let model = ModelServiceServer::new(model::Models(context.clone()));
    let privacy = PrivacyServiceServer::new(privacy::Privacy(context.clone()));
    let admin = AdminServiceServer::new(admin::Admin(context.clone()));
    let max = max_message_bytes;
    let lookup = lookup.max_decoding_message_size(max).max_encoding_message_size(max);
    let write = write.max_decoding_message_size(max).max_encoding_message_size(max);
    let routes = routes
        .add_service(lookup.clone())
        .add_service(write.clone())
        .add_service(profile.max_decoding_message_size(max).max_encoding_message_size(max))
        .add_service(identity.max_decoding_message_size(max).max_encoding_message_size(max))
        .add_service(segment.max_decoding_message_size(max).max_encoding_message_size(max))
        .add_service(model.max_decoding_message_size(max).max_encoding_message_size(max))
        .add_service(privacy.max_decoding_message_size(max).max_encoding_message_size(max))
        .add_service(admin.max_decoding_message_size(max).max_encoding_message_size(max))
        .prepare();
    Faces { lookup, write, routes }
}

/// The workspace of a call, as the gate found it.
fn workspace<T>(request: &tonic::Request<T>) -> Result<WorkspaceId, Refusal> {
    Ok(caller(request)?.workspace)
}

/// Who calls, as the gate found it.
fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, Refusal> {
    let caller = request.extensions().get::<Caller>();
    caller.copied().ok_or_else(|| Refusal::internal(&"a call came past the gate"))
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

/// The message id of a request that brings none.
fn new_message_id() -> Result<String, Refusal> {
    let mut bytes = [0; MESSAGE_ID_BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| Refusal::internal(&error))?;
    Ok(Builder::from_random_bytes(bytes).into_uuid().to_string())
}

fn nobody() -> Refusal {
    Refusal::new(ErrorReason::NotFound, "no profile owns the key")
}

impl Context {
    /// Where the data is now, for the `token` of an answer: to be asked before the data is read.
    fn token(&self) -> String {
        Token(self.engine.applied()).to_string()
    }

    /// Does what may wait for the disk where that keeps nobody else waiting.
    async fn on_disk<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, engine::Error> + Send + 'static,
    ) -> Result<T, Refusal> {
        let engine = self.engine.clone();
        let read = tokio::task::spawn_blocking(move || read(&engine)).await;
        // The text of a panic may hold anything, so it is not passed on.
        read.map_err(|_panicked| Refusal::internal(&"a read of the disk panicked"))?.map_err(Refusal::from)
    }
}
