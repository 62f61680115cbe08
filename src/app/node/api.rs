//! The node's HTTP API.

use super::{Figures, Node};
use crate::access::local_login::Announce;
use crate::api::limits::Rates;
use crate::api::{self, ApiPorts};
use crate::app::campaigns::Campaigns;
use actix_web::dev::{Server, ServerHandle};
use anyhow::Context;
use futures_util::FutureExt;
use samvad_actors::ports::{AccountStore, Clock};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often what has expired is deleted.
const TIDY_INTERVAL: Duration = Duration::from_hours(1);
/// How often abandoned imports are looked for.
const IMPORTS_INTERVAL: Duration = Duration::from_mins(1);
/// How long the answers to idempotency keys are kept: a day.
const ANSWERS_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// The API's server.
pub(super) struct NodeApi {
    handle: ServerHandle,
    /// Until somebody is let in.
    closed: Option<Server>,
    accounts: Arc<dyn AccountStore>,
    campaigns: Arc<Campaigns>,
    clock: Arc<dyn Clock>,
    upkeep: Vec<JoinHandle<()>>,
}

impl NodeApi {
    /// Starts the workers: they run when this returns.
    pub(super) fn open(&mut self) -> anyhow::Result<()> {
        if let Some(mut server) = self.closed.take() {
            if let Some(ended) = (&mut server).now_or_never() {
                ended.context("the API's workers cannot be started")?;
            }
            actix::spawn(server);
            self.upkeep = vec![
                actix::spawn(tidy(self.accounts.clone(), self.clock.clone())),
                actix::spawn(end_abandoned_imports(self.campaigns.clone())),
            ];
        }
        Ok(())
    }

    /// Stops, with the requests under way answered.
    pub(super) async fn stop(&mut self) {
        for task in self.upkeep.drain(..) {
            task.abort();
        }
        self.handle.stop(true).await;
    }
}

/// Deletes sessions and logins that have expired and answers that are not kept any more, now and every hour.
async fn tidy(accounts: Arc<dyn AccountStore>, clock: Arc<dyn Clock>) {
    let mut tick = tokio::time::interval(TIDY_INTERVAL);
    loop {
        tick.tick().await;
        let now_ms = clock.unix_ms();
        if let Err(error) = accounts.purge_expired(now_ms - ANSWERS_KEPT_MS, now_ms).await {
            tracing::error!(%error, "expired sessions could not be deleted");
        }
    }
}

/// Ends imports whose reader was killed, now and every minute: of one that was killed just now that can be said only
/// after a while, since a command line or another server may be reading it.
async fn end_abandoned_imports(campaigns: Arc<Campaigns>) {
    let mut tick = tokio::time::interval(IMPORTS_INTERVAL);
    loop {
        tick.tick().await;
        match campaigns.end_abandoned_imports().await {
            Ok(0) => {}
            Ok(ended) => tracing::warn!(ended, "imports were abandoned, and are ended"),
            Err(error) => tracing::error!(%error, "abandoned imports could not be ended"),
        }
    }
}

impl Node {
    /// Binds the API, if the settings want one: the kernel takes connections from here on, and they wait until
    /// [`Node::open`]. `announce` shows the secrets of the local login; without it there is none. Where it listens.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn bind_api(&mut self, announce: Option<Announce>) -> anyhow::Result<Option<SocketAddr>> {
        let Some(settings) = &self.settings.api else {
            return Ok(None);
        };
        let figures = Figures::of(self);
        let store = Arc::new(self.store.with_own_readers());
        let campaigns = Arc::new(Campaigns::over(
            &self.settings,
            store.clone(),
            Some(self.supervisor_ports.carrier.clone()),
            Some(self.campaign_ports.coordination.clone()),
            self.clock.clone(),
        ));
        let ports = ApiPorts {
            accounts: store.clone(),
            audit: store.clone(),
            keys: store.clone(),
            campaigns: campaigns.clone(),
            clock: self.clock.clone(),
            readiness: self.supervisor_ports.readiness.clone(),
            vitals: Arc::new(move || figures.read()),
            announce,
            oidc: self.settings.oidc.clone(),
            rates: Rates::default(),
        };
        let bound = api::bind(settings, ports)?;
        tracing::info!(address = %bound.address, "the API listens");
        self.api = Some(NodeApi {
            handle: bound.handle,
            closed: Some(bound.server),
            accounts: store.clone(),
            campaigns,
            clock: self.clock.clone(),
            upkeep: Vec::new(),
        });
        Ok(Some(bound.address))
    }
}
