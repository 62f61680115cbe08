//! Nothing is left of calls whose services of speech and language fail in every way.

use crate::doubles::deepgram::Deepgram;
use crate::doubles::openai::Realtime;
use crate::doubles::{Conduct, Double, Ear};
use crate::harness::{DEADLINE, Process, World, assert_no_panic, count, poll};
use crate::language_server::{self, LanguageServer};
use crate::speech_server::{self, SpeechServer};
use crate::{number, runtime};
use rustix::process::Signal;
use samvad::telemetry::ProcessUsage;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Connections that each service's pool keeps open ahead.
const SPARE: usize = 2;

/// One after the other; every third time one of the services is well.
const CONDUCTS: [Conduct; 12] = [
    Conduct::Stalls,
    Conduct::CutsAfterMs(300),
    Conduct::Serves,
    Conduct::Refuses(401, "INVALID_AUTH"),
    Conduct::NeverConcludes,
    Conduct::Serves,
    Conduct::ReportsQuota,
    Conduct::Refuses(429, "RATE_LIMITED"),
    Conduct::Serves,
    Conduct::TalksNonsense,
    Conduct::IgnoresUpgrades,
    Conduct::CutsAfterMs(0),
];

fn usage(server: &Process) -> ProcessUsage {
    ProcessUsage::of(u32::try_from(server.pid()).expect("a process id")).expect("a process")
}

/// What the language model does meanwhile, which is asked whenever a recogniser was well.
const MODEL_CONDUCTS: [language_server::Conduct; 6] = [
    language_server::Conduct::Stalls,
    language_server::Conduct::Says(UNCLEAR),
    language_server::Conduct::Cuts,
    language_server::Conduct::SendsGarbage,
    language_server::Conduct::Refuses(429, "error_rate", None),
    language_server::Conduct::StallsWithin,
];

const UNCLEAR: &str = r#"{"intent":"unclear","value":null,"callback_words":null,"question_about_call":false}"#;

/// What the voice does, which is asked for each person's name.
const VOICE_CONDUCTS: [speech_server::Conduct; 6] = [
    speech_server::Conduct::Speaks,
    speech_server::Conduct::Stalls,
    speech_server::Conduct::StallsWithin,
    speech_server::Conduct::Cuts,
    speech_server::Conduct::IsSilent,
    speech_server::Conduct::SendsAPage,
];

/// Everything that fails.
struct Services {
    recognizers: [Double; 2],
    model: LanguageServer,
    voice: SpeechServer,
}

impl Services {
    /// Nothing is open but what is kept open.
    fn are_at_rest(&self) -> bool {
        let spare_alone = self.recognizers.iter().all(|service| service.open() == SPARE);
        spare_alone && self.model.open() == 0 && self.voice.open() == 0
    }
}

/// Changes how the services behave, again and again.
async fn misbehave(services: Arc<Services>) {
    for round in 0.. {
        for (service, double) in services.recognizers.iter().enumerate() {
            double.behave(CONDUCTS[(round + service * 4) % CONDUCTS.len()]);
        }
        if round % 5 == 4 {
            services.recognizers[round % 2].cut();
        }
        services.model.behave(MODEL_CONDUCTS[round % MODEL_CONDUCTS.len()]);
        services.voice.behave(VOICE_CONDUCTS[round % VOICE_CONDUCTS.len()]);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

/// The contacts, each with a name that nobody else has.
fn with_names(world: &World) -> PathBuf {
    let path = world.directory.path().join("named_contacts.csv");
    let respondents = world.respondents();
    let rows = respondents.iter().enumerate();
    let rows: Vec<String> = rows
        .map(|(index, respondent)| format!("{},Asha {index}\n", respondent.number))
        .collect();
    std::fs::write(&path, format!("phone_number,name\n{}", rows.concat())).expect("written");
    path
}

#[test]
fn l15_calls_against_failing_services_leave_no_connection_task_or_memory() {
    let calls = number("SERVICE_LOAD_CALLS", 400);
    let tenth = calls / 10;
    let runtime = runtime();
    let services = runtime.block_on(async {
        // Words that the lexicon does not know.
        let says = || Ear::Says("Oh it was rather lovely.", Duration::from_millis(20));
        Arc::new(Services {
            recognizers: [
                Double::start::<Deepgram>(says()).await,
                Double::start::<Realtime>(says()).await,
            ],
            model: LanguageServer::start(),
            voice: SpeechServer::start(speech_server::Service::ElevenLabs),
        })
    });
    let [deepgram, openai] = &services.recognizers;
    let world = World::of_fixture("failing_services.yaml", calls)
        .set("SAMVAD_MAX_CALLS", "200")
        .set("SAMVAD_CALLS_PER_SECOND", "40")
        .set("SAMVAD_RECOGNIZER", "deepgram,openai")
        .set("SAMVAD_SERVICE_CONNECTIONS", "200")
        .set("DEEPGRAM_API_KEY", crate::doubles::deepgram::KEY)
        .set("DEEPGRAM_BASE_URL", deepgram.url().as_str())
        .set("OPENAI_API_KEY", crate::doubles::openai::KEY)
        .set("OPENAI_BASE_URL", openai.url().join("/v1").expect("a path").as_str())
        .set("SAMVAD_LANGUAGE_MODEL", "compatible")
        .set("LANGUAGE_MODEL_BASE_URL", &services.model.url())
        .set("LANGUAGE_MODEL_API_KEY", language_server::KEY)
        .set("LANGUAGE_MODEL_NAME", "any")
        .set("SAMVAD_SYNTHESIZER", "elevenlabs")
        .set("ELEVENLABS_API_KEY", speech_server::KEY)
        .set("ELEVENLABS_BASE_URL", &services.voice.url())
        .set("ELEVENLABS_VOICE", "JBFqnCBsd6RMkjVDRZzb");
    let prompts = world.directory.path().join("prompts").display().to_string();
    let mut world = world.set("SAMVAD_PROMPT_CACHE_DIR", &prompts);
    let contacts = with_names(&world).display().to_string();
    let mut server = world.server(&["--contacts", &contacts]);
    let has_spare = || services.recognizers.iter().all(|service| service.open() == SPARE);
    poll("connections are open ahead", has_spare, || server.log_text());
    let start = usage(&server);
    let trouble = runtime.spawn(misbehave(Arc::clone(&services)));

    let mut resident = BTreeMap::new();
    // Looked at often enough that each wait is short.
    let step = tenth.min(100);
    for ended in (step..=calls).step_by(step) {
        server.until(&format!("{ended} calls have ended"), |lines| {
            count(lines, "ended") >= ended
        });
        resident.insert(ended, usage(&server).resident_bytes);
    }
    trouble.abort();
    for service in &services.recognizers {
        service.behave(Conduct::Serves);
    }
    let end = Cell::new(usage(&server));
    poll(
        "connections, threads and descriptors are as many as at the start",
        || {
            end.set(usage(&server));
            services.are_at_rest()
                && end.get().threads <= start.threads
                && end.get().open_descriptors <= start.open_descriptors
        },
        || format!("{}\n{start:?}, then {:?}", server.log_text(), end.get()),
    );
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let results: usize = services.recognizers.iter().map(Double::results).sum();
    let upgrades: usize = services.recognizers.iter().map(Double::upgrades).sum();
    let (asked, spoken) = (services.model.requests().len(), services.voice.requests().len());
    eprintln!("{calls} calls: {upgrades} connections to recognisers asked for, {results} results,");
    eprintln!("{asked} requests to a language model, {spoken} to a voice; resident memory after:");
    for (ended, bytes) in resident.iter().filter(|(ended, _)| *ended % tenth == 0) {
        eprintln!("{ended:>7} calls {:7.1} MiB", mib(*bytes));
    }
    // By half of the calls as many have been under way at once as ever will be.
    let (early, late) = (resident[&(5 * tenth)], resident[&(10 * tenth)]);
    assert!(
        late <= early + early / 20,
        "resident memory grew from {early} to {late}: {resident:?}"
    );
    server.signal(Signal::TERM);
    assert!(server.ended(DEADLINE).success(), "{}", server.log_text());
    let last = server.lines().last().cloned().expect("its usage");
    for gauge in ["calls", "sockets", "permits"] {
        assert_eq!(last[gauge], 0, "{last}");
    }
    // Those that have the spare connections, and for each service the one that sees to them.
    assert_eq!(last["service_tasks"], 2 * (SPARE + 1), "{last}");
    assert_no_panic(&server.log_text());
    world.assert_outcomes_as_expected();
    world.assert_all_ended_once(0);
}
