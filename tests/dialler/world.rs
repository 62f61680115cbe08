//! One process: real store, real coordination, scripted carrier, a clock that can be put forward.

use crate::carrier::{ScriptedCarrier, sid};
use crate::coordination::Fickle;
use actix::{Actor, Addr};
use async_trait::async_trait;
use samvad::coordination::InProcessCoordination;
use samvad::store::SqlStore;
use samvad_actors::domain::{
    ActorKind, AttemptId, AttemptState, Campaign, CampaignId, CarrierStatus, ChangedBy, ContactId, ExclusionReason,
    Lifecycle, Mode, PhoneNumber, TimeOfDay, Weekday,
};
use samvad_actors::ports::{
    AttemptRow, AttemptStore, AuditEntry, CallbackEffect, CampaignState, CampaignStore, Clock, ContactImport,
    Coordination, DialerStore, DoNotCallEntry, ExclusionSource, FleetCommand, LifecycleChange, NewContact, PeopleStore,
    PermitLimits, ResultStore, StatusCallback,
};
use samvad_actors::runtime::{
    CallTable, CampaignFleet, CampaignPorts, CarrierStatusChanged, DialSettings, Gate, HoldOff, MediaToken, NoEvents,
    Permits, Preparation, PrepareSurveys, Readiness, Supervisor, SupervisorPorts, TokenMint, give_permits_back,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const HEALTH: &str = include_str!("../../fixtures/campaigns/health_survey.yaml");

/// Longest wait for anything that must happen.
const DEADLINE: Duration = Duration::from_secs(20);

/// Sunday 2026-11-22, 06:00 UTC.
pub const SUNDAY_MS: i64 = 1_795_327_200_000;
pub const DAY_MS: i64 = 86_400_000;
pub const HOUR_MS: i64 = 3_600_000;

pub struct SetClock {
    begun: Instant,
    start_ms: AtomicI64,
}

impl SetClock {
    pub fn advance(&self, by_ms: i64) {
        self.start_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn unix_ms(&self) -> i64 {
        let since = i64::try_from(self.begun.elapsed().as_millis()).expect("a test is short");
        self.start_ms.load(Ordering::Relaxed) + since
    }

    fn monotonic(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// Ids that no other mint gives.
struct Mint(String, AtomicU64);

impl TokenMint for Mint {
    fn attempt_id(&self) -> AttemptId {
        AttemptId::new(format!("{}-{}", self.0, self.1.fetch_add(1, Ordering::Relaxed)))
    }

    fn media_token(&self, attempt: &AttemptId, now_ms: i64) -> Result<MediaToken, String> {
        Ok(MediaToken {
            text: format!("token-{attempt}"),
            hash: format!("hash-{attempt}"),
            expires_at_ms: now_ms + HOUR_MS,
        })
    }
}

struct Ready;

#[async_trait(?Send)]
impl PrepareSurveys for Ready {
    async fn prepare(&self, _campaign: &Campaign) -> Result<Preparation, String> {
        Ok(Preparation::Ready)
    }
}

/// What the nodes of a test share.
pub struct World {
    pub store: Arc<SqlStore>,
    pub carrier: Arc<ScriptedCarrier>,
    pub coordination: Arc<Fickle>,
    pub clock: Arc<SetClock>,
    _directory: TempDir,
}

/// One of them.
pub struct TestNode {
    pub ports: CampaignPorts,
    pub supervisor: Addr<Supervisor>,
    _fleet: Addr<CampaignFleet>,
}

impl World {
    /// At six in the morning (UTC) of a Sunday.
    pub async fn new() -> Self {
        let directory = TempDir::new().expect("a folder");
        let url = format!("sqlite://{}", directory.path().join("samvad.db").display());
        let clock = Arc::new(SetClock {
            begun: Instant::now(),
            start_ms: AtomicI64::new(SUNDAY_MS),
        });
        Self {
            store: Arc::new(SqlStore::open(&url).await.expect("a store")),
            carrier: Arc::default(),
            coordination: Arc::new(Fickle::over(InProcessCoordination::new(clock.clone()))),
            clock,
            _directory: directory,
        }
    }

    /// Puts a number onto do-not-call, and tells the nodes.
    pub async fn opt_out(&self, n: u32) {
        let entry = DoNotCallEntry {
            number: number(n),
            source: ExclusionSource::Import,
            attempt: None,
            added_at_ms: 0,
        };
        self.store.opt_out(&[entry]).await.expect("listed");
        let told = FleetCommand::CancelNumber(number(n));
        self.coordination.publish(&told).await.expect("said");
    }

    /// Takes the contact of a number out of a campaign by hand, and tells nobody. Its attempts that have not ended.
    pub async fn exclude(&self, campaign: &CampaignId, n: u32) -> Vec<AttemptRow> {
        let contact = ContactId::new(format!("{campaign}-{n}"));
        let audit = AuditEntry {
            by: ChangedBy {
                kind: ActorKind::System,
                id: String::new(),
                name: "test".to_owned(),
                request_id: None,
            },
            action: "contact.exclude",
            target: ("contact", contact.to_string()),
            before: None,
            after: None,
        };
        let reason = ExclusionReason::parse("moved away").expect("a reason");
        let now_ms = self.clock.unix_ms();
        let excluded = self.store.exclude_contact(campaign, &contact, &reason, &audit, now_ms);
        excluded.await.expect("store").expect("excluded")
    }

    /// A node that makes attempts of this mode and looks every 20 ms.
    pub fn node(&self, name: &str, mode: Mode, limits: PermitLimits) -> TestNode {
        let (permits, returns) = Permits::new();
        let base = SupervisorPorts {
            store: self.store.clone(),
            carrier: self.carrier.clone(),
            clock: self.clock.clone(),
            events: Arc::new(NoEvents),
            calls: Arc::new(CallTable::default()),
            permits: Arc::new(permits),
            readiness: Arc::new(Readiness::default()),
        };
        let mint = Arc::new(Mint(name.to_owned(), AtomicU64::new(0)));
        let coordination: Arc<dyn Coordination> = self.coordination.clone();
        actix::spawn(give_permits_back(returns, coordination.clone(), base.permits.clone()));
        let settings = DialSettings {
            ring_timeout_seconds: 30,
            queue_limit_seconds: 60,
            poll: Duration::from_millis(20),
            lease: Duration::from_millis(600),
            ..DialSettings::new(name.to_owned(), mode, limits)
        };
        let gate = Gate::new(
            coordination.clone(),
            self.store.clone(),
            self.clock.clone(),
            mint.as_ref(),
        );
        let ports = CampaignPorts {
            base: base.clone(),
            dialer: self.store.clone(),
            coordination,
            mint,
            settings: Arc::new(settings),
            gate: Arc::new(gate),
            hold_off: HoldOff::default(),
        };
        let supervisor = Supervisor::new(base).start();
        let fleet = CampaignFleet::new(ports.clone(), Arc::new(Ready), supervisor.clone()).start();
        TestNode {
            ports,
            supervisor,
            _fleet: fleet,
        }
    }

    /// A campaign that runs at any hour with contacts of these numbers, not spread, one attempt each.
    pub async fn campaign(
        &self,
        id: &str,
        mode: Mode,
        numbers: &[u32],
        edit: impl FnOnce(&mut Campaign),
    ) -> CampaignId {
        let mut campaign = Campaign::from_yaml(HEALTH).expect("the example is valid");
        campaign.id = CampaignId::from(id);
        let rules = &mut campaign.dialing;
        rules.window.zone = "UTC".to_owned();
        rules.window.weekdays = Weekday::ALL.to_vec();
        (rules.window.start, rules.window.end) = (TimeOfDay::hour(0), TimeOfDay::hour(0));
        rules.retry.max_attempts = 1;
        rules.spread = false;
        edit(&mut campaign);
        let now_ms = self.clock.unix_ms();
        self.store.put_campaign(&campaign, now_ms).await.expect("written");
        let contacts: Vec<_> = numbers
            .iter()
            .map(|&n| ContactImport {
                contact: NewContact {
                    id: ContactId::new(format!("{id}-{n}")),
                    campaign: campaign.id.clone(),
                    number: number(n),
                    external_id: None,
                    name: None,
                    email: None,
                    language: None,
                },
                zone: None,
                prior_consent: false,
            })
            .collect();
        self.store.import_contacts(&contacts, now_ms).await.expect("imported");
        self.store.set_mode(&campaign.id, mode, now_ms).await.expect("set");
        self.change(&campaign.id, Lifecycle::Running, None).await;
        campaign.id
    }

    pub async fn change(&self, campaign: &CampaignId, to: Lifecycle, reason: Option<&str>) {
        let change = LifecycleChange {
            campaign: campaign.clone(),
            to,
            reason: reason.map(str::to_owned),
            starts_at_ms: None,
            epoch: None,
        };
        let now_ms = self.clock.unix_ms();
        self.store.change_lifecycle(&change, now_ms).await.expect("changed");
    }

    pub async fn state(&self, campaign: &CampaignId) -> CampaignState {
        let state = self.store.campaign_state(campaign).await.expect("read");
        state.expect("there")
    }

    pub async fn open_attempts(&self) -> Vec<AttemptRow> {
        self.store.open_attempts().await.expect("read")
    }

    /// The last attempt to each contact.
    pub async fn attempts(&self, campaign: &CampaignId) -> BTreeMap<String, AttemptRow> {
        let rows = self.store.results(campaign).await.expect("read").into_iter();
        rows.filter_map(|row| Some((row.contact.id.as_str().to_owned(), row.attempt?)))
            .collect()
    }

    /// Waits until the carrier was asked so often.
    pub async fn asked(&self, times: usize) {
        until("the carrier is asked", async || self.carrier.asked() >= times).await;
        assert_eq!(self.carrier.asked(), times);
    }

    /// Lets every node look at least so often.
    pub async fn looks(&self, times: u32) {
        tokio::time::sleep(Duration::from_millis(25) * times).await;
    }

    /// Waits until a campaign has come to an end by itself.
    pub async fn completed(&self, campaign: &CampaignId) {
        until("the campaign completes", async || {
            self.state(campaign).await.lifecycle == Lifecycle::Completed
        })
        .await;
    }

    /// How many permits of a mode are held.
    pub async fn held(&self, mode: Mode) -> usize {
        self.coordination.inner.held(mode).await.expect("open").len()
    }

    pub async fn no_permit_is_left(&self, mode: Mode) {
        until("no permit is left", async || self.held(mode).await == 0).await;
    }
}

impl TestNode {
    /// Ends a call as the carrier's callback on this node would.
    pub async fn end(&self, world: &World, attempt: &AttemptId, status: CarrierStatus) {
        let callback = StatusCallback {
            attempt: attempt.clone(),
            call_sid: sid(attempt),
            status,
            sequence: Some(3),
            call_duration_seconds: None,
            sip_code: None,
        };
        let now_ms = world.clock.unix_ms();
        let effect = world.store.record_callback(&callback, now_ms).await.expect("taken");
        if effect == CallbackEffect::Ended {
            let attempt = attempt.clone();
            let changed = CarrierStatusChanged {
                attempt,
                status,
                effect,
            };
            self.supervisor.send(changed).await.expect("heard");
        }
    }

    /// Ends every call that the carrier took, once its answers are kept.
    pub async fn end_all(&self, world: &World, status: CarrierStatus) {
        until("the carrier's answers are kept", async || {
            let open = world.open_attempts().await;
            open.iter().all(|row| row.state != AttemptState::Submitting)
        })
        .await;
        for row in world.open_attempts().await {
            if row.state == AttemptState::Submitted {
                self.end(world, &row.id, status).await;
            }
        }
    }
}

/// No limit but these many calls at once.
pub fn at_once(calls: u32) -> PermitLimits {
    PermitLimits {
        fleet_concurrency: Some(calls),
        ..PermitLimits::default()
    }
}

pub fn number(n: u32) -> PhoneNumber {
    PhoneNumber::parse(&format!("+1415555{n:04}")).expect("E.164")
}

/// Waits until something is so; fails if it does not come to be.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < DEADLINE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
