//! What planning a tick costs: `cargo bench -p samvad-actors --bench planning`. The candidates are four times the free
//! permits, as the store gives them.
#![expect(clippy::expect_used, reason = "a benchmark that cannot start has nothing to measure")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use samvad_actors::campaign::{Breaker, Candidate, Due, Snapshot, plan_tick};
use samvad_actors::domain::{CallingWindow, ContactId, PhoneNumber};
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::time::Duration;

/// Friday 2026-11-20, noon in India.
const NOON_MS: i64 = 1_795_156_200_000;
const ZONES: [&str; 4] = ["Asia/Kolkata", "Asia/Dubai", "Europe/Berlin", "America/New_York"];

fn snapshot(free_permits: u32) -> Snapshot {
    let candidate = |n: u32| Candidate {
        contact: ContactId::new(format!("contact {n}")),
        number: PhoneNumber::parse(&format!("+9198{n:08}")).expect("E.164"),
        zone: n.is_multiple_of(3).then(|| ZONES[n as usize % ZONES.len()].to_owned()),
        due: match n % 5 {
            0 => Due::Callback {
                at_ms: NOON_MS - i64::from(n),
            },
            1 => Due::Retry {
                at_ms: NOON_MS - i64::from(n),
            },
            _ => Due::Fresh { position: n.into() },
        },
    };
    Snapshot {
        window: CallingWindow::default(),
        candidates: (0..4 * free_permits).rev().map(candidate).collect(),
        to_call: Some(BTreeMap::from([(None, 1_000_000)])),
        free_permits,
        last_begun_ms: Some(NOON_MS - 10_000),
        in_flight: BTreeSet::new(),
        lead: Duration::from_secs(330),
        breaker: Breaker::default(),
        latest_ends: Vec::new(),
        longest_sleep: Duration::from_secs(60),
    }
}

fn planning(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan_tick");
    for free_permits in [100, 1000] {
        let snapshot = snapshot(free_permits);
        group.throughput(Throughput::Elements(u64::from(4 * free_permits)));
        group.bench_with_input(
            BenchmarkId::new("candidates", 4 * free_permits),
            &snapshot,
            |bencher, snapshot| bencher.iter(|| plan_tick(black_box(snapshot), NOON_MS)),
        );
    }
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
