//! Users and API tokens.

use super::moment::Moment;
use super::names::{RoleName, Scope};
use super::page::{Page, PageQuery};
use super::{ApiState, Json, Query};
use crate::access::Caller;
use crate::access::tokens::{self, IssueError, TokenFault, TokenWish};
use crate::problem::{FieldFault, Problem};
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete, get, patch, post};
use samvad_actors::domain::{Permission, TokenId, UserId};
use samvad_actors::ports::{ApiToken, AuditEntry, TokenCursor, User};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_tokens)
        .service(create_token)
        .service(revoke_token)
        .service(list_users)
        .service(change_user);
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    id: String,
    /// Who vouches for them: the identity provider's URL, or `local`.
    issuer: String,
    /// What they are called there.
    subject: String,
    #[schema(required = true)]
    email: Option<String>,
    name: String,
    role: RoleName,
    /// Somebody who is disabled can do nothing.
    disabled: bool,
    created_at: Moment,
    #[schema(required = true)]
    last_login_at: Option<Moment>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            issuer: user.issuer,
            subject: user.subject,
            email: user.email,
            name: user.name,
            role: RoleName(user.role),
            disabled: user.disabled,
            created_at: Moment(user.created_at_ms),
            last_login_at: user.last_login_at_ms.map(Moment),
        }
    }
}

/// An API token, without the token itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenView {
    id: String,
    /// Id of whoever has made it.
    owner: String,
    name: String,
    /// Its first characters after `smv_`.
    hint: String,
    scopes: Vec<Scope>,
    created_at: Moment,
    #[schema(required = true)]
    expires_at: Option<Moment>,
    #[schema(required = true)]
    revoked_at: Option<Moment>,
    /// To within a minute.
    #[schema(required = true)]
    last_used_at: Option<Moment>,
}

impl From<ApiToken> for TokenView {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id.to_string(),
            owner: token.owner.to_string(),
            name: token.name,
            hint: token.hint,
            scopes: token.scopes.into_iter().map(Scope).collect(),
            created_at: Moment(token.created_at_ms),
            expires_at: token.expires_at_ms.map(Moment),
            revoked_at: token.revoked_at_ms.map(Moment),
            last_used_at: token.last_used_at_ms.map(Moment),
        }
    }
}

/// Which tokens.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct TokenQuery {
    /// `all`: everybody's, which needs `accounts:write`; otherwise one's own.
    #[serde(default)]
    #[param(inline)]
    owner: TokenOwner,
    /// Rows wanted at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TokenOwner {
    #[default]
    Me,
    All,
}

/// List tokens.
#[utoipa::path(
    tag = "tokens",
    params(TokenQuery),
    responses((
        status = 200,
        description = "A page of tokens, the newest first, those taken back included.",
        body = Page<TokenView>,
    )),
    extensions(("x-permission" = json!("session"))),
)]
#[get("/tokens")]
async fn list_tokens(
    caller: Caller,
    state: Data<ApiState>,
    Query(query): Query<TokenQuery>,
) -> Result<HttpResponse, Problem> {
    let owner = match query.owner {
        TokenOwner::Me => Some(&caller.principal.user.id),
        TokenOwner::All => {
            caller.require(Permission::WriteAccounts)?;
            None
        }
    };
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let limit = page.limit()?;
    let after = page.after::<TokenCursor>()?;
    let tokens = state.accounts.tokens(owner, after.as_ref(), limit + 1).await?;
    let page = Page::of(tokens, limit, |token| TokenCursor {
        created_at_ms: token.created_at_ms,
        id: token.id.clone(),
    });
    Ok(HttpResponse::Ok().json(page.map(TokenView::from)))
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewToken)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100, example = "nightly export")]
    name: String,
    /// What it may do: nothing that its owner may not.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// When it ends: in a minute to two years. Without, never, which is for admins.
    expires_at: Option<Moment>,
}

/// A new token: shown this once.
#[derive(Serialize, ToSchema)]
struct CreatedToken {
    /// The token itself, for `Authorization: Bearer`. It is not kept and not shown again.
    #[schema(example = "smv_…", format = Password)]
    secret: String,
    token: TokenView,
}

/// A fault of the wish for a token, at its place in the body.
fn told(fault: &TokenFault) -> FieldFault {
    let field = match fault.field() {
        "expires_at_ms" => "expires_at",
        field => field,
    };
    let text = fault.to_string();
    let (fault, remedy) = text.split_once("; ").unwrap_or((&text, "send another"));
    FieldFault::new(format!("/{field}"), fault, remedy)
}

/// Make a token.
///
/// An owner has 50 at most that admit, those neither taken back nor ended.
#[utoipa::path(
    tag = "tokens",
    request_body = TokenRequest,
    responses(
        (status = 201, description = "The token, shown this once.", body = CreatedToken),
        (status = 409, description = "The owner has as many tokens as they may.",
            content_type = "application/problem+json", body = crate::problem::ProblemBody<'static>),
    ),
    extensions(("x-permission" = json!("session")), ("x-idempotency-key" = json!(false))),
)]
#[post("/tokens")]
async fn create_token(
    caller: Caller,
    state: Data<ApiState>,
    Json(wanted): Json<TokenRequest>,
) -> Result<HttpResponse, Problem> {
    let now_ms = state.clock.unix_ms();
    let wish = TokenWish {
        name: wanted.name,
        scopes: wanted.scopes.iter().map(|scope| scope.0).collect(),
        expires_at_ms: wanted.expires_at.map(|moment| moment.0),
    };
    let id = TokenId::new(Uuid::new_v4().to_string());
    let issued = tokens::issue(&wish, &caller.principal.user, id, now_ms).map_err(|error| match error {
        IssueError::Wish(faults) => Problem::invalid(faults.iter().map(told).collect()),
        IssueError::NoRandomness => {
            tracing::error!(%error, "a token could not be made");
            Problem::internal()
        }
    })?;
    let token = issued.kept;
    let audit = AuditEntry {
        by: caller.changed_by(),
        action: "token.create",
        target: ("token", token.id.to_string()),
        before: None,
        after: Some(json!({
            "owner": token.owner.as_str(),
            "name": token.name,
            "scopes": token.scopes,
            "expires_at": wanted.expires_at,
        })),
    };
    let token = state.accounts.add_token(&token, &audit, now_ms).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/api/v1/tokens/{}", token.id)))
        .json(CreatedToken {
            secret: issued.secret.expose_secret().to_owned(),
            token: token.into(),
        }))
}

/// Take a token back.
///
/// One's own, or anybody's with `accounts:write`.
#[utoipa::path(
    tag = "tokens",
    params(("id" = String, Path, description = "The token's id.")),
    responses((status = 204, description = "It admits nobody any more.")),
    extensions(("x-permission" = json!("session"))),
)]
#[delete("/tokens/{id}")]
async fn revoke_token(caller: Caller, state: Data<ApiState>, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id = TokenId::new(id.into_inner());
    let token = state.accounts.token(&id).await?;
    let own = |token: &ApiToken| token.owner == caller.principal.user.id;
    let token = token
        .filter(|token| own(token) || caller.principal.may(Permission::WriteAccounts))
        .ok_or_else(|| Problem::no_such("token"))?;
    let audit = AuditEntry {
        by: caller.changed_by(),
        action: "token.revoke",
        target: ("token", token.id.to_string()),
        before: Some(json!({ "owner": token.owner.as_str(), "name": token.name, "scopes": token.scopes })),
        after: None,
    };
    state.accounts.revoke_token(&id, &audit, state.clock.unix_ms()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Users.
#[utoipa::path(
    tag = "users",
    params(PageQuery),
    responses((status = 200, description = "A page of users.", body = Page<UserView>)),
    extensions(("x-permission" = json!("accounts:write"))),
)]
#[get("/users")]
async fn list_users(state: Data<ApiState>, Query(page): Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let after = page.after::<UserId>()?;
    let users = state.accounts.users(after.as_ref(), limit + 1).await?;
    let page = Page::of(users, limit, |user| user.id.clone());
    Ok(HttpResponse::Ok().json(page.map(UserView::from)))
}

/// What can be changed of a user: the identity provider decides about the rest.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserChange {
    /// Somebody who is disabled has no session and gets none; their tokens admit nobody.
    disabled: bool,
}

/// Disable or enable a user.
#[utoipa::path(
    tag = "users",
    params(("id" = String, Path, description = "The user's id.")),
    request_body = UserChange,
    responses((status = 200, description = "The user as they are now.", body = UserView)),
    extensions(("x-permission" = json!("accounts:write"))),
)]
#[patch("/users/{id}")]
async fn change_user(
    caller: Caller,
    state: Data<ApiState>,
    id: Path<String>,
    Json(change): Json<UserChange>,
) -> Result<HttpResponse, Problem> {
    let id = UserId::new(id.into_inner());
    let user = state
        .accounts
        .user(&id)
        .await?
        .ok_or_else(|| Problem::no_such("user"))?;
    if user.id == caller.principal.user.id && change.disabled {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "you cannot disable yourself; ask another admin",
        ));
    }
    let audit = AuditEntry {
        by: caller.changed_by(),
        action: if change.disabled { "user.disable" } else { "user.enable" },
        target: ("user", user.id.to_string()),
        before: Some(json!({ "disabled": user.disabled })),
        after: Some(json!({ "disabled": change.disabled })),
    };
    let now_ms = state.clock.unix_ms();
    let user = state
        .accounts
        .set_user_disabled(&id, change.disabled, &audit, now_ms)
        .await?;
    Ok(HttpResponse::Ok().json(UserView::from(user)))
}
