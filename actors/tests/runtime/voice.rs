//! A synthesiser in the test's hand: it speaks what the test tells it, when the test tells it.

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use samvad_actors::ports::{Pcm, SpeechStream, SynthesisError, SynthesisRequest, Synthesizer};
use samvad_actors::services::TelephoneAudio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

enum Told {
    Piece(Vec<i16>),
    Fail,
    Panic,
}

#[derive(Default)]
pub struct HandVoice {
    asked: Mutex<Vec<(String, Option<UnboundedSender<Told>>)>>,
}

/// 100 ms of a tone.
pub fn tone() -> Vec<i16> {
    (0..800)
        .map(|n: i32| ((f64::from(n) * 0.35).sin() * 9_000.0) as i16)
        .collect()
}

/// What goes to the line of so many tones that are a whole sentence.
pub fn on_the_line(tones: usize) -> Vec<u8> {
    let mut audio = TelephoneAudio::new();
    let piece = Pcm {
        sample_rate: 8_000,
        samples: tone(),
    };
    let mut codes: Vec<u8> = (0..tones).flat_map(|_| audio.push(&piece).expect("audio")).collect();
    codes.extend(audio.finish().expect("audio"));
    codes
}

impl HandVoice {
    fn asked_so_far(&self) -> MutexGuard<'_, Vec<(String, Option<UnboundedSender<Told>>)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every sentence that was asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked_so_far().iter().map(|(text, _)| text.clone()).collect()
    }

    fn tell(&self, place: usize, told: Told) {
        if let Some(sentence) = &self.asked_so_far()[place].1 {
            // Nobody may want it any more.
            let _ = sentence.send(told);
        }
    }

    /// Speaks 100 ms of the sentence that was asked for at this place.
    pub fn speak(&self, place: usize) {
        self.tell(place, Told::Piece(tone()));
    }

    /// Ends it.
    pub fn end(&self, place: usize) {
        self.asked_so_far()[place].1 = None;
    }

    pub fn fail(&self, place: usize) {
        self.tell(place, Told::Fail);
    }

    pub fn panic(&self, place: usize) {
        self.tell(place, Told::Panic);
    }

    /// Whether nobody waits for it any more.
    pub fn is_dropped(&self, place: usize) -> bool {
        self.asked_so_far()[place]
            .1
            .as_ref()
            .is_some_and(UnboundedSender::is_closed)
    }
}

#[async_trait]
impl Synthesizer for HandVoice {
    fn name(&self) -> &'static str {
        "hand"
    }

    fn identity(&self, _: &SynthesisRequest) -> String {
        "hand".to_owned()
    }

    async fn synthesize(&self, _: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        panic!("only streams are asked for in a call")
    }

    async fn stream(&self, request: &SynthesisRequest) -> Result<SpeechStream, SynthesisError> {
        let (sentence, told) = unbounded_channel();
        self.asked_so_far().push((request.text.clone(), Some(sentence)));
        Ok(stream::unfold(told, next).boxed())
    }
}

async fn next(mut told: UnboundedReceiver<Told>) -> Option<(Result<Pcm, SynthesisError>, UnboundedReceiver<Told>)> {
    let piece = match told.recv().await? {
        Told::Piece(samples) => Ok(Pcm {
            sample_rate: 8_000,
            samples,
        }),
        Told::Fail => Err(SynthesisError::Unavailable {
            reason: "as told".to_owned(),
        }),
        Told::Panic => panic!("the voice panics, as told"),
    };
    Some((piece, told))
}

/// As the survey holds it.
pub fn as_synthesizer(voice: &Arc<HandVoice>) -> Option<Arc<dyn Synthesizer>> {
    Some(voice.clone())
}
