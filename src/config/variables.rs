//! Every variable that Samvad reads, with its default and meaning. `.env.example` says the same; a test compares
//! them.

/// One environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Its default as text; `None` if there is none, or it is computed (the meaning says how).
    pub default: Option<&'static str>,
    /// True if its value is a secret: never shown, and `NAME_FILE` may name a file that holds it.
    pub secret: bool,
    /// What it sets, for people.
    pub meaning: &'static str,
}

const fn plain(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable {
        name,
        default: Some(default),
        secret: false,
        meaning,
    }
}

const fn computed(name: &'static str, meaning: &'static str) -> Variable {
    Variable {
        name,
        default: None,
        secret: false,
        meaning,
    }
}

const fn secret(name: &'static str, meaning: &'static str) -> Variable {
    Variable {
        name,
        default: None,
        secret: true,
        meaning,
    }
}

/// All of them, in the order in which they are documented.
pub const VARIABLES: &[Variable] = &[
    plain(
        "DRY_RUN_MODE",
        "true",
        "true: only a carrier on this machine is ever called; false: real people are",
    ),
    plain(
        "SAMVAD_BIND",
        "127.0.0.1:8080",
        "address and port the server listens on",
    ),
    computed(
        "SAMVAD_PUBLIC_URL",
        "origin at which the carrier reaches the server: https, or http on this machine; default http://SAMVAD_BIND if that is loopback",
    ),
    computed(
        "SAMVAD_WORKERS",
        "worker threads of the HTTP server, a call lives on one of them (1 to 256); default one per processor",
    ),
    plain(
        "SAMVAD_API_BIND",
        "127.0.0.1:8090",
        "address and port of the HTTP API, which has worker threads of its own; off: there is none",
    ),
    computed(
        "SAMVAD_API_PUBLIC_URL",
        "origin at which people and programs reach the API: https, or http on this machine; default http://SAMVAD_API_BIND if that is loopback",
    ),
    plain("SAMVAD_API_WORKERS", "2", "worker threads of the HTTP API (1 to 64)"),
    computed(
        "SAMVAD_API_PROXIES",
        "addresses and networks (10.0.0.0/8) of proxies before the API, whose x-forwarded-for is believed where requests without a credential are limited by address; default: none",
    ),
    computed(
        "SAMVAD_CORS_ORIGINS",
        "origins whose pages may call the API with a token, with commas between them; default: none",
    ),
    plain(
        "TWILIO_API_BASE_URL",
        "https://api.twilio.com",
        "Twilio's API or a stand-in: https, or http on this machine",
    ),
    computed("TWILIO_ACCOUNT_SID", "the account: AC and 32 hexadecimal digits"),
    secret(
        "TWILIO_AUTH_TOKEN",
        "its primary auth token: signs webhooks, opens the API",
    ),
    secret(
        "TWILIO_AUTH_TOKEN_SECONDARY",
        "a second token that signatures are accepted from while tokens are rotated",
    ),
    plain(
        "SAMVAD_DATA_DIR",
        "./data",
        "directory of database, journals, recordings, prompt cache and token key; closed to others",
    ),
    computed(
        "DATABASE_URL",
        "database: sqlite:///var/lib/samvad/samvad.db or postgres://user:password@host/samvad; default samvad.db in SAMVAD_DATA_DIR",
    ),
    secret(
        "REDIS_URL",
        "Redis that several servers share: redis://, rediss:// or redis+unix://; default: this server is the only one",
    ),
    computed(
        "SAMVAD_NODE_NAME",
        "what this server is called in the database and in logs; default the machine's name",
    ),
    computed(
        "SAMVAD_PROMPT_CACHE_DIR",
        "directory of synthesised prompts, which several servers may share; default prompts in SAMVAD_DATA_DIR",
    ),
    secret(
        "SAMVAD_MEDIA_TOKEN_KEY",
        "key of the one-time media tokens, at least 32 bytes in hexadecimal; default: made once and kept in SAMVAD_DATA_DIR",
    ),
    plain(
        "SAMVAD_RECOGNIZER",
        "embedded",
        "recognisers in order of preference, the next one takes over when one fails: deepgram, openai, sarvam, embedded (PocketSphinx), with commas between them; or fixed:DELAY for load tests, for example fixed:60ms",
    ),
    computed(
        "SAMVAD_RECOGNIZER_THREADS",
        "recognitions that run at the same time (1 to 256); default one per processor",
    ),
    plain(
        "SAMVAD_SERVICE_CONNECTIONS",
        "50",
        "connections to one speech service at the same time, at most what its plan allows (1 to 10000)",
    ),
    secret(
        "SAMVAD_SERVICE_PROXY",
        "proxy for speech services and language models: http:// or https://, host and port; default what HTTPS_PROXY and NO_PROXY say",
    ),
    secret("DEEPGRAM_API_KEY", "Deepgram's key"),
    plain(
        "DEEPGRAM_BASE_URL",
        "https://api.deepgram.com",
        "Deepgram's API or a stand-in: https or wss, or http or ws on this machine",
    ),
    plain("DEEPGRAM_MODEL", "nova-3", "Deepgram's model for recognition"),
    secret(
        "OPENAI_API_KEY",
        "OpenAI's key, or that of a server compatible with it; one on this machine needs none",
    ),
    plain(
        "OPENAI_BASE_URL",
        "https://api.openai.com/v1",
        "OpenAI's API or a server compatible with it: https or wss, or http or ws on this machine",
    ),
    plain(
        "OPENAI_TRANSCRIPTION_MODEL",
        "gpt-4o-transcribe",
        "model for recognition",
    ),
    plain(
        "OPENAI_TRANSCRIPTION_API",
        "realtime",
        "realtime (streamed over a WebSocket), or file (each utterance in a request, which most compatible servers take)",
    ),
    secret("SARVAM_API_KEY", "Sarvam's key"),
    plain(
        "SARVAM_BASE_URL",
        "https://api.sarvam.ai",
        "Sarvam's API or a stand-in: https or wss, or http or ws on this machine",
    ),
    plain("SARVAM_MODEL", "saaras:v3-realtime", "Sarvam's model for recognition"),
    plain(
        "SAMVAD_SYNTHESIZER",
        "embedded",
        "synthesisers in order of preference, the next one takes over when one fails: elevenlabs, openai, deepgram, sarvam, embedded (flite and espeak-ng), with commas between them",
    ),
    plain(
        "SAMVAD_SYNTHESIS_AT_ONCE",
        "2",
        "sentences asked of one synthesis service at a time, at most what its plan allows (1 to 100)",
    ),
    plain(
        "SAMVAD_LIVE_SPEECH_DEADLINE_MS",
        "1500",
        "in a call, longest wait for the first sound of a sentence, shared by the synthesisers of the list, and between two pieces of it, in milliseconds (200 to 8000)",
    ),
    secret("ELEVENLABS_API_KEY", "ElevenLabs' key"),
    plain(
        "ELEVENLABS_BASE_URL",
        "https://api.elevenlabs.io",
        "ElevenLabs' API or a stand-in: https, or http on this machine",
    ),
    plain("ELEVENLABS_MODEL", "eleven_flash_v2_5", "ElevenLabs' model"),
    computed(
        "ELEVENLABS_VOICE",
        "id of ElevenLabs' voice, or one for each language: VOICE,hi=VOICE,ta=VOICE",
    ),
    plain("OPENAI_SPEECH_MODEL", "gpt-4o-mini-tts", "model for speech"),
    plain(
        "OPENAI_SPEECH_VOICE",
        "coral",
        "OpenAI's voice, or one for each language: VOICE,hi=VOICE",
    ),
    plain(
        "DEEPGRAM_VOICE",
        "en=aura-2-thalia-en",
        "Deepgram's voices, each a model for one language: en=VOICE,es=VOICE",
    ),
    plain("SARVAM_SPEECH_MODEL", "bulbul:v3", "Sarvam's model for speech"),
    plain(
        "SARVAM_VOICE",
        "shubh",
        "Sarvam's speaker, or one for each language: SPEAKER,hi=SPEAKER",
    ),
    computed(
        "SAMVAD_LANGUAGE_MODEL",
        "language models in order of preference, the next one is asked when one fails: openai, compatible, with commas between them; default none",
    ),
    plain(
        "SAMVAD_LANGUAGE_DEADLINE_MS",
        "1500",
        "longest wait for a language model's answer, or for a sentence of it, in milliseconds (100 to 10000)",
    ),
    plain(
        "OPENAI_LANGUAGE_MODEL",
        "gpt-4.1-mini",
        "OpenAI's language model, one that does not reason first",
    ),
    plain(
        "OPENAI_LANGUAGE_STRUCTURED",
        "json_schema",
        "how OpenAI's language model is asked for structured answers: json_schema, or json_object",
    ),
    secret(
        "LANGUAGE_MODEL_API_KEY",
        "key of the language model called compatible; one on this machine needs none",
    ),
    computed(
        "LANGUAGE_MODEL_BASE_URL",
        "base URL of the language model called compatible: https, or http on this machine",
    ),
    computed(
        "LANGUAGE_MODEL_NAME",
        "model of the language model called compatible, as its server writes it",
    ),
    plain(
        "LANGUAGE_MODEL_STRUCTURED",
        "json_schema",
        "how the language model called compatible is asked for structured answers: json_schema, or json_object for servers that know no schemas",
    ),
    computed(
        "SAMVAD_PROMPTS_DIR",
        "directory of prompts and lexicons in place of the embedded ones",
    ),
    computed(
        "SAMVAD_OIDC_ISSUER",
        "issuer of the OpenID provider by which people sign in: https, or http on this machine; default: nobody signs in by one",
    ),
    computed("SAMVAD_OIDC_CLIENT_ID", "id of this server as the provider's client"),
    secret(
        "SAMVAD_OIDC_CLIENT_SECRET",
        "secret of this server as the provider's client",
    ),
    plain(
        "SAMVAD_OIDC_SCOPES",
        "openid profile email",
        "scopes asked of the provider, with blanks between them",
    ),
    computed(
        "SAMVAD_OIDC_ROLE_CLAIM",
        "claim that says a person's role: a name, names with dots between them, or a JSON pointer",
    ),
    computed(
        "SAMVAD_OIDC_ROLES",
        "which value of the claim stands for which role (viewer, campaign_manager, admin): ROLE=VALUE, with commas between them; the highest counts, and who has none does not get in",
    ),
    plain(
        "SAMVAD_MAX_CALLS",
        "100",
        "calls under way at the same time, in all servers together (1 to 100000)",
    ),
    computed(
        "SAMVAD_COUNTRY_MAX_CALLS",
        "calls under way at the same time to one country, by its calling code (1 to 100000); default no limit",
    ),
    computed(
        "SAMVAD_CALLER_ID_MAX_CALLS",
        "calls under way at the same time from one caller id (1 to 100000); default no limit",
    ),
    computed(
        "SAMVAD_CALLS_PER_DAY",
        "calls begun in a day, of all campaigns (1 to 10000000); default no limit",
    ),
    computed(
        "SAMVAD_COUNTRY_CALLS_PER_DAY",
        "calls begun in a day to one country (1 to 10000000); default no limit",
    ),
    computed(
        "SAMVAD_PRICE_PER_MINUTE",
        "what the carrier takes for a minute, for the preview of a campaign (0 to 1000); default: no cost is shown",
    ),
    computed(
        "SAMVAD_PRICES",
        "file with the prices of services and carrier, for `samvad costs` (prices.example.yaml shows one); default: amounts are shown without prices",
    ),
    plain(
        "SAMVAD_CALLS_PER_SECOND",
        "1",
        "calls placed per second by all servers together, at most what the account allows (0.01 to 1000)",
    ),
    computed(
        "SAMVAD_ALLOWED_NUMBERS",
        "numbers that `samvad call` may call, in E.164 form, with commas between them; default: none",
    ),
    plain(
        "SAMVAD_RING_TIMEOUT_SECONDS",
        "30",
        "how long a phone may ring (5 to 600)",
    ),
    plain(
        "SAMVAD_QUEUE_LIMIT_SECONDS",
        "300",
        "how long the carrier may hold a call in its queue (0 to 86400)",
    ),
    plain(
        "SAMVAD_DRAIN_SECONDS",
        "360",
        "how long the server waits for its calls when it is told to stop (0 to 86400)",
    ),
    plain(
        "SAMVAD_LOG",
        "info",
        "what is logged: a level, or directives such as info,samvad=debug",
    ),
    computed(
        "SAMVAD_LOG_FORMAT",
        "json or text; default text on a terminal, json elsewhere",
    ),
    plain(
        "SAMVAD_RETENTION_TRANSCRIPT_DAYS",
        "30",
        "days until `samvad purge` removes transcripts and words (0 to 36500)",
    ),
    plain(
        "SAMVAD_RETENTION_JOURNAL_DAYS",
        "30",
        "days until `samvad purge` removes journals (0 to 36500)",
    ),
    plain(
        "SAMVAD_RETENTION_RECORDING_DAYS",
        "30",
        "days until `samvad purge` removes recordings of calls (0 to 36500)",
    ),
];

/// True for a name this version reads, `NAME_FILE` of a secret included.
pub(super) fn is_known(name: &str) -> bool {
    VARIABLES
        .iter()
        .any(|variable| name == variable.name || (variable.secret && name.strip_suffix("_FILE") == Some(variable.name)))
}

/// The default of a variable that has one.
pub(super) fn default_of(name: &str) -> Option<&'static str> {
    VARIABLES
        .iter()
        .find(|variable| variable.name == name)
        .and_then(|variable| variable.default)
}
