//! Every setting: default, faults, and agreement with `.env.example`.

use super::testing::{environment, faults};
use super::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;

const SID: &str = "AC0123456789abcdef0123456789abcdef";

fn settings(pairs: &[(&str, &str)]) -> Settings {
    super::testing::read(pairs).expect("usable")
}

#[test]
fn an_empty_environment_gives_a_safe_server_on_this_machine() {
    let settings = settings(&[]);
    assert!(settings.dry_run);
    assert_eq!(settings.mode(), Mode::DryRun);
    assert_eq!(settings.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.public_url.origin(), "http://127.0.0.1:8080");
    assert_eq!(settings.public_url.media_socket(), "ws://127.0.0.1:8080/twilio/media");
    assert_eq!(settings.twilio.api_base_url.as_str(), "https://api.twilio.com/");
    assert!(settings.twilio.account.is_none());
    assert_eq!(settings.database_url, "sqlite://./data/samvad.db");
    assert_eq!(settings.recognizers.list(), [RecognizerSetting::Embedded]);
    assert!(settings.workers >= 1 && settings.recognizer_threads >= 1);
    assert!((settings.calls_per_second - 1.0).abs() < f64::EPSILON);
    assert_eq!(
        settings.log,
        LogSettings {
            filter: "info".to_owned(),
            format: None
        }
    );
    assert!(settings.warnings.is_empty());
}

#[test]
fn every_fault_is_named_at_once_with_its_remedy_and_without_the_value() {
    let wrong = environment(&[
        ("DRY_RUN_MODE", "flase"),
        ("SAMVAD_BIND", "localhost"),
        ("SAMVAD_PUBLIC_URL", "http://example.org"),
        ("TWILIO_API_BASE_URL", "ftp://example.org"),
        ("TWILIO_ACCOUNT_SID", "AC-canary"),
        ("DATABASE_URL", "mysql://canary:canary@host/db"),
        ("SAMVAD_MEDIA_TOKEN_KEY", "canary"),
        ("SAMVAD_RECOGNIZER", "canary"),
        ("SAMVAD_RECOGNIZER_THREADS", "0"),
        ("SAMVAD_PROMPTS_DIR", "/canary"),
        ("SAMVAD_WORKERS", "many"),
        ("SAMVAD_MAX_CALLS", "-1"),
        ("SAMVAD_CALLS_PER_SECOND", "NaN"),
        ("SAMVAD_RING_TIMEOUT_SECONDS", "601"),
        ("SAMVAD_QUEUE_LIMIT_SECONDS", "1e3"),
        ("SAMVAD_DRAIN_SECONDS", "x"),
        ("SAMVAD_LOG", "info,=,"),
        ("SAMVAD_LOG_FORMAT", "xml"),
        ("SAMVAD_RETENTION_TRANSCRIPT_DAYS", "-1"),
        ("SAMVAD_RETENTION_JOURNAL_DAYS", "99999"),
        ("SAMVAD_RETENTION_RECORDING_DAYS", "?"),
    ]);
    let all = Settings::from_env(&wrong).expect_err("faulty");
    let named: Vec<&str> = all.0.iter().map(|fault| fault.variable.as_str()).collect();
    for name in wrong.keys() {
        assert!(named.contains(&name.as_str()), "{name} is not among {named:?}");
    }
    for fault in &all.0 {
        assert!(!fault.fault.is_empty() && !fault.remedy.is_empty(), "{fault:?}");
    }
    assert!(!all.to_string().contains("canary"), "{all}");
}

#[test]
fn secrets_come_from_a_variable_or_from_a_file_and_are_never_shown() {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let file = scratch.path().join("token");
    std::fs::write(&file, "from-a-file\n").expect("written");
    let file = file.to_str().expect("UTF-8");

    let settings = settings(&[
        ("TWILIO_ACCOUNT_SID", SID),
        ("TWILIO_AUTH_TOKEN_FILE", file),
        ("TWILIO_AUTH_TOKEN_SECONDARY", "second-token"),
        ("SAMVAD_MEDIA_TOKEN_KEY", &"ab".repeat(32)),
    ]);
    let account = settings.require_twilio_account().expect("account");
    assert_eq!(account.auth_token.expose(), "from-a-file");
    assert_eq!(
        account
            .auth_token_secondary
            .as_ref()
            .map(|token| token.expose().as_str()),
        Some("second-token")
    );
    assert_eq!(
        settings.media_token_key.as_ref().map(|key| key.expose().clone()),
        Some(vec![0xab; 32])
    );
    let shown = format!("{settings:?}");
    for secret in ["from-a-file", "second-token", "abab", "171, 171"] {
        assert!(!shown.contains(secret), "{shown}");
    }

    let both = [
        ("TWILIO_ACCOUNT_SID", SID),
        ("TWILIO_AUTH_TOKEN", "x"),
        ("TWILIO_AUTH_TOKEN_FILE", file),
    ];
    assert_eq!(faults(&both), ["TWILIO_AUTH_TOKEN"]);
    let missing = [("TWILIO_ACCOUNT_SID", SID), ("TWILIO_AUTH_TOKEN_FILE", "/nowhere")];
    assert_eq!(faults(&missing), ["TWILIO_AUTH_TOKEN_FILE"]);
}

#[test]
fn an_account_is_set_whole_or_not_at_all() {
    assert_eq!(faults(&[("TWILIO_ACCOUNT_SID", SID)]), ["TWILIO_AUTH_TOKEN"]);
    assert_eq!(faults(&[("TWILIO_AUTH_TOKEN", "t")]), ["TWILIO_ACCOUNT_SID"]);
    let ConfigFaults(missing) = settings(&[]).require_twilio_account().map(drop).expect_err("none");
    assert_eq!(missing.len(), 2);
}

#[test]
fn the_public_url_is_an_origin_over_tls_or_on_this_machine() {
    for (url, origin, socket) in [
        (
            "https://calls.example.org",
            "https://calls.example.org",
            "wss://calls.example.org/twilio/media",
        ),
        (
            "https://calls.example.org:8443/",
            "https://calls.example.org:8443",
            "wss://calls.example.org:8443/twilio/media",
        ),
        (
            "http://localhost:9000",
            "http://localhost:9000",
            "ws://localhost:9000/twilio/media",
        ),
        ("http://[::1]:9000", "http://[::1]:9000", "ws://[::1]:9000/twilio/media"),
    ] {
        let settings = settings(&[("SAMVAD_PUBLIC_URL", url)]);
        assert_eq!(
            (
                settings.public_url.origin(),
                settings.public_url.media_socket().as_str()
            ),
            (origin, socket)
        );
    }
    for url in [
        "calls.example.org",
        "http://calls.example.org",
        "http://127.0.0.1.example.org",
        "https://calls.example.org/path",
        "https://calls.example.org/?a=b",
        "https://calls.example.org/#a",
        "https://user:password@calls.example.org",
        "wss://calls.example.org",
        "https://",
    ] {
        assert_eq!(faults(&[("SAMVAD_PUBLIC_URL", url)]), ["SAMVAD_PUBLIC_URL"], "{url}");
    }
    assert_eq!(faults(&[("SAMVAD_BIND", "0.0.0.0:8080")]), ["SAMVAD_PUBLIC_URL"]);
}

#[test]
fn only_an_explicit_setting_and_a_carrier_elsewhere_make_calls_live() {
    let live = [
        ("DRY_RUN_MODE", "false"),
        ("SAMVAD_PUBLIC_URL", "https://calls.example.org"),
        ("TWILIO_ACCOUNT_SID", SID),
        ("TWILIO_AUTH_TOKEN", "t"),
    ];
    assert_eq!(settings(&live).mode(), Mode::Live);
    assert_eq!(settings(&live[1..]).mode(), Mode::DryRun);
    let stand_in = [
        ("DRY_RUN_MODE", "false"),
        ("TWILIO_API_BASE_URL", "http://127.0.0.1:4010"),
    ];
    assert_eq!(settings(&stand_in).mode(), Mode::Simulated);
    assert_eq!(
        faults(&[("DRY_RUN_MODE", "false")]),
        ["SAMVAD_PUBLIC_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"],
        "going live says all that is missing"
    );
}

#[test]
fn a_misspelt_variable_is_pointed_out_and_those_of_others_are_not() {
    let settings = settings(&[
        ("SAMVAD_MAX_CALL", "5"),
        ("SAMVAD_BIND_FILE", "x"),
        ("PATH", "/bin"),
        ("SAMVAD_LOG", "warn"),
    ]);
    assert_eq!(settings.warnings.len(), 2);
    assert!(
        settings
            .warnings
            .iter()
            .any(|warning| warning.contains("SAMVAD_MAX_CALL "))
    );
    assert_eq!(settings.max_calls, 100);
}

#[test]
fn the_key_of_media_tokens_is_made_once_kept_closed_and_gives_way_to_one_that_is_set() {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let directory = DataDirectory::open(&scratch.path().join("data")).expect("made");
    let first = directory.media_token_key(&settings(&[])).expect("made");
    assert_eq!(first.expose().len(), 32);
    assert_eq!(directory.media_token_key(&settings(&[])).expect("read"), first);
    let file = directory.path().join("media-token.key");
    assert_eq!(
        std::fs::metadata(&file).expect("there").permissions().mode() & 0o777,
        0o600
    );

    let set = settings(&[("SAMVAD_MEDIA_TOKEN_KEY", &"cd".repeat(40))]);
    assert_eq!(directory.media_token_key(&set).expect("set").expose(), &vec![0xcd; 40]);

    std::fs::write(&file, "canary").expect("written");
    let refusal = directory
        .media_token_key(&settings(&[]))
        .expect_err("no key")
        .to_string();
    assert!(
        refusal.contains("remove it") && !refusal.contains("canary"),
        "{refusal}"
    );
    let other = DataDirectory::open(&scratch.path().join("other")).expect("made");
    assert_ne!(other.media_token_key(&settings(&[])).expect("made"), first);
}

#[test]
fn the_example_file_names_every_variable_with_its_default_and_no_other() {
    let example = include_str!("../../.env.example");
    let documented: BTreeMap<&str, &str> = example
        .lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once('='))
        .collect();
    assert!(
        example.lines().all(|line| line.is_empty() || line.starts_with('#')),
        "it sets nothing by itself"
    );
    for variable in VARIABLES {
        let value = documented
            .get(variable.name)
            .unwrap_or_else(|| panic!("{} is not documented", variable.name));
        if let Some(default) = variable.default {
            assert_eq!(*value, default, "{}", variable.name);
        }
        assert!(
            !variable.secret || value.is_empty(),
            "{} has no example value",
            variable.name
        );
        assert!(!variable.meaning.is_empty());
    }
    let assignments = documented
        .keys()
        .filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
    assert_eq!(assignments.count(), VARIABLES.len());
}

proptest! {
    #[test]
    fn no_environment_makes_reading_panic(values in proptest::collection::vec(".{0,40}", VARIABLES.len())) {
        let environment: BTreeMap<String, String> = VARIABLES
            .iter()
            .zip(values)
            .map(|(variable, value)| (variable.name.to_owned(), value))
            .collect();
        if let Err(ConfigFaults(faults)) = Settings::from_env(&environment) {
            prop_assert!(!faults.is_empty());
        }
    }

    #[test]
    fn a_recogniser_setting_reads_back_as_it_is_written(delay_ms in 0_u64..=10_000) {
        let fixed = RecognizerSetting::Fixed { delay: std::time::Duration::from_millis(delay_ms) };
        let read: Recognizers = fixed.to_string().parse().expect("as it is written");
        prop_assert_eq!(read.list(), [fixed]);
    }

    #[test]
    fn a_key_of_any_length_from_32_bytes_reads_back(key in proptest::collection::vec(any::<u8>(), 0..80)) {
        let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = (key.len() >= 32).then_some(key);
        prop_assert_eq!(values::key_from_hex(&text), expected);
    }
}

#[test]
fn servers_that_share_a_redis_need_one_token_key_and_a_url_that_can_be_read() {
    const KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
    let redis = ("REDIS_URL", "redis://127.0.0.1:6379");
    assert_eq!(faults(&[redis]), ["SAMVAD_MEDIA_TOKEN_KEY"]);
    assert!(settings(&[redis, ("SAMVAD_MEDIA_TOKEN_KEY", KEY)]).redis_url.is_some());
    let elsewhere = ("REDIS_URL", "http://:canary@127.0.0.1");
    let refusal = Settings::from_env(&environment(&[elsewhere]))
        .expect_err("faulty")
        .to_string();
    assert!(
        refusal.contains("REDIS_URL") && !refusal.contains("canary"),
        "{refusal}"
    );
}

#[test]
fn p54_limits_of_the_fleet_are_none_unless_set_and_every_fault_is_named() {
    assert_eq!(settings(&[]).fleet, FleetSettings::default());
    let set = settings(&[("SAMVAD_CALLS_PER_DAY", "500"), ("SAMVAD_NODE_NAME", "caller-1")]);
    assert_eq!(set.fleet.calls_per_day, Some(500));
    assert_eq!(set.node_name, "caller-1");
    let wrong = [
        ("SAMVAD_NODE_NAME", "caller 1"),
        ("SAMVAD_COUNTRY_MAX_CALLS", "0"),
        ("SAMVAD_CALLER_ID_MAX_CALLS", "many"),
        ("SAMVAD_CALLS_PER_DAY", "-1"),
        ("SAMVAD_COUNTRY_CALLS_PER_DAY", ""),
        ("SAMVAD_PRICE_PER_MINUTE", "free"),
    ];
    assert_eq!(
        faults(&wrong),
        [
            "SAMVAD_NODE_NAME",
            "SAMVAD_COUNTRY_MAX_CALLS",
            "SAMVAD_CALLER_ID_MAX_CALLS",
            "SAMVAD_CALLS_PER_DAY",
            "SAMVAD_PRICE_PER_MINUTE"
        ],
        "an empty one counts as not set"
    );
}
