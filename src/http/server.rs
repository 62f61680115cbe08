//! The server: listens, starts the workers, and leaves signals to whoever runs it.

use super::outbox::FULL_ENOUGH;
use super::{HttpState, configure};
use actix_web::dev::{Extensions, Server, ServerHandle};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer};
use std::any::Any;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

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
}

impl ServerSettings {
    /// The defaults for this address and number of workers.
    pub fn new(bind: SocketAddr, workers: usize) -> Self {
        Self {
            bind,
            workers,
            keep_alive: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(5),
        }
    }
}

/// A server whose address is bound: connections wait until it is polled.
pub struct BoundServer {
    /// Where, with the real port.
    pub address: SocketAddr,
    /// Stops it.
    pub handle: ServerHandle,
    /// Must be awaited or spawned: the workers start when it is first polled, and it ends when the server has stopped.
    pub server: Server,
}

/// Binds a server. Its own handling of signals is off: a graceful stop refuses new connections at once,
/// while a drain goes on taking callbacks and media.
///
/// # Errors
/// The address cannot be bound.
pub fn bind(settings: ServerSettings, state: Arc<HttpState>) -> io::Result<BoundServer> {
    let application = move || App::new().configure(|cfg| configure(cfg, state.clone()));
    let server = HttpServer::new(application)
        .workers(settings.workers.max(1))
        .keep_alive(settings.keep_alive)
        // Lingering is the media socket's own business. That of actix-http takes half a second at least: it reckons with
        // a clock that is read twice a second, and one whose end has passed at its beginning never ends.
        .client_disconnect_timeout(Duration::ZERO)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .tcp_nodelay(true)
        .h1_write_buffer_size(FULL_ENOUGH)
        .disable_signals()
        .on_connect(Connection::keep)
        .bind(settings.bind)?;
    let address = server.addrs().first().copied().unwrap_or(settings.bind);
    let server = server.run();
    Ok(BoundServer {
        address,
        handle: server.handle(),
        server,
    })
}

/// A second handle on a connection, by which it can be cut off: a connection whose peer goes on sending and does not
/// read would otherwise never end, because actix waits for what it has begun to write. Costs a descriptor.
pub(super) struct Connection(Arc<std::net::TcpStream>);

impl Connection {
    /// Puts the handle where the connection's requests find it.
    fn keep(connection: &dyn Any, extensions: &mut Extensions) {
        let second = connection
            .downcast_ref::<TcpStream>()
            .map(|stream| stream.as_fd().try_clone_to_owned());
        match second {
            Some(Ok(second)) => drop(extensions.insert(Self(Arc::new(second.into())))),
            Some(Err(error)) => tracing::error!(%error, "a connection cannot be held; raise the limit of open files"),
            None => {}
        }
    }

    /// Cuts the connection off, unless it has ended, some time after the other end of the channel is dropped.
    pub fn cut_off_after(&self, dropped: oneshot::Receiver<()>, grace: Duration) {
        let connection = Arc::downgrade(&self.0);
        actix_web::rt::spawn(async move {
            // Nothing is ever sent.
            let _ = dropped.await;
            actix_web::rt::time::sleep(grace).await;
            if let Some(connection) = connection.upgrade() {
                // It fails if the connection has ended by itself.
                let _ = connection.shutdown(Shutdown::Both);
            }
        });
    }
}
