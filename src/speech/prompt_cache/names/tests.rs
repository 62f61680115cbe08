use super::*;
use crate::app::SystemClock;
use samvad_actors::ports::{Clock, Pcm, SynthesisError};
use samvad_actors::services::{FailoverSynthesizer, Jitter, RankedSynthesizer};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Speaks one second for each permit; fails at the names that say so.
struct Gated {
    gate: Semaphore,
    asked: AtomicUsize,
}

#[async_trait]
impl Synthesizer for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn identity(&self, request: &SynthesisRequest) -> String {
        format!("gated {:?}", request.voice)
    }

    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.expect("open").forget();
        match request.text.as_str() {
            "Hello Refused." => Err(SynthesisError::Refused {
                reason: "no credit".to_owned(),
            }),
            "Hello Panic." => panic!("the voice panics, as told"),
            _ => Ok(Pcm {
                sample_rate: 16_000,
                samples: (0..16_000).map(|n| ((n as f32 * 0.3).sin() * 2_000.0) as i16).collect(),
            }),
        }
    }
}

struct Setting {
    voice: Arc<Gated>,
    cache: Arc<NameCache>,
    list: FailoverSynthesizer,
    threads: Arc<ServiceThreads>,
}

impl Setting {
    fn new(permits: usize, most_bytes: usize) -> Self {
        let voice = Arc::new(Gated {
            gate: Semaphore::new(permits),
            asked: AtomicUsize::new(0),
        });
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let jitter: Jitter = Arc::new(|| 1.0);
        let ranked = RankedSynthesizer {
            synthesizer: voice.clone(),
            patience: Duration::from_secs(3_600),
            at_once: 1,
        };
        Self {
            voice,
            cache: Arc::new(NameCache::new(most_bytes)),
            list: FailoverSynthesizer::new(vec![ranked], &clock, &jitter),
            threads: Arc::new(ServiceThreads::start().expect("threads")),
        }
    }

    fn campaign(&self, voice: Option<&str>) -> NamePrompts {
        NamePrompts::new(
            self.list.list()[0].clone(),
            Language::default(),
            voice.map(str::to_owned),
            Arc::clone(&self.cache),
            Arc::clone(&self.threads),
        )
    }

    fn asked(&self) -> usize {
        self.voice.asked.load(Ordering::SeqCst)
    }
}

/// Bytes of one greeting here: a second, and the pauses around it.
const GREETING: std::ops::Range<usize> = 8_000..10_000;

/// Waits for what other threads do.
async fn until(mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_greeting_is_spoken_once_for_all_who_ask_though_the_first_gives_up() {
    let meter = ServiceMeter::default();
    let setting = Setting::new(0, MOST_BYTES);
    let campaign = setting.campaign(None);
    tokio::select! {
        biased;
        _ = campaign.speak("Hello Asha.", &meter) => panic!("nobody has spoken yet"),
        () = until(|| setting.asked() == 1) => {}
    }
    setting.voice.gate.add_permits(1);
    let both = tokio::join!(
        campaign.speak("Hello Asha.", &meter),
        campaign.speak("Hello Asha.", &meter)
    );
    let (first, second) = (both.0.expect("a greeting"), both.1.expect("a greeting"));
    assert_eq!(first, second);
    assert!(GREETING.contains(&first.mulaw.len()), "{}", first.mulaw.len());
    assert_eq!(
        campaign.speak("Hello Asha.", &meter).await.as_ref(),
        Some(&first),
        "and later"
    );
    assert_eq!(setting.asked(), 1);
    // Another voice is another greeting.
    setting.voice.gate.add_permits(1);
    assert!(
        setting
            .campaign(Some("rms"))
            .speak("Hello Asha.", &meter)
            .await
            .is_some()
    );
    assert_eq!(setting.asked(), 2);
}

#[tokio::test]
async fn what_cannot_be_spoken_is_forgotten_and_one_that_rests_is_not_asked() {
    let meter = ServiceMeter::default();
    let setting = Setting::new(9, MOST_BYTES);
    let campaign = setting.campaign(None);
    for name in ["Hello Panic.", "Hello Refused."] {
        assert_eq!(campaign.speak(name, &meter).await, None, "{name}");
        until(|| setting.cache.entries().by_key.is_empty()).await;
        // It rests for 2 s after a panic, for 30 s after a refusal.
        assert_eq!(campaign.speak("Hello Asha.", &meter).await, None);
        assert_eq!(setting.asked(), 1);
        return_to_work(&setting).await;
    }
}

/// One that has spoken again, whatever its breaker says, is taken at its word.
async fn return_to_work(setting: &Setting) {
    let request = SynthesisRequest {
        text: "Hello".to_owned(),
        language: Language::default(),
        voice: None,
        meter: ServiceMeter::default(),
    };
    assert!(setting.list.list()[0].synthesize(&request).await.is_ok());
    setting.voice.asked.store(0, Ordering::SeqCst);
    until(|| setting.cache.entries().by_key.is_empty()).await;
}

#[tokio::test]
async fn what_was_not_asked_for_the_longest_goes_first_and_no_more_is_kept_than_may_be() {
    let meter = ServiceMeter::default();
    let most = 3 * GREETING.end;
    let setting = Setting::new(100, most);
    let campaign = setting.campaign(None);
    for n in 0..12 {
        assert!(campaign.speak(&format!("Hello Person {n}."), &meter).await.is_some());
        assert!(campaign.speak("Hello Person 0.", &meter).await.is_some());
        until(|| setting.cache.entries().by_key.values().all(|entry| entry.bytes > 0)).await;
        assert!(setting.cache.bytes() <= most, "{}", setting.cache.bytes());
    }
    assert_eq!(setting.asked(), 12, "whoever is asked for again and again stays");
    assert!(campaign.speak("Hello Person 1.", &meter).await.is_some());
    assert_eq!(setting.asked(), 13);
    let kept: usize = setting.cache.entries().by_key.values().map(|entry| entry.bytes).sum();
    until(|| setting.cache.entries().by_key.len() <= 3).await;
    assert!(kept <= most);
}

#[tokio::test]
async fn a_burst_is_spoken_as_many_at_once_as_is_set_and_too_many_are_greeted_without_a_name() {
    let meter = ServiceMeter::default();
    let setting = Setting::new(0, MOST_BYTES);
    let campaign = setting.campaign(None);
    let names: Vec<String> = (0..MOST_UNDER_WAY).map(|n| format!("Hello Person {n}.")).collect();
    let all = futures_util::future::join_all(names.iter().map(|name| campaign.speak(name, &meter)));
    let one_more = async {
        until(|| setting.cache.entries().by_key.len() == MOST_UNDER_WAY).await;
        until(|| setting.asked() > 0).await;
        assert_eq!(campaign.speak("Hello Asha.", &meter).await, None);
        assert_eq!(setting.asked(), 1, "the others wait for the synthesiser");
        setting.voice.gate.add_permits(1_000);
    };
    let (all, ()) = tokio::join!(all, one_more);
    assert!(all.iter().all(Option::is_some));
    assert!(campaign.speak("Hello Asha.", &meter).await.is_some());
}
