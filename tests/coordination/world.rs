//! Nodes that share one coordination, and requests as tests write them.

use crate::server::RedisServer;
use samvad::coordination::{InProcessCoordination, RedisCoordination};
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, Mode, PhoneNumber};
use samvad_actors::ports::{
    Admission, Candidacy, Clock, Coordination, Election, Incarnation, Limit, PermitLimits, PermitRequest, PermitScopes,
    Rebuild, RebuildStart,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than any test takes.
pub const LONG: Duration = Duration::from_secs(3600);
pub const TODAY: CalendarDate = match CalendarDate::new(2026, 11, 21) {
    Some(date) => date,
    None => CalendarDate::FIRST,
};

/// Three nodes on one coordination, which is empty.
pub struct World {
    pub nodes: Vec<Arc<dyn Coordination>>,
    _kept: Option<RedisServer>,
}

impl World {
    pub fn node(&self) -> &dyn Coordination {
        self.nodes[0].as_ref()
    }

    /// Opens admission with nothing under way.
    pub async fn open(&self) -> &dyn Coordination {
        open(self.node(), "first", &Rebuild::default()).await;
        self.node()
    }
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("runtime")
}

struct TestClock(Instant);

impl Clock for TestClock {
    fn unix_ms(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

pub async fn in_process() -> World {
    let node: Arc<dyn Coordination> = Arc::new(InProcessCoordination::new(Arc::new(TestClock(Instant::now()))));
    World {
        nodes: vec![node; 3],
        _kept: None,
    }
}

pub async fn redis() -> World {
    let server = RedisServer::start();
    let node = |_| -> Arc<dyn Coordination> { Arc::new(redis_node(&server)) };
    World {
        nodes: (0..3).map(node).collect(),
        _kept: Some(server),
    }
}

/// A node with connections of its own.
pub fn redis_node(server: &RedisServer) -> RedisCoordination {
    let mut settings = server.settings();
    // Tests share two processors; what is judged is not speed.
    settings.time_limit = Duration::from_secs(5);
    RedisCoordination::new(&settings).expect("a URL")
}

pub async fn open(node: &dyn Coordination, token: &str, rebuild: &Rebuild) {
    let token = Incarnation(token.to_owned());
    assert_eq!(node.begin_rebuild(&token, LONG).await, Ok(RebuildStart::Begun));
    assert_eq!(node.finish_rebuild(&token, rebuild).await, Ok(true));
}

pub fn scopes() -> PermitScopes {
    PermitScopes {
        mode: Mode::Live,
        campaign: CampaignId::from("survey"),
        country: "IN".to_owned(),
        caller_id: PhoneNumber::parse("+911140000000").expect("E.164"),
        date: TODAY,
    }
}

pub fn request(attempt: &str, limits: PermitLimits) -> PermitRequest {
    PermitRequest {
        attempt: AttemptId::from(attempt),
        scopes: scopes(),
        limits,
        lasts: LONG,
    }
}

/// The one limit, with a cap of `cap`; a rate allows `cap` calls a day.
pub fn only(limit: Limit, cap: u32) -> PermitLimits {
    let mut limits = PermitLimits::default();
    let rate = samvad_actors::ports::Rate {
        calls: cap,
        per: Duration::from_secs(24 * 3600),
    };
    match limit {
        Limit::FleetPerDay => limits.fleet_per_day = Some(cap),
        Limit::CampaignPerDay => limits.campaign_per_day = Some(cap),
        Limit::CountryPerDay => limits.country_per_day = Some(cap),
        Limit::FleetConcurrency => limits.fleet_concurrency = Some(cap),
        Limit::CampaignConcurrency => limits.campaign_concurrency = Some(cap),
        Limit::CountryConcurrency => limits.country_concurrency = Some(cap),
        Limit::CallerIdConcurrency => limits.caller_id_concurrency = Some(cap),
        Limit::FleetRate => limits.fleet_rate = Some(rate),
        Limit::CampaignRate => limits.campaign_rate = Some(rate),
    }
    limits
}

pub async fn granted(node: &dyn Coordination, request: &PermitRequest) {
    let admission = node.acquire(request).await;
    assert!(matches!(admission, Ok(Admission::Granted { .. })), "{admission:?}");
}

pub async fn refused(node: &dyn Coordination, request: &PermitRequest) -> (Limit, Option<Duration>) {
    match node.acquire(request).await {
        Ok(Admission::Refused { limit, retry_after }) => (limit, retry_after),
        other => panic!("not refused: {other:?}"),
    }
}

pub fn candidacy(node: &str, known_epoch: u64, lasts: Duration) -> Candidacy {
    Candidacy {
        campaign: CampaignId::from("survey"),
        node: node.to_owned(),
        known_epoch,
        lasts,
    }
}

pub async fn leads(node: &dyn Coordination, candidacy: &Candidacy) -> u64 {
    match node.campaign_lease(candidacy).await {
        Ok(Election::Leader { epoch }) => epoch,
        other => panic!("not elected: {other:?}"),
    }
}
