//! Fleet commands over Redis's publish and subscribe.

use super::connections::Connections;
use async_trait::async_trait;
use deadpool_redis::redis::aio::PubSub;
use futures_util::StreamExt;
use samvad_actors::ports::{FleetSignal, FleetSignals};
use std::sync::Arc;
use std::time::Duration;

/// Hears the channel, and connects again by itself.
pub(super) struct Signals {
    pub(super) connections: Arc<Connections>,
    pub(super) channel: String,
    /// `None` once the connection has broken.
    pub(super) connection: Option<PubSub>,
}

/// Between two tries to connect again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(250);

#[async_trait]
impl FleetSignals for Signals {
    async fn next(&mut self) -> Option<FleetSignal> {
        if let Some(connection) = &mut self.connection {
            if let Some(message) = connection.on_message().next().await {
                // What cannot be read is a command of another version: the database says what it meant.
                let signal = serde_json::from_slice(message.get_payload_bytes());
                return Some(signal.map_or(FleetSignal::Missed, FleetSignal::Command));
            }
            self.connection = None;
        }
        loop {
            match self.connections.listen(&self.channel).await {
                Ok(connection) => {
                    self.connection = Some(connection);
                    return Some(FleetSignal::Missed);
                }
                Err(_) => tokio::time::sleep(RECONNECT_PAUSE).await,
            }
        }
    }
}
