//! The way to services through a proxy.

use crate::suite::answers;
use crate::world::threads;
use samvad::config::{DeepgramSettings, Secret};
use samvad::speech::services::{PoolSettings, deepgram};
use samvad_actors::domain::Language;
use samvad_actors::ports::{Recognizer, RecognizerError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// A proxy that refuses: the heads of the requests it got.
async fn proxy() -> (Url, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://me:canary@{}", listener.local_addr().unwrap())).unwrap();
    let (heads, received) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let _ = heads.send(String::from_utf8(head).unwrap());
            let _ = stream
                .write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    });
    (url, received)
}

#[tokio::test]
async fn services_are_reached_through_the_proxy_that_is_set_and_its_password_is_told_to_nobody_else() {
    let (proxy, mut heads) = proxy().await;
    let key = Secret::new("canary-key".to_owned());
    let settings = DeepgramSettings {
        api_key: Some(key.clone()),
        // Never resolved: the proxy does that.
        base_url: Url::parse("https://service.invalid").unwrap(),
        model: "nova-3".to_owned(),
    };
    let recognizer = deepgram::recognizer(&settings, &key, Some(&proxy), PoolSettings::default(), threads()).unwrap();
    let error = recognizer.prepare(&Language::default(), &answers()).await.unwrap_err();
    assert!(matches!(error, RecognizerError::Lost { .. }), "{error:?}");
    assert!(!error.to_string().contains("canary"), "{error}");
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("CONNECT service.invalid:443 HTTP/1.1\r\n"), "{head}");
    // "me:canary" in Base64 (RFC 7617).
    assert!(
        head.to_ascii_lowercase()
            .contains("proxy-authorization: basic bwu6y2fuyxj5"),
        "{head}"
    );
    assert!(
        !head.contains("canary-key"),
        "the key goes to the service alone: {head}"
    );
}
