//! What a node shares with the others: coordination, limits, the lock on the database, and its campaigns.

use super::surveys::{BackgroundSurveys, SurveyRoom};
use crate::config::Settings;
use crate::coordination::redis::RedisSettings;
use crate::coordination::{InProcessCoordination, RedisCoordination};
use crate::store::{NodeLock, NodeLockError, Sharing, SqlStore};
use actix::{Actor, Addr};
use samvad_actors::ports::{Clock, Coordination, PermitLimits, Rate};
use samvad_actors::runtime::{
    CampaignFleet, CampaignPorts, DialSettings, Gate, HoldOff, PermitReturn, Readiness, Supervisor, SupervisorPorts,
    TokenMint, give_permits_back,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// How often the lock on the database is looked at.
const LOCK_INTERVAL: Duration = Duration::from_secs(2);

/// The coordination that the settings name.
pub(super) fn coordination(settings: &Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Coordination>> {
    Ok(match &settings.redis_url {
        Some(url) => Arc::new(RedisCoordination::new(&RedisSettings::new(url.expose()))?),
        None => Arc::new(InProcessCoordination::new(clock)),
    })
}

/// With whom the node shares its database.
pub(super) fn sharing(settings: &Settings) -> Sharing {
    match settings.redis_url {
        Some(_) => Sharing::WithFleet,
        None => Sharing::Alone,
    }
}

/// How this run of this node places calls.
pub(super) fn dial_settings(settings: &Settings) -> DialSettings {
    let run = uuid::Uuid::new_v4().simple().to_string();
    let node = format!("{}-{}", settings.node_name, run.get(..8).unwrap_or_default());
    let interval = Duration::try_from_secs_f64(1.0 / settings.calls_per_second.max(0.001));
    let limits = PermitLimits {
        fleet_concurrency: Some(settings.max_calls),
        country_concurrency: settings.fleet.country_calls,
        caller_id_concurrency: settings.fleet.caller_id_calls,
        fleet_rate: Some(Rate {
            calls: 1,
            per: interval.unwrap_or(Duration::from_secs(1000)),
        }),
        fleet_per_day: settings.fleet.calls_per_day,
        country_per_day: settings.fleet.country_calls_per_day,
        ..PermitLimits::default()
    };
    DialSettings {
        ring_timeout_seconds: settings.ring_timeout_seconds,
        queue_limit_seconds: settings.queue_limit_seconds,
        ..DialSettings::new(node, settings.mode(), limits)
    }
}

/// What campaigns are run with. From here on permits go back to the coordination.
pub(super) fn campaign_ports(
    settings: DialSettings,
    base: SupervisorPorts,
    store: Arc<SqlStore>,
    coordination: Arc<dyn Coordination>,
    mint: Arc<dyn TokenMint>,
    returns: UnboundedReceiver<PermitReturn>,
) -> CampaignPorts {
    actix::spawn(give_permits_back(returns, coordination.clone(), base.permits.clone()));
    let gate = Gate::new(coordination.clone(), store.clone(), base.clock.clone(), mint.as_ref());
    CampaignPorts {
        base,
        dialer: store,
        coordination,
        mint,
        settings: Arc::new(settings),
        gate: Arc::new(gate),
        hold_off: HoldOff::default(),
    }
}

/// Runs campaigns from here on.
pub(super) fn start_campaigns(
    ports: CampaignPorts,
    surveys: Arc<SurveyRoom>,
    supervisor: Addr<Supervisor>,
) -> Addr<CampaignFleet> {
    CampaignFleet::new(ports, Arc::new(BackgroundSurveys::new(surveys)), supervisor).start()
}

/// Holds the lock for as long as the process lives. Should another node have it after the database was away, this one
/// calls nobody any more.
pub(super) fn hold(mut lock: NodeLock, readiness: Arc<Readiness>) {
    actix::spawn(async move {
        loop {
            tokio::time::sleep(LOCK_INTERVAL).await;
            match lock.keep().await {
                Ok(()) => {}
                Err(error @ NodeLockError::Taken { .. }) => {
                    tracing::error!(%error, "this server calls nobody any more; restart it");
                    readiness.set_draining();
                    return;
                }
                Err(error) => tracing::warn!(%error, "the lock on the database cannot be looked at"),
            }
        }
    });
}
