//! The API's server: its own listener and worker threads, over connections of its own for reading the database, so that
//! nothing it does holds up a call. Writing it shares: SQLite has one writer.

use super::limits::{RateLimits, Rates};
use super::metrics::{Metrics, Vitals};
use super::openapi::{self, Description};
use super::operations::{Access, BODY_LIMIT, Operation, Operations};
use super::{ApiState, DOCS, configure, edge, idempotency, ui};
use crate::access::guard;
use crate::access::local_login::{Announce, LocalLogin};
use crate::access::oidc::OidcLogin;
use crate::access::sessions::SessionCookie;
use crate::app::campaigns::Campaigns;
use crate::config::{ApiSettings, OidcSettings};
use crate::http::BoundServer;
use crate::problem::Problem;
use actix_cors::Cors;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::Context;
use samvad_actors::ports::{AccountStore, AuditStore, Clock, IdempotencyStore};
use samvad_actors::runtime::Readiness;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;

/// How long a connection without requests is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Seconds that requests under way are given at a graceful stop.
const STOP_SECONDS: u64 = 5;
/// Connections of one worker at the same time.
const CONNECTIONS: usize = 1_024;
/// How long a browser may remember what CORS allows, in seconds.
const CORS_SECONDS: usize = 600;

/// What the API works on.
pub struct ApiPorts {
    /// Users, sessions, tokens.
    pub accounts: Arc<dyn AccountStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditStore>,
    /// Answers to idempotency keys.
    pub keys: Arc<dyn IdempotencyStore>,
    /// Campaigns, contacts, the exclusion list, imports, results.
    pub campaigns: Arc<Campaigns>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Whether the node is ready.
    pub readiness: Arc<Readiness>,
    /// What goes on in the node.
    pub vitals: Vitals,
    /// Shows the secrets of the local login; `None`: there is none.
    pub announce: Option<Announce>,
    /// The identity provider; `None`: there is none.
    pub oidc: Option<OidcSettings>,
    /// How often the API may be asked.
    pub rates: Rates,
}

/// Binds the API's server: connections wait until it is polled.
///
/// # Errors
/// The address cannot be bound, or an operation is described wrongly.
pub fn bind(settings: &ApiSettings, ports: ApiPorts) -> anyhow::Result<BoundServer> {
    let listener = TcpListener::bind(settings.bind).with_context(|| {
        format!(
            "cannot listen on {}; set SAMVAD_API_BIND to a free address, or to off",
            settings.bind
        )
    })?;
    let address = listener.local_addr()?;
    let state = Data::new(state(settings, ports, address)?);
    let origins = settings.cors_origins.clone();
    let application = move || {
        let (app, _) = App::new().into_utoipa_app().configure(configure).split_for_parts();
        app.app_data(state.clone())
            .app_data(web::PathConfig::default().error_handler(|_, _| Problem::no_such("thing").into()))
            .configure(ui::configure_page)
            .wrap(from_fn(idempotency::once))
            .wrap(from_fn(guard::guard))
            .wrap(cors(&origins))
            .wrap(from_fn(edge::edge))
            .default_service(web::to(nothing_here))
    };
    let server = HttpServer::new(application)
        .workers(settings.workers.max(1))
        .max_connections(CONNECTIONS)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEAD_TIMEOUT)
        .shutdown_timeout(STOP_SECONDS)
        .tcp_nodelay(true)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(BoundServer {
        address,
        handle: server.handle(),
        server,
    })
}

fn state(settings: &ApiSettings, ports: ApiPorts, address: std::net::SocketAddr) -> anyhow::Result<ApiState> {
    let public_url = settings
        .public_url_at(address)
        .context("SAMVAD_API_PUBLIC_URL cannot be made up from the address")?;
    let cookie = SessionCookie::for_origin(&public_url);
    let (description, operations) = describe(cookie)?;
    let local_login = ports
        .announce
        .and_then(|announce| LocalLogin::start(address, &public_url, announce));
    let oidc = ports
        .oidc
        .map(|oidc| OidcLogin::new(&oidc, &public_url, ports.accounts.clone(), ports.clock.clone()))
        .transpose()?;
    Ok(ApiState {
        accounts: ports.accounts,
        audit: ports.audit,
        keys: ports.keys,
        campaigns: ports.campaigns,
        clock: ports.clock,
        readiness: ports.readiness,
        public_url,
        cookie,
        local_login,
        oidc,
        limits: RateLimits::new(ports.rates),
        proxies: settings.proxies.clone(),
        operations,
        metrics: Metrics::new(ports.vitals),
        description,
    })
}

/// The description as JSON, and what it allows to serve.
fn describe(cookie: SessionCookie) -> anyhow::Result<(Bytes, Operations)> {
    let app = App::new().into_utoipa_app().openapi(Description::openapi());
    let (_, mut description) = app.configure(configure).split_for_parts();
    let mut operations = openapi::complete(&mut description, cookie.name())?;
    for path in [DOCS, ui::DOCS_FILES] {
        let page = Operation {
            path: path.to_owned(),
            access: Access::Public,
            body_limit: BODY_LIMIT,
            keeps_answer: false,
        };
        operations.add(&Method::GET, page);
    }
    Ok((Bytes::from(serde_json::to_vec(&description)?), operations))
}

/// Other origins use tokens: a session's cookie is never sent along.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            super::IDEMPOTENCY_KEY,
        ])
        .expose_headers([
            CONTENT_DISPOSITION.as_str(),
            ETAG.as_str(),
            LOCATION.as_str(),
            RETRY_AFTER.as_str(),
            super::REPLAYED.as_str(),
            "x-request-id",
        ])
        .max_age(CORS_SECONDS);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// The guard has let nothing through that has no route; this is for the case that it errs.
async fn nothing_here() -> Result<HttpResponse, Problem> {
    Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
}
