//! Sentences that are heard while they are spoken: what services do wrong then, and who takes over.

use crate::server::{Conduct, KEY, SERVICES, Service, SpeechServer};
use crate::world::{PATIENT, over, request, streamed, threads, well};
use futures_util::StreamExt;
use samvad::app::SystemClock;
use samvad::speech::services::SpeechDeadlines;
use samvad_actors::ports::{Clock, SynthesisError, Synthesizer};
use samvad_actors::services::{FailoverSynthesizer, Jitter, RankedSynthesizer};
use std::sync::Arc;
use std::time::Duration;

const TEXT: &str = "Good morning, this is a call about the clinic that you went to last week.";
/// Milliseconds of the test server's speech for it.
const MS: usize = TEXT.len() * 60;

/// Two services of which the second is well.
fn pair(first: &SpeechServer, second: &SpeechServer, deadline: Duration) -> FailoverSynthesizer {
    let ranked = |synthesizer: Arc<dyn Synthesizer>| RankedSynthesizer {
        synthesizer,
        patience: Duration::from_secs(60),
        at_once: 2,
    };
    let list = vec![
        ranked(Arc::new(well(Service::Deepgram, first))),
        ranked(Arc::new(well(Service::OpenAi, second))),
    ];
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let jitter: Jitter = Arc::new(|| 0.5);
    FailoverSynthesizer::new(list, &clock, &jitter).with_live_deadline(deadline)
}

#[tokio::test]
async fn the_first_piece_comes_though_the_rest_never_does() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        server.behave(Conduct::StallsWithin);
        let synthesizer = well(service, &server);
        let mut speech = synthesizer.stream(&request(TEXT, "en", None)).await.unwrap();
        let (mut heard, mut wanted) = (0, usize::MAX);
        while heard < wanted {
            let piece = speech.next().await.unwrap().unwrap();
            heard += piece.samples.len();
            wanted = MS / 2 * piece.sample_rate as usize / 1_000;
        }
    }
}

#[tokio::test]
async fn a_sentence_that_breaks_off_ends_in_a_fault_that_is_named() {
    let short = SpeechDeadlines {
        first_byte: Duration::from_secs(60),
        total: Duration::from_millis(800),
    };
    for service in SERVICES {
        let server = SpeechServer::start(service);
        for (conduct, deadlines) in [
            (Conduct::Cuts, PATIENT),
            (Conduct::StallsWithin, short),
            (Conduct::NeverEnds, PATIENT),
            (Conduct::IsTooShort, PATIENT),
        ] {
            server.behave(conduct);
            let fault = streamed(&over(service, &server, KEY, deadlines, &threads()), TEXT).await;
            let as_named = match (conduct, &fault) {
                (Conduct::Cuts, Err(SynthesisError::Unavailable { reason })) => reason.contains("_BASE_URL"),
                (Conduct::StallsWithin, Err(SynthesisError::TimedOut { what, .. })) => *what == "the whole sentence",
                (Conduct::NeverEnds, Err(SynthesisError::Unusable { reason })) => reason.contains("does not end"),
                (Conduct::IsTooShort, Err(SynthesisError::Unusable { reason })) => reason.contains("100 ms of audio"),
                _ => false,
            };
            assert!(as_named, "{service:?} {conduct:?}: {:?}", fault.err());
        }
    }
}

#[tokio::test]
async fn l12_the_next_takes_over_from_one_of_which_nothing_can_be_heard() {
    for conduct in [
        Conduct::Stalls,
        Conduct::IsSilent,
        Conduct::SendsNothing,
        Conduct::SendsAPage,
        Conduct::TalksNonsense,
        Conduct::Refuses(401, "error_quota", None),
    ] {
        let (first, second) = (
            SpeechServer::start(Service::Deepgram),
            SpeechServer::start(Service::OpenAi),
        );
        first.behave(conduct);
        let pieces = streamed(&pair(&first, &second, Duration::from_secs(3)), TEXT)
            .await
            .unwrap();
        assert!(pieces.iter().all(|piece| piece.sample_rate == 24_000), "{conduct:?}");
        let samples: usize = pieces.iter().map(|piece| piece.samples.len()).sum();
        assert_eq!(samples, MS * 24, "{conduct:?}: the whole sentence, once");
        assert_eq!((first.requests().len(), second.requests().len()), (1, 1), "{conduct:?}");
    }
}

#[tokio::test]
async fn what_has_been_heard_of_one_is_not_said_again_by_the_next() {
    let (first, second) = (
        SpeechServer::start(Service::Deepgram),
        SpeechServer::start(Service::OpenAi),
    );
    let list = pair(&first, &second, Duration::from_secs(1));
    for (conduct, hint) in [
        (Conduct::Cuts, "not available"),
        (Conduct::StallsWithin, "the next piece"),
    ] {
        first.behave(conduct);
        // Its rest after the first fault would keep it from being asked: it is over for this test.
        let fresh = pair(&first, &second, Duration::from_secs(1));
        let fault = streamed(&fresh, TEXT).await.expect_err("it breaks off");
        assert!(fault.to_string().contains(hint), "{conduct:?}: {fault}");
    }
    assert!(second.requests().is_empty());
    // Who broke off rests, so that the next sentence is the other's.
    assert!(streamed(&list, TEXT).await.is_err());
    assert!(streamed(&list, TEXT).await.is_ok());
    assert_eq!(second.requests().len(), 1);
}

#[tokio::test]
async fn a_sentence_that_nobody_wants_any_more_leaves_no_connection_and_no_task() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        let threads = threads();
        let synthesizer = over(service, &server, KEY, PATIENT, &threads);
        for conduct in [Conduct::StallsWithin, Conduct::NeverEnds] {
            server.behave(conduct);
            for _ in 0..20 {
                let mut speech = synthesizer.stream(&request(TEXT, "en", None)).await.unwrap();
                assert!(speech.next().await.is_some_and(|piece| piece.is_ok()));
            }
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
