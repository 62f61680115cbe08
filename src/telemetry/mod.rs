//! Logs without personal data: one JSON object a line (text on a terminal), to standard error.
//!
//! No telephone number, transcript or secret is given to a log anywhere in Samvad; [`Redactor`] is the last resort
//! for those that have a form. Modules of other crates are heard from `info` upwards at most, whatever the filter
//! says: what they print below that is not ours to vouch for. One is not heard at all: `async-openai` prints answers that
//! it cannot read, and those repeat what was said. Panics are logged with their place, and with their
//! message only if it is a literal, since a formatted one may hold anything.

mod process;
mod redactor;

pub use process::{ProcessUsage, ProcessUsageError};
pub use redactor::Redactor;

use crate::config::{LogFormat, LogSettings};
use redactor::Masked;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::sync::Arc;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{EnvFilter, Registry};

/// Why logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("SAMVAD_LOG cannot be read; write a level such as info, or directives such as info,samvad=debug")]
    Filter,
    /// Somebody was first.
    #[error("logs are set up already; set them up once, at the start")]
    AlreadySetUp,
}

/// Sets up logs and the panic hook of this process, once.
///
/// # Errors
/// [`TelemetryError`].
pub fn init(log: &LogSettings, redactor: &Arc<Redactor>) -> Result<(), TelemetryError> {
    let subscriber = subscriber(log, redactor, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::AlreadySetUp)?;
    install_panic_hook();
    Ok(())
}

/// Logs to a writer of one's own; [`init`] is this with standard error.
///
/// # Errors
/// [`TelemetryError::Filter`].
pub fn subscriber<W>(
    log: &LogSettings,
    redactor: &Arc<Redactor>,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + use<W>, TelemetryError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(&log.filter)
        .map_err(|_| TelemetryError::Filter)?;
    let on_terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(Masked {
            inner: writer,
            redactor: Arc::clone(redactor),
        })
        // Those would go past the redactor.
        .log_internal_errors(false);
    let format = log
        .format
        .unwrap_or(if on_terminal { LogFormat::Text } else { LogFormat::Json });
    let lines = match format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true)
            .boxed(),
        LogFormat::Text => lines.with_ansi(on_terminal).boxed(),
    };
    Ok(Registry::default().with(lines.with_filter(filter.and(filter_fn(may_be_heard)))))
}

/// Logs panics through [`tracing`] from now on, in place of the standard hook, which prints every message.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(log_panic));
}

fn may_be_heard(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target.starts_with("samvad") || (*metadata.level() <= Level::INFO && !target.starts_with("async_openai"))
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let message = panic
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(a message with values is withheld)");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    if tracing::dispatcher::has_been_set() {
        tracing::error!(target: "samvad::panic", place, thread, message, "panic");
    } else {
        eprintln!(
            "panic in thread {thread} at {place}: {}",
            Redactor::default().mask(message)
        );
    }
}
