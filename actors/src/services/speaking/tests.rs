use super::*;
use crate::domain::Language;
use crate::ports::{Clock, ServiceMeter};
use crate::services::{FailoverSynthesizer, Jitter, RankedSynthesizer};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::{Instant, sleep};

const DEADLINE: Duration = Duration::from_millis(1_500);

struct TestClock(Instant);

impl Clock for TestClock {
    fn unix_ms(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// One step of a sentence.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Step {
    Wait(u64),
    /// 100 ms with this sample: sound from 165 on.
    Piece(i16),
    Fails,
    Panics,
}
use Step::{Fails, Panics, Piece, Wait};

struct Scripted {
    steps: Vec<Step>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(steps: &[Step]) -> Arc<Self> {
        Arc::new(Self {
            steps: steps.to_vec(),
            asked: AtomicUsize::new(0),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn fault() -> SynthesisError {
    SynthesisError::Unavailable {
        reason: "as told".to_owned(),
    }
}

#[async_trait]
impl Synthesizer for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn identity(&self, _: &SynthesisRequest) -> String {
        "scripted".to_owned()
    }

    async fn synthesize(&self, _: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        Err(fault())
    }

    async fn stream(&self, _: &SynthesisRequest) -> Result<SpeechStream, SynthesisError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let speech = stream::iter(self.steps.clone()).filter_map(|step| async move {
            match step {
                Wait(ms) => {
                    sleep(Duration::from_millis(ms)).await;
                    None
                }
                Piece(sample) => Some(Ok(Pcm {
                    sample_rate: 8_000,
                    samples: vec![sample; 800],
                })),
                Fails => Some(Err(fault())),
                Panics => panic!("a double panics, as told"),
            }
        });
        Ok(speech.boxed())
    }
}

fn list(doubles: &[&Arc<Scripted>]) -> FailoverSynthesizer {
    let clock: Arc<dyn Clock> = Arc::new(TestClock(Instant::now()));
    let jitter: Jitter = Arc::new(|| 1.0);
    let ranked = doubles.iter().map(|double| RankedSynthesizer {
        synthesizer: Arc::clone(double) as Arc<dyn Synthesizer>,
        patience: Duration::from_secs(60),
        at_once: 1,
    });
    FailoverSynthesizer::new(ranked.collect(), &clock, &jitter).with_live_deadline(DEADLINE)
}

/// The samples of the pieces, or the fault.
async fn heard(list: &FailoverSynthesizer) -> Result<Vec<i16>, SynthesisError> {
    let request = SynthesisRequest {
        text: "Good morning".to_owned(),
        language: Language::default(),
        voice: None,
        meter: ServiceMeter::default(),
    };
    let pieces: Vec<Pcm> = list.stream(&request).await?.try_collect().await?;
    Ok(pieces
        .iter()
        .filter_map(|piece| piece.samples.first().copied())
        .collect())
}

#[tokio::test(start_paused = true)]
async fn l12_until_something_is_heard_the_next_takes_over() {
    for (steps, took_ms) in [
        (&[Wait(5_000), Piece(9_000)][..], 750),
        (&[Piece(0), Wait(5_000), Piece(9_000)], 750),
        (&[Piece(0); 11], 0),
        (&[Piece(0)], 0),
        (&[], 0),
        (&[Fails], 0),
        (&[Piece(0), Fails], 0),
        (&[Panics], 0),
        (&[Wait(100), Panics], 100),
    ] {
        let (first, second) = (Scripted::new(steps), Scripted::new(&[Piece(7_000), Piece(8_000)]));
        let begun = Instant::now();
        assert_eq!(
            heard(&list(&[&first, &second])).await,
            Ok(vec![7_000, 8_000]),
            "{steps:?}"
        );
        assert_eq!(begun.elapsed().as_millis(), took_ms, "{steps:?}");
        assert_eq!((first.asked(), second.asked()), (1, 1), "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_are_silent_the_deadline_for_the_first_sound_is_one_for_all() {
    let silent = [0; 8].map(|_| Scripted::new(&[Wait(60_000), Piece(9_000)]));
    let all: Vec<&Arc<Scripted>> = silent.iter().collect();
    let begun = Instant::now();
    assert!(heard(&list(&all)).await.is_err());
    assert!(
        begun.elapsed() <= DEADLINE + Duration::from_millis(10),
        "{:?}",
        begun.elapsed()
    );
    assert!(silent.iter().all(|double| double.asked() == 1), "each had its share");
}

#[tokio::test(start_paused = true)]
async fn a_second_of_silence_before_the_first_sound_is_borne_and_kept() {
    let silence = [Piece(0); 10];
    let double = Scripted::new(&[&silence[..], &[Piece(9_000), Piece(0), Piece(0)]].concat());
    let pieces = heard(&list(&[&double])).await.expect("a sentence");
    assert_eq!(pieces.len(), 13);
}

#[tokio::test(start_paused = true)]
async fn a_fault_after_the_first_sound_ends_the_sentence_and_is_counted() {
    for steps in [
        &[Piece(9_000), Fails, Piece(9_000)][..],
        &[Piece(9_000), Panics],
        &[Piece(9_000), Wait(1_600), Piece(9_000)],
    ] {
        let (first, second) = (Scripted::new(steps), Scripted::new(&[Piece(7_000)]));
        let list = list(&[&first, &second]);
        assert!(heard(&list).await.is_err(), "{steps:?}");
        assert_eq!(second.asked(), 0, "what was heard is not said again");
        assert_eq!(heard(&list).await, Ok(vec![7_000]), "who broke off rests");
    }
}

#[tokio::test(start_paused = true)]
async fn pieces_may_take_as_long_as_each_has() {
    let double = Scripted::new(&[
        Wait(1_400),
        Piece(1_000),
        Wait(1_400),
        Piece(2_000),
        Wait(1_400),
        Piece(3_000),
    ]);
    assert_eq!(heard(&list(&[&double])).await, Ok(vec![1_000, 2_000, 3_000]));
}

#[tokio::test(start_paused = true)]
async fn a_sentence_that_is_given_up_counts_neither_way() {
    let double = Scripted::new(&[Piece(9_000), Wait(1_000), Fails]);
    let list = list(&[&double]);
    let request = SynthesisRequest {
        text: "Good morning".to_owned(),
        language: Language::default(),
        voice: None,
        meter: ServiceMeter::default(),
    };
    drop(list.stream(&request).await.map(|_speech| ()));
    assert!(list.list()[0].try_pass());
}

#[tokio::test(start_paused = true)]
async fn the_preferred_one_comes_first_and_its_faults_are_known_to_every_list() {
    let (first, second) = (Scripted::new(&[Piece(1_000)]), Scripted::new(&[Fails]));
    let both = list(&[&first, &second]);
    let other_way = both.preferring(1);
    assert_eq!(heard(&other_way).await, Ok(vec![1_000]));
    assert_eq!(second.asked(), 1);
    assert!(!both.list()[1].try_pass(), "it rests everywhere");
    assert_eq!(heard(&both.preferring(9)).await, Ok(vec![1_000]), "no such place");
}

#[tokio::test(start_paused = true)]
async fn if_nobody_speaks_the_preferred_ones_fault_is_told() {
    let (first, second) = (Scripted::new(&[Wait(9_000)]), Scripted::new(&[Fails]));
    let fault = heard(&list(&[&first, &second])).await.expect_err("nobody speaks");
    assert!(
        matches!(
            fault,
            SynthesisError::TimedOut {
                what: "the first sound",
                deadline_ms: 750
            }
        ),
        "{fault}"
    );
    assert!(
        heard(&list(&[]))
            .await
            .is_err_and(|fault| fault.to_string().contains("SAMVAD_SYNTHESIZER"))
    );
}
