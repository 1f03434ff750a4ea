//! Plain HTTP on the same port: `/livez`, `/readyz`, `/metrics`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use tonic::Status;

use super::drain::Drain;
use super::metrics::Metrics;
use super::status::{Refusal, is_grpc};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone)]
struct Plain {
    drain: Drain,
    registry: Arc<Registry>,
}

/// The routes, for the gRPC services to be added to.
pub fn routes(drain: Drain, metrics: Arc<Metrics>) -> Router {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(metrics));
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .fallback(unknown)
        .with_state(Plain { drain, registry: Arc::new(registry) })
}

async fn live() -> &'static str {
    "ok\n"
}

/// Ready from the start of the server, which comes after the opening of the database, to the drain.
async fn ready(State(plain): State<Plain>) -> Response {
    if plain.drain.is_on() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    "ok\n".into_response()
}

async fn metrics_text(State(plain): State<Plain>) -> Response {
    let mut body = String::new();
    match text::encode(&mut body, &plain.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], body).into_response(),
        Err(error) => Refusal::internal(&error).into_http(&HeaderMap::new()).into_response(),
    }
}

async fn unknown(headers: HeaderMap) -> Response {
    if is_grpc(&headers) {
        let text = "the server has no such service or method; list them by reflection";
        return Status::unimplemented(text).into_http::<axum::body::Body>();
    }
    (StatusCode::NOT_FOUND, "nothing is served here\n").into_response()
}
