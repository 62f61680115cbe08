//! Nothing is left of calls whose recognition services fail in every way.

use crate::doubles::deepgram::{self, Deepgram};
use crate::doubles::openai::{self, Realtime};
use crate::doubles::{Conduct, Double, Ear};
use crate::harness::{DEADLINE, Process, World, assert_no_panic, count, poll};
use crate::{number, runtime};
use rustix::process::Signal;
use samvad::telemetry::ProcessUsage;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Connections that each service's pool keeps open ahead.
const SPARE: usize = 2;

/// One after the other; every third time one of the services is well.
const CONDUCTS: [Conduct; 12] = [
    Conduct::Stalls,
    Conduct::CutsAfterMs(300),
    Conduct::Serves,
    Conduct::Refuses(401, "INVALID_AUTH"),
    Conduct::NeverConcludes,
    Conduct::Serves,
    Conduct::ReportsQuota,
    Conduct::Refuses(429, "RATE_LIMITED"),
    Conduct::Serves,
    Conduct::TalksNonsense,
    Conduct::IgnoresUpgrades,
    Conduct::CutsAfterMs(0),
];

fn usage(server: &Process) -> ProcessUsage {
    ProcessUsage::of(u32::try_from(server.pid()).expect("a process id")).expect("a process")
}

/// Changes how the services behave, again and again.
async fn misbehave(services: Arc<[Double; 2]>) {
    for round in 0.. {
        for (service, double) in services.iter().enumerate() {
            double.behave(CONDUCTS[(round + service * 4) % CONDUCTS.len()]);
        }
        if round % 5 == 4 {
            services[round % 2].cut();
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

#[test]
fn l15_calls_against_failing_services_leave_no_connection_task_or_memory() {
    let calls = number("SERVICE_LOAD_CALLS", 400);
    let tenth = calls / 10;
    let runtime = runtime();
    let services = runtime.block_on(async {
        let says = || Ear::Says("Yes.", Duration::from_millis(20));
        Arc::new([
            Double::start::<Deepgram>(says()).await,
            Double::start::<Realtime>(says()).await,
        ])
    });
    let mut world = World::of_fixture("failing_services.yaml", calls)
        .set("SAMVAD_MAX_CALLS", "200")
        .set("SAMVAD_CALLS_PER_SECOND", "40")
        .set("SAMVAD_RECOGNIZER", "deepgram,openai")
        .set("SAMVAD_SERVICE_CONNECTIONS", "200")
        .set("DEEPGRAM_API_KEY", deepgram::KEY)
        .set("DEEPGRAM_BASE_URL", services[0].url().as_str())
        .set("OPENAI_API_KEY", openai::KEY)
        .set(
            "OPENAI_BASE_URL",
            services[1].url().join("/v1").expect("a path").as_str(),
        );
    let mut server = world.calling();
    let all_spare_wait = || services.iter().all(|service| service.open() == SPARE);
    poll("connections are open ahead", all_spare_wait, || server.log_text());
    let start = usage(&server);
    let trouble = runtime.spawn(misbehave(Arc::clone(&services)));

    let mut resident = BTreeMap::new();
    // Looked at often enough that each wait is short.
    let step = tenth.min(100);
    for ended in (step..=calls).step_by(step) {
        server.until(&format!("{ended} calls have ended"), |lines| {
            count(lines, "ended") >= ended
        });
        resident.insert(ended, usage(&server).resident_bytes);
    }
    trouble.abort();
    for service in services.iter() {
        service.behave(Conduct::Serves);
    }
    let end = Cell::new(usage(&server));
    poll(
        "connections, threads and descriptors are as many as at the start",
        || {
            end.set(usage(&server));
            all_spare_wait()
                && end.get().threads <= start.threads
                && end.get().open_descriptors <= start.open_descriptors
        },
        || format!("{}\n{start:?}, then {:?}", server.log_text(), end.get()),
    );
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let results: usize = services.iter().map(|service| service.results()).sum();
    let upgrades: usize = services.iter().map(Double::upgrades).sum();
    eprintln!("{calls} calls, {upgrades} connections asked for, {results} results; resident memory after:");
    for (ended, bytes) in resident.iter().filter(|(ended, _)| *ended % tenth == 0) {
        eprintln!("{ended:>7} calls {:7.1} MiB", mib(*bytes));
    }
    // By half of the calls as many have been under way at once as ever will be.
    let (early, late) = (resident[&(5 * tenth)], resident[&(10 * tenth)]);
    assert!(
        late <= early + early / 20,
        "resident memory grew from {early} to {late}: {resident:?}"
    );
    server.signal(Signal::TERM);
    assert!(server.ended(DEADLINE).success(), "{}", server.log_text());
    let last = server.lines().last().cloned().expect("its usage");
    for gauge in ["calls", "sockets", "permits"] {
        assert_eq!(last[gauge], 0, "{last}");
    }
    // Those that have the spare connections, and for each service the one that sees to them.
    assert_eq!(last["service_tasks"], 2 * (SPARE + 1), "{last}");
    assert_no_panic(&server.log_text());
    assert_everybody_came_to_an_end(&mut world);
}

fn assert_everybody_came_to_an_end(world: &mut World) {
    let found: BTreeMap<String, _> = world
        .results()
        .into_iter()
        .map(|row| {
            let outcome = row.attempt.and_then(|attempt| attempt.outcome);
            (row.contact.number.expose().to_owned(), outcome)
        })
        .collect();
    for respondent in world.respondents() {
        let outcome = serde_json::to_value(found[&respondent.number]).expect("a word");
        assert!(!outcome.is_null(), "{} has no outcome", respondent.caller);
        if let Some(expected) = &respondent.expectations.outcome {
            assert_eq!(outcome, **expected, "{}", respondent.caller);
        }
    }
    world.assert_all_ended_once(0);
}
