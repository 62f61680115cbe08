//! The audit log: searched, the newest first.

use super::moment::Moment;
use super::page::{Page, PageQuery};
use super::{ApiState, Query};
use crate::problem::Problem;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use samvad_actors::ports::{AuditQuery, AuditRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(search);
}

/// What to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AuditSearch {
    /// Id of the user or token that did it.
    by: Option<String>,
    /// Beginning of the action, for example `campaign.`.
    action: Option<String>,
    /// Kind of what was changed, for example `campaign`.
    target_kind: Option<String>,
    /// Its id.
    target_id: Option<String>,
    /// From this moment on.
    from: Option<Moment>,
    /// Before this moment.
    until: Option<Moment>,
    /// Rows wanted at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(max_length = 1024)]
    cursor: Option<String>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditItem {
    id: i64,
    at: Moment,
    by: AuditActor,
    /// What was done, for example `token.create`.
    action: String,
    target: AuditTarget,
    /// How it was; `null` for what is new.
    #[schema(required = true, value_type = Option<Object>)]
    before: Option<Value>,
    /// How it is since; `null` for what is gone.
    #[schema(required = true, value_type = Option<Object>)]
    after: Option<Value>,
    /// The request that asked for it.
    #[schema(required = true)]
    request_id: Option<String>,
}

/// Who did it.
#[derive(Debug, Serialize, ToSchema)]
struct AuditActor {
    /// `user`, `token`, `command_line` or `system`.
    kind: &'static str,
    id: String,
    name: String,
}

/// What was changed.
#[derive(Debug, Serialize, ToSchema)]
struct AuditTarget {
    kind: String,
    id: String,
}

impl From<AuditRow> for AuditItem {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: Moment(row.at_ms),
            by: AuditActor {
                kind: row.by.kind.as_str(),
                id: row.by.id,
                name: row.by.name,
            },
            action: row.action,
            target: AuditTarget {
                kind: row.target_kind,
                id: row.target_id,
            },
            before: row.before,
            after: row.after,
            request_id: row.by.request_id,
        }
    }
}

/// Search the audit log.
#[utoipa::path(
    tag = "audit",
    params(AuditSearch),
    responses((status = 200, description = "A page of changes, the newest first.", body = Page<AuditItem>)),
    extensions(("x-permission" = json!("audit:read"))),
)]
#[get("/audit")]
async fn search(state: Data<ApiState>, Query(search): Query<AuditSearch>) -> Result<HttpResponse, Problem> {
    let page = PageQuery {
        limit: search.limit,
        cursor: search.cursor,
    };
    let limit = page.limit()?;
    let query = AuditQuery {
        by: search.by,
        action_prefix: search.action,
        target_kind: search.target_kind,
        target_id: search.target_id,
        from_ms: search.from.map(|moment| moment.0),
        until_ms: search.until.map(|moment| moment.0),
        before_id: page.after::<i64>()?,
        limit: limit + 1,
    };
    let rows = state.campaigns.audit_log(&query).await?;
    let page = Page::of(rows, limit, |row| row.id);
    Ok(HttpResponse::Ok().json(page.map(AuditItem::from)))
}
