//! What services are charged for: the audio that was sent, to each that got it, whatever became of it.

use crate::doubles::openai::{self, Files};
use crate::doubles::{Conduct, Double, Ear};
use crate::recordings::fixture_utterance;
use crate::suite::{answers, metered};
use crate::world::{STREAMING, Service, list, over, over_files, until};
use samvad_actors::ports::{Recognizer, ServiceKind, ServiceMeter, ServiceUse, UsedService};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn model(service: Service) -> UsedService {
    let (service, model) = match service {
        Service::Deepgram => ("deepgram", "nova-3"),
        Service::OpenAi => ("openai", "gpt-4o-transcribe"),
        Service::Sarvam => ("sarvam", "saaras:v3-realtime"),
    };
    UsedService {
        kind: ServiceKind::Recognition,
        service: service.to_owned(),
        model: model.to_owned(),
    }
}

fn audio(requests: u64, samples: usize) -> ServiceUse {
    ServiceUse {
        requests,
        audio_ms: samples as u64 / 8,
        ..ServiceUse::default()
    }
}

fn used(meter: &ServiceMeter, service: Service) -> ServiceUse {
    let found = meter.read().into_iter().find(|(used, _)| *used == model(service));
    found.map_or(ServiceUse::default(), |(_, amount)| amount)
}

fn received(double: &Double) -> usize {
    double.record().samples.load(Ordering::SeqCst)
}

#[tokio::test]
async fn every_utterance_counts_by_service_and_model_as_much_audio_as_arrived() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = over(service, &double);
        let (meter, mut samples) = (ServiceMeter::default(), 0);
        for (round, file) in (1..).zip(["01_yes.wav", "05_no.wav"]) {
            let speech = fixture_utterance(file);
            samples += speech.len();
            let heard = metered(&recognizer, &answers(), &speech, &meter).finish().await;
            assert!(!heard.unwrap().text.is_empty());
            assert_eq!(used(&meter, service).requests, round);
        }
        assert_eq!(meter.read().len(), 1, "nobody else was asked");
        assert_eq!(received(&double), samples, "{service:?}");
        // Each utterance is counted to the millisecond below.
        let counted = used(&meter, service).audio_ms;
        assert!(
            (samples as u64 / 8 - 1..=samples as u64 / 8).contains(&counted),
            "{service:?}: {counted}"
        );
    }
}

#[tokio::test]
async fn an_utterance_that_is_abandoned_or_fails_counts_as_far_as_it_was_sent() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = over(service, &double);
        let meter = ServiceMeter::default();
        drop(metered(&recognizer, &answers(), &[0; 8_000], &meter));
        until("all of it has arrived", || received(&double) == 8_000).await;
        until("all of it is counted", || used(&meter, service) == audio(1, 8_000)).await;

        double.behave(Conduct::CutsAfterMs(400));
        let meter = ServiceMeter::default();
        assert!(
            metered(&recognizer, &answers(), &[0; 16_000], &meter)
                .finish()
                .await
                .is_err()
        );
        let sent = used(&meter, service);
        assert!(
            sent.requests == 1 && (400..=2_000).contains(&sent.audio_ms),
            "{service:?}: {sent:?}"
        );
    }
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_or_refuses_the_connection_is_sent_nothing() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = over(service, &double);
        let meter = ServiceMeter::default();
        double.behave(Conduct::Refuses(503, "x"));
        assert!(
            metered(&recognizer, &answers(), &[0; 8_000], &meter)
                .finish()
                .await
                .is_err()
        );
        double.kill();
        assert!(
            metered(&recognizer, &answers(), &[0; 8_000], &meter)
                .finish()
                .await
                .is_err()
        );
        assert_eq!(meter.read(), [], "{service:?}");
    }
}

#[tokio::test]
async fn what_is_kept_and_sent_again_is_charged_again_by_who_gets_it() {
    let (first, second) = (
        Service::Sarvam.double(Ear::of_the_suite()).await,
        Service::Deepgram.double(Ear::of_the_suite()).await,
    );
    let recognizers: Vec<Arc<dyn Recognizer>> = vec![
        Arc::new(over(Service::Sarvam, &first)),
        Arc::new(over(Service::Deepgram, &second)),
    ];
    let recognizer = list(recognizers, Duration::from_millis(200));
    // It takes all of it and says nothing.
    first.behave(Conduct::Stalls);
    let speech = fixture_utterance("17_num_3.wav");
    let meter = ServiceMeter::default();
    let heard = metered(&recognizer, &answers(), &speech, &meter).finish().await;
    assert_eq!(heard.unwrap().text, "three");
    for service in [Service::Sarvam, Service::Deepgram] {
        assert_eq!(used(&meter, service), audio(1, speech.len()), "{service:?}");
    }
    assert_eq!(meter.read().len(), 2);
}

#[tokio::test]
async fn a_request_with_a_file_counts_what_was_in_it_also_if_it_is_refused_and_not_if_nobody_is_there() {
    let files = Files::start(Ear::of_the_suite());
    let speech = fixture_utterance("01_yes.wav");
    let recognizer = over_files(&files, openai::KEY);
    let meter = ServiceMeter::default();
    let say = async || metered(&recognizer, &answers(), &speech, &meter).finish().await;
    assert!(say().await.is_ok());
    assert_eq!(used(&meter, Service::OpenAi), audio(1, speech.len()));
    *files.conduct.lock().unwrap() = Conduct::Refuses(429, "rate_limit_exceeded");
    assert!(say().await.is_err());
    let twice = audio(1, speech.len()).plus(audio(1, speech.len()));
    assert_eq!(used(&meter, Service::OpenAi), twice);
    // Too short to be asked about.
    let short = metered(&recognizer, &answers(), &[0; 400], &meter).finish().await;
    assert!(short.is_ok_and(|heard| heard.text.is_empty()));
    // Nobody listens where a listener has been closed.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut gone = Files::start(Ear::of_the_suite());
    gone.url = url::Url::parse(&format!("http://{closed}/v1")).unwrap();
    let unreachable = over_files(&gone, openai::KEY);
    assert!(
        metered(&unreachable, &answers(), &speech, &meter)
            .finish()
            .await
            .is_err()
    );
    assert_eq!(used(&meter, Service::OpenAi), twice);
}
