//! Connections: pooled, each wait limited, and no secret in any error.

use super::RedisSettings;
use super::reply::Reply;
use crate::config::Secret;
use deadpool_redis::redis::{self, IntoConnectionInfo, ScriptInvocation};
use deadpool_redis::{Config, Pool, Runtime};
use samvad_actors::ports::CoordinationError;
use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

/// Connections to one Redis. A broken one is replaced when it is next needed.
pub(super) struct Connections {
    pool: Pool,
    client: redis::Client,
    /// The password as it stands in the URL and as it is sent.
    secrets: Secret<Vec<String>>,
    time_limit: Duration,
}

impl Connections {
    /// Checks the URL; connects to nothing yet.
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, String> {
        // The parser's own words may quote the URL with its password.
        let unreadable = || {
            "not a Redis URL: write redis://host:6379/0, rediss:// for TLS, or redis+unix:///path/to/socket".to_owned()
        };
        let url = settings.url.expose();
        let info = url.as_str().into_connection_info().map_err(|_| unreadable())?;
        let secrets = secrets_of(url, info.redis_settings().password());
        let client = redis::Client::open(info).map_err(|error| mask(&secrets, &error))?;
        let pool = Config::from_url(url)
            .builder()
            .map_err(|error| mask(&secrets, &error))?
            .max_size(settings.connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(settings.time_limit))
            .create_timeout(Some(settings.time_limit))
            .recycle_timeout(Some(settings.time_limit))
            .build()
            .map_err(|error| mask(&secrets, &error))?;
        Ok(Self {
            pool,
            client,
            secrets: Secret::new(secrets),
            time_limit: settings.time_limit,
        })
    }

    /// Runs a script.
    pub(super) async fn run(&self, invocation: &ScriptInvocation<'_>) -> Result<Reply, CoordinationError> {
        let values = self
            .limited(async {
                let mut connection = self.pool.get().await.map_err(|error| self.unavailable(&error))?;
                let reply: redis::RedisResult<Vec<redis::Value>> = invocation.invoke_async(&mut connection).await;
                reply.map_err(|error| self.failed(&error))
            })
            .await?;
        Reply::read(values)
    }

    /// Runs one command.
    pub(super) async fn command<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, CoordinationError> {
        self.limited(async {
            let mut connection = self.pool.get().await.map_err(|error| self.unavailable(&error))?;
            let reply: redis::RedisResult<T> = command.query_async(&mut connection).await;
            reply.map_err(|error| self.failed(&error))
        })
        .await
    }

    /// A connection of its own that hears a channel.
    pub(super) async fn listen(&self, channel: &str) -> Result<redis::aio::PubSub, CoordinationError> {
        self.limited(async {
            let connected = self.client.get_async_pubsub().await;
            let mut connection = connected.map_err(|error| self.unavailable(&error))?;
            let subscribed = connection.subscribe(channel).await;
            subscribed.map_err(|error| self.unavailable(&error))?;
            Ok(connection)
        })
        .await
    }

    async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, CoordinationError>>,
    ) -> Result<T, CoordinationError> {
        tokio::time::timeout(self.time_limit, work).await.unwrap_or_else(|_| {
            Err(CoordinationError::Unavailable {
                reason: format!("Redis did not answer within {} ms", self.time_limit.as_millis()),
            })
        })
    }

    /// A key of another kind, or a reply of another type, is not ours; whatever else fails may pass.
    fn failed(&self, error: &redis::RedisError) -> CoordinationError {
        let not_ours = error.code() == Some("WRONGTYPE") || error.kind() == redis::ErrorKind::UnexpectedReturnType;
        if not_ours {
            let reason = mask(self.secrets.expose(), error);
            return CoordinationError::Corrupt { reason };
        }
        self.unavailable(error)
    }

    fn unavailable(&self, error: &dyn Display) -> CoordinationError {
        CoordinationError::Unavailable {
            reason: format!("Redis: {}", mask(self.secrets.expose(), error)),
        }
    }
}

/// The forms in which the password could appear: as sent, and as written in the URL.
fn secrets_of(url: &str, password: Option<&str>) -> Vec<String> {
    let written = url::Url::parse(url).ok();
    let written = written.as_ref().and_then(url::Url::password);
    let mut secrets: Vec<String> = [password, written].into_iter().flatten().map(str::to_owned).collect();
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

/// An error's words without the password.
fn mask(secrets: &[String], error: &dyn Display) -> String {
    secrets
        .iter()
        .fold(error.to_string(), |text, secret| text.replace(secret.as_str(), "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_masked_in_both_its_forms() {
        let secrets = secrets_of("redis://:p%40ss@host/0", Some("p@ss"));
        assert_eq!(
            mask(&secrets, &"AUTH p@ss at redis://:p%40ss@host"),
            "AUTH *** at redis://:***@host"
        );
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_quoted() {
        for url in ["http://:hunter2@host", "hunter2", "redis://:hunter2@", ""] {
            let settings = RedisSettings::new(url);
            let fault = Connections::new(&settings).map(|_| ()).expect_err("refused");
            assert!(
                !fault.contains("hunter2") && fault.contains("redis://"),
                "{url}: {fault}"
            );
        }
    }
}
