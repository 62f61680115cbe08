//! Who is let in.

use crate::call::Beginning;
use crate::harness::{AUTH_TOKEN, NOW_MS, PUBLIC_HOST, TestServer, eventually, limits, sign};
use crate::peer::{Peer, good_signature, start_frame};
use samvad::carrier::token::MediaTokens;
use samvad::http::MediaLimits;
use samvad_actors::domain::AttemptId;
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[actix_web::test]
async fn l24_an_upgrade_without_twilios_signature_is_refused_before_the_upgrade() {
    let server = TestServer::start().await;
    let wss = format!("wss://{PUBLIC_HOST}/twilio/media");
    let address = format!("wss://{}/twilio/media", server.address);
    for signature in [
        None,
        Some(sign("another-token", &wss)),
        Some("x".to_owned()),
        Some(sign(AUTH_TOKEN, &address)),
    ] {
        let refused = Peer::upgrade(&server, "/twilio/media", signature.as_deref()).await;
        assert_eq!(refused.err(), Some(403), "{signature:?}");
    }
    assert_eq!(server.sockets.open(), 0);
}

#[actix_web::test]
async fn l26_an_upgrade_signed_as_https_is_refused_and_one_as_wss_taken_behind_a_foreign_host() {
    let server = TestServer::start().await;
    let https = sign(AUTH_TOKEN, &format!("https://{PUBLIC_HOST}/twilio/media"));
    assert_eq!(
        Peer::upgrade(&server, "/twilio/media", Some(&https)).await.err(),
        Some(403)
    );
    let with_slash = sign(AUTH_TOKEN, &format!("wss://{PUBLIC_HOST}/twilio/media/"));
    for signature in [good_signature(), with_slash] {
        assert!(Peer::upgrade(&server, "/twilio/media", Some(&signature)).await.is_ok());
    }
    server.settles().await;
}

#[actix_web::test]
async fn l25_a_token_in_the_query_does_not_admit() {
    let server = TestServer::start().await;
    let path = format!("/twilio/media?token={}", server.token("attempt"));
    let signature = sign(AUTH_TOKEN, &format!("wss://{PUBLIC_HOST}{path}"));
    let mut peer = Peer::upgrade(&server, &path, Some(&signature))
        .await
        .expect("an upgrade");
    let mut start = start_frame("");
    start["start"]["customParameters"] = json!({});
    peer.text(&start.to_string()).await;
    assert_eq!(
        peer.closed().await,
        (1008, "customParameters.token: missing".to_owned())
    );
    server.settles().await;
}

#[actix_web::test]
async fn a_stream_with_a_good_token_is_tied_to_its_call_on_the_sockets_thread() {
    let server = TestServer::start().await;
    let mut peer = Peer::admitted(&server, "attempt-1").await;
    peer.echo("again").await;
    let admitted = server.calls.admitted.lock().expect("not poisoned").clone();
    let [(call, stream)] = &admitted[..] else {
        panic!("not one call")
    };
    assert_eq!(
        (call.attempt.as_str(), call.call_sid.as_str(), stream.as_str()),
        ("attempt-1", "CA1", "MZ1")
    );
    assert_eq!(
        server.calls.frames(),
        ["echo here", "echo again"],
        "neither connected nor start"
    );
    assert_eq!((server.sockets.open(), server.sockets.unauthenticated()), (1, 0));
    drop(peer);
    server.settles().await;
    assert_eq!(server.calls.told_closed.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn l24_a_token_that_is_not_good_closes_the_socket() {
    let server = TestServer::start().await;
    let attempt = AttemptId::from("attempt");
    let forged = MediaTokens::new(&[8; 32])
        .expect("long enough")
        .mint(&attempt, NOW_MS, 60_000)
        .expect("a token");
    let expired = server.tokens.mint(&attempt, NOW_MS - 60_000, 60_000).expect("a token");
    server
        .store
        .over
        .lock()
        .expect("not poisoned")
        .push(AttemptId::from("over"));
    for (token, reason) in [
        (forged.text, "not a media token of ours"),
        ("nonsense".to_owned(), "not a media token of ours"),
        (expired.text, "the media token has expired"),
        (server.token("over"), "attempt already over"),
    ] {
        let mut peer = Peer::open(&server).await;
        peer.text(&start_frame(&token).to_string()).await;
        assert_eq!(peer.closed().await, (1008, reason.to_owned()));
    }
    server.settles().await;
    assert!(server.calls.admitted.lock().expect("not poisoned").is_empty());
}

#[actix_web::test]
async fn l24_a_token_admits_one_stream_and_not_a_second() {
    let server = TestServer::start().await;
    let start = start_frame(&server.token("attempt")).to_string();
    let mut first = Peer::open(&server).await;
    first.text(&start).await;
    first.echo("first").await;
    let mut second = Peer::open(&server).await;
    second.text(&start).await;
    assert_eq!(second.closed().await, (1008, "token already used".to_owned()));
    first.echo("still here").await;
    drop(first);
    server.settles().await;
}

#[actix_web::test]
async fn a_start_for_another_account_or_in_another_format_closes_the_socket() {
    let server = TestServer::start().await;
    let cases = [
        ("/start/accountSid", json!("AC00000000000000000000000000000000"), 1008),
        ("/start/mediaFormat/encoding", json!("audio/l16"), 1003),
        ("/start/callSid", json!("../Calls"), 1007),
    ];
    for (pointer, value, code) in cases {
        let mut start = start_frame(&server.token("attempt"));
        *start.pointer_mut(pointer).expect("there") = value;
        let mut peer = Peer::open(&server).await;
        peer.text(&start.to_string()).await;
        assert_eq!(peer.closed().await.0, code, "{pointer}");
    }
    server.settles().await;
}

#[actix_web::test]
async fn l24_media_before_start_or_nothing_readable_closes_the_socket() {
    let server = TestServer::start().await;
    for (frame, code) in [
        (r#"{"event":"media","media":{"payload":"/w=="}}"#, 1008),
        (r#"{"event":"stop"}"#, 1008),
        ("{", 1007),
        ("{}", 1007),
    ] {
        let mut peer = Peer::open(&server).await;
        peer.text(frame).await;
        assert_eq!(peer.closed().await.0, code, "{frame}");
    }
    server.settles().await;
}

#[actix_web::test]
async fn l24_a_socket_without_start_closes_in_time() {
    let start_timeout = Duration::from_millis(50);
    let limits = MediaLimits {
        start_timeout,
        ..limits()
    };
    let server = TestServer::with_limits(limits).await;
    let mut peer = Peer::open(&server).await;
    peer.text(r#"{"event":"connected"}"#).await;
    assert_eq!(peer.closed().await, (1008, "no start in time".to_owned()));
    server.settles().await;
}

#[actix_web::test]
async fn l24_a_stranger_may_send_eight_kibibytes() {
    let server = TestServer::start().await;
    let mut peer = Peer::open(&server).await;
    let frame = format!(r#"{{"event":"connected","padding":"{}"}}"#, "x".repeat(4000));
    peer.text(&frame).await;
    peer.text(&frame).await;
    // The third would be too much, and its header says so.
    peer.raw(&[0x81, 0x80 | 126, 0x0f, 0xff]).await;
    assert_eq!(peer.closed().await.0, 1008);
    server.settles().await;
}

#[actix_web::test]
async fn l24_only_so_many_sockets_may_wait_for_admission() {
    let limits = MediaLimits {
        unauthenticated_sockets: 2,
        ..limits()
    };
    let server = TestServer::with_limits(limits).await;
    let (first, second) = (Peer::open(&server).await, Peer::open(&server).await);
    let third = Peer::upgrade(&server, "/twilio/media", Some(&good_signature())).await;
    assert_eq!(third.err(), Some(503));
    drop(first);
    eventually("a place comes back", || server.sockets.unauthenticated() == 1).await;
    let admitted = Peer::admitted(&server, "attempt").await;
    assert_eq!(server.sockets.unauthenticated(), 1, "an admitted socket takes no place");
    drop((second, admitted));
    server.settles().await;
}

#[actix_web::test]
async fn media_that_arrives_while_the_store_is_asked_reaches_the_call_in_order() {
    let server = TestServer::start().await;
    server.store.admissions.forget_permits(1000);
    let mut peer = Peer::open(&server).await;
    peer.text(&start_frame(&server.token("attempt")).to_string()).await;
    let early: Vec<String> = (0..100).map(|number| format!("early {number}")).collect();
    for frame in &early {
        peer.text(frame).await;
    }
    peer.socket.get_mut().writable().await.expect("sent");
    assert!(server.calls.frames().is_empty());
    server.store.admissions.add_permits(1);
    peer.echo("late").await;
    let frames = server.calls.frames();
    assert_eq!(frames[..100], early);
    drop(peer);
    server.settles().await;
}

#[actix_web::test]
async fn too_much_media_while_the_store_is_asked_closes_the_socket_and_the_call_learns_it() {
    let server = TestServer::start().await;
    server.store.admissions.forget_permits(1000);
    let mut peer = Peer::open(&server).await;
    peer.text(&start_frame(&server.token("attempt")).to_string()).await;
    for _ in 0..9 {
        peer.text(&"x".repeat(8000)).await;
    }
    assert_eq!(peer.closed().await.0, 1008);
    assert_eq!(server.sockets.open(), 0);
    server.store.admissions.add_permits(1);
    eventually("the call is told", || {
        server.calls.told_closed.load(Ordering::SeqCst) == 1
    })
    .await;
    server.settles().await;
}

#[actix_web::test]
async fn l13_a_call_whose_peer_has_gone_before_admission_starts_and_learns_it_once() {
    let server = TestServer::start().await;
    server.store.admissions.forget_permits(1000);
    let mut peer = Peer::open(&server).await;
    peer.text(&start_frame(&server.token("attempt")).to_string()).await;
    drop(peer);
    eventually("the socket is gone", || server.sockets.open() == 0).await;
    server.store.admissions.add_permits(1);
    eventually("the call is told", || {
        server.calls.told_closed.load(Ordering::SeqCst) == 1
    })
    .await;
    server.settles().await;
    assert_eq!(server.calls.told_closed.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_store_that_is_away_or_does_not_answer_closes_the_socket_as_our_own_fault() {
    let admission_timeout = Duration::from_millis(50);
    let limits = MediaLimits {
        admission_timeout,
        ..limits()
    };
    let server = TestServer::with_limits(limits).await;
    server.store.away();
    let mut peer = Peer::open(&server).await;
    peer.text(&start_frame(&server.token("attempt")).to_string()).await;
    assert_eq!(peer.closed().await.0, 1011);
    server.store.admissions.forget_permits(1000);
    let mut peer = Peer::open(&server).await;
    peer.text(&start_frame(&server.token("attempt")).to_string()).await;
    assert_eq!(peer.closed().await.0, 1011);
    server.settles().await;
}

#[actix_web::test]
async fn a_call_that_cannot_start_or_panics_at_its_start_leaves_the_others_alone() {
    let server = TestServer::start().await;
    let mut others = [
        Peer::admitted(&server, "one").await,
        Peer::admitted(&server, "other").await,
    ];
    for beginning in [Beginning::Refused, Beginning::Panicking, Beginning::Panicking] {
        server.calls.begin(beginning);
        let mut peer = Peer::open(&server).await;
        peer.text(&start_frame(&server.token("attempt")).to_string()).await;
        assert_eq!(peer.closed().await.0, 1011);
    }
    for other in &mut others {
        other.echo("still here").await;
    }
    drop(others);
    server.settles().await;
}

#[actix_web::test]
async fn a_panic_in_the_sockets_own_handler_closes_it_and_leaves_the_others_alone() {
    let server = TestServer::start().await;
    let mut others = [
        Peer::admitted(&server, "one").await,
        Peer::admitted(&server, "other").await,
    ];
    let mut peer = Peer::open(&server).await;
    server.clock.panics.store(true, Ordering::SeqCst);
    peer.text(&start_frame(&server.token("attempt")).to_string()).await;
    assert_eq!(peer.closed().await, (1011, "internal error".to_owned()));
    for other in &mut others {
        other.echo("still here").await;
    }
    drop(others);
    server.settles().await;
}
