//! From a campaign to something that can be spoken.

use crate::campaign_files::language_pack;
use crate::speech::{EmbeddedSynthesizer, PromptCache};
use anyhow::{Context, bail};
use samvad_actors::dialogue::Script;
use samvad_actors::domain::Campaign;
use samvad_actors::ports::Recognizer;
use samvad_actors::runtime::Survey;
use std::path::Path;
use std::sync::Arc;

/// Builds the script, compiles every grammar and renders every sentence that is not in the cache yet. `progress` is
/// told how many sentences are ready, and of how many.
///
/// # Errors
/// Everything that is wrong with the campaign, its prompts or its grammars.
pub async fn prepare_survey(
    campaign: &Campaign,
    prompts_dir: Option<&Path>,
    prompt_cache: &Path,
    recognizer: &dyn Recognizer,
    progress: &mut dyn FnMut(usize, usize),
) -> anyhow::Result<Survey> {
    let pack = language_pack(&campaign.language, prompts_dir)?;
    let script = match Script::build(campaign, &pack) {
        Ok(script) => Arc::new(script),
        Err(faults) => {
            let list: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            bail!("the campaign {} is not valid:\n{}", campaign.id, list.join("\n"));
        }
    };
    for grammar in script.grammars() {
        recognizer
            .prepare(&campaign.language, &grammar)
            .await
            .with_context(|| {
                format!(
                    "the recogniser {} cannot serve campaign {}",
                    recognizer.name(),
                    campaign.id
                )
            })?;
    }
    let cache = PromptCache::open(prompt_cache, Arc::new(EmbeddedSynthesizer))?;
    let prompts = cache
        .render(
            &script.fixed_sentences(),
            &campaign.language,
            campaign.voice.as_deref(),
            progress,
        )
        .await
        .with_context(|| format!("the prompts of campaign {} cannot be spoken", campaign.id))?;
    Ok(Survey {
        campaign: campaign.clone(),
        script,
        prompts: Arc::new(prompts),
    })
}
