//! What services are charged for: the characters that were sent, whatever became of them.

use crate::server::{Conduct, KEY, SERVICES, Service, SpeechServer};
use crate::world::{PATIENT, over, request, threads, well};
use samvad::speech::services::SpeechDeadlines;
use samvad_actors::ports::{ServiceKind, ServiceMeter, ServiceUse, SynthesisRequest, Synthesizer};
use std::time::Duration;

const TEXT: &str = "नमस्ते, may I ask you three questions?";

fn asked(meter: &ServiceMeter) -> SynthesisRequest {
    SynthesisRequest {
        meter: meter.clone(),
        ..request(TEXT, "en", None)
    }
}

fn model(service: Service) -> &'static str {
    match service {
        Service::ElevenLabs => "eleven_flash_v2_5",
        Service::OpenAi => "gpt-4o-mini-tts",
        Service::Deepgram => "aura",
        Service::Sarvam => "bulbul:v3",
    }
}

#[tokio::test]
async fn every_request_counts_its_characters_by_service_and_model_also_if_it_fails() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        let synthesizer = well(service, &server);
        let meter = ServiceMeter::default();
        assert!(synthesizer.synthesize(&asked(&meter)).await.is_ok());
        for conduct in [
            Conduct::Refuses(500, "error_rate", None),
            Conduct::Cuts,
            Conduct::IsSilent,
            Conduct::TalksNonsense,
        ] {
            server.behave(conduct);
            assert!(
                synthesizer.synthesize(&asked(&meter)).await.is_err(),
                "{service:?} {conduct:?}"
            );
        }
        let read = meter.read();
        let [(used, amount)] = read.as_slice() else {
            panic!("one model: {read:?}");
        };
        assert_eq!(
            (used.kind, used.service.as_str(), used.model.as_str()),
            (ServiceKind::Synthesis, synthesizer.name(), model(service))
        );
        let requests = server.requests().len() as u64;
        let characters = requests * TEXT.chars().count() as u64;
        let expected = ServiceUse {
            requests,
            characters,
            ..ServiceUse::default()
        };
        assert_eq!((*amount, requests), (expected, 5), "{service:?}");
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_counts_and_one_that_reaches_nobody_or_is_never_sent_does_not() {
    let service = Service::ElevenLabs;
    let server = SpeechServer::start(service);
    server.behave(Conduct::Stalls);
    let hasty = SpeechDeadlines {
        first_byte: Duration::from_millis(100),
        ..PATIENT
    };
    let meter = ServiceMeter::default();
    let synthesizer = over(service, &server, KEY, hasty, &threads());
    assert!(synthesizer.synthesize(&asked(&meter)).await.is_err());
    assert_eq!(meter.read()[0].1, ServiceUse::of_text(TEXT));

    let meter = ServiceMeter::default();
    let nothing = SynthesisRequest {
        text: "...".to_owned(),
        ..asked(&meter)
    };
    assert!(synthesizer.synthesize(&nothing).await.is_err());
    drop(server);
    assert!(synthesizer.synthesize(&asked(&meter)).await.is_err());
    assert_eq!(meter.read(), []);
}
