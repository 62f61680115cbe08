//! The HTTP API for people and programs: described by OpenAPI from the code, on a server and threads of its own.
//!
//! Every request passes, from the outside in: the edge (id, span, metrics, security headers; errors become problem
//! details), CORS, the guard (`src/access/guard.rs`: who, and may they), and idempotency keys. What is not in the
//! description, with who may use it, is not served.
//!
//! A handler is an actix handler with `#[utoipa::path]`, added to its folder's `configure`:
//!
//! ```text
//! #[utoipa::path(
//!     tag = "things",
//!     responses((status = 201, description = "Made.", body = Thing)),
//!     extensions(("x-permission" = json!("things:write"))),
//! )]
//! #[post("/things")]
//! async fn create(caller: Caller, state: Data<ApiState>, Json(new): Json<NewThing>) -> Result<HttpResponse, Problem>
//! ```
//!
//! Problems that follow from the kind of operation, CSRF and idempotency headers, and security are added to the
//! description by `openapi.rs`; a handler describes its own answers.

mod accounts;
mod audit;
mod campaigns;
mod client_address;
mod contacts;
mod csv_body;
mod edge;
pub mod etag;
mod exclusions;
mod export;
mod extract;
mod health;
mod idempotency;
mod imports;
pub mod limits;
mod login;
pub mod metrics;
pub mod moment;
pub mod names;
pub mod openapi;
pub mod operations;
pub mod page;
mod request_id;
mod server;
mod session;
mod statistics;
mod ui;
pub mod words;

pub use audit::AuditItem;
pub use extract::{Json, Query};
pub use idempotency::{IDEMPOTENCY_KEY, REPLAYED};
pub use request_id::RequestId;
pub use server::{ApiPorts, bind};

use crate::access::local_login::LocalLogin;
use crate::access::oidc::OidcLogin;
use crate::access::sessions::SessionCookie;
use crate::app::campaigns::Campaigns;
use crate::config::PublicUrl;
use actix_web::web::Bytes;
use limits::RateLimits;
use metrics::Metrics;
use operations::Operations;
use samvad_actors::ports::{AccountStore, AuditStore, Clock, IdempotencyStore};
use samvad_actors::runtime::Readiness;
use std::sync::Arc;
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

/// Where the page to try the API is.
const DOCS: &str = "/api/docs";

/// What the ground and the handlers share, on every worker.
pub struct ApiState {
    /// Users, sessions, tokens.
    pub accounts: Arc<dyn AccountStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditStore>,
    /// Answers to idempotency keys.
    pub keys: Arc<dyn IdempotencyStore>,
    /// Campaigns, contacts, the exclusion list, imports, results.
    pub campaigns: Arc<Campaigns>,
    /// Time of receipt.
    pub clock: Arc<dyn Clock>,
    /// What `/readyz` says.
    pub readiness: Arc<Readiness>,
    /// Origin at which the API is reached.
    pub public_url: PublicUrl,
    /// The cookie of sessions.
    pub cookie: SessionCookie,
    /// The local login; `None`: there is none.
    pub local_login: Option<LocalLogin>,
    /// Logins by an identity provider; `None`: there is none.
    pub oidc: Option<OidcLogin>,
    /// How often it may be asked.
    pub(crate) limits: RateLimits,
    /// Proxies that say for whom they ask.
    pub(crate) proxies: Vec<ipnet::IpNet>,
    /// Who may use what.
    pub(crate) operations: Operations,
    metrics: Metrics,
    /// The description as JSON.
    description: Bytes,
}

/// Every operation that is described: what stands here is served.
fn configure(cfg: &mut ServiceConfig) {
    health::configure(cfg);
    cfg.service(scope("/api/v1").configure(|cfg| {
        ui::configure(cfg);
        session::configure(cfg);
        login::configure(cfg);
        accounts::configure(cfg);
        audit::configure(cfg);
        campaigns::configure(cfg);
        exclusions::configure(cfg);
        contacts::configure(cfg);
        imports::configure(cfg);
        statistics::configure(cfg);
        export::configure(cfg);
    }));
}
