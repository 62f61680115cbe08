//! The watchdog: stuck workers, and the limits on every call (CALL-14), enforced from outside the call's actor.

use crate::recognizer::Recognition;
use crate::world::{World, launch, standard_survey, until};
use samvad_actors::domain::{EndReason, Outcome};
use samvad_actors::ports::Clock;
use samvad_actors::runtime::{CallProbe, Limits, WatchdogError, WatchdogPorts, WatchdogSettings, WorkerPulse};
use std::sync::Arc;
use std::time::Duration;

fn impatient() -> WatchdogSettings {
    WatchdogSettings {
        interval: Duration::from_millis(20),
        stuck_after: Duration::from_millis(1_500),
        grace: Duration::from_millis(100),
    }
}

/// A call that has consented on a worker of its own, whose thread is then blocked for so long by its recogniser.
async fn blocked_worker(world: &World, name: &'static str, blocked: Duration) -> actix::Arbiter {
    let worker = actix::Arbiter::new();
    let (ports, admitted) = (world.call_ports(), world.admitted(name));
    let recognizer = world.recognizer.clone();
    worker.spawn_fn(move || {
        let caller = launch(ports, admitted, standard_survey());
        actix::spawn(async move {
            caller.listen().await;
            recognizer.set(Recognition::StartBlocks(blocked));
            caller.speak();
            caller.answer("").await;
        });
    });
    worker
}

#[actix::test]
async fn l10_a_worker_blocked_by_a_handler_is_found_its_calls_ended_and_other_workers_go_on() {
    let world = World::new();
    let _watchdog = world.watchdog(WatchdogSettings::default()).await;
    let other = world.call("other");
    other.listen().await;
    other.press('1');
    let worker = blocked_worker(&world, "stuck", Duration::from_secs(6)).await;
    assert_eq!(world.ended("stuck").await, Outcome::Failed);
    assert_eq!(world.store.report(&"stuck".into()).end_reason, EndReason::Fault);
    assert!(world.carrier.has_hung_up("CA-stuck"));
    assert_eq!(
        world.ports.readiness.fault().as_deref(),
        Some("worker threads stuck: 1"),
        "not ready, though its calls are ended: the worker is still blocked"
    );
    world.recognizer.set(Recognition::Yes);
    other.answer("413").await;
    assert_eq!(world.ended("other").await, Outcome::Completed);
    until("ready again when the worker is", || {
        world.ports.readiness.fault().is_none()
    })
    .await;
    world.all_quiet().await;
    assert_eq!(
        world.events.ends(&"stuck".into()),
        1,
        "its actor's late word changes nothing"
    );
    worker.stop();
}

#[actix::test]
async fn a_carrier_that_does_not_answer_keeps_the_watchdog_from_nothing() {
    let world = World::new();
    world.carrier.told().hang_ups_hang = true;
    let _watchdog = world.watchdog(impatient()).await;
    let pulse = WorkerPulse::new(0);
    for name in ["one", "two"] {
        let admitted = world.admitted(name);
        let probe = CallProbe::new(admitted.attempt, admitted.call_sid, pulse.clone(), Limits::default(), 0);
        world.ports.calls.insert(probe);
        world.ended(name).await;
    }
    assert_eq!(world.carrier.told().completed.len(), 2);
}

#[actix::test]
async fn a_watchdog_whose_store_is_away_writes_the_outcome_later_and_holds_the_permit_until_then() {
    let world = World::new();
    world
        .store
        .fail("record_outcome", crate::store::Failing::Away, u32::MAX);
    let _watchdog = world.watchdog(impatient()).await;
    let admitted = world.admitted("late");
    let probe = CallProbe::new(
        admitted.attempt.clone(),
        admitted.call_sid,
        WorkerPulse::new(0),
        Limits::default(),
        0,
    );
    world.ports.calls.insert(probe);
    until("hung up all the same", || world.carrier.has_hung_up("CA-late")).await;
    assert!(world.ports.permits.holds(&admitted.attempt));
    world.store.mend("record_outcome");
    world.ended("late").await;
}

/// A probe that stands in for a call on a healthy worker whose actor obeys nobody.
fn disobedient(world: &World, name: &str, limits: Limits) -> (Arc<CallProbe>, tokio::task::JoinHandle<()>) {
    let admitted = world.admitted(name);
    let probe = CallProbe::new(admitted.attempt, admitted.call_sid, WorkerPulse::new(0), limits, 0);
    let (clock, worker) = (world.clock.clone(), probe.worker.clone());
    let pulse = actix::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            worker.beat(u64::try_from(clock.monotonic().as_millis()).expect("short"));
        }
    });
    (probe, pulse)
}

async fn is_ended(world: &World, name: &str, limits: Limits, wrong: impl Fn(&CallProbe)) {
    let (probe, pulse) = disobedient(world, name, limits);
    wrong(&probe);
    world.ports.calls.insert(probe);
    world.ended(name).await;
    assert_eq!(
        world.store.report(&name.into()).end_reason,
        EndReason::LimitReached,
        "{name}"
    );
    assert!(world.carrier.has_hung_up(&format!("CA-{name}")), "{name}");
    pulse.abort();
}

#[actix::test]
async fn a_pause_of_the_whole_process_is_not_blamed_on_its_workers() {
    let world = World::new();
    let _watchdog = world.watchdog(impatient()).await;
    let (probe, pulse) = disobedient(&world, "paused", Limits::default());
    world.ports.calls.insert(probe);
    world.clock.jump_ms(10_000);
    // When this one has been ended, the watchdog has looked at the other more than once.
    let at_once = Limits {
        longest_call_ms: 0,
        ..Limits::default()
    };
    is_ended(&world, "looked at", at_once, |_| {}).await;
    assert!(world.ports.calls.contains(&"paused".into()));
    assert_eq!(world.ports.readiness.fault(), None);
    pulse.abort();
}

#[actix::test]
async fn l10_every_limit_is_enforced_from_outside_on_a_call_whose_actor_obeys_nobody() {
    let world = World::new();
    let _watchdog = world.watchdog(impatient()).await;
    let long = Limits::default();
    let short = 200;
    is_ended(
        &world,
        "longest call",
        Limits {
            longest_call_ms: short,
            ..long
        },
        |_| {},
    )
    .await;
    is_ended(
        &world,
        "dead air",
        Limits {
            dead_air_ms: short,
            ..long
        },
        |_| {},
    )
    .await;
    is_ended(
        &world,
        "recogniser",
        Limits {
            recognition_ms: short,
            ..long
        },
        |probe| {
            probe.recognition_since(Some(0));
        },
    )
    .await;
    is_ended(&world, "mark", Limits { mark_ms: short, ..long }, |probe| {
        probe.mark_due(Some(0))
    })
    .await;
    is_ended(
        &world,
        "audio",
        Limits {
            first_audio_ms: short,
            ..long
        },
        |probe| {
            probe.audio_wanted_since(Some(0));
        },
    )
    .await;
}

#[actix::test]
async fn a_live_call_that_overruns_each_limit_is_told_to_end_and_does() {
    let tight = |edit: fn(&mut Limits)| {
        let mut limits = Limits::default();
        edit(&mut limits);
        limits
    };
    let cases: [(&str, Limits); 3] = [
        ("too long", tight(|limits| limits.longest_call_ms = 300)),
        ("dead air", tight(|limits| limits.dead_air_ms = 300)),
        ("no mark", tight(|limits| limits.mark_ms = 300)),
    ];
    for (name, limits) in cases {
        let mut world = World::new();
        world.limits = limits;
        let _watchdog = world.watchdog(impatient()).await;
        let caller = world.call(name);
        caller.returns_marks.set(false);
        while caller.listen().await {}
        world.ended(name).await;
        assert_eq!(
            world.store.report(&name.into()).end_reason,
            EndReason::LimitReached,
            "{name}"
        );
        assert!(
            world.journals.replayed(&name.into()).complete,
            "{name}: its actor ended it"
        );
        world.all_quiet().await;
    }
}

#[actix::test]
async fn a_recogniser_that_is_silent_beyond_its_limit_ends_the_call_though_its_deadline_does_not() {
    let mut world = World::new();
    world.limits.recognition_ms = 100;
    world.recognizer.set(Recognition::Never);
    let _watchdog = world.watchdog(impatient()).await;
    let caller = world.call("silent");
    caller.listen().await;
    caller.speak();
    while caller.listen().await {}
    world.ended("silent").await;
    assert_eq!(world.store.report(&"silent".into()).end_reason, EndReason::LimitReached);
}

#[actix::test]
async fn a_server_without_a_watchdog_does_not_start() {
    let world = World::new();
    let ports = || Box::pin(async { Err::<WatchdogPorts, _>("no database".to_owned()) }) as _;
    let started = samvad_actors::runtime::Watchdog::start(
        WatchdogSettings::default(),
        world.ports.clone(),
        world.supervisor.clone(),
        Box::new(ports),
    );
    let refused = started.await.err().expect("refused");
    assert!(matches!(refused, WatchdogError::Ports(reason) if reason == "no database"));
}

#[actix::test]
async fn a_worker_that_has_ended_is_not_taken_for_a_stuck_one() {
    let world = World::new();
    let _watchdog = world.watchdog(impatient()).await;
    let admitted = world.admitted("brief");
    let pulse = WorkerPulse::new(0);
    let weak = Arc::downgrade(&pulse);
    let probe = CallProbe::new(admitted.attempt, admitted.call_sid, pulse, Limits::default(), 0);
    world.ports.calls.insert(probe);
    world.ended("brief").await;
    until("the watchdog has forgotten the worker", || weak.strong_count() == 0).await;
    until("ready", || world.ports.readiness.fault().is_none()).await;
}
