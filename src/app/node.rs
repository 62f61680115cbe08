//! One running node.

mod api;
mod figures;
mod stop;

use self::api::NodeApi;
use self::figures::Figures;
use super::SystemClock;
use super::adapters::{Mint, Starter, ToSupervisor};
use super::campaigns::{Campaigns, command_line};
use super::fleet;
use super::greetings::GreetingsAhead;
use super::language_models::RunningLanguageModels;
use super::recognizers::RunningRecognizer;
use super::surveys::SurveyRoom;
use super::synthesizers::Voices;
use crate::carrier::inbound::StoreDesk;
use crate::carrier::pacing::PacedCarrier;
use crate::carrier::token::MediaTokens;
use crate::carrier::twilio::{AuthToken, INBOUND_KEY_PATH, SignatureValidator, TwilioCarrier, TwilioSettings};
use crate::config::{DataDirectory, Settings};
use crate::http::{self, HttpState, Inbound, MediaLimits, RefusalLog, ServerSettings, SocketGauges, StreamEvents};
use crate::journal::JournalDirectory;
use crate::recording::RecordingDirectory;
use crate::store::{NodeLock, Sharing, SqlStore};
use actix::{Actor, Addr, Arbiter};
use actix_web::dev::{Server, ServerHandle};
use anyhow::Context;
use futures_util::FutureExt;
use samvad_actors::domain::{AttemptState, Campaign, CampaignId, Lifecycle};
use samvad_actors::ports::{
    AttemptStore, CampaignStore, Carrier, Clock, ContactImport, DialerStore, ServiceMeter, Store,
};
use samvad_actors::runtime::{
    CallEvent, CallPorts, CallTable, CampaignFleet, CampaignPorts, EventSink, FleetStop, Limits, Permits, Readiness,
    Reconciler, Supervisor, SupervisorPorts, Surveys, Upkeep, Watchdog, WatchdogPorts, WatchdogSettings,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Longest wait for a recognition; the dialogue re-prompts after it.
const RECOGNITION_DEADLINE: Duration = Duration::from_secs(4);

/// How often old attempts are looked after.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// How often the end of all calls is looked for.
const IDLE_INTERVAL: Duration = Duration::from_millis(100);

/// What goes on in a node. Sockets, calls and permits are 0 when nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gauges {
    /// Media sockets open.
    pub sockets: usize,
    /// Call actors alive.
    pub calls: usize,
    /// Permits taken.
    pub permits: usize,
    /// Tasks on the threads that talk to services. To recognisers: one for each connection, those open ahead included,
    /// and one for each service and language that keeps them open. To synthesisers and language models: one for each
    /// request and greeting under way, and few for connections that are kept for the next request.
    pub service_tasks: usize,
    /// Media frames lost since the start because a call did not keep up.
    pub dropped_frames: u64,
}

/// A running node.
pub struct Node {
    settings: Settings,
    store: Arc<SqlStore>,
    clock: Arc<dyn Clock>,
    surveys: Arc<SurveyRoom>,
    supervisor: Addr<Supervisor>,
    supervisor_ports: SupervisorPorts,
    campaign_ports: CampaignPorts,
    /// From when on campaigns are run.
    campaigns: Option<Addr<CampaignFleet>>,
    sockets: Arc<SocketGauges>,
    journals: Arc<JournalDirectory>,
    recordings: Arc<RecordingDirectory>,
    server: ServerHandle,
    /// Until somebody is let in.
    closed_server: Option<Server>,
    /// The HTTP API, if it is served.
    api: Option<NodeApi>,
    address: SocketAddr,
    running_recognizer: RunningRecognizer,
    language_models: RunningLanguageModels,
    reconciler: Arc<Reconciler>,
    watchdog: Option<Watchdog>,
    supervisor_thread: Arbiter,
}

impl Node {
    /// Opens the store, takes over what an earlier server left behind, starts supervisor and watchdog, and binds HTTP.
    ///
    /// The kernel takes connections from here on, and they wait until [`Node::open`]: who was called by an earlier
    /// server may answer before the campaign is [loaded](Node::load).
    ///
    /// # Errors
    /// Whatever keeps the node from serving, with the remedy.
    pub async fn start(settings: Settings, events: Arc<dyn EventSink>) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let twilio = twilio_settings(&settings)?;
        let data = DataDirectory::open(&settings.data_dir)?;
        let tokens = MediaTokens::new(data.media_token_key(&settings)?.expose())?;
        let store = Arc::new(SqlStore::open(&settings.database_url).await?);
        let sharing = fleet::sharing(&settings);
        let lock = NodeLock::take(&settings.database_url, sharing).await?;
        let carrier: Arc<dyn Carrier> = Arc::new(PacedCarrier::new(
            Arc::new(TwilioCarrier::new(twilio.clone())?),
            clock.clone(),
            settings.calls_per_second,
        ));
        let signatures = SignatureValidator::new(&twilio)?;
        let journals = Arc::new(JournalDirectory::open(&data.journals())?);
        let recordings = Arc::new(RecordingDirectory::open(&data.recordings())?);
        let running_recognizer = RunningRecognizer::start(&settings, &clock)?;
        let language_models = RunningLanguageModels::start(&settings, &clock)?;
        let recognizer = running_recognizer.port();

        let surveys = Arc::new(SurveyRoom {
            surveys: Arc::new(Surveys::default()),
            prompts_dir: settings.prompts_dir.clone(),
            prompt_cache: settings.prompt_cache_dir.clone().unwrap_or_else(|| data.prompt_cache()),
            recognizer: recognizer.clone(),
            voices: Voices::start(&settings, &clock)?,
            costs: store.clone(),
            clock: clock.clone(),
            at_work: tokio::sync::Mutex::new(()),
        });
        let events: Arc<dyn EventSink> = Arc::new(GreetingsAhead {
            next: events,
            store: store.clone(),
            surveys: surveys.clone(),
        });
        let calls = Arc::new(CallTable::default());
        let (permits, returns) = Permits::new();
        let readiness = Arc::new(Readiness::default());
        fleet::hold(lock, readiness.clone());
        let supervisor_ports = SupervisorPorts {
            store: store.clone(),
            carrier,
            clock: clock.clone(),
            events: events.clone(),
            calls: calls.clone(),
            permits: Arc::new(permits),
            readiness: readiness.clone(),
        };
        let supervisor_thread = Arbiter::new();
        let supervisor = Supervisor::start_in_arbiter(&supervisor_thread.handle(), {
            let ports = supervisor_ports.clone();
            move |_| Supervisor::new(ports)
        });
        let reconciler = Arc::new(Reconciler::new(
            supervisor_ports.clone(),
            store.clone(),
            settings.queue_limit_seconds,
            settings.ring_timeout_seconds,
        ));
        let mint = Arc::new(Mint::new(
            tokens.clone(),
            settings.queue_limit_seconds,
            settings.ring_timeout_seconds,
        ));
        let campaign_ports = fleet::campaign_ports(
            fleet::dial_settings(&settings),
            supervisor_ports.clone(),
            store.clone(),
            fleet::coordination(&settings, clock.clone())?,
            mint,
            returns,
        );
        take_over(sharing, &campaign_ports, &reconciler)
            .await
            .context("what an earlier server left behind could not be taken over")?;
        let watchdog = start_watchdog(&settings, twilio.clone(), &supervisor_ports, supervisor.clone()).await?;

        let sockets = Arc::new(SocketGauges::default());
        let ports = CallPorts {
            clock: clock.clone(),
            store: store.clone(),
            recognizer,
            language_model: language_models.port(),
            language_deadline: settings.language.deadline,
            journals: journals.clone(),
            recordings: recordings.clone(),
            events,
            calls: calls.clone(),
            supervisor: supervisor.clone(),
            recognition_deadline: RECOGNITION_DEADLINE,
            limits: Limits::default(),
        };
        let state = HttpState {
            store: store.clone(),
            clock: clock.clone(),
            signatures,
            account_sid: twilio.account_sid.clone(),
            tokens: tokens.clone(),
            events: Arc::new(ToSupervisor {
                supervisor: supervisor.clone(),
                calls: calls.clone(),
                others: (sharing == Sharing::WithFleet).then(|| campaign_ports.coordination.clone()),
            }),
            stream_events: Arc::new(StreamEvents::default()),
            inbound: Inbound {
                desk: Arc::new(StoreDesk::new(store.clone(), supervisor_ports.carrier.clone())),
                key_url: twilio.own_url(INBOUND_KEY_PATH),
            },
            calls: Arc::new(Starter {
                ports,
                surveys: surveys.clone(),
                store: store.clone(),
                clock: clock.clone(),
            }),
            readiness,
            sockets: sockets.clone(),
            refusals: Arc::new(RefusalLog::default()),
            limits: MediaLimits::default(),
        };
        let server = http::bind(ServerSettings::new(settings.bind, settings.workers), Arc::new(state))
            .with_context(|| format!("cannot listen on {}; set SAMVAD_BIND to a free address", settings.bind))?;
        actix::spawn({
            let reconciler = reconciler.clone();
            async move {
                let mut tick = tokio::time::interval(SWEEP_INTERVAL);
                loop {
                    tick.tick().await;
                    if let Err(error) = reconciler.sweep().await {
                        tracing::error!(%error, "old attempts could not be looked after");
                    }
                }
            }
        });
        Ok(Self {
            settings,
            store,
            clock,
            surveys,
            supervisor,
            supervisor_ports,
            campaign_ports,
            campaigns: None,
            sockets,
            journals,
            recordings,
            server: server.handle,
            closed_server: Some(server.server),
            address: server.address,
            api: None,
            running_recognizer,
            language_models,
            reconciler,
            watchdog: Some(watchdog),
            supervisor_thread,
        })
    }

    /// Where the node listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Process id of the recogniser's child, if it has one: its processor time is accounted apart.
    pub fn recognizer_pid(&self) -> Option<u32> {
        self.running_recognizer.child_pid()
    }

    /// What goes on now.
    pub fn gauges(&self) -> Gauges {
        Figures::of(self).read()
    }

    /// Makes a campaign ready to be spoken, and keeps it and its contacts.
    ///
    /// # Errors
    /// What is wrong with the campaign, its prompts or its grammars; or that the store cannot take it.
    pub async fn load(
        &self,
        campaign: &Campaign,
        contacts: &[ContactImport],
        progress: &mut dyn FnMut(usize, usize),
    ) -> anyhow::Result<()> {
        let meter = ServiceMeter::default();
        let made = self.surveys.make_ready(campaign, &meter, progress).await;
        let (campaigns, by) = (self.operators(), command_line());
        let known = self.store.campaign(&campaign.id).await?;
        // One that is under way cannot be replaced; after a restart it need not be.
        if made.is_ok() && known.as_ref() != Some(campaign) {
            campaigns.create(campaign, &by).await?;
        }
        // A preparation that failed has cost something too, if there is a campaign yet to keep it with.
        if made.is_ok() || known.is_some() {
            self.surveys.keep_use(campaign, &meter).await;
        }
        made?;
        if !contacts.is_empty() {
            campaigns.import_contacts(&campaign.id, contacts, &by).await?;
        }
        Ok(())
    }

    /// What operators do, over what this node has open.
    fn operators(&self) -> Campaigns {
        Campaigns::over(
            &self.settings,
            self.store.clone(),
            Some(self.supervisor_ports.carrier.clone()),
            Some(self.campaign_ports.coordination.clone()),
            self.clock.clone(),
        )
    }

    /// Answers callbacks, media and all that has come meanwhile, and runs the campaigns that are to run. The workers
    /// run when this returns.
    ///
    /// # Errors
    /// If they cannot be started.
    pub fn open(&mut self) -> anyhow::Result<()> {
        if let Some(mut server) = self.closed_server.take() {
            // They are started when it is first polled.
            if let Some(ended) = (&mut server).now_or_never() {
                ended.context("the HTTP workers cannot be started")?;
            }
            actix::spawn(server);
            if let Some(api) = &mut self.api {
                api.open()?;
            }
            tracing::info!(address = %self.address, mode = ?self.settings.mode(),
                node = self.campaign_ports.settings.node, "listening");
            if !self.supervisor_ports.readiness.is_draining() {
                let (ports, surveys) = (self.campaign_ports.clone(), self.surveys.clone());
                self.campaigns = Some(fleet::start_campaigns(ports, surveys, self.supervisor.clone()));
            }
        }
        Ok(())
    }

    /// Has a loaded campaign run, in the mode of this node. Its actor calls whom it may call.
    ///
    /// # Errors
    /// If the campaign may not run from where it stands.
    pub async fn activate(&self, campaign: &CampaignId) -> anyhow::Result<()> {
        let run = self
            .operators()
            .run(campaign, self.settings.mode(), &command_line())
            .await;
        run.with_context(|| {
            format!("campaign {campaign} cannot run; to call the same people again, give its file another id")
        })
    }

    /// Returns when a campaign runs no more: everybody is settled, or it was paused or stopped. The reason that stands
    /// there.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn halted(&self, campaign: &CampaignId) -> anyhow::Result<Option<String>> {
        let mut tick = tokio::time::interval(IDLE_INTERVAL);
        loop {
            tick.tick().await;
            match self.store.campaign_state(campaign).await? {
                Some(state) if state.lifecycle == Lifecycle::Running => {}
                state => return Ok(state.and_then(|state| state.reason)),
            }
        }
    }

    /// Returns when nothing is left to do here: no call is queued, ringing or live. In a fleet, what waits or rings is
    /// taken by whichever node it lands on, and only what lives here is waited for.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn idle(&self) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(IDLE_INTERVAL);
        loop {
            tick.tick().await;
            if self.is_idle().await? {
                self.supervisor_ports.events.emit(CallEvent::Idle);
                return Ok(());
            }
        }
    }

    async fn is_idle(&self) -> anyhow::Result<bool> {
        if fleet::sharing(&self.settings) == Sharing::Alone {
            return Ok(self.supervisor_ports.permits.in_use() == 0 && self.store.open_attempts().await?.is_empty());
        }
        let node = &self.campaign_ports.settings.node;
        let on_the_way = self.store.in_flight(Some(node)).await?.into_iter();
        let mut on_the_way = on_the_way.map(|found| found.row.state);
        let begun = on_the_way.any(|state| matches!(state, AttemptState::Planned | AttemptState::Submitting));
        Ok(!begun && self.supervisor_ports.calls.is_empty())
    }

    /// From now on nobody is called; callbacks and media of calls under way are still taken.
    pub fn stop_dialling(&mut self) {
        self.supervisor_ports.readiness.set_draining();
        if let Some(campaigns) = self.campaigns.take() {
            campaigns.do_send(FleetStop);
        }
    }
}

pub(super) fn twilio_settings(settings: &Settings) -> anyhow::Result<TwilioSettings> {
    let account = settings.require_twilio_account()?;
    Ok(TwilioSettings {
        api_base_url: settings.twilio.api_base_url.clone(),
        account_sid: account.sid.clone(),
        auth_token: AuthToken::new(account.auth_token.expose()),
        other_auth_token: account
            .auth_token_secondary
            .as_ref()
            .map(|token| AuthToken::new(token.expose())),
        public_url: url::Url::parse(settings.public_url.origin())?,
        connect_timeout: TwilioSettings::CONNECT_TIMEOUT,
        request_timeout: TwilioSettings::REQUEST_TIMEOUT,
    })
}

/// Takes over what earlier runs left. A node that is alone knows that all of it is left behind; one of a fleet looks
/// after what its upkeep finds, because other nodes may be at it.
async fn take_over(sharing: Sharing, ports: &CampaignPorts, reconciler: &Reconciler) -> anyhow::Result<()> {
    let upkeep = Upkeep::new(ports.clone());
    if sharing == Sharing::Alone {
        upkeep.release_all_claims().await?;
        reconciler.take_over().await?;
    }
    upkeep.sweep().await?;
    Ok(())
}

/// The watchdog opens a store and a carrier of its own, on its own thread.
async fn start_watchdog(
    settings: &Settings,
    twilio: TwilioSettings,
    ports: &SupervisorPorts,
    supervisor: Addr<Supervisor>,
) -> anyhow::Result<Watchdog> {
    let database_url = settings.database_url.clone();
    let make_ports = async move || {
        let store: Arc<dyn Store> = Arc::new(SqlStore::open(&database_url).await.map_err(|error| error.to_string())?);
        let carrier: Arc<dyn Carrier> = Arc::new(TwilioCarrier::new(twilio).map_err(|error| error.to_string())?);
        Ok(WatchdogPorts { store, carrier })
    };
    Ok(Watchdog::start(
        WatchdogSettings::default(),
        ports.clone(),
        supervisor,
        Box::new(move || Box::pin(make_ports())),
    )
    .await?)
}
