//! The description as a document, and the page to read and try it, which is part of the binary.

use super::{ApiState, DOCS};
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the description is.
pub(super) const DESCRIPTION: &str = "/api/v1/openapi.json";
/// Paths of the page's files, as the router writes them.
pub(super) const DOCS_FILES: &str = "/api/docs/{_:.*}";

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(description);
}

/// The page, which belongs to no description.
pub(super) fn configure_page(cfg: &mut actix_web::web::ServiceConfig) {
    let config = Config::from(DESCRIPTION).use_base_layout();
    cfg.service(SwaggerUi::new(DOCS_FILES).config(config))
        .service(actix_web::web::redirect(DOCS, "/api/docs/"));
}

/// This description.
#[utoipa::path(
    tag = "description",
    responses((status = 200, description = "The description (OpenAPI 3.1).", body = serde_json::Value)),
    extensions(("x-permission" = json!("public"))),
)]
#[get("/openapi.json")]
async fn description(state: Data<ApiState>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(state.description.clone())
}
