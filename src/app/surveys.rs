//! From a campaign to something that can be spoken.

mod background;

pub(super) use background::BackgroundSurveys;

use super::synthesizers::Voices;
use crate::campaign_files::build_script;
use crate::speech::PromptCache;
use anyhow::{Context, bail};
use samvad_actors::domain::Campaign;
use samvad_actors::ports::{Clock, CostStore, Recognizer, ServiceMeter};
use samvad_actors::runtime::{Survey, Surveys, TranslatedSpeech};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Makes surveys ready, one after the other, and keeps them.
pub(super) struct SurveyRoom {
    pub(super) surveys: Arc<Surveys>,
    pub(super) prompts_dir: Option<PathBuf>,
    pub(super) prompt_cache: PathBuf,
    pub(super) recognizer: Arc<dyn Recognizer>,
    pub(super) voices: Voices,
    /// Where it is kept what preparations use.
    pub(super) costs: Arc<dyn CostStore>,
    pub(super) clock: Arc<dyn Clock>,
    /// Held while a survey is made ready: the same prompts are not rendered twice at once.
    pub(super) at_work: Mutex<()>,
}

impl SurveyRoom {
    /// Makes a campaign ready unless it is as it was. `progress` as in [`prepare_survey`].
    pub(super) async fn ready(
        &self,
        campaign: &Campaign,
        progress: &mut dyn FnMut(usize, usize),
    ) -> anyhow::Result<()> {
        let meter = ServiceMeter::default();
        let made = self.make_ready(campaign, &meter, progress).await;
        self.keep_use(campaign, &meter).await;
        made
    }

    /// The same for a campaign that the store may not know yet: what it takes counts into `meter`, to be
    /// [kept](Self::keep_use) when it does.
    pub(super) async fn make_ready(
        &self,
        campaign: &Campaign,
        meter: &ServiceMeter,
        progress: &mut dyn FnMut(usize, usize),
    ) -> anyhow::Result<()> {
        if self.is_ready(campaign) {
            return Ok(());
        }
        let _at_work = self.at_work.lock().await;
        if self.is_ready(campaign) {
            return Ok(());
        }
        let survey = prepare_survey(
            campaign,
            self.prompts_dir.as_deref(),
            &self.prompt_cache,
            self.recognizer.as_ref(),
            &self.voices,
            meter,
            progress,
        )
        .await?;
        self.surveys.insert(Arc::new(survey));
        Ok(())
    }

    /// Keeps what a preparation used, whether it came to its end or not. A campaign is called without the record if it
    /// cannot be kept.
    pub(super) async fn keep_use(&self, campaign: &Campaign, meter: &ServiceMeter) {
        let used = meter.read();
        let kept = self.costs.record_preparation(&campaign.id, &used, self.clock.unix_ms());
        if let Err(error) = kept.await {
            tracing::error!(campaign = %campaign.id, %error, "what a preparation used could not be kept");
        }
    }

    fn is_ready(&self, campaign: &Campaign) -> bool {
        let known = self.surveys.get(&campaign.id);
        known.is_some_and(|survey| survey.campaign == *campaign)
    }
}

/// Builds the script, compiles every grammar and renders every sentence that is not in the cache yet. `progress` is
/// told how many sentences are ready, and of how many. What has to be spoken counts into `meter`.
///
/// # Errors
/// Everything that is wrong with the campaign, its prompts or its grammars.
pub async fn prepare_survey(
    campaign: &Campaign,
    prompts_dir: Option<&Path>,
    prompt_cache: &Path,
    recognizer: &dyn Recognizer,
    voices: &Voices,
    meter: &ServiceMeter,
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<Survey> {
    let script = match build_script(campaign, prompts_dir) {
        Ok(script) => Arc::new(script),
        Err(faults) => {
            let list: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            bail!("the campaign {} is not valid:\n{}", campaign.id, list.join("\n"));
        }
    };
    for script in script.in_all_languages() {
        let language = &script.campaign().language;
        for grammar in script.grammars() {
            recognizer.prepare(language, &grammar).await.with_context(|| {
                format!(
                    "the recogniser {} cannot serve campaign {} in the language {:?}",
                    recognizer.name(),
                    campaign.id,
                    language.0
                )
            })?;
        }
    }
    let cache = PromptCache::open(prompt_cache, Arc::clone(&voices.synthesizers))?;
    let of: usize = script
        .in_all_languages()
        .map(|script| script.fixed_sentences().len())
        .sum();
    let mut before = 0;
    let mut rendered = Vec::new();
    for script in script.in_all_languages() {
        let sentences = script.fixed_sentences();
        let Campaign { language, voice, .. } = script.campaign();
        let spoken = cache
            .render(&sentences, language, voice.as_deref(), meter, &mut |ready, _| {
                progress(before + ready, of);
            })
            .await
            .with_context(|| {
                format!(
                    "the prompts of campaign {} in the language {:?} cannot be spoken",
                    campaign.id, language.0
                )
            })?;
        before += sentences.len();
        rendered.push((script.campaign(), spoken));
    }
    let mut rendered = rendered.into_iter();
    let (_, own) = rendered.next().context("a script has a language of its own")?;
    let translations = rendered.map(|(translated, spoken)| {
        let speech = TranslatedSpeech {
            prompts: Arc::new(spoken.book),
            voice: Some(voices.live(spoken.speaker)),
            names: voices.names(translated, spoken.speaker),
        };
        (translated.language.clone(), speech)
    });
    Ok(Survey {
        campaign: campaign.clone(),
        translations: translations.collect(),
        prompts: Arc::new(own.book),
        voice: Some(voices.live(own.speaker)),
        names: voices.names(campaign, own.speaker),
        script,
    })
}
