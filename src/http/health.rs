//! Liveness and readiness.

use super::HttpState;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::json;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "alive"}))
}

/// `GET /readyz`: 200, or 503 with the reason.
pub(super) async fn ready(state: web::Data<HttpState>) -> Result<HttpResponse, Problem> {
    match state.readiness.fault() {
        None => Ok(HttpResponse::Ok().json(json!({"status": "ready"}))),
        Some(fault) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, fault)),
    }
}
