//! Liveness, readiness and metrics.

use super::ApiState;
use super::metrics::OPEN_METRICS;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// When a node that is not ready is worth asking again.
const SOON: Duration = Duration::from_secs(5);

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(alive).service(ready).service(metrics);
}

/// How a server is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Is the server alive?
///
/// The process answers.
#[utoipa::path(
    tag = "health",
    responses((status = 200, description = "It is.", body = Health)),
    extensions(("x-permission" = json!("health"))),
)]
#[get("/healthz")]
async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "alive" })
}

/// Is the server ready for calls?
///
/// It is not while it drains, while a worker is stuck, or when it has lost its place in the fleet.
#[utoipa::path(
    tag = "health",
    responses((status = 200, description = "It is.", body = Health)),
    extensions(("x-permission" = json!("health"))),
)]
#[get("/readyz")]
async fn ready(state: Data<ApiState>) -> Result<HttpResponse, Problem> {
    match state.readiness.fault() {
        None => Ok(HttpResponse::Ok().json(Health { status: "ready" })),
        Some(fault) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, fault).retry_after(SOON)),
    }
}

/// Metrics of this server, for Prometheus.
#[utoipa::path(
    tag = "health",
    responses((
        status = 200,
        description = "The metrics, in OpenMetrics' text format.",
        body = String,
        content_type = "application/openmetrics-text",
    )),
    extensions(("x-permission" = json!("metrics:read"))),
)]
#[get("/metrics")]
async fn metrics(state: Data<ApiState>) -> HttpResponse {
    HttpResponse::Ok().content_type(OPEN_METRICS).body(state.metrics.text())
}
