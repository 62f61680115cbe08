//! The server: listens, starts the workers, and leaves signals to whoever runs it.

use super::{HttpState, configure};
use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer};
use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where it listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Worker threads, at least one. A call lives on one of them.
    pub workers: usize,
    /// How long a connection without requests is kept.
    pub keep_alive: Duration,
    /// How long a connection is given to finish after [`ServerHandle::stop`] is asked to be graceful. Draining comes
    /// before that and has a limit of its own.
    pub shutdown_timeout: Duration,
    /// How long a peer may go on sending after our close frame.
    pub linger: Duration,
    /// How long what was written may stay unacknowledged before the connection is given up: a peer that has stopped
    /// reading would keep its socket for ever (Linux `TCP_USER_TIMEOUT`).
    pub unacknowledged_timeout: Duration,
}

impl ServerSettings {
    /// The defaults for this address and number of workers.
    pub fn new(bind: SocketAddr, workers: usize) -> Self {
        Self {
            bind,
            workers,
            keep_alive: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(5),
            linger: Duration::from_secs(2),
            unacknowledged_timeout: Duration::from_secs(20),
        }
    }
}

/// A server that listens.
pub struct RunningServer {
    /// Where, with the real port.
    pub address: SocketAddr,
    /// Stops it.
    pub handle: ServerHandle,
    /// Must be awaited or spawned: the server runs inside it, and it ends when the server has stopped.
    pub server: Server,
}

/// Binds and starts a server. Its own handling of signals is off: a graceful stop refuses new connections at once,
/// while a drain goes on taking callbacks and media.
///
/// # Errors
/// The address cannot be bound.
pub fn start(settings: ServerSettings, state: Arc<HttpState>) -> io::Result<RunningServer> {
    let application = move || App::new().configure(|cfg| configure(cfg, state.clone()));
    let server = HttpServer::new(application)
        .workers(settings.workers.max(1))
        .keep_alive(settings.keep_alive)
        .client_disconnect_timeout(settings.linger)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .tcp_nodelay(true)
        .disable_signals()
        .on_connect(move |connection, _: &mut Extensions| give_up_after(connection, settings.unacknowledged_timeout))
        .bind(settings.bind)?;
    let address = server.addrs().first().copied().unwrap_or(settings.bind);
    let server = server.run();
    Ok(RunningServer {
        address,
        handle: server.handle(),
        server,
    })
}

fn give_up_after(connection: &dyn Any, timeout: Duration) {
    let Some(stream) = connection.downcast_ref::<TcpStream>() else {
        return;
    };
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(timeout)) {
        tracing::warn!(%error, "TCP_USER_TIMEOUT cannot be set");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, timeout);
}
