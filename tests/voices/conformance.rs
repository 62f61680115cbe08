//! What every synthesiser does. Each check takes a synthesiser; the tests at the end run all of them on each.

use crate::server::{Conduct, SERVICES, Service, SpeechServer};
use crate::world::{request, streamed, well};
use futures_util::StreamExt;
use samvad::app::SystemClock;
use samvad::speech::EmbeddedSynthesizer;
use samvad_actors::ports::{Clock, Pcm, SynthesisError, Synthesizer};
use samvad_actors::services::{FailoverSynthesizer, Jitter, RankedSynthesizer, check_speech};
use std::sync::Arc;
use std::time::Duration;

const SHORT: &str = "Good morning.";
const LONG: &str =
    "Good morning, this is a call about the clinic that you went to last week, and it takes three minutes.";

/// Two voices that a campaign may name: one of the synthesiser's own beside its default, and one that another has.
#[derive(Clone, Copy)]
struct Voices {
    own: &'static str,
    of_another: &'static str,
}

async fn spoken(synthesizer: &dyn Synthesizer, text: &str) -> Pcm {
    synthesizer.synthesize(&request(text, "en", None)).await.unwrap()
}

fn ms(pcm: &Pcm) -> usize {
    pcm.samples.len() * 1_000 / pcm.sample_rate as usize
}

async fn a_sentence_is_sound_of_a_plausible_length_that_the_line_can_have(synthesizer: &dyn Synthesizer) {
    for text in [SHORT, LONG] {
        let pcm = spoken(synthesizer, text).await;
        assert_eq!(check_speech(&pcm, text), Ok(()));
        let on_the_line = samvad_media::resample::to_8k(&pcm.samples, pcm.sample_rate).unwrap();
        assert!(on_the_line.len().abs_diff(ms(&pcm) * 8) < 800, "no part is lost");
    }
}

async fn a_longer_sentence_takes_longer(synthesizer: &dyn Synthesizer) {
    let [short, long] = [spoken(synthesizer, SHORT).await, spoken(synthesizer, LONG).await];
    assert!(ms(&long) > 2 * ms(&short), "{} ms and {} ms", ms(&short), ms(&long));
}

async fn signs_in_a_text_are_no_instructions(synthesizer: &dyn Synthesizer) {
    for text in [
        r#"He said "yes"\n, 50% of <b>all</b>, {"text": 1}"#,
        "-o /tmp/x $(reboot) & `id`; caffè",
    ] {
        let pcm = spoken(synthesizer, text).await;
        assert!(ms(&pcm) < 15_000, "{text}");
    }
}

async fn what_has_no_words_is_refused_without_audio(synthesizer: &dyn Synthesizer) {
    for text in ["", "...", " \n"] {
        let refused = synthesizer.synthesize(&request(text, "en", None)).await;
        assert!(matches!(refused, Err(SynthesisError::Unusable { .. })), "{refused:?}");
        let refused = synthesizer.stream(&request(text, "en", None)).await.err();
        assert!(matches!(refused, Some(SynthesisError::Unusable { .. })), "{refused:?}");
    }
}

async fn what_is_streamed_is_what_is_spoken_whole(synthesizer: &dyn Synthesizer) {
    for text in [SHORT, LONG] {
        let pieces = streamed(synthesizer, text).await.unwrap();
        let whole = spoken(synthesizer, text).await;
        assert!(pieces.iter().all(|piece| piece.sample_rate == whole.sample_rate));
        let samples: Vec<i16> = pieces.into_iter().flat_map(|piece| piece.samples).collect();
        assert!(
            samples == whole.samples,
            "{text}: {} of {}",
            samples.len(),
            whole.samples.len()
        );
    }
}

async fn many_at_once_are_told_apart(synthesizer: &dyn Synthesizer) {
    let texts: Vec<&str> = [SHORT, LONG].into_iter().cycle().take(12).collect();
    let all = futures_util::future::join_all(texts.iter().map(|text| spoken(synthesizer, text))).await;
    for (text, pcm) in texts.iter().zip(all) {
        assert_eq!(ms(&pcm) > 3_000, *text == LONG, "{text}: {} ms", ms(&pcm));
    }
}

fn the_identity_is_that_of_its_own_voice_and_not_of_the_text(synthesizer: &dyn Synthesizer, voices: Voices) {
    let identity = |text, voice| synthesizer.identity(&request(text, "en", voice));
    assert_eq!(identity(SHORT, None), identity(LONG, None));
    assert_ne!(identity(SHORT, None), identity(SHORT, Some(voices.own)));
    // A voice of another leaves it at its own.
    assert_eq!(identity(SHORT, None), identity(SHORT, Some(voices.of_another)));
}

async fn a_request_that_is_given_up_leaves_it_as_it_was(synthesizer: &dyn Synthesizer) {
    for _ in 0..3 {
        let request = request(LONG, "en", None);
        let given_up = synthesizer.synthesize(&request);
        tokio::select! {
            biased;
            () = std::future::ready(()) => {}
            _ = given_up => {}
        }
    }
    spoken(synthesizer, SHORT).await;
}

async fn a_stream_that_is_given_up_leaves_it_as_it_was(synthesizer: &dyn Synthesizer) {
    for _ in 0..3 {
        let mut speech = synthesizer.stream(&request(LONG, "en", None)).await.unwrap();
        assert!(speech.next().await.is_some_and(|piece| piece.is_ok()));
    }
    spoken(synthesizer, SHORT).await;
}

async fn every_check(synthesizer: &dyn Synthesizer, voices: Voices) {
    every_check_of_whole_sentences(synthesizer, voices).await;
    what_is_streamed_is_what_is_spoken_whole(synthesizer).await;
    a_stream_that_is_given_up_leaves_it_as_it_was(synthesizer).await;
}

async fn every_check_of_whole_sentences(synthesizer: &dyn Synthesizer, voices: Voices) {
    assert!(!synthesizer.name().is_empty() && !synthesizer.name().contains(' '));
    the_identity_is_that_of_its_own_voice_and_not_of_the_text(synthesizer, voices);
    a_sentence_is_sound_of_a_plausible_length_that_the_line_can_have(synthesizer).await;
    a_longer_sentence_takes_longer(synthesizer).await;
    signs_in_a_text_are_no_instructions(synthesizer).await;
    what_has_no_words_is_refused_without_audio(synthesizer).await;
    many_at_once_are_told_apart(synthesizer).await;
    a_request_that_is_given_up_leaves_it_as_it_was(synthesizer).await;
}

#[tokio::test]
async fn the_embedded_synthesiser_conforms() {
    let voices = Voices {
        own: "rms",
        of_another: "sarvam:ritu",
    };
    every_check(&EmbeddedSynthesizer, voices).await;
}

#[tokio::test]
async fn every_service_conforms() {
    for service in SERVICES {
        let server = SpeechServer::start(service);
        let synthesizer = well(service, &server);
        let own = match service {
            Service::ElevenLabs => "elevenlabs:another",
            Service::OpenAi => "openai:nova",
            Service::Deepgram => "deepgram:aura-2-luna-en",
            Service::Sarvam => "sarvam:ritu",
        };
        every_check(&synthesizer, Voices { own, of_another: "rms" }).await;
    }
}

#[tokio::test]
async fn a_list_whose_first_is_broken_conforms() {
    for broken in [
        Conduct::Refuses(401, "error_quota", None),
        Conduct::Cuts,
        Conduct::IsSilent,
        Conduct::TalksNonsense,
    ] {
        let [service, other] = [SERVICES[0], SERVICES[2]];
        let (first, second) = (SpeechServer::start(service), SpeechServer::start(other));
        first.behave(broken);
        let ranked = |synthesizer: Arc<dyn Synthesizer>| RankedSynthesizer {
            synthesizer,
            patience: Duration::from_secs(60),
            at_once: 2,
        };
        let list = vec![
            ranked(Arc::new(well(service, &first))),
            ranked(Arc::new(well(other, &second))),
        ];
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let jitter: Jitter = Arc::new(|| 0.5);
        let voices = Voices {
            own: "elevenlabs:another",
            of_another: "rms",
        };
        let list = FailoverSynthesizer::new(list, &clock, &jitter).with_live_deadline(Duration::from_secs(60));
        if broken == Conduct::Cuts {
            // What has been heard of one is not said again by the next.
            every_check_of_whole_sentences(&list, voices).await;
        } else {
            every_check(&list, voices).await;
        }
    }
}
