//! Settings from the environment: read once, checked whole, every fault named.

mod api;
mod data_directory;
mod language_models;
mod oidc;
mod preference;
pub mod private_files;
mod reader;
mod recognizers;
mod secret;
mod services;
mod synthesizers;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod values;
mod variables;
mod voices;

pub use api::ApiSettings;
pub use data_directory::{DataDirectory, MediaTokenKeyError};
pub use language_models::{ChatSettings, LanguageModelSetting, LanguageModels, LanguageSettings, StructuredOutput};
pub use oidc::OidcSettings;
pub use reader::{ConfigFault, ConfigFaults};
pub use recognizers::{RecognizerSetting, Recognizers};
pub use secret::Secret;
pub use services::{DeepgramSettings, OpenAiSettings, SarvamSettings, ServiceSettings, TranscriptionApi};
pub use synthesizers::{ElevenLabsSettings, SynthesisSettings, SynthesizerSetting, Synthesizers};
pub use values::{LogFormat, MEDIA_PATH, PublicUrl, is_loopback};
pub use variables::{VARIABLES, Variable};
pub use voices::Voices;

use crate::coordination::RedisCoordination;
use crate::coordination::redis::RedisSettings;
use reader::Reader;
use samvad_actors::domain::{AccountSid, Mode, PhoneNumber};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// All settings of one process. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// True: only a carrier on this machine is ever called.
    pub dry_run: bool,
    /// Address the server listens on.
    pub bind: SocketAddr,
    /// Origin at which the carrier reaches the server.
    pub public_url: PublicUrl,
    /// Worker threads of the HTTP server.
    pub workers: usize,
    /// The HTTP API; `None`: there is none.
    pub api: Option<ApiSettings>,
    /// The carrier.
    pub twilio: TwilioSettings,
    /// Directory of everything that is kept.
    pub data_dir: PathBuf,
    /// The database, as [`SqlStore::open`](crate::store::SqlStore::open) takes it.
    pub database_url: String,
    /// The Redis that several nodes share; `None`: this node is the only one. May hold a password.
    pub redis_url: Option<Secret<String>>,
    /// What the node is called.
    pub node_name: String,
    /// Key of the media tokens; `None` if it is kept in the data directory
    /// (see [`DataDirectory::media_token_key`]).
    pub media_token_key: Option<Secret<Vec<u8>>>,
    /// Which recognisers, in the order of preference.
    pub recognizers: Recognizers,
    /// Synthesisers: which, and their models and voices.
    pub synthesis: SynthesisSettings,
    /// Speech services.
    pub services: ServiceSettings,
    /// Language models: which, and where they are.
    pub language: LanguageSettings,
    /// The provider by which people sign in; `None`: there is none.
    pub oidc: Option<OidcSettings>,
    /// Recognitions at the same time.
    pub recognizer_threads: usize,
    /// Synthesised prompts in place of those in the data directory.
    pub prompt_cache_dir: Option<PathBuf>,
    /// Prompts and lexicons in place of the embedded ones.
    pub prompts_dir: Option<PathBuf>,
    /// Calls under way at the same time in the fleet.
    pub max_calls: u32,
    /// Calls placed per second by the fleet.
    pub calls_per_second: f64,
    /// Further limits of the fleet.
    pub fleet: FleetSettings,
    /// What the carrier takes for a minute, in whatever currency; `None`: no cost is shown.
    pub price_per_minute: Option<f64>,
    /// The table of prices of `samvad costs`; `None`: amounts are shown without prices.
    pub prices: Option<PathBuf>,
    /// Whom `samvad call` may call.
    pub allowed_numbers: Vec<PhoneNumber>,
    /// How long a phone may ring, in seconds.
    pub ring_timeout_seconds: u32,
    /// How long the carrier may queue a call, in seconds.
    pub queue_limit_seconds: u32,
    /// How long a stop waits for calls, in seconds.
    pub drain_seconds: u32,
    /// Logs.
    pub log: LogSettings,
    /// How long things are kept.
    pub retention: Retention,
    /// What is suspicious and no fault, for the log: variables that look like ours and are unknown.
    pub warnings: Vec<String>,
}

/// Limits of the fleet that are not set unless somebody sets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FleetSettings {
    /// Calls at once to one country.
    pub country_calls: Option<u32>,
    /// Calls at once from one caller id.
    pub caller_id_calls: Option<u32>,
    /// Calls begun on one day.
    pub calls_per_day: Option<u32>,
    /// Calls begun on one day to one country.
    pub country_calls_per_day: Option<u32>,
}

/// The carrier's settings.
#[derive(Clone, Debug)]
pub struct TwilioSettings {
    /// Base URL of the API, Twilio's or a stand-in's.
    pub api_base_url: Url,
    /// The account; `None` if neither id nor token is set.
    pub account: Option<TwilioAccount>,
}

/// An account with the carrier.
#[derive(Clone, Debug)]
pub struct TwilioAccount {
    /// Its id.
    pub sid: AccountSid,
    /// Its primary auth token.
    pub auth_token: Secret<String>,
    /// A second token whose signatures are accepted while tokens are rotated.
    pub auth_token_secondary: Option<Secret<String>>,
}

/// What is logged and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Level or directives (`tracing_subscriber::EnvFilter`).
    pub filter: String,
    /// `None`: text on a terminal, JSON elsewhere.
    pub format: Option<LogFormat>,
}

/// Days until a purge removes things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Transcripts and verbatim words.
    pub transcript_days: u32,
    /// Journals.
    pub journal_days: u32,
    /// Recordings of the line.
    pub recording_days: u32,
}

/// This process's environment. What is not Unicode is kept as far as it can be read, and fails where it is used.
pub fn process_environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect()
}

impl Settings {
    /// Reads all settings from an environment and from the files it names. Nothing is created.
    ///
    /// # Errors
    /// [`ConfigFaults`] with everything that is wrong, at once.
    pub fn from_env(environment: &BTreeMap<String, String>) -> Result<Self, ConfigFaults> {
        let mut reader = Reader::new(environment);
        let settings = read(&mut reader);
        let faults = reader.into_faults();
        match settings {
            Some(settings) if faults.is_empty() => Ok(settings),
            _ => Err(ConfigFaults(faults)),
        }
    }

    /// How real the calls of this process are. Only with `DRY_RUN_MODE=false` and a carrier elsewhere are they live.
    pub fn mode(&self) -> Mode {
        match (is_loopback(&self.twilio.api_base_url), self.dry_run) {
            (true, _) => Mode::Simulated,
            (false, true) => Mode::DryRun,
            (false, false) => Mode::Live,
        }
    }

    /// The carrier's account, for commands that cannot do without.
    ///
    /// # Errors
    /// [`ConfigFaults`] that name both variables.
    pub fn require_twilio_account(&self) -> Result<&TwilioAccount, ConfigFaults> {
        self.twilio.account.as_ref().ok_or_else(|| {
            ConfigFaults(
                ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"]
                    .map(|variable| ConfigFault {
                        variable: variable.to_owned(),
                        fault: "is not set".to_owned(),
                        remedy: "take it from the carrier's console, or from the stand-in you attach".to_owned(),
                    })
                    .into(),
            )
        })
    }
}

/// Reads everything before it gives up, so that every fault is found.
fn read(reader: &mut Reader<'_>) -> Option<Settings> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let dry_run = reader.parsed("DRY_RUN_MODE", values::boolean);
    let bind = reader.parsed("SAMVAD_BIND", |text| {
        text.parse::<SocketAddr>()
            .map_err(|_| ("is not an address and port", "write for example 127.0.0.1:8080"))
    });
    let public_url = read_public_url(reader, bind);
    let workers = read_threads(reader, "SAMVAD_WORKERS", processors);
    let api = api::read(reader, bind);
    let twilio = read_twilio(reader);
    let data_dir = reader.text("SAMVAD_DATA_DIR").map(PathBuf::from);
    let database_url = data_dir.as_deref().and_then(|data_dir| {
        let default = format!("sqlite://{}", data_dir.join("samvad.db").display());
        let url = reader.text("DATABASE_URL").map_or(default, str::to_owned);
        match crate::store::DatabaseUrl::parse(&url) {
            Ok(_) => Some(url),
            Err(error) => {
                let fault = error.to_string();
                let fault = fault.strip_prefix("DATABASE_URL ").unwrap_or(&fault);
                let (fault, remedy) = fault
                    .split_once("; ")
                    .unwrap_or((fault, "name a SQLite file or a PostgreSQL database"));
                reader.fault("DATABASE_URL", fault, remedy);
                None
            }
        }
    });
    let media_token_key = reader.secret("SAMVAD_MEDIA_TOKEN_KEY").and_then(|text| {
        let key = values::key_from_hex(text.expose()).map(Secret::new);
        if key.is_none() {
            let fault = "is not hexadecimal, or shorter than 32 bytes";
            reader.fault(
                "SAMVAD_MEDIA_TOKEN_KEY",
                fault,
                "write the output of `openssl rand -hex 32`, or leave it out",
            );
        }
        key
    });
    let redis_url = read_redis_url(reader);
    let node_name = reader.parsed("SAMVAD_NODE_NAME", values::node_name);
    let node_name = if reader.text("SAMVAD_NODE_NAME").is_some() {
        node_name
    } else {
        Some(values::machine_name())
    };
    let recognizers = reader.parsed("SAMVAD_RECOGNIZER", Recognizers::parse);
    let synthesis = synthesizers::read(reader);
    let synthesizers = synthesis.as_ref().map(|settings| &settings.synthesizers);
    let language_models = language_models::read_list(reader);
    let asked = language_models.as_deref().unwrap_or_default();
    let services = services::read(reader, recognizers.as_ref(), synthesizers, asked);
    let openai = services.as_ref().map(|services| &services.openai);
    let language = language_models.and_then(|list| language_models::read(reader, &list, openai));
    let oidc = oidc::read(reader);
    let recognizer_threads = read_threads(reader, "SAMVAD_RECOGNIZER_THREADS", processors);
    let prompt_cache_dir = reader.text("SAMVAD_PROMPT_CACHE_DIR").map(PathBuf::from);
    let prompts_dir = reader.parsed("SAMVAD_PROMPTS_DIR", |text| {
        let path = PathBuf::from(text);
        if path.is_dir() {
            Ok(path)
        } else {
            Err(("is not a directory", "name one, or leave it out"))
        }
    });
    let max_calls = reader.number("SAMVAD_MAX_CALLS", 1..=100_000);
    let calls_per_second = reader.number("SAMVAD_CALLS_PER_SECOND", 0.01..=1000.0);
    let fleet = FleetSettings {
        country_calls: read_limit(reader, "SAMVAD_COUNTRY_MAX_CALLS", 100_000),
        caller_id_calls: read_limit(reader, "SAMVAD_CALLER_ID_MAX_CALLS", 100_000),
        calls_per_day: read_limit(reader, "SAMVAD_CALLS_PER_DAY", 10_000_000),
        country_calls_per_day: read_limit(reader, "SAMVAD_COUNTRY_CALLS_PER_DAY", 10_000_000),
    };
    let price_per_minute = reader
        .text("SAMVAD_PRICE_PER_MINUTE")
        .is_some()
        .then(|| reader.number("SAMVAD_PRICE_PER_MINUTE", 0.0..=1000.0))
        .flatten();
    let prices = reader.parsed("SAMVAD_PRICES", |text| match PathBuf::from(text) {
        path if path.is_file() => Ok(path),
        _ => Err((
            "is not a file",
            "name a table of prices (prices.example.yaml shows one), or leave it out",
        )),
    });
    let allowed_numbers = reader
        .text("SAMVAD_ALLOWED_NUMBERS")
        .is_some()
        .then(|| reader.parsed("SAMVAD_ALLOWED_NUMBERS", values::phone_numbers))
        .flatten()
        .unwrap_or_default();
    let ring_timeout_seconds = reader.number("SAMVAD_RING_TIMEOUT_SECONDS", 5..=600);
    let queue_limit_seconds = reader.number("SAMVAD_QUEUE_LIMIT_SECONDS", 0..=86_400);
    let drain_seconds = reader.number("SAMVAD_DRAIN_SECONDS", 0..=86_400);
    let log = read_log(reader);
    let transcript_days = reader.number("SAMVAD_RETENTION_TRANSCRIPT_DAYS", 0..=36_500);
    let journal_days = reader.number("SAMVAD_RETENTION_JOURNAL_DAYS", 0..=36_500);
    let recording_days = reader.number("SAMVAD_RETENTION_RECORDING_DAYS", 0..=36_500);

    let settings = Settings {
        dry_run: dry_run?,
        bind: bind?,
        public_url: public_url?,
        workers: workers?,
        api: api?,
        twilio: twilio?,
        data_dir: data_dir?,
        database_url: database_url?,
        redis_url,
        node_name: node_name?,
        media_token_key,
        recognizers: recognizers?,
        synthesis: synthesis?,
        services: services?,
        language: language?,
        oidc,
        recognizer_threads: recognizer_threads?,
        prompt_cache_dir,
        prompts_dir,
        max_calls: max_calls?,
        calls_per_second: calls_per_second?,
        fleet,
        price_per_minute,
        prices,
        allowed_numbers,
        ring_timeout_seconds: ring_timeout_seconds?,
        queue_limit_seconds: queue_limit_seconds?,
        drain_seconds: drain_seconds?,
        log: log?,
        retention: Retention {
            transcript_days: transcript_days?,
            journal_days: journal_days?,
            recording_days: recording_days?,
        },
        warnings: reader
            .unknown()
            .iter()
            .map(|name| format!("{name} is set, and no setting has that name; see .env.example for those that exist"))
            .collect(),
    };
    check_live(reader, &settings);
    Some(settings)
}

/// Nodes that share a Redis let in each other's calls, so they need one key for the tokens.
fn read_redis_url(reader: &mut Reader<'_>) -> Option<Secret<String>> {
    let url = reader.secret("REDIS_URL")?;
    if let Err(error) = RedisCoordination::new(&RedisSettings::new(url.expose())) {
        let fault = error.to_string();
        let fault = fault.strip_prefix("REDIS_URL: ").unwrap_or(&fault);
        reader.fault(
            "REDIS_URL",
            &format!("cannot be used: {fault}"),
            "write for example redis://redis.example.org:6379",
        );
        return None;
    }
    let has_key = ["SAMVAD_MEDIA_TOKEN_KEY", "SAMVAD_MEDIA_TOKEN_KEY_FILE"]
        .iter()
        .any(|name| reader.text(name).is_some());
    if !has_key {
        reader.fault(
            "SAMVAD_MEDIA_TOKEN_KEY",
            "is not set, but REDIS_URL is",
            "give all servers the same key: the output of `openssl rand -hex 32`",
        );
    }
    Some(url)
}

fn read_limit(reader: &mut Reader<'_>, name: &str, most: u32) -> Option<u32> {
    reader.text(name)?;
    reader.number(name, 1..=most)
}

fn read_threads(reader: &mut Reader<'_>, name: &str, default: usize) -> Option<usize> {
    if reader.text(name).is_none() {
        return Some(default.clamp(1, 256));
    }
    reader.number(name, 1..=256)
}

fn read_public_url(reader: &mut Reader<'_>, bind: Option<SocketAddr>) -> Option<PublicUrl> {
    if reader.text("SAMVAD_PUBLIC_URL").is_some() {
        return reader.parsed("SAMVAD_PUBLIC_URL", PublicUrl::parse);
    }
    let bind = bind?;
    if !bind.ip().is_loopback() {
        let remedy = "write the https origin at which the carrier reaches this server";
        reader.fault(
            "SAMVAD_PUBLIC_URL",
            "is not set, and SAMVAD_BIND is open to other machines",
            remedy,
        );
        return None;
    }
    PublicUrl::parse(&format!("http://{bind}")).ok()
}

fn read_twilio(reader: &mut Reader<'_>) -> Option<TwilioSettings> {
    let api_base_url = reader.parsed("TWILIO_API_BASE_URL", values::api_base_url);
    let sid = reader.parsed("TWILIO_ACCOUNT_SID", |text| {
        let fault = (
            "is not an account id",
            "write AC and 32 hexadecimal digits, as the carrier's console shows it",
        );
        values::is_account_sid(text).then(|| AccountSid::new(text)).ok_or(fault)
    });
    let auth_token = reader.secret("TWILIO_AUTH_TOKEN");
    let auth_token_secondary = reader.secret("TWILIO_AUTH_TOKEN_SECONDARY");
    let [sid_is_set, token_is_set, token_file_is_set] =
        ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN_FILE"].map(|name| reader.text(name).is_some());
    if sid_is_set && !token_is_set && !token_file_is_set {
        reader.fault(
            "TWILIO_AUTH_TOKEN",
            "is not set, but TWILIO_ACCOUNT_SID is",
            "set both or neither",
        );
    }
    if !sid_is_set && (auth_token.is_some() || auth_token_secondary.is_some()) {
        reader.fault(
            "TWILIO_ACCOUNT_SID",
            "is not set, but an auth token is",
            "set both or neither",
        );
    }
    let account = sid.zip(auth_token).map(|(sid, auth_token)| TwilioAccount {
        sid,
        auth_token,
        auth_token_secondary,
    });
    Some(TwilioSettings {
        api_base_url: api_base_url?,
        account,
    })
}

fn read_log(reader: &mut Reader<'_>) -> Option<LogSettings> {
    let filter = reader.parsed("SAMVAD_LOG", |text| {
        let remedy = "write a level (error, warn, info, debug, trace) or directives such as info,samvad=debug";
        tracing_subscriber::EnvFilter::builder()
            .parse(text)
            .map_err(|_| ("cannot be read", remedy))?;
        Ok(text.to_owned())
    });
    let format = reader.parsed("SAMVAD_LOG_FORMAT", LogFormat::parse);
    Some(LogSettings {
        filter: filter?,
        format,
    })
}

/// Going live needs an account, and an address that the carrier can reach.
fn check_live(reader: &mut Reader<'_>, settings: &Settings) {
    if settings.mode() != Mode::Live {
        return;
    }
    if settings.public_url.is_loopback() {
        let remedy = "write the https origin at which the carrier reaches this server, or set DRY_RUN_MODE=true";
        reader.fault(
            "SAMVAD_PUBLIC_URL",
            "is this machine, which a real carrier cannot reach",
            remedy,
        );
    }
    if let Err(ConfigFaults(faults)) = settings.require_twilio_account() {
        for fault in faults {
            reader.fault(&fault.variable, "is not set, but DRY_RUN_MODE is false", &fault.remedy);
        }
    }
}
