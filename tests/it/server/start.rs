//! Starting: not open by accident, clear about why not, and over TLS where it is asked for.

use std::net::TcpListener;

use kith::domain::access::Scope;
use kith::proto::v1::lookup_service_client::LookupServiceClient;
use kith::server::{Options, Server, StartError, TlsFiles};
use rcgen::generate_simple_self_signed;
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

use super::kit::{LAZY, engine, lookup, serve, with_key};

fn certificate() -> (TlsFiles, String, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let certified = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles { cert: directory.path().join("cert.pem"), key: directory.path().join("key.pem") };
    std::fs::write(&files.cert, certified.cert.pem()).unwrap();
    std::fs::write(&files.key, certified.signing_key.serialize_pem()).unwrap();
    (files, certified.cert.pem(), directory)
}

#[tokio::test]
async fn an_open_address_needs_tls_and_a_key_or_to_be_told() {
    let served = serve(|_| {}).await;
    let (tls, _, _files) = certificate();
    let options = Options { listen: "0.0.0.0:0".parse().unwrap(), cores: Some(1), ..Options::default() };

    let refused = Server::start(options.clone(), served.engine.clone()).await.unwrap_err();
    assert!(matches!(refused, StartError::NoTls(_)));
    assert!(refused.to_string().contains("kith key create") && refused.to_string().contains("--insecure"));

    let with_tls = Options { tls: Some(tls), ..options.clone() };
    let refused = Server::start(with_tls.clone(), served.engine.clone()).await.unwrap_err();
    assert!(matches!(refused, StartError::NoKeys(_)));

    served.key("default", &[Scope::Read]).await;
    let started = Server::start(with_tls, served.engine.clone()).await.unwrap();
    started.stop();
    let started = Server::start(Options { insecure: true, ..options }, served.engine.clone()).await.unwrap();
    started.stop();
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let (engine, _data) = engine(4, LAZY).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = Options { listen: taken.local_addr().unwrap(), ..Options::default() };
    let refused = Server::start(options, engine.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("it is in use"), "{refused}");

    let (files, _, _directory) = certificate();
    let missing = TlsFiles { cert: files.cert.with_file_name("missing.pem"), key: files.key.clone() };
    let empty = TlsFiles { cert: files.key.clone(), key: files.key.clone() };
    let (other, _, _other_directory) = certificate();
    let mixed = TlsFiles { cert: files.cert, key: other.key };
    let cases =
        [(missing, "cannot read"), (empty, "holds no certificate"), (mixed, "certificate and key cannot be used")];
    for (tls, text) in cases {
        let options = Options { listen: "127.0.0.1:0".parse().unwrap(), tls: Some(tls), ..Options::default() };
        let refused = Server::start(options, engine.clone()).await.unwrap_err();
        assert!(refused.to_string().contains(text), "{refused}");
    }
}

#[tokio::test]
async fn calls_go_over_tls_and_not_beside_it() {
    let (tls, ca, _files) = certificate();
    let served = serve(|options| options.tls = Some(tls)).await;
    let (_, secret) = served.key("default", &[Scope::Read]).await;
    let port = served.addr().port();

    let client_tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)).domain_name("localhost");
    let endpoint = Channel::from_shared(format!("https://127.0.0.1:{port}")).unwrap();
    let channel = endpoint.tls_config(client_tls).unwrap().connect().await.unwrap();
    LookupServiceClient::new(channel).lookup(with_key(lookup("user_id:1"), &secret)).await.unwrap();

    let plain = Channel::from_shared(format!("http://127.0.0.1:{port}")).unwrap().connect().await;
    if let Ok(channel) = plain {
        LookupServiceClient::new(channel).lookup(with_key(lookup("user_id:1"), &secret)).await.unwrap_err();
    }
}
