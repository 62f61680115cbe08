//! Campaigns that services speak: their prompts are heard on the line, and a service that is gone is noticed before
//! anybody is called.

use crate::harness::{World, campaign, count, output, samvad, text};
use crate::speech_server::{Conduct, KEY, Service, SpeechServer};
use samvad_media::codec;
use std::path::{Path, PathBuf};
use std::time::Duration;

const VOICE: &str = "JBFqnCBsd6RMkjVDRZzb";

/// One person who answers with keys, and a server whose prompts ElevenLabs' stand-in speaks.
fn world(server: &SpeechServer, synthesizers: &str) -> World {
    speaking(World::of_fixture("one_call_keys.yaml", 1), server, synthesizers)
}

fn speaking(world: World, server: &SpeechServer, synthesizers: &str) -> World {
    let world = world
        .set("SAMVAD_SYNTHESIZER", synthesizers)
        .set("ELEVENLABS_API_KEY", KEY)
        .set("ELEVENLABS_BASE_URL", &server.url())
        .set("ELEVENLABS_VOICE", VOICE)
        .set("OPENAI_API_KEY", KEY)
        .set("OPENAI_BASE_URL", &server.url());
    let prompts = world.directory.path().join("prompts").display().to_string();
    world.set("SAMVAD_PROMPT_CACHE_DIR", &prompts)
}

/// The samples of every prompt on disk: behind a header of 40 bytes.
fn prompts(world: &World) -> Vec<Vec<i16>> {
    let directory = PathBuf::from(&world.settings["SAMVAD_PROMPT_CACHE_DIR"]);
    let entries = std::fs::read_dir(directory).expect("prompts");
    let files = entries.map(|entry| std::fs::read(entry.expect("a file").path()).expect("read"));
    let decoded = files.map(|file| {
        let mut samples = Vec::new();
        codec::decode_mulaw(&file[40..], &mut samples);
        samples
    });
    decoded.collect()
}

/// Whether it is the test server's tone: 440 Hz cross zero 88 times in each tenth of a second.
fn is_tone(samples: &[i16]) -> bool {
    let sound = &samples[..samples.len().saturating_sub(1_440)];
    let crossings = |tenth: &[i16]| tenth.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    sound
        .chunks_exact(800)
        .skip(1)
        .all(|tenth| crossings(tenth).abs_diff(88) <= 4)
}

/// Runs the campaign to its end and returns how much the person heard, in milliseconds.
fn runs_well(world: &mut World) -> u64 {
    let contacts = world.contacts();
    runs_well_with(world, &contacts)
}

fn runs_well_with(world: &mut World, contacts: &Path) -> u64 {
    let contacts = contacts.display().to_string();
    let mut process = world.server(&["--contacts", &contacts, "--exit-when-idle"]);
    let status = process.ended(Duration::from_secs(120));
    assert!(status.success(), "{}", process.log_text());
    assert!(!process.log_text().contains(KEY), "a key in the log");
    assert!(!process.log_text().contains("Canary"), "a name in the log");
    let outcomes = world.outcomes();
    assert_eq!(
        outcomes.get("Completed"),
        Some(&1),
        "{outcomes:?}: {}",
        process.log_text()
    );
    world.assert_all_ended_once(0);
    let lines = world.network.lines();
    let call = lines.iter().find(|line| line["event"] == "call").expect("a call");
    call["agent_audio_ms"].as_u64().expect("how long the server spoke")
}

#[test]
fn prompts_of_a_service_are_rendered_once_and_heard_on_the_line() {
    let server = SpeechServer::start(Service::ElevenLabs);
    let mut world = world(&server, "elevenlabs");
    let heard_ms = runs_well(&mut world);
    let prompts = prompts(&world);
    assert!(prompts.len() > 10 && prompts.iter().all(|prompt| is_tone(prompt)));
    assert_eq!(server.requests().len(), prompts.len(), "each sentence once");
    assert!(server.most_under_way() <= 2, "{}", server.most_under_way());
    assert!(heard_ms > 10_000, "{heard_ms} ms");

    // Another server on the same directory needs nobody to speak.
    drop(server);
    let gone = SpeechServer::start(Service::ElevenLabs);
    let mut again = world_on(&gone, &world.settings["SAMVAD_PROMPT_CACHE_DIR"]);
    runs_well(&mut again);
    assert!(gone.requests().is_empty());
}

fn world_on(server: &SpeechServer, prompts: &str) -> World {
    world(server, "elevenlabs").set("SAMVAD_PROMPT_CACHE_DIR", prompts)
}

const NAME: &str = "Priya Canary";

/// The contacts, with a name.
fn with_names(world: &World) -> PathBuf {
    let path = world.contacts();
    let text = std::fs::read_to_string(&path).expect("contacts");
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let rows: Vec<String> = lines.map(|row| format!("{row},{NAME}\n")).collect();
    std::fs::write(&path, format!("{header},name\n{}", rows.concat())).expect("written");
    path
}

/// What a service was asked to speak, from the request of this number on.
fn asked(server: &SpeechServer, from: usize) -> Vec<String> {
    let requests = server.requests().into_iter().skip(from);
    requests
        .map(|request| request.json()["text"].as_str().expect("text").to_owned())
        .collect()
}

#[test]
fn a_person_is_greeted_by_name_and_the_name_is_on_no_disk_but_the_databases() {
    let server = SpeechServer::start(Service::ElevenLabs);
    let mut nameless = world(&server, "elevenlabs");
    let nameless_ms = runs_well(&mut nameless);
    let rendered = server.requests().len();

    // The service takes longer with the greeting than the greeting waits: it was begun while the phone rang.
    server.behave(Conduct::Hesitates(1_500));
    let directory = nameless.settings["SAMVAD_PROMPT_CACHE_DIR"].clone();
    let rings = std::fs::read_to_string(crate::harness::scenarios().join("one_call_keys.yaml")).expect("a scenario");
    let rings = rings.replace("    number:", "    ring_ms: 4000\n    number:");
    let mut named = speaking(World::of(&rings), &server, "elevenlabs").set("SAMVAD_PROMPT_CACHE_DIR", &directory);
    let contacts = with_names(&named);
    let named_ms = runs_well_with(&mut named, &contacts);
    assert_eq!(
        asked(&server, rendered),
        [format!("Hello {NAME}.")],
        "once, and nothing else"
    );
    // The test server speaks 60 ms for each character.
    let longer_ms = named_ms.saturating_sub(nameless_ms);
    let expected_ms = NAME.len() as u64 * 60;
    assert!(
        longer_ms.abs_diff(expected_ms) < 200,
        "{longer_ms} ms longer, not {expected_ms}"
    );
    assert_eq!(prompts(&named).len(), rendered, "a greeting by name is no prompt");
    assert!(named.replay().status.success());
    let journals = std::fs::read_dir(named.data().join("journals")).expect("journals");
    for journal in journals {
        let text = std::fs::read_to_string(journal.expect("a file").path()).expect("a journal");
        assert!(text.contains("Hello {name}.") && !text.contains("Canary"));
    }
}

#[test]
fn l12_whoever_speaks_being_gone_people_are_greeted_without_their_names() {
    let server = SpeechServer::start(Service::ElevenLabs);
    let mut nameless = world(&server, "elevenlabs");
    let nameless_ms = runs_well(&mut nameless);
    let rendered = server.requests().len();
    let directory = nameless.settings["SAMVAD_PROMPT_CACHE_DIR"].clone();
    server.behave(Conduct::Stalls);
    let mut named = world(&server, "elevenlabs,embedded").set("SAMVAD_PROMPT_CACHE_DIR", &directory);
    let contacts = with_names(&named);
    let heard_ms = runs_well_with(&mut named, &contacts);
    assert!(heard_ms.abs_diff(nameless_ms) < 200, "{heard_ms} ms, not {nameless_ms}");
    assert_eq!(asked(&server, rendered), [format!("Hello {NAME}.")]);
    assert_eq!(prompts(&named).len(), rendered, "nobody else spoke");
}

#[test]
fn a_service_that_is_busy_for_a_while_is_waited_for() {
    let server = SpeechServer::start(Service::ElevenLabs);
    server.behave_for(Conduct::Refuses(429, "error_rate", Some("1")), 3);
    let mut world = world(&server, "elevenlabs,embedded");
    runs_well(&mut world);
    assert!(
        prompts(&world).iter().all(|prompt| is_tone(prompt)),
        "no other voice spoke"
    );
}

#[test]
fn l12_a_service_that_is_gone_is_replaced_before_the_first_call() {
    let server = SpeechServer::start(Service::ElevenLabs);
    server.behave(Conduct::Refuses(401, "error_quota", None));
    let mut world = world(&server, "elevenlabs,embedded");
    runs_well(&mut world);
    assert!(
        !prompts(&world).iter().any(|prompt| is_tone(prompt)),
        "the embedded one spoke"
    );
}

#[test]
fn l12_without_anybody_who_speaks_nobody_is_called_and_the_remedy_is_told() {
    let server = SpeechServer::start(Service::ElevenLabs);
    server.behave(Conduct::Refuses(401, "error_quota", None));
    let world = world(&server, "elevenlabs");
    let contacts = world.contacts();
    let refused = output(
        samvad()
            .args(["serve", "--events", "--rehearse", "--campaign"])
            .arg(campaign())
            .arg("--contacts")
            .arg(contacts)
            .envs(&world.settings),
    );
    assert!(!refused.status.success());
    let said = text(&refused.stderr);
    for part in [
        "elevenlabs cannot speak \"",
        "quota or credit is used up (401, quota_exceeded)",
        "raise it",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains(KEY));
    let lines = world.network.lines();
    assert_eq!(count(&lines, "call"), 0);
}
