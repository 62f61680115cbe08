use super::*;
use async_trait::async_trait;
use samvad_actors::ports::Pcm;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Speaks a tone as long as the text, and counts.
#[derive(Default)]
struct Tone {
    spoken: AtomicUsize,
}

#[async_trait]
impl Synthesizer for Tone {
    fn identity(&self) -> String {
        "tone 1".to_owned()
    }

    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        self.spoken.fetch_add(1, Ordering::Relaxed);
        if request.text == "mute" {
            return Ok(Pcm {
                sample_rate: 16_000,
                samples: vec![0; 16_000],
            });
        }
        let samples = (0..request.text.len() * 1_600)
            .map(|n| ((n as f32 * 0.3).sin() * 8_000.0) as i16)
            .collect();
        Ok(Pcm {
            sample_rate: 16_000,
            samples,
        })
    }
}

struct Setting {
    directory: tempfile::TempDir,
    voice: Arc<Tone>,
}

impl Setting {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        Self {
            directory,
            voice: Arc::new(Tone::default()),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("prompts")
    }

    async fn render(&self, sentences: &[&str]) -> Result<PromptBook, PromptCacheError> {
        let cache = PromptCache::open(&self.path(), self.voice.clone()).expect("opened");
        let sentences: Vec<String> = sentences.iter().map(|&text| text.to_owned()).collect();
        let mut seen = 0;
        let book = cache
            .render(&sentences, &Language::default(), None, &mut |ready, _| seen = ready)
            .await?;
        assert_eq!(seen, sentences.len(), "progress reaches the end");
        Ok(book)
    }

    fn spoken(&self) -> usize {
        self.voice.spoken.load(Ordering::Relaxed)
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
async fn another_voice_language_or_engine_is_another_file() {
    let setting = Setting::new();
    let cache = PromptCache::open(&setting.path(), setting.voice.clone()).expect("opened");
    let path = |text: &str, language: &str, voice: Option<&str>| {
        cache.path_of(&SynthesisRequest {
            text: text.to_owned(),
            language: Language(language.to_owned()),
            voice: voice.map(str::to_owned),
        })
    };
    let paths = [
        path("one", "en", None),
        path("one.", "en", None),
        path("one", "hi", None),
        path("one", "en", Some("rms")),
        path("ne", "eno", None),
    ];
    let distinct: std::collections::BTreeSet<_> = paths.iter().collect();
    assert_eq!(distinct.len(), paths.len());
}
