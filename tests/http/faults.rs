//! What a peer may do wrong once it has been admitted: a clear close, the call told once, the other calls untouched.

use crate::harness::TestServer;
use crate::peer::Peer;
use std::sync::atomic::Ordering;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Sends bytes as an admitted peer and says how the socket was closed.
async fn closed_after(bytes: &[u8]) -> (u16, String) {
    let server = TestServer::start().await;
    let mut other = Peer::admitted(&server, "other").await;
    let mut peer = Peer::admitted(&server, "attempt").await;
    peer.raw(bytes).await;
    let closed = peer.closed().await;
    other.echo("still here").await;
    drop(other);
    server.settles().await;
    assert_eq!(server.calls.told_closed.load(Ordering::SeqCst), 2, "each call once");
    closed
}

#[actix_web::test]
async fn a_binary_frame_closes_with_1003() {
    assert_eq!(
        closed_after(b"\x82\x81\0\0\0\0x").await,
        (1003, "binary frames are not taken".to_owned())
    );
}

#[actix_web::test]
async fn a_frame_that_announces_more_than_64_kib_closes_with_1009_before_it_has_arrived() {
    let (code, reason) = closed_after(b"\x81\xff\0\0\x01\0\0\0\0\0\0\0\0\0").await;
    assert_eq!((code, reason.as_str()), (1009, "a message longer than 64 KiB"));
}

#[actix_web::test]
async fn a_message_too_long_in_fragments_closes_with_1009() {
    let mut bytes = b"\x01\xfe\xff\xff\0\0\0\0".to_vec();
    bytes.resize(bytes.len() + 0xffff, b'x');
    bytes.extend_from_slice(b"\x80\x82\0\0\0\0xx");
    assert_eq!(closed_after(&bytes).await.0, 1009);
}

#[actix_web::test]
async fn a_text_that_is_not_utf8_closes_with_1007() {
    assert_eq!(
        closed_after(b"\x81\x81\0\0\0\0\xff").await,
        (1007, "not UTF-8".to_owned())
    );
}

#[actix_web::test]
async fn what_is_against_the_protocol_closes_with_1002() {
    for bytes in [
        &b"\x80\x81\0\0\0\0x"[..],
        b"\x01\x81\0\0\0\0x\x81\x81\0\0\0\0x",
        b"\x81\x01x",
        b"\xf1\x81\0\0\0\0x",
        b"\x8b\x80\0\0\0\0",
        b"\x88\x81\0\0\0\0x",
    ] {
        assert_eq!(closed_after(bytes).await.0, 1002, "{bytes:?}");
    }
}

#[actix_web::test]
async fn a_ping_is_answered_and_fragments_are_put_together() {
    let server = TestServer::start().await;
    let mut peer = Peer::admitted(&server, "attempt").await;
    peer.raw(b"\x01\x85\0\0\0\0echo \x89\x84\0\0\0\0ping\x80\x84\0\0\0\0word")
        .await;
    assert_eq!(peer.next().await, Message::Pong("ping".into()));
    assert_eq!(peer.next().await, Message::text("word"));
    drop(peer);
    server.settles().await;
}

#[actix_web::test]
async fn the_peers_close_is_answered_with_its_own_code() {
    let server = TestServer::start().await;
    let mut peer = Peer::admitted(&server, "attempt").await;
    let close = CloseFrame {
        code: 1001.into(),
        reason: "".into(),
    };
    peer.socket.close(Some(close)).await.expect("sent");
    assert_eq!(peer.closed().await.0, 1001);
    server.settles().await;
    assert_eq!(server.calls.told_closed.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn l13_a_connection_that_breaks_is_told_to_the_call_once() {
    let server = TestServer::start().await;
    let peer = Peer::admitted(&server, "attempt").await;
    // Closing with nothing lingering sends a reset.
    peer.socket.get_ref().set_zero_linger().expect("set");
    drop(peer);
    server.settles().await;
    assert_eq!(server.calls.told_closed.load(Ordering::SeqCst), 1);
}

#[actix_web::test]
async fn frames_that_a_call_has_no_room_for_are_dropped_and_counted() {
    let server = TestServer::start().await;
    server.calls.mailbox.store(1, Ordering::SeqCst);
    let mut peer = Peer::admitted(&server, "attempt").await;
    peer.raw(&b"\x81\x81\0\0\0\0x".repeat(500)).await;
    crate::harness::eventually("every frame is accounted for", || {
        let received = server.calls.frames().iter().filter(|frame| *frame == "x").count();
        received + usize::try_from(server.sockets.dropped_frames()).expect("few") == 500
    })
    .await;
    assert!(server.sockets.dropped_frames() > 0);
    drop(peer);
    server.settles().await;
}
