//! Every service does its work once, or is named with what is wrong.

use crate::doubles::{self, Double, Ear};
use crate::language_server::{self, LanguageServer};
use crate::speech_server::{self, Service, SpeechServer};
use crate::support::{Office, account, free_address, run, stand_in};
use serde_json::Value;
use std::time::Duration;

const RECORDED: &str = "The service was slow, but the staff were very friendly.";

/// A test server for each service, and what names it. Recognition and speech of one service share an address, so that
/// each is here for one of them.
struct Town {
    deepgram: Double,
    sarvam: Double,
    elevenlabs: SpeechServer,
    openai: SpeechServer,
    compatible: LanguageServer,
}

impl Town {
    async fn start() -> Self {
        let ear = Ear::Says(RECORDED, Duration::ZERO);
        Self {
            deepgram: Double::start::<doubles::deepgram::Deepgram>(ear.clone()).await,
            sarvam: Double::start::<doubles::sarvam::Sarvam>(ear).await,
            elevenlabs: SpeechServer::start(Service::ElevenLabs),
            openai: SpeechServer::start(Service::OpenAi),
            compatible: LanguageServer::start(),
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let text = str::to_owned;
        vec![
            ("SAMVAD_RECOGNIZER", text("deepgram,sarvam,embedded")),
            ("DEEPGRAM_API_KEY", text(doubles::deepgram::KEY)),
            ("DEEPGRAM_BASE_URL", self.deepgram.url().to_string()),
            ("SARVAM_API_KEY", text(doubles::sarvam::KEY)),
            ("SARVAM_BASE_URL", self.sarvam.url().to_string()),
            ("SAMVAD_SYNTHESIZER", text("elevenlabs,openai,embedded")),
            ("ELEVENLABS_API_KEY", text(speech_server::KEY)),
            ("ELEVENLABS_BASE_URL", self.elevenlabs.url()),
            ("ELEVENLABS_VOICE", text("a-voice")),
            ("OPENAI_API_KEY", text(speech_server::KEY)),
            ("OPENAI_BASE_URL", self.openai.url()),
            ("SAMVAD_LANGUAGE_MODEL", text("compatible")),
            ("LANGUAGE_MODEL_API_KEY", text(language_server::KEY)),
            ("LANGUAGE_MODEL_BASE_URL", self.compatible.url()),
            ("LANGUAGE_MODEL_NAME", text("a-model")),
        ]
    }
}

/// The settings with others in their place.
fn with(settings: &[(&'static str, String)], others: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let mut settings = settings.to_vec();
    for (name, value) in others {
        settings.retain(|(set, _)| set != name);
        settings.push((name, (*value).to_owned()));
    }
    settings
}

struct Diagnosis {
    findings: Vec<Value>,
    all: String,
    status: Option<i32>,
}

impl Diagnosis {
    /// State, finding and remedy of a service.
    fn of(&self, check: &str, service: &str) -> (&str, &str, &str) {
        let of = |finding: &&Value| {
            finding["check"] == check
                && finding["finding"]
                    .as_str()
                    .is_some_and(|text| text.starts_with(service))
        };
        let finding = self.findings.iter().find(of);
        let finding = finding.unwrap_or_else(|| panic!("nothing of {service}: {}", self.all));
        let text = |name: &str| finding[name].as_str().unwrap_or_default();
        (text("state"), text("finding"), text("remedy"))
    }
}

/// What the doctor finds, with a carrier and a public origin that are well.
async fn doctor(settings: Vec<(&'static str, String)>) -> Diagnosis {
    let examine = move || {
        let office = Office::new();
        let bind = free_address();
        let (_stand_in, api) = stand_in(office.directory.path(), bind);
        let bind = bind.to_string();
        let mut command = office.command(&["doctor", "--live", "--json"]);
        command
            .envs(account())
            .env("TWILIO_API_BASE_URL", &api)
            .env("SAMVAD_BIND", &bind)
            .env("SAMVAD_PUBLIC_URL", format!("http://{bind}"))
            .envs(settings);
        let (out, err, status) = run(&mut command);
        let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
        Diagnosis {
            findings: out.lines().map(read).collect(),
            all: format!("{out}{err}"),
            status,
        }
    };
    tokio::task::spawn_blocking(examine).await.unwrap()
}

const HEARS: &str = "service hears";
const SPEAKS: &str = "service speaks";
const ANSWERS: &str = "service answers";

const EVERY_ONE: [(&str, &str); 5] = [
    (HEARS, "deepgram"),
    (HEARS, "sarvam"),
    (SPEAKS, "elevenlabs"),
    (SPEAKS, "openai"),
    (ANSWERS, "compatible, a-model"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_service_tells_what_it_heard_said_and_answered_and_how_fast() {
    let town = Town::start().await;
    town.compatible
        .behave(language_server::Conduct::Says("{\"answer\":\"yes\"}"));
    let diagnosis = doctor(town.settings()).await;
    for (check, service) in EVERY_ONE {
        let (state, finding, _) = diagnosis.of(check, service);
        assert_eq!(state, "ok", "{finding}");
        assert!(finding.contains(" ms"), "{finding}");
    }
    let (_, heard, _) = diagnosis.of(HEARS, "deepgram");
    assert!(
        heard.contains("the service was slow") && heard.contains("connected in"),
        "{heard}"
    );
    let (_, spoken, _) = diagnosis.of(SPEAKS, "openai");
    assert!(spoken.contains("dBFS"), "{spoken}");
    let (_, answered, _) = diagnosis.of(ANSWERS, "compatible");
    assert!(answered.contains("answered with yes"), "{answered}");
    assert_eq!(diagnosis.status, Some(0), "{}", diagnosis.all);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_whose_address_is_shared_are_tried_as_well() {
    let ear = Ear::Says(RECORDED, Duration::ZERO);
    let realtime = Double::start::<doubles::openai::Realtime>(ear).await;
    let (deepgram, sarvam) = (
        SpeechServer::start(Service::Deepgram),
        SpeechServer::start(Service::Sarvam),
    );
    let speech = [
        ("SAMVAD_RECOGNIZER", "openai".to_owned()),
        ("OPENAI_API_KEY", doubles::openai::KEY.to_owned()),
        ("OPENAI_BASE_URL", format!("{}v1", realtime.url())),
        ("SAMVAD_SYNTHESIZER", "deepgram,sarvam".to_owned()),
        ("DEEPGRAM_API_KEY", speech_server::KEY.to_owned()),
        ("DEEPGRAM_BASE_URL", deepgram.url()),
        ("SARVAM_API_KEY", speech_server::KEY.to_owned()),
        ("SARVAM_BASE_URL", sarvam.url()),
    ];
    let model = LanguageServer::start();
    model.behave(language_server::Conduct::Says("{\"answer\":\"yes\"}"));
    let language = vec![
        ("SAMVAD_LANGUAGE_MODEL", "openai".to_owned()),
        ("OPENAI_API_KEY", language_server::KEY.to_owned()),
        ("OPENAI_BASE_URL", model.url()),
    ];
    let (speech, language) = tokio::join!(doctor(speech.into()), doctor(language));
    for (check, service) in [(HEARS, "openai"), (SPEAKS, "deepgram"), (SPEAKS, "sarvam")] {
        let (state, finding, _) = speech.of(check, service);
        assert_eq!(state, "ok", "{finding}");
    }
    assert_eq!(language.of(ANSWERS, "openai, gpt-4.1-mini").0, "ok");
    assert_eq!((speech.status, language.status), (Some(0), Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_a_fault_that_names_its_variable_and_not_the_key() {
    let town = Town::start().await;
    let keys = [
        "DEEPGRAM_API_KEY",
        "SARVAM_API_KEY",
        "ELEVENLABS_API_KEY",
        "OPENAI_API_KEY",
        "LANGUAGE_MODEL_API_KEY",
    ];
    let wrong = keys.map(|name| (name, "canary-key"));
    let diagnosis = doctor(with(&town.settings(), &wrong)).await;
    for ((check, service), key) in EVERY_ONE.into_iter().zip(keys) {
        let (state, finding, remedy) = diagnosis.of(check, service);
        assert_eq!((state, remedy), ("fault", format!("check {key}").as_str()), "{finding}");
    }
    assert_eq!(diagnosis.status, Some(1));
    assert!(!diagnosis.all.contains("canary"), "{}", diagnosis.all);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_model_voice_or_language_is_a_fault_that_names_its_variable() {
    let town = Town::start().await;
    for recogniser in [&town.deepgram, &town.sarvam] {
        recogniser.behave(doubles::Conduct::Refuses(400, "INVALID_QUERY_PARAMETER"));
    }
    let unknown = [
        ("ELEVENLABS_VOICE", "nobody"),
        ("OPENAI_SPEECH_MODEL", "nobody"),
        ("LANGUAGE_MODEL_NAME", "nobody"),
    ];
    let diagnosis = doctor(with(&town.settings(), &unknown)).await;
    for (check, service, variable) in [
        (HEARS, "deepgram", "DEEPGRAM_MODEL"),
        (HEARS, "sarvam", "SARVAM_MODEL"),
        (SPEAKS, "elevenlabs", "ELEVENLABS_VOICE"),
        (SPEAKS, "openai", "OPENAI_SPEECH_MODEL"),
        (ANSWERS, "compatible, nobody", "LANGUAGE_MODEL_NAME"),
    ] {
        let (state, finding, remedy) = diagnosis.of(check, service);
        assert_eq!(state, "fault", "{finding}");
        assert!(remedy.contains(variable), "{finding}: {remedy}");
    }
    assert_eq!(diagnosis.status, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_without_a_voice_is_a_fault_that_names_its_variable() {
    let town = Town::start().await;
    let diagnosis = doctor(with(&town.settings(), &[("ELEVENLABS_VOICE", "hi=a-voice")])).await;
    let (state, finding, remedy) = diagnosis.of(SPEAKS, "elevenlabs");
    assert_eq!((state, remedy), ("fault", "set ELEVENLABS_VOICE=en=VOICE"), "{finding}");
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_a_silent_service_is_given_up_and_one_that_is_well_is_tried_all_the_same() {
    let town = Town::start().await;
    town.deepgram.behave(doubles::Conduct::IgnoresUpgrades);
    town.sarvam.behave(doubles::Conduct::Stalls);
    town.elevenlabs.behave(speech_server::Conduct::IsSilent);
    town.compatible.behave(language_server::Conduct::Stalls);
    let diagnosis = doctor(town.settings()).await;
    for (check, service, hint) in [
        (HEARS, "deepgram", "DEEPGRAM_BASE_URL"),
        (HEARS, "sarvam", "SARVAM_BASE_URL"),
        (SPEAKS, "elevenlabs", "voice"),
        (ANSWERS, "compatible", "LANGUAGE_MODEL_BASE_URL"),
    ] {
        let (state, finding, remedy) = diagnosis.of(check, service);
        assert_eq!(state, "fault", "{finding}");
        assert!(remedy.contains(hint), "{finding}: {remedy}");
    }
    assert_eq!(diagnosis.of(SPEAKS, "openai").0, "ok");
    assert_eq!(diagnosis.status, Some(1));
}
