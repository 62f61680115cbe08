//! The actor of a campaign: runs for its lead, and ticks while it leads.

use super::CampaignPorts;
use super::fleet::CampaignFleet;
use super::tick::{Next, Ticks};
use super::upkeep;
use crate::domain::{CampaignId, Lifecycle};
use crate::ports::{Candidacy, Election, Leadership, StoreError};
use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, WrapFuture, fut::ActorFutureExt};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify, watch};

/// Something may have changed: plan now.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub struct CampaignWake;

/// An actor is gone.
#[derive(Message, Clone, Debug)]
#[rtype(result = "()")]
pub struct CampaignOver {
    /// Whose.
    pub campaign: CampaignId,
    /// True if it came to its own end: the campaign runs no more, or not here. Else it died and is to be built anew.
    pub at_its_end: bool,
}

/// The actor of one campaign on one node. Of those on all nodes one leads.
pub struct CampaignActor {
    campaign: CampaignId,
    ports: CampaignPorts,
    wake: Rc<Notify>,
    death: DeathWatch,
}

impl CampaignActor {
    /// An actor that tells `fleet` of its end.
    pub(super) fn new(ports: CampaignPorts, campaign: CampaignId, fleet: Addr<CampaignFleet>) -> Self {
        Self {
            death: DeathWatch {
                campaign: campaign.clone(),
                fleet,
                at_its_end: false,
            },
            campaign,
            ports,
            wake: Rc::default(),
        }
    }
}

impl Actor for CampaignActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let life = Life {
            ticks: Ticks::new(self.ports.clone(), self.campaign.clone()),
            ports: self.ports.clone(),
            campaign: self.campaign.clone(),
            wake: self.wake.clone(),
            freed: Mutex::new(self.ports.base.permits.freed()),
        };
        let lived = async move { life.live().await }.into_actor(self);
        ctx.spawn(lived.map(|(), actor: &mut Self, ctx| {
            actor.death.at_its_end = true;
            ctx.stop();
        }));
    }
}

impl Handler<CampaignWake> for CampaignActor {
    type Result = ();

    fn handle(&mut self, _message: CampaignWake, _ctx: &mut Self::Context) {
        self.wake.notify_one();
    }
}

/// Tells the fleet when its actor is gone, a panic included. `Drop` only sends one message, because a second panic would
/// abort the process.
struct DeathWatch {
    campaign: CampaignId,
    fleet: Addr<CampaignFleet>,
    at_its_end: bool,
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        self.fleet.do_send(CampaignOver {
            campaign: self.campaign.clone(),
            at_its_end: self.at_its_end,
        });
    }
}

/// What the actor does, from the first candidacy to the end of the campaign.
struct Life {
    ports: CampaignPorts,
    campaign: CampaignId,
    ticks: Ticks,
    wake: Rc<Notify>,
    freed: Mutex<watch::Receiver<()>>,
}

/// A renewal that fails is tried again this often within a lead.
const RENEWALS_IN_A_LEASE: u32 = 3;

impl Life {
    async fn live(&self) {
        while let Some(leadership) = self.win().await {
            tracing::info!(campaign = %self.campaign, epoch = leadership.epoch, "this node leads the campaign");
            let over = tokio::select! {
                () = self.keep(&leadership) => false,
                () = self.lead(&leadership) => true,
            };
            if over {
                self.resign(&leadership).await;
                return;
            }
            tracing::warn!(campaign = %self.campaign, "this node leads the campaign no more");
        }
    }

    /// Runs for the lead until it is won; `None` if there is nothing to lead any more.
    async fn win(&self) -> Option<Leadership> {
        loop {
            let pause = match self.run_once().await {
                Ok(Run::Won(leadership)) => return Some(leadership),
                Ok(Run::Over) => return None,
                Ok(Run::Lost(retry_after)) => retry_after,
                Err(error) => {
                    tracing::warn!(campaign = %self.campaign, %error, "the campaign cannot be looked at");
                    self.ports.settings.poll
                }
            };
            self.sleep(pause.min(self.ports.settings.poll)).await;
        }
    }

    async fn run_once(&self) -> Result<Run, StoreError> {
        let settings = &self.ports.settings;
        let state = self.ports.dialer.campaign_state(&self.campaign).await?;
        let Some(state) = state.filter(|state| state.lifecycle == Lifecycle::Running && settings.makes(state.mode))
        else {
            return Ok(Run::Over);
        };
        if self.ports.base.readiness.is_draining() {
            return Ok(Run::Over);
        }
        let candidacy = Candidacy {
            campaign: self.campaign.clone(),
            node: settings.node.clone(),
            known_epoch: state.epoch.max(0).unsigned_abs(),
            lasts: settings.lease,
        };
        let epoch = match self.ports.coordination.campaign_lease(&candidacy).await {
            Ok(Election::Leader { epoch }) => epoch,
            Ok(Election::Follower { retry_after }) => return Ok(Run::Lost(retry_after)),
            Err(error) => {
                tracing::warn!(campaign = %self.campaign, %error, "nobody can be elected now");
                return Ok(Run::Lost(settings.poll));
            }
        };
        let leadership = Leadership {
            campaign: self.campaign.clone(),
            node: settings.node.clone(),
            epoch: i64::try_from(epoch).unwrap_or(i64::MAX),
        };
        // The database has the last word: a lock may have two holders.
        if !self.ports.dialer.take_leadership(&leadership).await? {
            self.resign(&leadership).await;
            return Ok(Run::Lost(Duration::from_millis(200)));
        }
        // Whoever led before has claimed and can mark no more.
        upkeep::take_over_claims(&self.ports, &leadership).await?;
        Ok(Run::Won(leadership))
    }

    /// Renews the lead; returns when it is lost.
    async fn keep(&self, leadership: &Leadership) {
        let lease = self.ports.settings.lease;
        let mut kept = self.ports.base.clock.monotonic();
        loop {
            tokio::time::sleep(lease / RENEWALS_IN_A_LEASE).await;
            let epoch = leadership.epoch.unsigned_abs();
            let asked = self.ports.base.clock.monotonic();
            let renewed = self
                .ports
                .coordination
                .renew_lease(&self.campaign, &leadership.node, epoch, lease)
                .await;
            match renewed {
                Ok(true) => kept = asked,
                Ok(false) => return,
                Err(error) if asked.saturating_sub(kept) >= lease => {
                    tracing::warn!(campaign = %self.campaign, %error, "the lead cannot be renewed");
                    return;
                }
                Err(_) => {}
            }
        }
    }

    /// Ticks until the campaign runs no more.
    async fn lead(&self, leadership: &Leadership) {
        loop {
            let pause = match self.ticks.tick(leadership).await {
                Ok(Next::Over) => return,
                Ok(Next::Wake(pause)) => pause,
                Err(error) => {
                    tracing::error!(campaign = %self.campaign, %error, "the campaign cannot be planned now");
                    self.ports.settings.poll
                }
            };
            self.sleep(pause).await;
        }
    }

    /// Sleeps for so long, or until something happens.
    async fn sleep(&self, pause: Duration) {
        let mut freed = self.freed.lock().await;
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.wake.notified() => {}
            // It cannot fail: what sends is among the ports.
            _ = freed.changed() => {}
        }
    }

    async fn resign(&self, leadership: &Leadership) {
        let epoch = leadership.epoch.unsigned_abs();
        let coordination = &self.ports.coordination;
        if let Err(error) = coordination.resign_lease(&self.campaign, &leadership.node, epoch).await {
            tracing::warn!(campaign = %self.campaign, %error, "the lead could not be given up; it runs out");
        }
    }
}

/// What came of running for the lead once.
enum Run {
    Won(Leadership),
    Lost(Duration),
    Over,
}
