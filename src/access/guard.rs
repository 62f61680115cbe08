//! The guard before every operation: finds the operation in the description, whoever asks for it, and whether they may.
//! What the description does not know is not served.

use super::principal::{Credential, Principal, forbidden};
use super::sessions::{self, Found};
use super::{csrf, tokens};
use crate::api::operations::{Access, Operation};
use crate::api::{ApiState, limits};
use crate::problem::Problem;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, ResponseError};
use samvad_actors::ports::StoreError;
use std::sync::Arc;

/// The middleware.
pub(crate) async fn guard(
    state: Data<ApiState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match admit(&state, &request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        // An error that is returned would lose its request.
        Err(problem) => Ok(request.into_response(problem.error_response())),
    }
}

async fn admit(state: &ApiState, request: &ServiceRequest) -> Result<(), Problem> {
    // The path that the router matches too: escapes of ordinary characters are undone in it.
    let path = request.match_info().as_str();
    let pattern = request
        .resource_map()
        .match_pattern(path)
        .filter(|_| !path.contains('\0'));
    let Some(methods) = pattern.as_deref().and_then(|pattern| state.operations.at(pattern)) else {
        limits::check_address(state, request)?;
        return Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path"));
    };
    let Some(operation) = methods.get(request.method().as_str()) else {
        limits::check_address(state, request)?;
        let allowed: Vec<&str> = methods.keys().map(String::as_str).collect();
        let problem = Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path takes other methods; `allow` names them",
        );
        return Err(match HeaderValue::from_str(&allowed.join(", ")) {
            Ok(allowed) => problem.with_header(ALLOW, allowed),
            Err(_) => problem,
        });
    };
    request.extensions_mut().insert(operation.clone());
    let principal = match operation.access {
        Access::Health => return Ok(()),
        Access::Public => return limits::check_address(state, request),
        Access::SignedIn | Access::Session | Access::Permission(_) => identify(state, request).await?,
    };
    state.limits.check_principal(&principal.key())?;
    may(&principal, operation)?;
    if let Credential::Session { csrf_token, .. } = &principal.credential
        && !csrf::is_safe(request.method())
    {
        csrf::check(request.headers(), csrf_token, state.public_url.origin())?;
    }
    request.extensions_mut().insert(principal);
    Ok(())
}

/// Whether a principal may use an operation at all.
fn may(principal: &Principal, operation: &Arc<Operation>) -> Result<(), Problem> {
    match operation.access {
        Access::Permission(permission) if !principal.may(permission) => Err(forbidden(permission)),
        Access::Session if matches!(principal.credential, Credential::Token(_)) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this is for people who have signed in; a token cannot do it",
        )),
        _ => Ok(()),
    }
}

/// Whoever sends the request. What is wrong with a credential is not told.
async fn identify(state: &ApiState, request: &ServiceRequest) -> Result<Principal, Problem> {
    let headers = request.headers();
    let shows_token = headers.contains_key(AUTHORIZATION);
    let found = match (shows_token, state.cookie.find(headers)) {
        (true, Found::Nothing) => match bearer(headers) {
            Some(hash) => by_token(state, &hash).await?,
            None => None,
        },
        (true, _) => {
            limits::check_address(state, request)?;
            return Err(unauthorized(
                "the request has a session's cookie and a token; send one of them",
                "Bearer realm=\"samvad\", error=\"invalid_request\"",
            ));
        }
        (false, Found::Key(key)) => sessions::resolve(&*state.accounts, &key, state.clock.unix_ms()).await?,
        (false, Found::Unclear) => None,
        (false, Found::Nothing) => {
            limits::check_address(state, request)?;
            return Err(unauthorized("sign in, or send an API token", "Bearer realm=\"samvad\""));
        }
    };
    if let Some(principal) = found {
        return Ok(principal);
    }
    limits::check_address(state, request)?;
    Err(unauthorized(
        "the session or token is not valid; it may have expired. Sign in again, or send another token",
        match shows_token {
            true => "Bearer realm=\"samvad\", error=\"invalid_token\"",
            false => "Bearer realm=\"samvad\"",
        },
    ))
}

fn unauthorized(detail: &str, challenge: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, detail).with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

/// The hash of the one bearer token; `None` if there is none, or more than one, or none that could be ours.
fn bearer(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(AUTHORIZATION);
    match (values.next(), values.next()) {
        (Some(value), None) => tokens::hash_of_bearer(value.to_str().ok()?).ok(),
        _ => None,
    }
}

async fn by_token(state: &ApiState, hash: &str) -> Result<Option<Principal>, StoreError> {
    let found = state.accounts.token_by_hash(hash, state.clock.unix_ms()).await?;
    Ok(found.map(|(token, user)| Principal {
        user,
        credential: Credential::Token(token),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_bearer_token_of_our_form_is_looked_up() {
        let found = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_str(value).expect("a value"));
            }
            bearer(&headers).is_some()
        };
        let token = format!("smv_{}", crate::access::keys::random_key());
        assert!(found(&[&format!("Bearer {token}")]));
        assert!(found(&[&format!("bearer {token}")]));
        assert!(!found(&[&format!("Basic {token}")]));
        assert!(!found(&[&format!("Bearer {token}"), &format!("Bearer {token}")]));
        assert!(!found(&["Bearer",]));
        assert!(!found(&["Bearer smv_short"]));
    }
}
