//! Campaigns on one node: which run, an actor for each, and what is heard from other nodes.

use super::actor::{CampaignActor, CampaignOver, CampaignWake};
use super::upkeep::Upkeep;
use super::{CampaignPorts, millis};
use crate::domain::{Campaign, CampaignId, EndReason, Lifecycle};
use crate::ports::{CampaignState, FleetCommand, FleetSignal, LifecycleChange, StoreError};
use crate::runtime::supervisor::{EndCall, Supervisor, ToldElsewhere};
use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, WrapFuture, fut::ActorFutureExt};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How far a campaign is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preparation {
    /// It can be spoken.
    Ready,
    /// Its prompts are being spoken. Nobody is called before all of them are there.
    UnderWay,
}

/// Makes campaigns ready to be spoken on this node.
#[async_trait(?Send)]
pub trait PrepareSurveys: Send + Sync + 'static {
    /// Has one made ready, and tells how far it is. Soon, whatever has to be waited for: numbers are silenced and other
    /// campaigns started by whoever asks.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    async fn prepare(&self, campaign: &Campaign) -> Result<Preparation, String>;
}

/// How often what is left behind is looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Before an actor that died is built anew: doubling from here.
const FIRST_BACK_OFF: Duration = Duration::from_millis(250);
/// … up to here.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(30);

/// Stops running for the lead of anything; answered by the end of the actor.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub struct FleetStop;

/// Looks at the store.
#[derive(Message)]
#[rtype(result = "()")]
struct Look;

/// What a look saw.
#[derive(Message)]
#[rtype(result = "()")]
struct Seen {
    running: BTreeSet<CampaignId>,
}

/// Something was heard.
#[derive(Message)]
#[rtype(result = "()")]
struct Heard(FleetSignal);

enum Slot {
    Runs(Addr<CampaignActor>),
    /// Died so many times in a row; built anew from then on, UTC milliseconds.
    Died {
        times: u32,
        again_at_ms: i64,
    },
}

/// The campaigns of one node.
pub struct CampaignFleet {
    ports: CampaignPorts,
    surveys: Arc<dyn PrepareSurveys>,
    supervisor: Addr<Supervisor>,
    upkeep: Rc<Upkeep>,
    slots: BTreeMap<CampaignId, Slot>,
    looking: bool,
    look_again: bool,
}

impl CampaignFleet {
    /// A fleet that knows of no campaign yet.
    pub fn new(ports: CampaignPorts, surveys: Arc<dyn PrepareSurveys>, supervisor: Addr<Supervisor>) -> Self {
        Self {
            upkeep: Rc::new(Upkeep::new(ports.clone())),
            ports,
            surveys,
            supervisor,
            slots: BTreeMap::new(),
            looking: false,
            look_again: false,
        }
    }

    /// Starts an actor for every campaign that runs and has none. The factory that builds dead ones anew.
    fn start_actors(&mut self, running: &BTreeSet<CampaignId>, ctx: &mut Context<Self>) {
        let now_ms = self.ports.now_ms();
        self.slots
            .retain(|campaign, slot| matches!(slot, Slot::Runs(_)) || running.contains(campaign));
        for campaign in running {
            let waits = match self.slots.get(campaign) {
                Some(Slot::Runs(_)) => true,
                Some(Slot::Died { again_at_ms, .. }) => *again_at_ms > now_ms,
                None => false,
            };
            if waits || self.ports.base.readiness.is_draining() {
                continue;
            }
            let actor = CampaignActor::new(self.ports.clone(), campaign.clone(), ctx.address());
            self.slots.insert(campaign.clone(), Slot::Runs(actor.start()));
        }
    }

    fn wake(&self, campaign: Option<&CampaignId>) {
        for (of, slot) in &self.slots {
            if let Slot::Runs(actor) = slot
                && campaign.is_none_or(|campaign| campaign == of)
            {
                actor.do_send(CampaignWake);
            }
        }
    }

    fn hang_up_here(&self) {
        for call in self.ports.base.calls.snapshot() {
            self.supervisor.do_send(EndCall {
                attempt: call.attempt.clone(),
                reason: EndReason::Terminated,
            });
        }
    }
}

impl Actor for CampaignFleet {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.notify(Look);
        ctx.run_interval(self.ports.settings.poll, |_, ctx| ctx.notify(Look));
        let (fleet, ports) = (ctx.address(), self.ports.clone());
        ctx.spawn(async move { listen(&ports, &fleet).await }.into_actor(self));
        let (upkeep, ports) = (self.upkeep.clone(), self.ports.clone());
        ctx.spawn(async move { keep_up(&upkeep, &ports).await }.into_actor(self));
    }
}

impl Handler<Look> for CampaignFleet {
    type Result = ();

    fn handle(&mut self, _message: Look, ctx: &mut Self::Context) {
        if self.looking {
            self.look_again = true;
            return;
        }
        self.looking = true;
        let (ports, surveys, upkeep) = (self.ports.clone(), self.surveys.clone(), self.upkeep.clone());
        // A task of its own: a panic in it costs one look.
        let looked = actix::spawn(async move {
            let running = running(&ports, surveys.as_ref()).await;
            let silenced = upkeep.silence().await;
            running.and_then(|running| silenced.map(|()| running))
        });
        let looked = looked.into_actor(self).map(|looked, fleet: &mut Self, ctx| {
            fleet.looking = false;
            match looked {
                Ok(Ok(running)) => ctx.notify(Seen { running }),
                Ok(Err(error)) => tracing::error!(%error, "the campaigns cannot be looked at now"),
                Err(error) => tracing::error!(%error, "a look at the campaigns failed"),
            }
            if std::mem::take(&mut fleet.look_again) {
                ctx.notify(Look);
            }
        });
        ctx.spawn(looked);
    }
}

impl Handler<Seen> for CampaignFleet {
    type Result = ();

    fn handle(&mut self, message: Seen, ctx: &mut Self::Context) {
        self.start_actors(&message.running, ctx);
    }
}

impl Handler<CampaignOver> for CampaignFleet {
    type Result = ();

    fn handle(&mut self, message: CampaignOver, _ctx: &mut Self::Context) {
        let CampaignOver { campaign, at_its_end } = message;
        if at_its_end {
            self.slots.remove(&campaign);
            return;
        }
        let times = match self.slots.get(&campaign) {
            Some(Slot::Died { times, .. }) => times + 1,
            _ => 1,
        };
        let back_off = (FIRST_BACK_OFF * 2_u32.saturating_pow(times.min(10))).min(LONGEST_BACK_OFF);
        tracing::error!(%campaign, times, ?back_off, "a campaign's actor died; it is built anew");
        let again_at_ms = self.ports.now_ms().saturating_add(millis(back_off));
        self.slots.insert(campaign, Slot::Died { times, again_at_ms });
    }
}

impl Handler<Heard> for CampaignFleet {
    type Result = ();

    fn handle(&mut self, Heard(signal): Heard, ctx: &mut Self::Context) {
        match signal {
            FleetSignal::Command(FleetCommand::StopAll) => {
                tracing::warn!("told to stop everything");
                self.wake(None);
                self.hang_up_here();
                ctx.notify(Look);
            }
            FleetSignal::Command(FleetCommand::CampaignChanged(campaign)) => {
                self.wake(Some(&campaign));
                ctx.notify(Look);
            }
            FleetSignal::Command(FleetCommand::CancelNumber(number)) => {
                let upkeep = self.upkeep.clone();
                actix::spawn(async move {
                    if let Err(error) = upkeep.silence_number(&number).await {
                        tracing::error!(%error, "calls to a number could not be taken back");
                    }
                });
            }
            FleetSignal::Command(FleetCommand::CallTold { attempt, told }) => {
                self.supervisor.do_send(ToldElsewhere { attempt, told });
            }
            FleetSignal::Missed => {
                self.wake(None);
                ctx.notify(Look);
            }
        }
    }
}

impl Handler<FleetStop> for CampaignFleet {
    type Result = ();

    fn handle(&mut self, _message: FleetStop, ctx: &mut Self::Context) {
        self.wake(None);
        ctx.stop();
    }
}

/// Campaigns that run and that this node can run, made ready to be spoken. Those whose time has come are started.
async fn running(ports: &CampaignPorts, surveys: &dyn PrepareSurveys) -> Result<BTreeSet<CampaignId>, StoreError> {
    let mut running = BTreeSet::new();
    for state in ports.dialer.active_campaigns().await? {
        let begins = match state.lifecycle {
            Lifecycle::Running => true,
            Lifecycle::Scheduled => begin_if_due(ports, &state).await?,
            _ => false,
        };
        // Ready wherever a call of it may land, paused or not.
        let Some(campaign) = ports.base.store.campaign(&state.id).await? else {
            continue;
        };
        match surveys.prepare(&campaign).await {
            Err(reason) => {
                tracing::error!(campaign = %state.id, reason, "a campaign cannot be spoken here; this node does not run it");
            }
            Ok(Preparation::UnderWay) => {
                tracing::debug!(campaign = %state.id, "a campaign's prompts are not ready yet")
            }
            Ok(Preparation::Ready) if begins && ports.settings.makes(state.mode) => {
                running.insert(state.id);
            }
            Ok(Preparation::Ready) if begins => {
                tracing::debug!(campaign = %state.id, mode = ?state.mode, "this node does not make attempts of this mode");
            }
            Ok(Preparation::Ready) => {}
        }
    }
    Ok(running)
}

async fn begin_if_due(ports: &CampaignPorts, state: &CampaignState) -> Result<bool, StoreError> {
    let now_ms = ports.now_ms();
    if state.starts_at_ms.is_none_or(|starts_at_ms| starts_at_ms > now_ms) {
        return Ok(false);
    }
    let change = LifecycleChange {
        campaign: state.id.clone(),
        to: Lifecycle::Running,
        reason: None,
        starts_at_ms: state.starts_at_ms,
        epoch: None,
    };
    match ports.dialer.change_lifecycle(&change, now_ms).await {
        // Another node may have been first.
        Ok(_) | Err(StoreError::Conflict { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Hears what other nodes and operators say, for as long as the node lives.
async fn listen(ports: &CampaignPorts, fleet: &Addr<CampaignFleet>) {
    loop {
        match ports.coordination.subscribe().await {
            Ok(mut signals) => {
                while let Some(signal) = signals.next().await {
                    fleet.do_send(Heard(signal));
                }
            }
            Err(error) => tracing::warn!(%error, "commands of other nodes are not heard now"),
        }
        tokio::time::sleep(ports.settings.poll).await;
    }
}

/// Looks after what was left behind, for as long as the node lives.
async fn keep_up(upkeep: &Rc<Upkeep>, ports: &CampaignPorts) {
    loop {
        if let Err(error) = ports.gate.open().await {
            tracing::warn!(%error, "admission cannot be opened now");
        }
        let upkeep = upkeep.clone();
        match actix::spawn(async move { upkeep.sweep().await }).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "what was left behind could not be looked after"),
            Err(error) => tracing::error!(%error, "looking after what was left behind failed"),
        }
        tokio::time::sleep(SWEEP_INTERVAL).await;
    }
}
