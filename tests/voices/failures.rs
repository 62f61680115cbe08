//! What services do wrong, and what it is called; nothing is left behind.

use crate::server::{Conduct, KEY, SERVICES, SpeechServer};
use crate::world::{PATIENT, over, request, threads, well};
use samvad::speech::services::SpeechDeadlines;
use samvad_actors::ports::{Pcm, SynthesisError, Synthesizer};
use std::time::Duration;

const TEXT: &str = "May I ask you three questions?";

async fn say(synthesizer: &dyn Synthesizer) -> Result<Pcm, SynthesisError> {
    synthesizer.synthesize(&request(TEXT, "en", None)).await
}

#[tokio::test]
async fn a_wrong_key_names_its_setting_and_is_never_repeated() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        let refused = say(&over(service, &server, "canary-key", PATIENT, &threads())).await;
        let Err(SynthesisError::Refused { reason }) = &refused else {
            panic!("no refusal: {refused:?}");
        };
        assert!(reason.contains("_API_KEY") && !reason.contains("canary"), "{reason}");
    }
}

#[tokio::test]
async fn l12_a_quota_a_rate_and_a_voice_are_told_apart() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        let synthesizer = well(service, &server);
        server.behave(Conduct::Refuses(429, "error_rate", Some("7")));
        let busy = say(&synthesizer).await;
        let seven = Some(Duration::from_secs(7));
        assert!(
            matches!(&busy, Err(SynthesisError::Busy { retry_after, .. }) if *retry_after == seven),
            "{busy:?}"
        );
        let status = if synthesizer.name() == "elevenlabs" { 401 } else { 429 };
        server.behave(Conduct::Refuses(status, "error_quota", None));
        let refused = say(&synthesizer).await;
        assert!(
            matches!(&refused, Err(SynthesisError::Refused { reason }) if reason.contains("credit")),
            "{refused:?}"
        );
        server.behave(Conduct::Refuses(400, "error_voice", None));
        let lacking = say(&synthesizer).await;
        assert!(
            matches!(&lacking, Err(SynthesisError::Unsupported { reason }) if reason.contains("_VOICE")),
            "{lacking:?}"
        );
        assert!(!format!("{busy:?}{refused:?}{lacking:?}").contains(KEY));
        server.behave(Conduct::Refuses(500, "error_rate", None));
        assert!(matches!(
            say(&synthesizer).await,
            Err(SynthesisError::Unavailable { .. })
        ));
    }
}

#[tokio::test]
async fn l12_nothing_silence_and_half_a_sentence_are_unusable() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        let synthesizer = well(service, &server);
        for (conduct, hint) in [
            (Conduct::IsSilent, "silent"),
            (Conduct::SendsNothing, "no audio"),
            (Conduct::IsTooShort, "100 ms of audio"),
            (Conduct::SendsAPage, "text/"),
            (Conduct::SendsMp3, "audio/mpeg"),
            (Conduct::NeverEnds, "does not end"),
        ] {
            server.behave(conduct);
            let unusable = say(&synthesizer).await;
            assert!(
                matches!(&unusable, Err(SynthesisError::Unusable { reason }) if reason.contains(hint)),
                "{service:?} {conduct:?}: {unusable:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_cut_and_what_is_not_http_are_told_with_the_address_to_check() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        let synthesizer = well(service, &server);
        for conduct in [Conduct::Cuts, Conduct::TalksNonsense] {
            server.behave(conduct);
            let cut = say(&synthesizer).await;
            assert!(
                matches!(&cut, Err(SynthesisError::Unavailable { reason }) if reason.contains("_BASE_URL")),
                "{service:?} {conduct:?}: {cut:?}"
            );
        }
        drop(server);
        assert!(matches!(
            say(&synthesizer).await,
            Err(SynthesisError::Unavailable { .. })
        ));
    }
}

#[tokio::test]
async fn a_service_that_stalls_is_given_up_before_its_first_byte_and_within_its_audio() {
    let hasty = SpeechDeadlines {
        first_byte: Duration::from_millis(300),
        total: Duration::from_secs(60),
    };
    let short = SpeechDeadlines {
        first_byte: Duration::from_millis(600),
        total: Duration::from_millis(600),
    };
    for service in SERVICES {
        let server = SpeechServer::start(service);
        for (conduct, deadlines, what) in [
            (Conduct::Stalls, hasty, "the first byte"),
            (Conduct::StallsWithin, short, "the whole sentence"),
        ] {
            server.behave(conduct);
            let late = say(&over(service, &server, KEY, deadlines, &threads())).await;
            let is_told = matches!(&late, Err(SynthesisError::TimedOut { what: told, .. }) if *told == what);
            assert!(is_told, "{service:?} {conduct:?}: {late:?}");
        }
    }
}

#[tokio::test]
async fn hundreds_of_failures_leave_no_connection_and_no_task() {
    let quick = SpeechDeadlines {
        first_byte: Duration::from_millis(100),
        total: Duration::from_millis(200),
    };
    for service in SERVICES {
        let server = SpeechServer::start(service);
        let threads = threads();
        let synthesizer = over(service, &server, KEY, quick, &threads);
        for conduct in [
            Conduct::Stalls,
            Conduct::StallsWithin,
            Conduct::Cuts,
            Conduct::TalksNonsense,
            Conduct::NeverEnds,
        ] {
            server.behave(conduct);
            let all = futures_util::future::join_all((0..20).map(|_| say(&synthesizer))).await;
            assert!(all.iter().all(Result::is_err), "{service:?} {conduct:?}");
        }
        drop(synthesizer);
        let begun = std::time::Instant::now();
        while server.open() > 0 || threads.tasks() > 0 {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "{service:?}: {} connections, {} tasks",
                server.open(),
                threads.tasks()
            );
            tokio::task::yield_now().await;
        }
    }
}
