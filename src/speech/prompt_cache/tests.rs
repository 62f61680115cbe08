use super::*;
use crate::app::SystemClock;
use async_trait::async_trait;
use samvad_actors::ports::{Clock, Pcm, ServiceKind, ServiceMeter, ServiceUse, UsedService};
use samvad_actors::services::{Jitter, RankedSynthesizer};
use std::collections::VecDeque;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Speaks a tone as long as the text, and counts. "mute" is silent.
struct Tone {
    name: &'static str,
    spoken: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// Answered first, one each.
    errors: Mutex<VecDeque<SynthesisError>>,
}

impl Tone {
    fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            name,
            spoken: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            errors: Mutex::default(),
        })
    }

    fn fails(&self, errors: impl IntoIterator<Item = SynthesisError>) {
        self.errors.lock().expect("no panic").extend(errors);
    }

    fn spoken(&self) -> usize {
        self.spoken.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Synthesizer for Tone {
    fn name(&self) -> &'static str {
        self.name
    }

    fn identity(&self, request: &SynthesisRequest) -> String {
        format!("{} {:?}", self.name, request.voice)
    }

    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        self.spoken.fetch_add(1, Ordering::Relaxed);
        let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        let service = UsedService {
            kind: ServiceKind::Synthesis,
            service: self.name.to_owned(),
            model: String::new(),
        };
        request.meter.add(&service, ServiceUse::of_text(&request.text));
        if let Some(error) = self.errors.lock().expect("no panic").pop_front() {
            return Err(error);
        }
        let amplitude = if request.text == "mute" { 0.0 } else { 8_000.0 };
        let samples = (0..request.text.len() * 1_600)
            .map(|n| ((n as f32 * 0.3).sin() * amplitude) as i16)
            .collect();
        Ok(Pcm {
            sample_rate: 16_000,
            samples,
        })
    }
}

fn refused() -> SynthesisError {
    SynthesisError::Refused {
        reason: "it does not accept the key; check X_KEY".to_owned(),
    }
}

fn busy(retry_after: Option<Duration>) -> SynthesisError {
    SynthesisError::Busy {
        reason: "too much".to_owned(),
        retry_after,
    }
}

struct Setting {
    directory: tempfile::TempDir,
    voice: Arc<Tone>,
    other: Option<Arc<Tone>>,
    synthesizers: Arc<FailoverSynthesizer>,
    /// Who spoke what was rendered last.
    speaker: Mutex<&'static str>,
    meter: ServiceMeter,
}

impl Setting {
    fn new() -> Self {
        Self::of(None)
    }

    fn with_another() -> Self {
        Self::of(Some(Tone::new("other")))
    }

    fn of(other: Option<Arc<Tone>>) -> Self {
        let voice = Tone::new("tone");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let jitter: Jitter = Arc::new(|| 1.0);
        let ranked = [Some(&voice), other.as_ref()]
            .into_iter()
            .flatten()
            .map(|tone| RankedSynthesizer {
                synthesizer: Arc::clone(tone) as Arc<dyn Synthesizer>,
                patience: Duration::from_secs(3_600),
                at_once: 3,
            });
        let synthesizers = Arc::new(FailoverSynthesizer::new(ranked.collect(), &clock, &jitter));
        Self {
            directory: tempfile::tempdir().expect("temporary directory"),
            voice,
            other,
            synthesizers,
            speaker: Mutex::default(),
            meter: ServiceMeter::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("prompts")
    }

    fn cache(&self) -> PromptCache {
        PromptCache::open(&self.path(), self.synthesizers.clone()).expect("opened")
    }

    async fn render(&self, sentences: &[&str]) -> Result<PromptBook, PromptCacheError> {
        let sentences: Vec<String> = sentences.iter().map(|&text| text.to_owned()).collect();
        let mut seen = 0;
        let cache = self.cache();
        let rendered = cache
            .render(&sentences, &Language::default(), None, &self.meter, &mut |ready, _| {
                seen = ready;
            })
            .await?;
        assert_eq!(seen, sentences.len(), "progress reaches the end");
        let speaker = self.synthesizers.list()[rendered.speaker].name();
        *self.speaker.lock().expect("no panic") = speaker;
        Ok(rendered.book)
    }

    fn spoken(&self) -> usize {
        self.voice.spoken()
    }

    fn other_spoken(&self) -> usize {
        self.other.as_ref().map_or(0, |other| other.spoken())
    }

    fn files(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.path())
            .expect("listed")
            .map(|entry| entry.expect("entry").path())
            .collect()
    }
}

#[tokio::test]
async fn a_sentence_is_spoken_once_and_the_next_start_reads_it_from_disk() {
    let setting = Setting::new();
    let first = setting.render(&["one", "three"]).await.expect("rendered");
    let again = setting.render(&["three", "one"]).await.expect("read");
    assert_eq!(setting.spoken(), 2);
    assert_eq!(first.get("one"), again.get("one"));
    assert!(first.get("three").expect("there").duration_ms > first.get("one").expect("there").duration_ms);
    assert_eq!(first.get("two"), None);
}

#[tokio::test]
async fn only_what_is_spoken_is_counted_and_by_each_synthesiser_that_is_asked() {
    let setting = Setting::with_another();
    let counted = || -> Vec<(String, u64)> {
        let read = setting.meter.read().into_iter();
        read.map(|(used, amount)| (used.service, amount.characters)).collect()
    };
    setting.render(&["one", "three"]).await.expect("rendered");
    setting.render(&["three", "one"]).await.expect("read from disk");
    assert_eq!(counted(), [("tone".to_owned(), 8)]);
    setting.voice.fails([refused()]);
    setting.render(&["four"]).await.expect("the other speaks");
    assert_eq!(counted(), [("other".to_owned(), 4), ("tone".to_owned(), 12)]);
}

#[tokio::test]
async fn a_damaged_file_is_noticed_and_spoken_again() {
    let setting = Setting::new();
    setting.render(&["one"]).await.expect("rendered");
    let file = setting.files().remove(0);
    let whole = std::fs::read(&file).expect("read");
    for damage in [
        whole[..whole.len() / 2].to_vec(),
        Vec::new(),
        [&whole[..whole.len() - 1], &[0]].concat(),
    ] {
        std::fs::write(&file, damage).expect("damaged");
        let spoken = setting.spoken();
        setting.render(&["one"]).await.expect("rendered");
        assert_eq!(setting.spoken(), spoken + 1);
        assert_eq!(std::fs::read(&file).expect("read"), whole, "and mended");
    }
}

#[tokio::test]
async fn prompts_are_kept_for_their_owner_alone() {
    let setting = Setting::new();
    setting.render(&["one"]).await.expect("rendered");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&setting.path()), 0o700);
    assert_eq!(mode(&setting.files()[0]), 0o600);
    assert_eq!(setting.files().len(), 1, "no draft is left behind");
}

#[tokio::test]
async fn l12_a_sentence_without_sound_is_found_before_any_call() {
    let fault = Setting::new()
        .render(&["one", "mute"])
        .await
        .expect_err("silent")
        .to_string();
    assert!(fault.contains("\"mute\"") && fault.contains("silent"), "{fault}");
}

#[tokio::test]
async fn a_campaign_has_one_voice_that_of_the_first_who_speaks_all_of_it() {
    let setting = Setting::with_another();
    let alone = Setting::new();
    alone.render(&["one", "two", "three"]).await.expect("rendered");

    setting.voice.fails([refused()]);
    let book = setting
        .render(&["one", "two", "three"])
        .await
        .expect("the other speaks");
    assert_eq!(setting.other_spoken(), 3, "all of them");
    assert!(book.get("two").is_some());
    let names: std::collections::BTreeSet<_> = alone
        .files()
        .iter()
        .filter_map(|file| file.file_name().map(ToOwned::to_owned))
        .collect();
    let request = SynthesisRequest {
        text: "two".to_owned(),
        language: Language::default(),
        voice: None,
        meter: ServiceMeter::default(),
    };
    let [first, second] = [0, 1].map(|index| {
        let path = setting.cache().path_of(&setting.synthesizers.list()[index], &request);
        path.file_name().map(ToOwned::to_owned).expect("a name")
    });
    assert!(
        names.contains(&first) && !names.contains(&second),
        "neither is filed as the other's"
    );
}

#[tokio::test]
async fn who_rests_is_not_asked_unless_it_has_spoken_all_before() {
    let setting = Setting::with_another();
    setting.render(&["one"]).await.expect("rendered");
    setting.voice.fails([refused()]);
    setting.render(&["two"]).await.expect("the other speaks");
    let spoken = setting.spoken();
    setting.render(&["three"]).await.expect("the other speaks");
    assert_eq!(setting.spoken(), spoken, "it rests");
    setting.render(&["one"]).await.expect("on disk");
    assert_eq!((setting.spoken(), setting.other_spoken()), (spoken, 2));
}

#[tokio::test]
async fn what_nobody_speaks_names_text_synthesiser_and_remedy_of_each() {
    let setting = Setting::with_another();
    setting.voice.fails([refused()]);
    let fault = setting.render(&["mute"]).await.expect_err("nobody speaks").to_string();
    for part in [
        "tone cannot speak \"mute\"",
        "check X_KEY",
        "; other cannot speak \"mute\"",
        "silent",
    ] {
        assert!(fault.contains(part), "{fault}");
    }
    let again = setting
        .render(&["mute"])
        .await
        .expect_err("both rest and are asked all the same");
    assert!(again.to_string().contains("silent"), "{again}");
}

#[tokio::test(start_paused = true)]
async fn a_busy_service_is_waited_for_as_long_as_it_says() {
    let setting = Setting::with_another();
    setting.voice.fails([busy(Some(Duration::from_secs(20))), busy(None)]);
    let begun = tokio::time::Instant::now();
    setting.render(&["one"]).await.expect("rendered");
    assert_eq!((setting.spoken(), setting.other_spoken()), (3, 0));
    let waited = begun.elapsed().as_secs();
    assert!((60..62).contains(&waited), "{waited} s");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_busy_for_ever_is_given_up() {
    let setting = Setting::with_another();
    setting
        .voice
        .fails((0..100).map(|_| busy(Some(Duration::from_secs(20)))));
    let begun = tokio::time::Instant::now();
    setting.render(&["one"]).await.expect("the other speaks");
    assert_eq!(setting.other_spoken(), 1);
    assert!(begun.elapsed() <= Duration::from_secs(181), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_fault_that_may_pass_costs_one_more_try() {
    let setting = Setting::with_another();
    let cut = || SynthesisError::Unavailable {
        reason: "cut".to_owned(),
    };
    setting.voice.fails([cut()]);
    setting.render(&["one"]).await.expect("rendered");
    assert_eq!((setting.spoken(), setting.other_spoken()), (2, 0));
}

#[tokio::test]
async fn no_more_sentences_are_asked_at_a_time_than_allowed() {
    let setting = Setting::new();
    let sentences: Vec<String> = (0..20).map(|n| format!("sentence {n}")).collect();
    let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
    setting.render(&sentences).await.expect("rendered");
    assert_eq!(setting.voice.most_under_way.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn another_voice_language_or_engine_is_another_file() {
    let setting = Setting::with_another();
    let cache = setting.cache();
    let path = |index: usize, text: &str, language: &str, voice: Option<&str>| {
        let request = SynthesisRequest {
            text: text.to_owned(),
            language: Language(language.to_owned()),
            voice: voice.map(str::to_owned),
            meter: ServiceMeter::default(),
        };
        cache.path_of(&setting.synthesizers.list()[index], &request)
    };
    let paths = [
        path(0, "one", "en", None),
        path(1, "one", "en", None),
        path(0, "one.", "en", None),
        path(0, "one", "hi", None),
        path(0, "one", "en", Some("rms")),
        path(0, "ne", "eno", None),
    ];
    let distinct: std::collections::BTreeSet<_> = paths.iter().collect();
    assert_eq!(distinct.len(), paths.len());
}

#[test]
fn nodes_that_share_the_directory_never_read_half_a_file() {
    let shared = Setting::new();
    shared.cache();
    let path = shared.path();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                    let node = Setting::new();
                    runtime.expect("a run time").block_on(async {
                        let sentences: Vec<String> = (0..30).map(|n| format!("a sentence, number {n}")).collect();
                        let cache = PromptCache::open(&path, node.synthesizers.clone()).expect("opened");
                        let (language, mut quietly) = (Language::default(), |_, _| {});
                        let rendered = cache
                            .render(&sentences, &language, None, &ServiceMeter::default(), &mut quietly)
                            .await;
                        rendered.expect("rendered");
                    });
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir(&path).expect("listed").flatten() {
                    let is_prompt = entry.path().extension().is_some_and(|extension| extension == "prompt");
                    assert!(!is_prompt || read(&entry.path()).is_some(), "{entry:?}");
                }
            }
        });
        let ended: Vec<_> = nodes.into_iter().map(|node| node.join()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(Result::is_ok), "every node has rendered");
    });
    assert_eq!(shared.files().len(), 30, "each sentence once, and no draft");
}
