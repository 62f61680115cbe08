//! Twilio's Calls API: create, fetch, update and list.

mod account;
mod create;
mod error;
mod list;
mod parameters;
mod resource;
mod update;

use crate::network::World;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use error::ApiError;
use std::sync::Arc;

/// The API's routes.
pub(crate) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route(
            "/2010-04-01/Accounts/{account}/Calls.json",
            get(list::list).post(create::create),
        )
        .route(
            "/2010-04-01/Accounts/{account}/Calls/{file}",
            get(fetch).post(update::update),
        )
        .route("/2010-04-01/Accounts/{account}", get(account::fetch))
        .route(
            "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json",
            get(account::numbers),
        )
        .route("/v1/DialingPermissions/Countries/{country}", get(account::country))
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(from_fn_with_state(world.clone(), authenticate))
        .with_state(world)
}

/// Basic authentication with the account's id and key; the account in the path must be the same.
async fn authenticate(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let expected = STANDARD.encode(format!("{}:{}", world.account_sid, world.auth_token));
    let given = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let own_paths = ["/", ".json"].map(|end| format!("/2010-04-01/Accounts/{}{end}", world.account_sid));
    if given.and_then(|value| value.strip_prefix("Basic ")) != Some(expected.as_str()) {
        world
            .reporter
            .violation("a request to the Calls API had wrong credentials".to_owned());
        return ApiError::Unauthenticated.into_response();
    }
    let path = request.uri().path();
    if !path.starts_with("/v1/") && !own_paths.iter().any(|own| path.starts_with(own)) {
        return ApiError::NotFound.into_response();
    }
    next.run(request).await
}

async fn fetch(State(world): State<Arc<World>>, Path((_, file)): Path<(String, String)>) -> Result<Response, ApiError> {
    let call = find(&world, &file)?;
    Ok(resource::answer(200, &resource::call(&call, &world.account_sid)))
}

/// The call whose id, with `.json`, ends the path.
fn find(world: &World, file: &str) -> Result<Arc<crate::network::Call>, ApiError> {
    let sid = file.strip_suffix(".json").ok_or(ApiError::NotFound)?;
    world.registry().get(sid).ok_or(ApiError::NotFound)
}
