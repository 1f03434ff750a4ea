//! What comes before serving: the checks that keep a server from being open by accident, and the parts it is made of.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use super::auth::Guard;
use super::drain::Drain;
use super::gate::Policy;
use super::limits::InFlight;
use super::metrics::Metrics;
use super::options::Options;
use super::wire::LookupServiceServer;
use super::{http, tls};
use crate::engine::{DEFAULT_WORKSPACE, Engine};
use crate::proto;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// The services that health checks can ask for; the empty name is the server as a whole.
const SERVICES: [&str; 9] = [
    "",
    <LookupServiceServer<()> as NamedService>::NAME,
    <proto::v1::write_service_server::WriteServiceServer<()> as NamedService>::NAME,
    <proto::v1::profile_service_server::ProfileServiceServer<()> as NamedService>::NAME,
    <proto::v1::identity_service_server::IdentityServiceServer<()> as NamedService>::NAME,
    <proto::v1::segment_service_server::SegmentServiceServer<()> as NamedService>::NAME,
    <proto::v1::model_service_server::ModelServiceServer<()> as NamedService>::NAME,
    <proto::v1::privacy_service_server::PrivacyServiceServer<()> as NamedService>::NAME,
    <proto::v1::admin_service_server::AdminServiceServer<()> as NamedService>::NAME,
];

/// Why a server does not start, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It would have been open to a network without encryption.
    #[error(
        "{0} is not a loopback address: give a TLS certificate and key, and create an API key with `kith key create`; \
         or pass --insecure if the network is trusted"
    )]
    NoTls(SocketAddr),
    /// It would have been open to everybody on a network.
    #[error(
        "{0} is not a loopback address and the database has no API key: create one with `kith key create`; or pass \
         --insecure if the network is trusted"
    )]
    NoKeys(SocketAddr),
    /// Certificate and key cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {text}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why, and what to do.
        text: String,
    },
    /// There is no workspace for calls without a key.
    #[error("the database has no workspace `{DEFAULT_WORKSPACE}`: apply a model to it first")]
    NoWorkspace,
    /// The system permits fewer open files than the limits of this server may come to.
    #[error(
        "up to {needed} files may come to be open, connections and the database's, and the system permits {permitted}: \
         raise that (`ulimit -n`, or LimitNOFILE= in systemd), or lower limits.max_connections"
    )]
    TooFewFiles {
        /// How many may come to be open.
        needed: usize,
        /// How many the system permits.
        permitted: usize,
    },
    /// The limit of open files cannot be raised.
    #[error("cannot raise the limit of open files: {0}")]
    OpenFiles(io::Error),
    /// The system gives no threads or no sockets.
    #[error("cannot start the serving threads: {0}")]
    Threads(io::Error),
    /// The descriptors that were compiled in cannot be read; a bug.
    #[error("cannot set up reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Refuses to be open by accident.
pub fn check(options: &Options, engine: &Engine) -> Result<(), StartError> {
    if options.is_open() {
        return Ok(());
    }
    if options.tls.is_none() {
        return Err(StartError::NoTls(options.listen));
    }
    if !engine.keys_in_use() {
        return Err(StartError::NoKeys(options.listen));
    }
    Ok(())
}

/// Listens on `addr`. A port that an earlier server has just left can be taken at once.
pub fn bind(addr: SocketAddr) -> Result<TcpListener, StartError> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    };
    listen().map_err(|error: io::Error| {
        let text = match error.kind() {
            io::ErrorKind::AddrInUse => "it is in use; stop the other server, or choose another port".to_owned(),
            io::ErrorKind::PermissionDenied => "this user may not; choose a port of 1024 or more".to_owned(),
            io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            _ => error.to_string(),
        };
        StartError::Listen { addr, text }
    })
}

/// What the gate checks.
pub fn policy(options: &Options, engine: &Engine, drain: &Drain) -> Result<Policy, StartError> {
    let workspace = engine.workspace(DEFAULT_WORKSPACE).ok_or(StartError::NoWorkspace)?;
    Ok(Policy {
        guard: Guard::new(engine.clone(), options.is_open(), workspace),
        in_flight: Arc::new(InFlight::new(options.limits.max_in_flight)),
        deadline: options.limits.deadline,
        drain: drain.clone(),
    })
}

/// The routes that are the same on every core: plain HTTP, health, reflection.
pub fn routes(drain: &Drain, metrics: &Arc<Metrics>, health: &HealthReporter) -> Result<Routes, StartError> {
    let health = HealthServer::new(HealthService::from_health_reporter(health.clone()));
    // Each version of reflection describes both, since both are served.
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .include_reflection_service(false)
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
    };
    let routes = Routes::from(http::routes(drain.clone(), Arc::clone(metrics)));
    Ok(routes.add_service(health).add_service(reflection().build_v1()?).add_service(reflection().build_v1alpha()?))
}

/// Tells the health checks of every service how it is.
pub async fn set_health(health: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        health.set_service_status(service, status).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_of_the_protos_has_a_health() {
        let pool = prost_reflect::DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
        for service in pool.services() {
            assert!(SERVICES.contains(&service.full_name()), "{} is missing", service.full_name());
        }
    }
}
