//! The HTTP side: the carrier's webhooks, the media socket, health.
//!
//! Nothing under `/twilio` is looked at before its signature has been verified over our public origin; there is no
//! way to switch that off. Errors are problem details (RFC 9457) that never repeat what was sent.

mod admission;
mod callbacks;
mod frames;
mod gauges;
mod health;
mod inbound;
mod line;
mod media_socket;
mod outbox;
mod refusals;
mod server;
mod signed;
mod stream_events;

pub use gauges::SocketGauges;
pub use inbound::Inbound;
pub use refusals::RefusalLog;
pub use server::{BoundServer, ServerSettings, bind};
pub use stream_events::{StreamEvent, StreamEventKind, StreamEvents};

use crate::carrier::token::MediaTokens;
use crate::carrier::twilio::{
    INBOUND_KEY_PATH, INBOUND_PATH, MACHINE_DETECTION_PATH, MEDIA_PATH, STATUS_PATH, STREAM_PATH, SignatureValidator,
};
use crate::problem::Problem;
use actix::Recipient;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use futures_util::future::LocalBoxFuture;
use samvad_actors::domain::{AccountSid, AttemptId, CarrierStatus, MachineVerdict, StreamSid};
use samvad_actors::ports::{AdmittedCall, AttemptStore, CallbackEffect, Clock};
use samvad_actors::runtime::{Line, LineClosed, MediaText, Readiness};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What the handlers share, on every worker.
pub struct HttpState {
    /// Keeps callbacks and uses up media tokens.
    pub store: Arc<dyn AttemptStore>,
    /// Time of receipt.
    pub clock: Arc<dyn Clock>,
    /// Says whether a request is Twilio's.
    pub signatures: SignatureValidator,
    /// Our account: a request about another is refused.
    pub account_sid: AccountSid,
    /// Verifies media tokens.
    pub tokens: MediaTokens,
    /// Is told what callbacks changed.
    pub events: Arc<dyn CallEvents>,
    /// Knows which events of streams have been told.
    pub stream_events: Arc<StreamEvents>,
    /// Answers people who call us.
    pub inbound: Inbound,
    /// Starts the call of an admitted stream.
    pub calls: Arc<dyn CallStarter>,
    /// What `/readyz` says.
    pub readiness: Arc<Readiness>,
    /// How many media sockets there are.
    pub sockets: Arc<SocketGauges>,
    /// Logs what strangers are refused for.
    pub refusals: Arc<RefusalLog>,
    /// What a media socket may use.
    pub limits: MediaLimits,
}

/// Is told what a verified callback changed, once it is kept. Called on a worker's thread: must not block.
pub trait CallEvents: Send + Sync {
    /// The carrier's status of an attempt moved on (`effect` is `Advanced` or `Ended`).
    fn status(&self, attempt: &AttemptId, status: CarrierStatus, effect: CallbackEffect);

    /// The carrier's machine detection has a new verdict.
    fn machine(&self, attempt: &AttemptId, verdict: MachineVerdict);

    /// The carrier reports something new of an attempt's media stream.
    fn stream(&self, attempt: &AttemptId, event: &StreamEvent);
}

/// Starts the actor of a call whose media stream has been admitted.
pub trait CallStarter: Send + Sync {
    /// Makes ready what the call of an attempt needs, before its token is used up: in a fleet a call may land on a server
    /// that has not spoken its campaign yet. What cannot be made ready is told by `start`.
    fn prepare<'a>(&'a self, attempt: &'a AttemptId) -> LocalBoxFuture<'a, ()> {
        let _ = attempt;
        Box::pin(std::future::ready(()))
    }

    /// Starts it on the calling thread, which owns the socket too. From here on the call belongs to the actor: every
    /// text frame after `start` goes to `CallHandle::media`, and `CallHandle::closed` is told exactly once when the
    /// socket is gone, be it before this returns. When the last `line` is dropped, the socket closes (1011, unless
    /// [`Line::close`] gave another code).
    ///
    /// # Errors
    /// [`CallStartError`]. The token is used up by then: whoever refuses sees to the attempt's outcome.
    fn start(
        &self,
        admitted: AdmittedCall,
        stream_sid: StreamSid,
        line: Rc<dyn Line>,
    ) -> Result<CallHandle, CallStartError>;
}

/// How the media socket reaches its call actor.
pub struct CallHandle {
    /// Takes every text frame that follows `start`.
    pub media: Recipient<MediaText>,
    /// Is told that the socket is gone.
    pub closed: Recipient<LineClosed>,
}

/// Why a call actor was not started.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the call cannot be started: {reason}")]
pub struct CallStartError {
    /// Why.
    pub reason: String,
}

/// What a media socket may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaLimits {
    /// Sockets on all workers that have not been admitted yet.
    pub unauthenticated_sockets: usize,
    /// Bytes of frames, headers included, that a socket may send before its token has been verified.
    pub unauthenticated_bytes: usize,
    /// Bytes of frames that it may send while the store is asked.
    pub waiting_bytes: usize,
    /// Bytes that may wait to be written before the peer counts as not reading.
    pub backlog_bytes: usize,
    /// From the opening of the socket to `start`.
    pub start_timeout: Duration,
    /// From `start` to the store's answer.
    pub admission_timeout: Duration,
    /// From our close frame to the peer's: what it sends meanwhile is thrown away. As long again for what is still
    /// to be written; then the connection is cut off.
    pub close_timeout: Duration,
}

impl Default for MediaLimits {
    fn default() -> Self {
        Self {
            unauthenticated_sockets: 256,
            unauthenticated_bytes: 8 * 1024,
            waiting_bytes: 64 * 1024,
            // 90 s of audio: no prompt is as long.
            backlog_bytes: 1024 * 1024,
            start_timeout: Duration::from_secs(5),
            admission_timeout: Duration::from_secs(5),
            close_timeout: Duration::from_secs(2),
        }
    }
}

/// Adds every route to an application.
pub fn configure(cfg: &mut web::ServiceConfig, state: Arc<HttpState>) {
    let only = |method: actix_web::Route, path: String| {
        web::resource(path)
            .route(method)
            .default_service(web::to(method_not_allowed))
    };
    cfg.app_data(web::Data::from(state))
        .service(only(
            web::post().to(callbacks::status),
            format!("{STATUS_PATH}/{{attempt}}"),
        ))
        .service(only(
            web::post().to(callbacks::machine),
            format!("{MACHINE_DETECTION_PATH}/{{attempt}}"),
        ))
        .service(only(
            web::post().to(stream_events::stream),
            format!("{STREAM_PATH}/{{attempt}}"),
        ))
        .service(only(web::post().to(inbound::voice), INBOUND_PATH.to_owned()))
        .service(only(web::post().to(inbound::key), INBOUND_KEY_PATH.to_owned()))
        .service(only(web::get().to(media_socket::open), MEDIA_PATH.to_owned()))
        .service(only(web::get().to(health::alive), "/healthz".to_owned()))
        .service(only(web::get().to(health::ready), "/readyz".to_owned()))
        .default_service(web::to(not_found));
}

/// For a path that is not ours.
async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path"))
}

/// For a path that is ours, with another method.
async fn method_not_allowed() -> Result<HttpResponse, Problem> {
    Err(Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path takes another method",
    ))
}
