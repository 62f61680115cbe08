//! Signing in on this machine, and the session one has.

use super::accounts::UserView;
use super::moment::Moment;
use super::names::Scope;
use super::{ApiState, Json, RequestId};
use crate::access::local_login::{check_request, local_admin};
use crate::access::{Caller, Credential, Principal, csrf, sessions};
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::web::{Data, ReqData};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use samvad_actors::domain::{ActorKind, ChangedBy};
use samvad_actors::ports::AuditEntry;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(read).service(close).service(local_login);
}

/// Who one is here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionView {
    /// The person; of a token, its owner.
    user: UserView,
    /// `session` or `token`.
    #[schema(example = "session")]
    credential: &'static str,
    /// All that one may do.
    permissions: Vec<Scope>,
    /// What unsafe methods must show in `x-csrf-token`; `null` for a token, which needs none.
    #[schema(required = true)]
    csrf_token: Option<String>,
    /// When it ends whatever happens; `null`: never.
    #[schema(required = true)]
    expires_at: Option<Moment>,
}

impl SessionView {
    fn of(principal: Principal) -> Self {
        let permissions = principal.permissions().into_iter().map(Scope).collect();
        let (credential, csrf_token, expires_at) = match principal.credential {
            Credential::Session {
                csrf_token,
                expires_at_ms,
                ..
            } => ("session", Some(csrf_token), Some(Moment(expires_at_ms))),
            Credential::Token(token) => ("token", None, token.expires_at_ms.map(Moment)),
        };
        Self {
            user: principal.user.into(),
            credential,
            permissions,
            csrf_token,
            expires_at,
        }
    }
}

/// Who am I, and what may I do?
#[utoipa::path(
    tag = "session",
    responses((status = 200, description = "Who one is here.", body = SessionView)),
    extensions(("x-permission" = json!("signed_in"))),
)]
#[get("/session")]
async fn read(caller: Caller) -> HttpResponse {
    HttpResponse::Ok().json(SessionView::of(caller.principal))
}

/// Sign out.
#[utoipa::path(
    tag = "session",
    responses((status = 204, description = "Signed out.")),
    extensions(("x-permission" = json!("session"))),
)]
#[delete("/session")]
async fn close(caller: Caller, state: Data<ApiState>) -> Result<HttpResponse, Problem> {
    if let Credential::Session {
        key_hash,
        expires_at_ms,
        ..
    } = &caller.principal.credential
    {
        let audit = AuditEntry {
            by: caller.changed_by(),
            action: "session.close",
            target: ("user", caller.principal.user.id.to_string()),
            before: Some(serde_json::json!({ "expires_at_ms": expires_at_ms })),
            after: None,
        };
        let now_ms = state.clock.unix_ms();
        state.accounts.sign_out(key_hash, &audit, now_ms).await?;
    }
    Ok(HttpResponse::NoContent().insert_header(state.cookie.removal()).finish())
}

/// What the local login needs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LocalLoginRequest {
    /// The secret that the server has shown.
    #[schema(max_length = 256, format = Password)]
    secret: String,
}

/// Sign in on the server's own machine.
///
/// With the secret that the server shows when it starts, and after each use. Only where the API listens on this machine
/// alone and its public origin is this machine too, and only directly, not through a proxy.
#[utoipa::path(
    tag = "session",
    request_body = LocalLoginRequest,
    responses(
        (status = 200, description = "Signed in; the session is in the cookie.", body = SessionView),
        (status = 403, description = "The secret is wrong, or a condition is not met.", body = crate::problem::ProblemBody,
            content_type = "application/problem+json"),
    ),
    extensions(("x-permission" = json!("public"))),
)]
#[post("/local-login")]
async fn local_login(
    request: HttpRequest,
    id: ReqData<RequestId>,
    state: Data<ApiState>,
    Json(login): Json<LocalLoginRequest>,
) -> Result<HttpResponse, Problem> {
    let Some(local) = &state.local_login else {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "there is no local login here: it needs an address and a public origin of this machine alone, and no \
             identity provider",
        ));
    };
    check_request(request.headers(), request.peer_addr())?;
    csrf::from_own_pages(request.headers(), state.public_url.origin())?;
    let now_ms = state.clock.unix_ms();
    if let Err(problem) = local.use_secret(&login.secret) {
        if problem.status == StatusCode::FORBIDDEN {
            state.audit.record_audit(&refusal(&id, "local"), now_ms).await?;
        }
        return Err(problem);
    }
    let opened = state
        .cookie
        .open(&*state.accounts, &local_admin(), Some(id.as_str()), now_ms)
        .await?
        .ok_or_else(sessions::disabled)?;
    let principal = Principal {
        user: opened.user,
        credential: Credential::Session {
            key_hash: String::new(),
            csrf_token: opened.csrf_token,
            expires_at_ms: opened.expires_at_ms,
        },
    };
    Ok(HttpResponse::Ok()
        .insert_header((SET_COOKIE, opened.cookie))
        .json(SessionView::of(principal)))
}

/// For the audit log: somebody was not let in who is no user here. `who`: what they are called by whoever vouches for them.
pub(super) fn refusal(id: &RequestId, who: &str) -> AuditEntry {
    AuditEntry {
        by: ChangedBy {
            kind: ActorKind::System,
            id: String::new(),
            name: "samvad".to_owned(),
            request_id: Some(id.to_string()),
        },
        action: "session.refuse",
        target: ("user", who.to_owned()),
        before: None,
        after: None,
    }
}
