//! What ties the HTTP side and the dialler to the actors.

use super::surveys::SurveyRoom;
use crate::carrier::token::{self, MediaTokens};
use crate::http::{CallEvents, CallHandle, CallStartError, CallStarter, StreamEvent};
use crate::ids::new_id;
use crate::store::SqlStore;
use actix::Addr;
use futures_util::future::LocalBoxFuture;
use samvad_actors::domain::{AttemptId, CarrierStatus, EndReason, MachineVerdict, StreamSid};
use samvad_actors::ports::{
    AdmittedCall, AttemptStore, CallTold, CallbackEffect, CampaignStore, Clock, Coordination, FleetCommand,
};
use samvad_actors::runtime::{
    CallActor, CallDraft, CallPorts, CallSeed, CallTable, CarrierMachine, CarrierStatusChanged, Line, MediaToken,
    Supervisor, TokenMint, WriteOutcome,
};
use std::rc::Rc;
use std::sync::Arc;

/// Makes attempt ids and media tokens.
pub(super) struct Mint {
    pub(super) tokens: MediaTokens,
    pub(super) lifetime_ms: i64,
}

impl Mint {
    /// A mint whose tokens live as long as the carrier may queue and ring a call, and a minute more.
    pub(super) fn new(tokens: MediaTokens, queue_limit_seconds: u32, ring_timeout_seconds: u32) -> Self {
        Self {
            tokens,
            lifetime_ms: token::lifetime_ms(queue_limit_seconds, ring_timeout_seconds),
        }
    }
}

impl TokenMint for Mint {
    fn attempt_id(&self) -> AttemptId {
        AttemptId::new(new_id())
    }

    fn media_token(&self, attempt: &AttemptId, now_ms: i64) -> Result<MediaToken, String> {
        let minted = self
            .tokens
            .mint(attempt, now_ms, self.lifetime_ms)
            .map_err(|fault| fault.to_string())?;
        Ok(MediaToken {
            text: minted.text,
            hash: minted.hash_hex,
            expires_at_ms: minted.expires_at_ms,
        })
    }
}

/// Passes what callbacks changed to the supervisor, and to other nodes what a call there has to know.
pub(super) struct ToSupervisor {
    pub(super) supervisor: Addr<Supervisor>,
    pub(super) calls: Arc<CallTable>,
    /// `None` if there are no other nodes.
    pub(super) others: Option<Arc<dyn Coordination>>,
}

impl ToSupervisor {
    /// A node that does not hear of it decides without: a verdict is a help, and whose call is over loses its stream.
    fn tell_others(&self, attempt: &AttemptId, told: CallTold) {
        let Some(others) = self.others.clone().filter(|_| !self.calls.contains(attempt)) else {
            return;
        };
        let attempt = attempt.clone();
        actix::spawn(async move {
            let command = FleetCommand::CallTold { attempt, told };
            if let Err(error) = others.publish(&command).await {
                tracing::warn!(%error, "other servers were not told of a callback");
            }
        });
    }
}

impl CallEvents for ToSupervisor {
    fn status(&self, attempt: &AttemptId, status: CarrierStatus, effect: CallbackEffect) {
        // One that ended its attempt had no conversation anywhere.
        if status.is_terminal() && effect == CallbackEffect::Advanced {
            self.tell_others(attempt, CallTold::Over);
        }
        self.supervisor.do_send(CarrierStatusChanged {
            attempt: attempt.clone(),
            status,
            effect,
        });
    }

    fn machine(&self, attempt: &AttemptId, verdict: MachineVerdict) {
        self.tell_others(attempt, CallTold::Machine(verdict));
        self.supervisor.do_send(CarrierMachine {
            attempt: attempt.clone(),
            verdict,
        });
    }

    /// Nothing is decided by it: what becomes of a call, its socket and its status tell.
    fn stream(&self, attempt: &AttemptId, event: &StreamEvent) {
        match event.fault() {
            None => tracing::debug!(%attempt, kind = event.kind.as_str(), "media stream"),
            Some(fault) => {
                tracing::error!(%attempt, code = event.error, fault, "the carrier reports a media stream's fault")
            }
        }
    }
}

/// Starts call actors on the thread of their socket.
pub(super) struct Starter {
    pub(super) ports: CallPorts,
    pub(super) surveys: Arc<SurveyRoom>,
    pub(super) store: Arc<SqlStore>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Starter {
    async fn survey_of(&self, attempt: &AttemptId) -> anyhow::Result<()> {
        let Some(row) = self.store.attempt(attempt).await? else {
            return Ok(());
        };
        if self.surveys.surveys.get(&row.campaign).is_some() {
            return Ok(());
        }
        match self.store.campaign(&row.campaign).await? {
            Some(campaign) => self.surveys.ready(&campaign, &mut |_, _| {}).await,
            None => Ok(()),
        }
    }
}

impl CallStarter for Starter {
    fn prepare<'a>(&'a self, attempt: &'a AttemptId) -> LocalBoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.survey_of(attempt).await {
                tracing::error!(%attempt, error = format!("{error:#}"), "a call's campaign cannot be spoken here");
            }
        })
    }

    fn start(
        &self,
        admitted: AdmittedCall,
        stream_sid: StreamSid,
        line: Rc<dyn Line>,
    ) -> Result<CallHandle, CallStartError> {
        let Some(survey) = self.surveys.surveys.get(&admitted.campaign) else {
            // The token is used up, so the attempt must end here.
            let report = CallDraft::default().into_cut_report(admitted.attempt, EndReason::Fault, self.clock.unix_ms());
            self.ports.supervisor.do_send(WriteOutcome { report });
            return Err(CallStartError {
                reason: format!("campaign {} is not prepared here", admitted.campaign),
            });
        };
        let call = CallActor::launch(
            self.ports.clone(),
            CallSeed {
                admitted,
                stream_sid,
                survey,
                line,
            },
        );
        Ok(CallHandle {
            media: call.clone().recipient(),
            closed: call.recipient(),
        })
    }
}
