//! How a call ends its socket, and what happens to a peer that goes on or does not read.

use crate::harness::{TestServer, eventually, limits};
use crate::peer::Peer;
use samvad::http::MediaLimits;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::Message;

#[actix_web::test]
async fn l11_everything_sent_before_the_close_arrives_before_it() {
    let server = TestServer::start().await;
    let mut peer = Peer::admitted(&server, "attempt").await;
    peer.text("flood 50").await;
    peer.text("close 1000").await;
    for _ in 0..50 {
        assert_eq!(peer.next().await, Message::text("x".repeat(10_000)));
    }
    assert_eq!(peer.closed().await, (1000, "as told".to_owned()));
    server.settles().await;
    assert_eq!(server.calls.told_closed.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn a_peer_in_the_middle_of_sending_sees_the_close_and_not_a_reset() {
    let server = TestServer::start().await;
    let mut peer = Peer::admitted(&server, "attempt").await;
    // The call closes upon the first of these; the rest arrives after the close.
    let mut bytes = b"\x81\x8a\0\0\0\0close 1000".to_vec();
    bytes.extend_from_slice(&b"\x81\xa0\0\0\0\0media media media media media me".repeat(20_000));
    peer.raw(&bytes).await;
    assert_eq!(peer.closed().await, (1000, "as told".to_owned()));
    server.settles().await;
}

#[actix_web::test]
async fn endless_media_after_the_call_has_ended_is_cut_off() {
    let server = TestServer::start().await;
    let mut peer = Peer::admitted(&server, "attempt").await;
    peer.text("close 1000").await;
    let endless = async {
        while peer
            .socket
            .get_mut()
            .write_all(&b"\x81\x81\0\0\0\0x".repeat(100))
            .await
            .is_ok()
        {}
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), endless).await.is_ok(),
        "the connection is still open"
    );
    server.settles().await;
}

#[actix_web::test]
async fn a_call_that_dies_takes_its_socket_along_and_no_other() {
    let server = TestServer::start().await;
    let mut other = Peer::admitted(&server, "other").await;
    for death in ["stop", "panic"] {
        let mut peer = Peer::admitted(&server, death).await;
        peer.text(death).await;
        assert_eq!(peer.closed().await, (1011, "the call has ended".to_owned()), "{death}");
        other.echo("still here").await;
    }
    drop(other);
    server.settles().await;
}

#[actix_web::test]
async fn a_peer_that_does_not_read_is_given_up_and_its_memory_and_socket_come_back() {
    let limits = MediaLimits {
        backlog_bytes: 500_000,
        ..limits()
    };
    let server = TestServer::with_limits(limits).await;
    let mut peer = Peer::admitted(&server, "attempt").await;
    // More than the kernel's buffers hold: each burst of 40 frames is below the limit if the ones before are read.
    let mut bursts = 0;
    while server.calls.told_closed.load(Ordering::SeqCst) == 0 {
        bursts += 1;
        assert!(
            bursts < 1000,
            "10,000 frames were taken from a call whose peer does not read"
        );
        peer.text("flood 40").await;
        let handled = || {
            server
                .calls
                .frames()
                .iter()
                .filter(|frame| *frame == "flood 40")
                .count()
                >= bursts
        };
        let closed = || server.calls.told_closed.load(Ordering::SeqCst) > 0;
        eventually("the burst is handled", || handled() || closed()).await;
    }
    let backlog = server.calls.backlog.load(Ordering::SeqCst);
    assert!((300_000..=500_000).contains(&backlog), "{backlog}");
    // It goes on sending all the same, until its connection is cut off.
    let sending = async { while peer.socket.get_mut().write_all(b"x").await.is_ok() {} };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), sending).await.is_ok(),
        "the connection is still open"
    );
    server.settles().await;
}

#[actix_web::test]
async fn the_backlog_goes_back_to_nothing_when_the_peer_reads() {
    let server = TestServer::start().await;
    let mut peer = Peer::admitted(&server, "attempt").await;
    peer.text("flood 100").await;
    for _ in 0..100 {
        assert_eq!(peer.next().await.len(), 10_000);
    }
    // Had the first 100 frames stayed in the backlog, these would exceed its limit.
    peer.text("flood 100").await;
    for _ in 0..100 {
        assert_eq!(peer.next().await.len(), 10_000);
    }
    drop(peer);
    server.settles().await;
}

#[actix_web::test]
async fn after_the_close_the_connection_ends_on_its_own() {
    let server = TestServer::start().await;
    let mut peer = Peer::admitted(&server, "attempt").await;
    peer.text("close 1000").await;
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(10), peer.socket.get_mut().read_to_end(&mut rest)).await;
    assert!(matches!(end, Ok(Ok(_))), "{end:?}");
    assert_eq!(rest, b"\x88\x09\x03\xe8as told");
    server.settles().await;
}
