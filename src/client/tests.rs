use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::*;

fn config(server: &str) -> Config {
    Config { server: server.into(), ..Config::default() }
}

#[test]
fn a_refusal_tells_message_reason_field_and_delay() {
    let mut details = ErrorDetails::new();
    details
        .set_error_info("ERROR_REASON_LIMIT_REACHED", "kith", std::collections::HashMap::new())
        .set_retry_info(Some(Duration::from_millis(250)))
        .add_bad_request_violation("keys[1]", "has no type");
    let status = Status::with_error_details(Code::ResourceExhausted, "too much at once", details);
    let text = Error::from(status).to_string();
    assert_eq!(text, "too much at once; keys[1]: has no type (ERROR_REASON_LIMIT_REACHED); try again in 250 ms");
}

#[test]
fn not_found_is_told_apart() {
    assert!(Error::from(Status::not_found("nobody")).is_not_found());
    assert!(!Error::from(Status::internal("")).is_not_found());
}

#[test]
fn a_bare_status_still_says_something() {
    let text = Error::from(Status::new(Code::Unavailable, "")).to_string();
    assert!(text.starts_with("the server refused: "), "{text}");
}

#[test]
fn the_key_is_sent_and_never_shown() {
    let key = Secret::from("hunter2".to_owned());
    let mut bearer = Bearer::new(Some(&key)).unwrap();
    assert!(!format!("{bearer:?}").contains("hunter2"));
    let request = bearer.call(Request::new(())).unwrap();
    assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer hunter2");

    let unprintable = Secret::from("hunter\n2".to_owned());
    assert!(!Bearer::new(Some(&unprintable)).unwrap_err().to_string().contains("hunter"));
}

#[test]
fn addresses_that_are_none_are_refused_before_dialling() {
    for server in ["", "127.0.0.1:7600", "ftp://127.0.0.1", "http://"] {
        assert!(matches!(endpoint(server, None), Err(Error::Setup(_))), "{server}");
    }
    assert!(endpoint("http://localhost:1", Some(Path::new("ca.pem"))).is_err());
    assert!(endpoint("http://localhost:1", None).is_ok());
}

#[tokio::test]
async fn nobody_there_is_said_with_the_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Client::connect(&config(&server)).await.unwrap_err();
    assert!(matches!(&error, Error::Unreachable(text) if text.contains(&server)), "{error}");
}

#[tokio::test]
async fn https_trusts_the_authority_that_is_named_and_no_other() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let identity = tonic::transport::Identity::from_pem(own.cert.pem(), own.signing_key.serialize_pem());
    let config = fake::serve_tls(identity).await;
    let mut ca = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut ca, own.cert.pem().as_bytes()).unwrap();

    let trusting = Config { ca: Some(ca.path().into()), ..config.clone() };
    assert!(Client::connect(&trusting).await.is_ok());
    let refused = Client::connect(&config).await.unwrap_err().to_string();
    assert!(refused.contains("certificate"), "{refused}");
}
