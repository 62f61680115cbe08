//! The media socket: admits a carrier's media stream and ties it to its call actor.
//!
//! The upgrade must be signed. Then `start` must arrive in time with a valid token, for our account and in a format we
//! play; the store uses the token up; and the call actor is started on this same thread, so that no frame crosses
//! threads. Whatever ends the socket, the call actor is told once; whatever ends the call, the socket closes.
//!
//! | close code | when |
//! |---|---|
//! | the call's own | the call actor closed its line |
//! | the peer's own | answer to the peer's close frame (1000 if it gave none) |
//! | 1002 | against the WebSocket protocol: continuation of nothing, unmasked, reserved bits, malformed close |
//! | 1003 | a binary frame; a `mediaFormat` other than mu-law, 8000 Hz, 1 channel |
//! | 1007 | not UTF-8; before admission also not JSON, or a field missing or malformed |
//! | 1008 | no `start` in time; media before `start`; another account; token missing, forged, expired, used, or its attempt over; too much before admission; the peer does not read |
//! | 1009 | a message longer than 64 KiB |
//! | 1011 | the store or the call actor failed us; the call ended without closing its line |
//!
//! After our close frame the actor goes on reading, and throws away what it reads, until the peer's close frame: were
//! the connection closed with something unread, the peer would see a reset and not our close. This is the one file
//! that uses `actix-web-actors`, and of it the handshake only: why is said in `frames` and `outbox`.

use super::admission::{Opening, OpeningFault, StreamStart, read};
use super::frames::{Budget, FrameFault, Message, Messages};
use super::gauges::{OpenSocket, UnauthenticatedSocket};
use super::line::SocketLine;
use super::outbox::Outbox;
use super::server::Connection;
use super::signed::verify;
use super::{CallHandle, CallStartError, HttpState};
use crate::carrier::twilio::Content;
use crate::problem::Problem;
use actix::dev::SendError;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, StreamHandler};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use bytestring::ByteString;
use samvad_actors::domain::AttemptId;
use samvad_actors::ports::{MediaTokenClaim, StoreError, TokenRefusal};
use samvad_actors::runtime::{LineClosed, MediaText};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::oneshot;

/// `GET /twilio/media`: the upgrade.
pub(super) async fn open(
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, Problem> {
    verify(&request, Content::Upgrade, &state)?;
    let mut response =
        ws::handshake(&request).map_err(|fault| Problem::new(StatusCode::BAD_REQUEST, fault.to_string()))?;
    let limits = state.limits;
    let Some((open, unauthenticated)) = state.sockets.enter(limits.unauthenticated_sockets) else {
        let reason = "too many sockets wait for admission";
        state.refusals.note("a media socket was refused", reason);
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason));
    };
    let Some(connection) = request.conn_data::<Connection>() else {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "out of descriptors"));
    };
    let (alive, dropped) = oneshot::channel();
    connection.cut_off_after(dropped, limits.close_timeout);
    let outbox = Outbox::new(limits.backlog_bytes);
    let body = outbox.body();
    let budget = Budget::new(limits.unauthenticated_bytes);
    let messages = Messages::new(payload, budget.clone());
    MediaSocket::create(|ctx| {
        ctx.add_stream(messages);
        MediaSocket {
            state: state.into_inner(),
            outbox,
            budget,
            attempt: None,
            phase: Phase::AwaitingStart,
            place: Some(unauthenticated),
            _open: open,
            _alive: alive,
        }
    });
    Ok(response.streaming(body))
}

/// One media socket.
pub(super) struct MediaSocket {
    state: Arc<HttpState>,
    outbox: Rc<Outbox>,
    budget: Budget,
    /// For the log, once a token has named it.
    attempt: Option<AttemptId>,
    phase: Phase,
    /// Given back upon admission.
    place: Option<UnauthenticatedSocket>,
    _open: OpenSocket,
    /// Dropped with this: a while later the connection is cut off, whatever state it is in.
    _alive: oneshot::Sender<()>,
}

enum Phase {
    /// Open, nobody has vouched for it.
    AwaitingStart,
    /// The token is good; the store is asked whether it has been used. What arrives meanwhile waits.
    Admitting(Vec<ByteString>),
    /// Tied to its call.
    Live(Attached),
    /// Our close frame is queued; the peer's is awaited.
    Closing,
}

/// A call actor tied to this socket: told when this is dropped.
struct Attached(CallHandle);

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.closed.do_send(LineClosed);
    }
}

/// The call has closed its line (call to socket).
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(super) struct Hangup;

/// What came of an admission.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct Admission(Result<Attached, NotAdmitted>);

/// Why a stream with a good token is not admitted.
#[derive(Debug, thiserror::Error)]
enum NotAdmitted {
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Start(#[from] CallStartError),
}

impl Actor for MediaSocket {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_later(self.state.limits.start_timeout, |socket, ctx| {
            if matches!(socket.phase, Phase::AwaitingStart) {
                socket.refuse(ctx, 1008, "no start in time");
            }
        });
    }
}

impl Drop for MediaSocket {
    fn drop(&mut self) {
        // A panic in a handler comes by here without a close frame.
        self.outbox.close(1011, "internal error");
        self.outbox.finish();
    }
}

impl StreamHandler<Result<Message, FrameFault>> for MediaSocket {
    fn handle(&mut self, message: Result<Message, FrameFault>, ctx: &mut Self::Context) {
        match message {
            Ok(Message::Close(code)) => {
                self.outbox.close(code.unwrap_or(1000), "");
                ctx.stop();
            }
            Err(FrameFault::Lost) => ctx.stop(),
            _ if matches!(self.phase, Phase::Closing) => {}
            Ok(Message::Text(text)) => self.text(text, ctx),
            Ok(Message::Binary) => self.refuse(ctx, 1003, "binary frames are not taken"),
            Ok(Message::Ping(payload)) => {
                if self.outbox.pong(&payload).is_err() {
                    self.refuse(ctx, 1008, "too much waits to be read");
                }
            }
            Ok(Message::Pong) => {}
            Err(fault) => {
                let code = match fault {
                    FrameFault::TooLong => 1009,
                    FrameFault::NotUtf8 => 1007,
                    FrameFault::Protocol(_) => 1002,
                    FrameFault::OverBudget | FrameFault::Lost => 1008,
                };
                self.refuse(ctx, code, &fault.to_string());
            }
        }
    }
}

impl Handler<Hangup> for MediaSocket {
    type Result = ();

    fn handle(&mut self, _: Hangup, ctx: &mut Self::Context) {
        self.closing(ctx);
    }
}

impl Handler<Admission> for MediaSocket {
    type Result = ();

    fn handle(&mut self, Admission(verdict): Admission, ctx: &mut Self::Context) {
        // Closed meanwhile: the verdict is dropped, which tells the call.
        let Phase::Admitting(waiting) = &mut self.phase else {
            return;
        };
        let waiting = std::mem::take(waiting);
        match verdict {
            Ok(call) => {
                tracing::debug!(
                    attempt = self.attempt.as_ref().map(AttemptId::as_str),
                    "media stream admitted"
                );
                self.place = None;
                self.budget.lift();
                for text in waiting {
                    // Few by the budget, so they may exceed the mailbox's capacity.
                    call.0.media.do_send(MediaText(text));
                }
                self.phase = Phase::Live(call);
            }
            Err(NotAdmitted::Token(refusal)) => self.refuse(ctx, 1008, &refusal.to_string()),
            Err(fault) => {
                tracing::error!(%fault, "a media stream with a good token could not be admitted");
                self.refuse(ctx, 1011, "the call cannot be taken now");
            }
        }
    }
}

impl MediaSocket {
    fn text(&mut self, text: ByteString, ctx: &mut Context<Self>) {
        match &mut self.phase {
            Phase::Live(call) => match call.0.media.try_send(MediaText(text)) {
                Ok(()) => {}
                Err(SendError::Full(_)) => self.state.sockets.count_dropped_frame(),
                Err(SendError::Closed(_)) => self.refuse(ctx, 1011, "the call has ended"),
            },
            Phase::Admitting(waiting) => waiting.push(text),
            Phase::AwaitingStart => match read(&text) {
                Ok(Opening::Preamble) => {}
                Ok(Opening::Start(start)) => self.admit(start, ctx),
                Err(fault) => {
                    let code = match fault {
                        OpeningFault::NotJson | OpeningFault::Field(_) => 1007,
                        OpeningFault::OutOfOrder | OpeningFault::NoToken => 1008,
                        OpeningFault::Format => 1003,
                    };
                    self.refuse(ctx, code, &fault.to_string());
                }
            },
            Phase::Closing => {}
        }
    }

    /// Verifies what `start` says and has the store use up the token.
    fn admit(&mut self, start: StreamStart, ctx: &mut Context<Self>) {
        if start.account_sid != self.state.account_sid {
            return self.refuse(ctx, 1008, "accountSid: not this server's account");
        }
        let now_ms = self.state.clock.unix_ms();
        let token = match self.state.tokens.verify(&start.token, now_ms) {
            Ok(token) => token,
            Err(fault) => return self.refuse(ctx, 1008, &fault.to_string()),
        };
        self.attempt = Some(token.attempt.clone());
        self.phase = Phase::Admitting(Vec::new());
        self.budget.set(self.state.limits.waiting_bytes);
        ctx.run_later(self.state.limits.admission_timeout, |socket, ctx| {
            if matches!(socket.phase, Phase::Admitting(_)) {
                tracing::error!("the store does not say whether a media token is good");
                socket.refuse(ctx, 1011, "the call cannot be taken now");
            }
        });

        let claim = MediaTokenClaim {
            attempt: token.attempt,
            token_hash: token.hash_hex,
            call_sid: start.call_sid,
            account_sid: start.account_sid,
            stream_sid: start.stream_sid,
        };
        let (state, outbox, socket) = (self.state.clone(), self.outbox.clone(), ctx.address());
        // Apart from the actor: should the socket end meanwhile, a call whose token has been used up must start all
        // the same, to learn that its line is gone and to write its outcome.
        actix_web::rt::spawn(async move {
            state.calls.prepare(&claim.attempt).await;
            let verdict = match state.store.consume_media_token(&claim, now_ms).await {
                Ok(Ok(admitted)) => {
                    let line = Rc::new(SocketLine {
                        outbox,
                        socket: socket.clone(),
                    });
                    let call = state.calls.start(admitted, claim.stream_sid, line);
                    call.map(Attached).map_err(NotAdmitted::from)
                }
                Ok(Err(refusal)) => Err(refusal.into()),
                Err(fault) => Err(fault.into()),
            };
            socket.do_send(Admission(verdict));
        });
    }

    /// Closes for a fault of the peer or of ours: with a line in the log if a token has named the attempt, else counted
    /// among those of other strangers. What was queued before is written first.
    fn refuse(&mut self, ctx: &mut Context<Self>, code: u16, reason: &str) {
        match &self.attempt {
            Some(attempt) => tracing::warn!(%attempt, code, reason, "media socket closed"),
            None => self
                .state
                .refusals
                .note("a media socket without a valid token was closed", reason),
        }
        self.outbox.close(code, reason);
        self.closing(ctx);
    }

    /// The close frame is queued: tells the call, and waits a while for the peer's.
    fn closing(&mut self, ctx: &mut Context<Self>) {
        self.phase = Phase::Closing;
        self.budget.lift();
        ctx.run_later(self.state.limits.close_timeout, |_, ctx| ctx.stop());
    }
}
