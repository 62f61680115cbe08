//! Redis gone, emptied, stuck, or behind a password.

use crate::server::RedisServer;
use crate::signals::SOON;
use crate::world::{LONG, TODAY, candidacy, granted, leads, only, open, redis_node, refused, request, runtime, scopes};
use deadpool_redis::redis::{Cmd, cmd};
use rustix::process::Signal;
use samvad::coordination::RedisCoordination;
use samvad::coordination::redis::RedisSettings;
use samvad_actors::domain::{AttemptId, CampaignId, Mode};
use samvad_actors::ports::{
    Admission, Coordination, CoordinationError, FleetCommand, FleetSignal, HeldPermit, Incarnation, Limit,
    PermitLimits, Rebuild,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn unavailable<T: std::fmt::Debug>(answer: Result<T, CoordinationError>) {
    assert!(
        matches!(answer, Err(CoordinationError::Unavailable { .. })),
        "{answer:?}"
    );
}

/// Every step of the port fails closed.
async fn nothing_is_answered(node: &dyn Coordination) {
    let (attempt, survey, token) = (
        AttemptId::from("a"),
        CampaignId::from("survey"),
        Incarnation("t".to_owned()),
    );
    unavailable(node.acquire(&request("a", PermitLimits::default())).await);
    unavailable(node.release(&attempt).await);
    unavailable(node.cancel(&attempt).await);
    unavailable(node.held(Mode::Live).await);
    unavailable(node.usage(Mode::Live, &survey, TODAY).await);
    unavailable(node.campaign_lease(&candidacy("a", 0, LONG)).await);
    unavailable(node.renew_lease(&survey, "a", 1, LONG).await);
    unavailable(node.resign_lease(&survey, "a", 1).await);
    unavailable(node.is_open().await);
    unavailable(node.begin_rebuild(&token, LONG).await);
    unavailable(node.finish_rebuild(&token, &Rebuild::default()).await);
    unavailable(node.publish(&FleetCommand::StopAll).await);
    unavailable(node.subscribe().await.map(|_| ()));
}

#[test]
fn redis_killed_stops_dialling_and_redis_back_but_empty_stays_shut_until_rebuilt() {
    let mut server = RedisServer::start();
    runtime().block_on(async {
        let node = redis_node(&server);
        open(&node, "first", &Rebuild::default()).await;
        granted(&node, &request("under way", PermitLimits::default())).await;
        server.kill();
        nothing_is_answered(&node).await;
        server.start_again();
        let ask = request("next", only(Limit::FleetConcurrency, 1));
        assert_eq!(node.acquire(&ask).await, Err(CoordinationError::Shut));
        let rebuild = Rebuild {
            permits: vec![HeldPermit {
                attempt: AttemptId::from("under way"),
                scopes: scopes(),
                lasts: LONG,
            }],
            day_counts: BTreeMap::new(),
        };
        open(&node, "second", &rebuild).await;
        assert_eq!(refused(&node, &ask).await.0, Limit::FleetConcurrency);
        assert_eq!(node.release(&AttemptId::from("under way")).await, Ok(true));
        granted(&node, &ask).await;
    });
}

#[test]
fn a_redis_that_is_stuck_is_given_up_after_the_time_limit() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let mut settings = server.settings();
        settings.time_limit = Duration::from_millis(100);
        let node = RedisCoordination::new(&settings).expect("a URL");
        let patient = redis_node(&server);
        open(&patient, "first", &Rebuild::default()).await;
        server.signal(Signal::STOP);
        nothing_is_answered(&node).await;
        server.signal(Signal::CONT);
        // What was sent before is answered before this.
        granted(&patient, &request("next", PermitLimits::default())).await;
        assert_eq!(patient.is_open().await, Ok(true));
    });
}

/// Of a permit, if one was granted.
fn incarnation(answer: Result<Admission, CoordinationError>) -> Option<Incarnation> {
    match answer {
        Ok(Admission::Granted { incarnation, .. }) => Some(incarnation),
        _ => None,
    }
}

#[test]
fn a_redis_emptied_in_mid_run_exceeds_no_limit_once_rebuilt() {
    const CAP: usize = 4;
    let server = RedisServer::start();
    runtime().block_on(async {
        let node = Arc::new(redis_node(&server));
        open(node.as_ref(), "first", &Rebuild::default()).await;
        let limits = only(Limit::FleetConcurrency, u32::try_from(CAP).expect("small"));
        // The store of this test: marked before the carrier is called, unmarked before the permit is given back.
        let store = Arc::new(Mutex::new(BTreeSet::<AttemptId>::new()));
        let (calls, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let callers = (0..8).map(|caller| {
            let (node, limits) = (redis_node(&server), limits.clone());
            let (store, calls, most) = (store.clone(), calls.clone(), most.clone());
            tokio::spawn(async move {
                for call in 0..150 {
                    let request = request(&format!("{caller}-{call}"), limits.clone());
                    let Some(first) = incarnation(node.acquire(&request).await) else {
                        continue;
                    };
                    store.lock().expect("lock").insert(request.attempt.clone());
                    if incarnation(node.acquire(&request).await) == Some(first) {
                        most.fetch_max(calls.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        tokio::time::timeout(Duration::from_micros(200), std::future::pending::<()>())
                            .await
                            .expect_err("the call takes a while");
                        calls.fetch_sub(1, Ordering::SeqCst);
                    }
                    store.lock().expect("lock").remove(&request.attempt);
                    node.release(&request.attempt).await.expect("available");
                }
            })
        });
        let callers: Vec<_> = callers.collect();
        // One node rebuilds every time, and yet each incarnation is another.
        let token = Incarnation("the same".to_owned());
        for _ in 0..60 {
            server.ask::<()>(&cmd("FLUSHALL"));
            node.begin_rebuild(&token, LONG).await.expect("available");
            let under_way = store.lock().expect("lock").clone();
            let permit = |attempt| HeldPermit {
                attempt,
                scopes: scopes(),
                lasts: LONG,
            };
            let rebuild = Rebuild {
                permits: under_way.into_iter().map(permit).collect(),
                day_counts: BTreeMap::new(),
            };
            assert_eq!(node.finish_rebuild(&token, &rebuild).await, Ok(true));
        }
        for caller in callers {
            caller.await.expect("no panic");
        }
        let most = most.load(Ordering::SeqCst);
        assert!((1..=CAP).contains(&most), "{most} calls at once");
        assert_eq!(node.held(Mode::Live).await, Ok(Vec::new()), "nothing leaks");
    });
}

#[test]
fn a_permit_of_an_earlier_incarnation_is_told_from_one_of_this() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let node = redis_node(&server);
        open(&node, "first", &Rebuild::default()).await;
        let limits = only(Limit::FleetConcurrency, 1);
        let (early, next) = (request("early", limits.clone()), request("next", limits));
        let first = incarnation(node.acquire(&early).await).expect("granted");
        server.ask::<()>(&cmd("FLUSHALL"));
        // Not yet marked in the store, so not rebuilt: another may have its place.
        open(&node, "second", &Rebuild::default()).await;
        granted(&node, &next).await;
        assert_eq!(refused(&node, &early).await.0, Limit::FleetConcurrency);
        server.ask::<()>(&cmd("FLUSHALL"));
        let marked = ["early", "next"].map(|attempt| HeldPermit {
            attempt: AttemptId::from(attempt),
            scopes: scopes(),
            lasts: LONG,
        });
        let rebuild = Rebuild {
            permits: marked.into(),
            day_counts: BTreeMap::new(),
        };
        open(&node, "third", &rebuild).await;
        let third = incarnation(node.acquire(&early).await).expect("it holds a permit");
        assert_ne!(third, first, "two calls would be placed where one may be");
    });
}

#[test]
fn after_redis_forgot_an_epoch_the_database_lifts_it() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let node = redis_node(&server);
        let mut epoch = 0;
        for _ in 0..3 {
            epoch = leads(&node, &candidacy("a", epoch, LONG)).await;
            server.ask::<()>(&cmd("FLUSHALL"));
        }
        assert_eq!(epoch, 3);
        assert_eq!(leads(&node, &candidacy("b", epoch, LONG)).await, 4);
    });
}

#[test]
fn a_subscriber_connects_again_and_hears_that_it_missed_something() {
    let mut server = RedisServer::start();
    runtime().block_on(async {
        let node = redis_node(&server);
        let mut subscriber = node.subscribe().await.expect("available");
        server.kill();
        server.start_again();
        let missed = tokio::time::timeout(SOON, subscriber.next()).await.expect("in time");
        assert_eq!(missed, Some(FleetSignal::Missed));
        node.publish(&FleetCommand::StopAll).await.expect("published");
        let heard = tokio::time::timeout(SOON, subscriber.next()).await.expect("in time");
        assert_eq!(heard, Some(FleetSignal::Command(FleetCommand::StopAll)));
        let channel = "{samvad}:commands";
        server.ask::<()>(cmd("PUBLISH").arg(channel).arg("of another version"));
        let unreadable = tokio::time::timeout(SOON, subscriber.next()).await.expect("in time");
        assert_eq!(unreadable, Some(FleetSignal::Missed));
    });
}

#[test]
fn every_key_has_the_hash_tag_and_only_state_and_leases_stay() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let node = redis_node(&server);
        let token = Incarnation("first".to_owned());
        node.begin_rebuild(&token, LONG).await.expect("available");
        node.release(&AttemptId::from("ended")).await.expect("available");
        let with_an_end: Vec<String> = server.ask(cmd("KEYS").arg("{samvad}:rebuild*"));
        assert_eq!(with_an_end.len(), 2);
        assert_all_end(&server, &with_an_end);
        let rebuild = Rebuild {
            permits: vec![HeldPermit {
                attempt: AttemptId::from("rebuilt"),
                scopes: scopes(),
                lasts: Duration::from_secs(60),
            }],
            day_counts: samvad_actors::coordination::day_scopes(&scopes())
                .map(|scope| (scope, 1))
                .into(),
        };
        node.finish_rebuild(&token, &rebuild).await.expect("available");
        let longer = request("a", PermitLimits::default());
        granted(&node, &longer).await;
        let fleet_ttl_ms: i64 = server.ask(cmd("PTTL").arg("{samvad}:live:held:fleet"));
        assert!(fleet_ttl_ms > 3_590_000, "kept for the permit that lasts longest");
        let mut elsewhere = request("b", PermitLimits::default());
        elsewhere.scopes.campaign = CampaignId::from("another");
        elsewhere.scopes.country = "US".to_owned();
        granted(&node, &elsewhere).await;
        leads(&node, &candidacy("a", 0, LONG)).await;
        let (mut stay, end): (Vec<String>, Vec<String>) = server
            .ask::<Vec<String>>(cmd("KEYS").arg("*"))
            .into_iter()
            .partition(|key| key == "{samvad}:state" || key.starts_with("{samvad}:lease:"));
        stay.sort();
        assert_eq!(stay, ["{samvad}:lease:survey", "{samvad}:state"]);
        // Three permits; what is held, begun and counted by fleet, by two campaigns, two countries and a caller id.
        assert_eq!(end.len(), 3 + 6 + 3 + 5, "{end:?}");
        assert_all_end(&server, &end);
    });
}

fn assert_all_end(server: &RedisServer, keys: &[String]) {
    for key in keys {
        assert!(key.starts_with("{samvad}:"), "{key}");
        let ttl_ms: i64 = server.ask(cmd("PTTL").arg(key));
        assert!(ttl_ms > 0, "{key} never ends");
    }
}

#[test]
fn a_password_is_sent_and_shown_in_no_error() {
    let server = RedisServer::with(&["--requirepass", "hunter2"]);
    let url = |password: &str| format!("redis+unix://{}?pass={password}", server.socket().display());
    runtime().block_on(async {
        let right = RedisCoordination::new(&RedisSettings::new(url("hunter2"))).expect("a URL");
        assert_eq!(right.is_open().await, Ok(false));
        for wrong in ["swordfish", ""] {
            let settings = RedisSettings::new(url(wrong));
            let shown = format!("{settings:?}");
            let node = RedisCoordination::new(&settings).expect("a URL");
            let error = node.is_open().await.expect_err("refused");
            unavailable::<()>(Err(error.clone()));
            assert!(!format!("{shown} {error} {error:?}").contains("swordfish"));
        }
    });
}

#[test]
fn a_key_that_is_not_ours_is_reported_and_not_overwritten() {
    let server = RedisServer::start();
    runtime().block_on(async {
        let node = redis_node(&server);
        server.ask::<()>(Cmd::new().arg("SET").arg("{samvad}:state").arg("another program's"));
        let answer = node.acquire(&request("a", PermitLimits::default())).await;
        assert!(matches!(answer, Err(CoordinationError::Corrupt { .. })), "{answer:?}");
        let kept: String = server.ask(cmd("GET").arg("{samvad}:state"));
        assert_eq!(kept, "another program's");
    });
}
