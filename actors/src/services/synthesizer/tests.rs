use super::*;
use crate::domain::Language;
use crate::ports::ServiceMeter;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Tokio's clock, which the tests pause.
struct TestClock(tokio::time::Instant);

impl Clock for TestClock {
    fn unix_ms(&self) -> i64 {
        0
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Conduct {
    Speaks,
    Refuses,
    LacksTheVoice,
    IsSilent,
    IsBusy,
    Hangs,
    Panics,
}

struct Double {
    conduct: Mutex<Conduct>,
    asked: AtomicUsize,
    /// Marks whose audio it is.
    sample: i16,
}

impl Double {
    fn new(conduct: Conduct, sample: i16) -> Arc<Self> {
        Arc::new(Self {
            conduct: Mutex::new(conduct),
            asked: AtomicUsize::new(0),
            sample,
        })
    }

    fn behave(&self, conduct: Conduct) {
        *self.conduct.lock().expect("no panic") = conduct;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Synthesizer for Double {
    fn name(&self) -> &'static str {
        "double"
    }

    fn identity(&self, _: &SynthesisRequest) -> String {
        format!("double {}", self.sample)
    }

    async fn synthesize(&self, _: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let conduct = *self.conduct.lock().expect("no panic");
        let reason = format!("{conduct:?}");
        match conduct {
            Conduct::Speaks => Ok(Pcm {
                sample_rate: 8_000,
                samples: vec![self.sample; 8_000],
            }),
            Conduct::Refuses => Err(SynthesisError::Refused { reason }),
            Conduct::LacksTheVoice => Err(SynthesisError::Unsupported { reason }),
            Conduct::IsSilent => Err(SynthesisError::Unusable { reason }),
            Conduct::IsBusy => Err(SynthesisError::Busy {
                reason,
                retry_after: None,
            }),
            Conduct::Hangs => std::future::pending().await,
            Conduct::Panics => panic!("a double panics"),
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

fn list(doubles: &[&Arc<Double>]) -> FailoverSynthesizer {
    let clock: Arc<dyn Clock> = Arc::new(TestClock(tokio::time::Instant::now()));
    let jitter: Jitter = Arc::new(|| 1.0);
    let ranked = doubles.iter().map(|double| RankedSynthesizer {
        synthesizer: Arc::clone(double) as Arc<dyn Synthesizer>,
        patience: PATIENCE,
        at_once: 2,
    });
    FailoverSynthesizer::new(ranked.collect(), &clock, &jitter)
}

fn request() -> SynthesisRequest {
    SynthesisRequest {
        text: "Good morning".to_owned(),
        language: Language::default(),
        voice: None,
        meter: ServiceMeter::default(),
    }
}

async fn speaker(list: &FailoverSynthesizer) -> Option<i16> {
    list.synthesize(&request()).await.ok().map(|pcm| pcm.samples[0])
}

#[tokio::test(start_paused = true)]
async fn l12_whatever_a_synthesiser_does_wrong_the_next_speaks_in_its_place() {
    for conduct in [
        Conduct::Refuses,
        Conduct::LacksTheVoice,
        Conduct::IsSilent,
        Conduct::IsBusy,
        Conduct::Hangs,
        Conduct::Panics,
    ] {
        let (first, second) = (Double::new(conduct, 1), Double::new(Conduct::Speaks, 2));
        assert_eq!(speaker(&list(&[&first, &second])).await, Some(2), "{conduct:?}");
        assert_eq!((first.asked(), second.asked()), (1, 1), "{conduct:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_failed_rests_and_comes_back_with_one_sentence() {
    let (first, second) = (Double::new(Conduct::IsSilent, 1), Double::new(Conduct::Speaks, 2));
    let list = list(&[&first, &second]);
    for _ in 0..3 {
        assert_eq!(speaker(&list).await, Some(2));
    }
    assert_eq!(first.asked(), 1, "it rests");
    assert!(!list.list()[0].try_pass());
    first.behave(Conduct::Speaks);
    tokio::time::advance(Duration::from_millis(2_001)).await;
    assert_eq!(speaker(&list).await, Some(1));
    assert!(list.list()[0].try_pass());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_rests_longer_and_a_voice_that_is_lacking_does_not() {
    let (first, second) = (Double::new(Conduct::Refuses, 1), Double::new(Conduct::Speaks, 2));
    let both = list(&[&first, &second]);
    speaker(&both).await;
    tokio::time::advance(Duration::from_secs(29)).await;
    speaker(&both).await;
    assert_eq!(first.asked(), 1);

    let picky = Double::new(Conduct::LacksTheVoice, 1);
    let both = list(&[&picky, &second]);
    for _ in 0..2 {
        speaker(&both).await;
    }
    assert_eq!(picky.asked(), 2, "another campaign's voice may be there");
}

#[tokio::test(start_paused = true)]
async fn if_all_rest_they_are_tried_all_the_same_and_the_preferred_ones_fault_is_told() {
    let (first, second) = (Double::new(Conduct::Refuses, 1), Double::new(Conduct::IsSilent, 2));
    let list = list(&[&first, &second]);
    for _ in 0..2 {
        let error = list.synthesize(&request()).await.expect_err("nobody speaks");
        assert!(error.to_string().contains("Refuses"), "{error}");
    }
    assert_eq!((first.asked(), second.asked()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn nobody_in_the_list_is_an_error_with_the_remedy() {
    let error = list(&[]).synthesize(&request()).await.expect_err("nobody is there");
    assert!(error.to_string().contains("SAMVAD_SYNTHESIZER"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn no_more_is_asked_at_once_than_is_set_and_who_waits_has_not_failed() {
    let double = Double::new(Conduct::Hangs, 1);
    let list = list(&[&double]);
    let wanted = request();
    // Two campaigns and their greetings by name, say: each has a clone of its own.
    let all = (0..5).map(|_| {
        let clone = list.list()[0].clone();
        let wanted = &wanted;
        async move { clone.synthesize(wanted).await }
    });
    let mut all = std::pin::pin!(futures_util::future::join_all(all));
    let waited = tokio::time::timeout(PATIENCE - Duration::from_secs(1), all.as_mut()).await;
    assert!(waited.is_err() && double.asked() == 2, "{}", double.asked());
    double.behave(Conduct::Speaks);
    let spoken = all.await.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(spoken, 3, "they were given all their time once it was their turn");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_one_that_fails_meanwhile_does_not_ask_it() {
    let double = Double::new(Conduct::Hangs, 1);
    let list = list(&[&double]);
    let wanted = request();
    let all = futures_util::future::join_all((0..5).map(|_| list.list()[0].synthesize_unless_at_rest(&wanted))).await;
    assert_eq!(double.asked(), 2);
    assert_eq!(all.iter().filter(|answer| answer.is_none()).count(), 3);
}
