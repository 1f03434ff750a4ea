//! `/livez`, `/readyz` and `/metrics`; and gRPC calls of methods that there are not.

use http::uri::PathAndQuery;
use tonic::Code;
use tonic_prost::ProstCodec;

use super::kit::{identify, lookup, serve, write};

#[tokio::test]
async fn metrics_count_calls_and_hold_no_identifier() {
    let served = serve(|_| {}).await;
    let mut writes = served.writes().await;
    write(&mut writes, identify("m1", "email:canary@example.com", "first_name", "Canary")).await.unwrap();
    let mut lookups = served.lookups().await;
    lookups.lookup(lookup("email:canary@example.com")).await.unwrap();
    lookups.lookup(lookup("nonsense-canary")).await.unwrap_err();
    served.get("/canary", "").await;

    let (status, text) = served.get("/metrics", "").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let lines = [
        r#"kith_calls_total{method="kith.v1.WriteService/Write",code="OK"} 1"#,
        r#"kith_calls_total{method="kith.v1.LookupService/Lookup",code="OK"} 1"#,
        r#"kith_calls_total{method="kith.v1.LookupService/Lookup",code="INVALID_ARGUMENT"} 1"#,
        r#"kith_calls_total{method="other",code="NOT_FOUND"} 1"#,
        r#"kith_lookups_total{result="found"} 1"#,
        r#"kith_lookups_total{result="refused"} 1"#,
        r#"kith_facts_total{result="applied"} 1"#,
        r#"kith_receipt_lines_total{action="created"} 1"#,
        r#"kith_receipt_lines_total{action="unordered"} 0"#,
        "kith_in_flight_calls 1",
    ];
    for line in lines {
        assert!(text.lines().any(|written| written == line), "{line} is missing in\n{text}");
    }
    assert!(!text.to_lowercase().contains("canary"));
}

#[tokio::test]
async fn readiness_ends_with_the_drain_and_liveness_goes_on_to_the_end() {
    let served = serve(|_| {}).await;
    assert_eq!(served.get("/livez", "").await, ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
    assert_eq!(served.get("/readyz", "").await, ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
    assert_eq!(served.get("/", "").await.0, "HTTP/1.1 404 Not Found");
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let served = serve(|_| {}).await;
    for path in ["/kith.v1.LookupService/Guess", "/kith.v1.NoService/Lookup"] {
        let mut client = tonic::client::Grpc::new(served.channel().await);
        client.ready().await.unwrap();
        let codec = ProstCodec::<kith::proto::v1::LookupRequest, kith::proto::v1::LookupResponse>::default();
        let path = PathAndQuery::from_static(path);
        let status = client.unary(tonic::Request::new(lookup("user_id:1")), path, codec).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
    }
}
