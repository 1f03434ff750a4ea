//! A typed connection to a kith server: the generated clients over one channel.
//!
//! Invariant: the API key goes into the `authorization` header and nowhere else. Used by `cli` and by tests; this and
//! `server` are the only modules that know tonic.

mod error;
#[cfg(test)]
pub mod fake;
pub mod json;

use std::path::Path;
use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

pub use error::{Error, Refusal};

use crate::config::{Config, Secret};
use crate::proto::v1::admin_service_client::AdminServiceClient;
use crate::proto::v1::identity_service_client::IdentityServiceClient;
use crate::proto::v1::lookup_service_client::LookupServiceClient;
use crate::proto::v1::model_service_client::ModelServiceClient;
use crate::proto::v1::privacy_service_client::PrivacyServiceClient;
use crate::proto::v1::profile_service_client::ProfileServiceClient;
use crate::proto::v1::segment_service_client::SegmentServiceClient;
use crate::proto::v1::write_service_client::WriteServiceClient;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a silent server is asked whether it is still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// How long it may take to say so before the connection counts as dead.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// What every generated client speaks through: the connection with the API key put into each call.
pub type Transport = InterceptedService<Channel, Bearer>;

/// A connection to one server. Cheap to clone; all clones share the connection.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    max_message_bytes: usize,
}

impl Client {
    /// Connects to `config.server`, with TLS if its URL says `https`.
    pub async fn connect(config: &Config) -> Result<Self, Error> {
        let endpoint = endpoint(&config.server, config.ca.as_deref())?;
        let bearer = Bearer::new(config.api_key.as_ref())?;
        let unreachable = |cause| Error::unreachable(&config.server, &cause);
        let channel = endpoint.connect().await.map_err(unreachable)?;
        Ok(Self {
            transport: InterceptedService::new(channel, bearer),
            max_message_bytes: config.limits.max_message_bytes,
        })
    }

    /// Lookups.
    pub fn lookup(&self) -> LookupServiceClient<Transport> {
        LookupServiceClient::new(self.transport.clone())
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes)
    }

    /// Facts.
    pub fn write(&self) -> WriteServiceClient<Transport> {
        WriteServiceClient::new(self.transport.clone())
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes)
    }

    /// Whole profiles and their events.
    pub fn profile(&self) -> ProfileServiceClient<Transport> {
        ProfileServiceClient::new(self.transport.clone())
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes)
    }

    /// Why identities are as they are, and their corrections.
    pub fn identity(&self) -> IdentityServiceClient<Transport> {
        IdentityServiceClient::new(self.transport.clone())
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes)
    }

    /// Who is in a segment.
    pub fn segment(&self) -> SegmentServiceClient<Transport> {
        SegmentServiceClient::new(self.transport.clone())
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes)
    }

    /// The model and its changes.
    pub fn model(&self) -> ModelServiceClient<Transport> {
        ModelServiceClient::new(self.transport.clone())
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes)
    }

    /// Erasures.
    pub fn privacy(&self) -> PrivacyServiceClient<Transport> {
        PrivacyServiceClient::new(self.transport.clone())
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes)
    }

    /// API keys and figures.
    pub fn admin(&self) -> AdminServiceClient<Transport> {
        AdminServiceClient::new(self.transport.clone())
            .max_decoding_message_size(self.max_message_bytes)
            .max_encoding_message_size(self.max_message_bytes)
    }
}

/// The address with its timeouts, and with TLS where the URL asks for it.
fn endpoint(server: &str, ca: Option<&Path>) -> Result<Endpoint, Error> {
    let malformed = || Error::Setup(format!("`{server}` is not the URL of a server, such as http://127.0.0.1:7600"));
    let endpoint = Endpoint::from_shared(server.to_owned()).map_err(|_| malformed())?;
    let scheme = endpoint.uri().scheme_str().map(str::to_owned);
    let endpoint = endpoint
        .user_agent(concat!("kith/", env!("CARGO_PKG_VERSION")))
        .map_err(|_| malformed())?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    match scheme.as_deref() {
        Some("http") if ca.is_none() => Ok(endpoint),
        Some("http") => Err(Error::Setup("`ca` is for https: the URL of the server says http".into())),
        Some("https") => {
            let cause = |error| Error::Setup(format!("TLS cannot be set up: {}", error::chain(&error)));
            endpoint.tls_config(tls(ca)?).map_err(cause)
        }
        _ => Err(malformed()),
    }
}

/// The authorities to trust: the one named, or those of this machine.
fn tls(ca: Option<&Path>) -> Result<ClientTlsConfig, Error> {
    let Some(path) = ca else {
        return Ok(ClientTlsConfig::new().with_native_roots());
    };
    let unreadable = |cause| Error::Setup(format!("cannot read the certificate {}: {cause}", path.display()));
    let pem = std::fs::read(path).map_err(unreadable)?;
    Ok(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
}

/// Puts the API key, if there is one, into every call.
#[derive(Debug, Clone)]
pub struct Bearer {
    header: Option<MetadataValue<Ascii>>,
}

impl Bearer {
    fn new(api_key: Option<&Secret>) -> Result<Self, Error> {
        let Some(api_key) = api_key else {
            return Ok(Self { header: None });
        };
        let unprintable = |_| Error::Setup("the API key has characters that no API key has".into());
        let mut header = MetadataValue::try_from(format!("Bearer {}", api_key.expose())).map_err(unprintable)?;
        header.set_sensitive(true);
        Ok(Self { header: Some(header) })
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(header) = &self.header {
            request.metadata_mut().insert("authorization", header.clone());
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests;
