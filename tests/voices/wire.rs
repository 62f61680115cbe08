//! What goes over the wire: the requests byte for byte, and the samples that come back.

use crate::server::{KEY, SERVICES, Service, SpeechServer, folder};
use crate::world::{request, well};
use samvad_actors::ports::{SynthesisError, Synthesizer};
use serde_json::Value;

const TEXT: &str = "May I ask you three questions?";

fn expected_line(service: Service) -> &'static str {
    match service {
        Service::ElevenLabs => "POST /v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream?output_format=ulaw_8000 HTTP/1.1",
        Service::OpenAi => "POST /v1/audio/speech HTTP/1.1",
        Service::Deepgram => {
            "POST /v1/speak?model=aura-2-thalia-en&encoding=mulaw&sample_rate=8000&container=none&mip_opt_out=true HTTP/1.1"
        }
        Service::Sarvam => "POST /text-to-speech/stream HTTP/1.1",
    }
}

#[tokio::test]
async fn each_service_is_asked_as_its_description_says() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        well(service, &server)
            .synthesize(&request(TEXT, "en", None))
            .await
            .unwrap();
        let requests = server.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].line, expected_line(service));
        let fixture = std::fs::read(folder(service).join("request.json")).unwrap();
        assert_eq!(requests[0].json(), serde_json::from_slice::<Value>(&fixture).unwrap());
        let key = match service {
            Service::ElevenLabs => requests[0].header("xi-api-key").map(str::to_owned),
            Service::OpenAi => requests[0]
                .header("authorization")
                .map(|value| value.replace("Bearer ", "")),
            Service::Deepgram => requests[0]
                .header("authorization")
                .map(|value| value.replace("Token ", "")),
            Service::Sarvam => requests[0].header("api-subscription-key").map(str::to_owned),
        };
        assert_eq!(key.as_deref(), Some(KEY));
    }
}

#[tokio::test]
async fn telephone_audio_comes_as_it_is_and_the_rest_at_the_services_rate() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        let pcm = well(service, &server)
            .synthesize(&request(TEXT, "en", None))
            .await
            .unwrap();
        let rate = if service == Service::OpenAi { 24_000 } else { 8_000 };
        assert_eq!(pcm.sample_rate, rate, "{service:?}");
        // Chunks tear samples apart; all of them arrive all the same.
        assert_eq!(
            pcm.samples.len(),
            TEXT.len() * 60 * rate as usize / 1_000,
            "{service:?}"
        );
        let peak = pcm.samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
        assert!((8_500..9_500).contains(&peak), "{service:?}: {peak}");
        // A tone at 440 Hz, and nothing else, crosses zero 880 times a second.
        let crossings = pcm
            .samples
            .windows(2)
            .filter(|pair| (pair[0] < 0) != (pair[1] < 0))
            .count();
        let expected = TEXT.len() * 60 * 880 / 1_000;
        assert!(crossings.abs_diff(expected) < 20, "{service:?}: {crossings}");
    }
}

#[tokio::test]
async fn a_campaigns_voice_goes_to_its_service_and_a_language_to_its_voice() {
    let server = SpeechServer::start(Service::ElevenLabs);
    let synthesizer = well(Service::ElevenLabs, &server);
    for (language, voice) in [
        ("hi-IN", None),
        ("en", Some("elevenlabs:own/../voice")),
        ("en", Some("rms")),
    ] {
        synthesizer
            .synthesize(&request("नमस्ते, hello", language, voice))
            .await
            .unwrap();
    }
    let requests = server.requests();
    let paths: Vec<&str> = requests
        .iter()
        .filter_map(|request| request.line.split('/').nth(3))
        .collect();
    assert_eq!(paths, ["hindi-voice", "own%2F..%2Fvoice", "JBFqnCBsd6RMkjVDRZzb"]);
    assert_eq!(requests[0].json()["language_code"], "hi");

    let server = SpeechServer::start(Service::Sarvam);
    let synthesizer = well(Service::Sarvam, &server);
    synthesizer
        .synthesize(&request("ନମସ୍କାର", "or", Some("sarvam:ritu")))
        .await
        .unwrap();
    let body = server.requests()[0].json();
    assert_eq!(
        (&body["language_code"], &body["speaker"]),
        (&Value::from("od-IN"), &Value::from("ritu"))
    );
}

#[tokio::test]
async fn a_language_that_a_service_does_not_speak_is_told_with_the_remedy_and_nobody_is_asked() {
    for (service, language, hint) in [
        (Service::Sarvam, "fr", "name another synthesiser"),
        (Service::Deepgram, "hi", "DEEPGRAM_VOICE=hi=VOICE"),
    ] {
        let server = SpeechServer::start(service);
        let refused = well(service, &server).synthesize(&request(TEXT, language, None)).await;
        assert!(
            matches!(&refused, Err(SynthesisError::Unsupported { reason }) if reason.contains(hint)),
            "{refused:?}"
        );
        assert!(server.requests().is_empty());
    }
    let server = SpeechServer::start(Service::Deepgram);
    let voice = Some("deepgram:aura-2-thalia-en");
    let refused = well(Service::Deepgram, &server)
        .synthesize(&request(TEXT, "es", voice))
        .await;
    assert!(
        matches!(&refused, Err(SynthesisError::Unsupported { .. })),
        "{refused:?}"
    );
}
