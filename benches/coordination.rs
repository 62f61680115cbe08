//! Permits per second on both coordinations: `cargo bench --bench coordination`. One permit is acquired and given back
//! per iteration, under every kind of limit, with 500 other calls under way. Redis runs on this machine.
#![expect(clippy::expect_used, reason = "a benchmark that cannot start has nothing to measure")]

#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/coordination/server.rs"]
mod server;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use samvad::app::SystemClock;
use samvad::coordination::{InProcessCoordination, RedisCoordination};
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, Mode, PhoneNumber};
use samvad_actors::ports::{
    Admission, Coordination, HeldPermit, Incarnation, PermitLimits, PermitRequest, PermitScopes, Rate, Rebuild,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

const UNDER_WAY: usize = 500;
/// Tasks that ask at the same time.
const TASKS: u64 = 8;
const HOUR: Duration = Duration::from_secs(3600);

fn scopes() -> PermitScopes {
    PermitScopes {
        mode: Mode::Live,
        campaign: CampaignId::from("survey"),
        country: "IN".to_owned(),
        caller_id: PhoneNumber::parse("+911140000000").expect("E.164"),
        date: CalendarDate::new(2026, 11, 21).unwrap_or(CalendarDate::FIRST),
    }
}

fn request(task: u64) -> PermitRequest {
    // A rate above what can be reached: it is checked and never in the way for long.
    let rate = Some(Rate {
        calls: 1_000_000,
        per: Duration::from_secs(1),
    });
    PermitRequest {
        attempt: AttemptId::new(format!("task {task}")),
        scopes: scopes(),
        limits: PermitLimits {
            fleet_concurrency: Some(1000),
            campaign_concurrency: Some(1000),
            country_concurrency: Some(1000),
            caller_id_concurrency: Some(1000),
            fleet_rate: rate,
            campaign_rate: rate,
            fleet_per_day: Some(u32::MAX),
            campaign_per_day: Some(u32::MAX),
            country_per_day: Some(u32::MAX),
        },
        lasts: HOUR,
    }
}

async fn open(coordination: &dyn Coordination) {
    let token = Incarnation("benchmark".to_owned());
    let permits = (0..UNDER_WAY).map(|n| HeldPermit {
        attempt: AttemptId::new(n.to_string()),
        scopes: scopes(),
        lasts: HOUR,
    });
    let rebuild = Rebuild {
        permits: permits.collect(),
        ..Rebuild::default()
    };
    coordination.begin_rebuild(&token, HOUR).await.expect("available");
    assert_eq!(coordination.finish_rebuild(&token, &rebuild).await, Ok(true));
}

/// Permits acquired and given back by tasks at the same time, `rounds` in all.
async fn permits(coordination: &Arc<dyn Coordination>, rounds: u64) -> Duration {
    let begun = Instant::now();
    let tasks = (0..TASKS).map(|task| {
        let coordination = coordination.clone();
        tokio::spawn(async move {
            let request = request(task);
            for _ in 0..rounds.div_ceil(TASKS) {
                while let Admission::Refused { .. } = coordination.acquire(&request).await.expect("open") {}
                coordination.release(&request.attempt).await.expect("available");
            }
        })
    });
    for task in join_all(tasks).await {
        task.expect("no panic");
    }
    begun.elapsed()
}

fn admission(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let server = server::RedisServer::start();
    let redis = runtime.block_on(async { RedisCoordination::new(&server.settings()).expect("a URL") });
    let coordinations: [(&str, Arc<dyn Coordination>); 2] = [
        (
            "in process",
            Arc::new(InProcessCoordination::new(Arc::new(SystemClock::default()))),
        ),
        ("redis", Arc::new(redis)),
    ];
    let mut group = criterion.benchmark_group("permit acquired and released");
    group.throughput(Throughput::Elements(1));
    for (name, coordination) in coordinations {
        runtime.block_on(open(coordination.as_ref()));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| runtime.block_on(permits(&coordination, rounds)));
        });
    }
    group.finish();
}

criterion_group!(benches, admission);
criterion_main!(benches);
