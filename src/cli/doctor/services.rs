//! `samvad doctor --live`: has every service of speech and language do its work once, each by itself and all at a time.
//! A recording is sent to be recognised, a sentence to be spoken, a question to be answered; all of them are ours.

mod answering;
mod hearing;
mod speaking;

use super::Finding;
use crate::config::Settings;
use crate::speech::services::ServiceThreads;
use futures_util::future::{LocalBoxFuture, join_all};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest wait for one service.
const PATIENCE: Duration = Duration::from_secs(15);

/// Every service that the settings name. The embedded recogniser and synthesiser are tried without `--live`.
pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    let threads = match ServiceThreads::start() {
        Ok(threads) => Arc::new(threads),
        Err(error) => {
            return vec![Finding::fault(
                "services",
                error.to_string(),
                "allow this user more threads",
            )];
        }
    };
    let mut asked: Vec<LocalBoxFuture<'_, Finding>> = Vec::new();
    for setting in settings.recognizers.list() {
        if let Some(variables) = hearing::variables_of(*setting) {
            let threads = Arc::clone(&threads);
            asked.push(Box::pin(hearing::check(*setting, variables, settings, threads)));
        }
    }
    for setting in settings.synthesis.synthesizers.list() {
        if let Some(base_url) = speaking::base_url_of(*setting) {
            let threads = Arc::clone(&threads);
            asked.push(Box::pin(speaking::check(*setting, base_url, settings, threads)));
        }
    }
    for (setting, chat) in &settings.language.models {
        asked.push(Box::pin(answering::check(
            *setting,
            chat,
            settings,
            Arc::clone(&threads),
        )));
    }
    join_all(asked).await
}

/// What to do about a service that cannot be reached, or not in time.
fn reach(base_url: &str) -> String {
    format!("check {base_url} and the way to it (SAMVAD_SERVICE_PROXY), and the service's status page")
}

/// The fault of a service that says nothing at all.
fn silent(check: &'static str, name: &str, base_url: &str) -> Finding {
    let finding = format!("{name}: no answer within {} s", PATIENCE.as_secs());
    Finding::fault(check, finding, reach(base_url))
}

/// A fault whose text ends with the remedy, behind the last semicolon, as those of services do.
fn failed(check: &'static str, name: &str, error: &dyn std::fmt::Display, otherwise: &str) -> Finding {
    let text = error.to_string();
    match text.rsplit_once("; ") {
        Some((finding, remedy)) => Finding::fault(check, format!("{name}: {finding}"), remedy),
        None => Finding::fault(check, format!("{name}: {text}"), otherwise),
    }
}

/// Twice the same: over a new connection, and over one that is open.
struct Twice<T> {
    last: T,
    new_connection: Duration,
    open_connection: Duration,
}

async fn twice<T, E>(mut ask: impl AsyncFnMut() -> Result<T, E>) -> Result<Twice<T>, E> {
    let begun = Instant::now();
    ask().await?;
    let new_connection = begun.elapsed();
    let begun = Instant::now();
    let last = ask().await?;
    Ok(Twice {
        last,
        new_connection,
        open_connection: begun.elapsed(),
    })
}

impl<T> Twice<T> {
    fn times(&self) -> String {
        format!(
            "in {} ms over a new connection, in {} ms over an open one",
            self.new_connection.as_millis(),
            self.open_connection.as_millis()
        )
    }
}
