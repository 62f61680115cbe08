//! Signing in by an identity provider: where browsers are sent, and where they come back.

use super::session::refusal;
use super::{ApiState, Query, RequestId};
use crate::access::oidc::{self, CallbackQuery, LoginError, OidcLogin, Redirect};
use crate::access::sessions;
use crate::problem::{Problem, ProblemBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{COOKIE, HeaderValue, InvalidHeaderValue, LOCATION, SET_COOKIE};
use actix_web::web::{Data, ReqData};
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(begin).service(finish);
}

/// Where to go afterwards.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct LoginQuery {
    /// A path on this server, for example `/campaigns`.
    return_to: Option<String>,
}

/// What the provider sends the browser back with; it may send more (RFC 6749, section 4.1.2).
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters that `CallbackQuery` reads")]
struct CallbackParameters {
    /// What this server has sent the browser with.
    state: Option<String>,
    /// What the provider gives tokens for.
    code: Option<String>,
    /// The provider (RFC 9207).
    iss: Option<String>,
    /// Why the provider lets nobody in.
    error: Option<String>,
}

/// Sign in at the identity provider.
///
/// For a browser: sends it to the provider, which sends it back to the callback.
#[utoipa::path(
    tag = "session",
    params(LoginQuery),
    responses(
        (status = 303, description = "To the provider.", headers(("location" = String))),
        (status = 404, description = "No identity provider is configured.", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public"))),
)]
#[get("/login")]
async fn begin(state: Data<ApiState>, Query(query): Query<LoginQuery>) -> Result<HttpResponse, Problem> {
    let logins = provider(&state)?;
    let redirect = oidc::login(logins, query.return_to.as_deref()).await.map_err(told)?;
    sent_on(&redirect, None)
}

/// Come back from the identity provider.
#[utoipa::path(
    tag = "session",
    params(CallbackParameters),
    responses(
        (status = 303, description = "Signed in; the session is in the cookie.", headers(("location" = String))),
        (status = 403, description = "The person has no role here, or is disabled.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 404, description = "No identity provider is configured.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = 502, description = "The provider's answer does not prove who it is.", body = ProblemBody,
            content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public"))),
)]
#[get("/callback")]
async fn finish(
    request: HttpRequest,
    id: ReqData<RequestId>,
    state: Data<ApiState>,
    Query(query): Query<CallbackQuery>,
) -> Result<HttpResponse, Problem> {
    let logins = provider(&state)?;
    let forgetting = |problem: Problem| match HeaderValue::from_str(&oidc::forget(logins)) {
        Ok(cookie) => problem.with_header(SET_COOKIE, cookie),
        Err(_) => problem,
    };
    // HTTP/2 may bring each cookie in a header of its own (RFC 9113, section 8.2.3).
    let cookies = request
        .headers()
        .get_all(COOKIE)
        .filter_map(|header| header.to_str().ok());
    let cookies = cookies.collect::<Vec<_>>().join("; ");
    let admitted = oidc::callback(logins, &query, Some(&cookies)).await;
    let now_ms = state.clock.unix_ms();
    // Only of people whom the provider vouches for: strangers write nothing into the log.
    if let Err(LoginError::Role { subject, .. }) = &admitted {
        state.audit.record_audit(&refusal(&id, subject), now_ms).await?;
    }
    let admitted = admitted.map_err(|error| forgetting(told(error)))?;
    let opened = state
        .cookie
        .open(&*state.accounts, &admitted.who, Some(id.as_str()), now_ms)
        .await?
        .ok_or_else(|| forgetting(sessions::disabled()))?;
    sent_on(&admitted.redirect, Some(opened.cookie))
}

fn provider(state: &ApiState) -> Result<&OidcLogin, Problem> {
    state.oidc.as_ref().ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "no identity provider is configured here; set SAMVAD_OIDC_ISSUER and the variables beside it",
        )
    })
}

fn sent_on(redirect: &Redirect, session: Option<HeaderValue>) -> Result<HttpResponse, Problem> {
    let unwritable = |_: InvalidHeaderValue| Problem::internal();
    let location = HeaderValue::from_str(&redirect.location).map_err(unwritable)?;
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, location));
    for cookie in &redirect.cookies {
        response.append_header((SET_COOKIE, HeaderValue::from_str(cookie).map_err(unwritable)?));
    }
    if let Some(cookie) = session {
        response.append_header((SET_COOKIE, cookie));
    }
    Ok(response.finish())
}

/// A failed login as a problem. What is the provider's or the store's fault is logged: nobody else would know.
fn told(error: LoginError) -> Problem {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match error {
        LoginError::Store(error) => error.into(),
        error => {
            if status.is_server_error() {
                tracing::warn!(%error, "a login by the identity provider failed");
            }
            Problem::new(status, error.to_string())
        }
    }
}
