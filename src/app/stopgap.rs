//! Stopgap until the prompt cache is there.
use anyhow::Context;
use samvad_actors::ports::{Prompt, PromptBook};
use std::process::Command;

pub(super) fn render(sentences: &[String], progress: &mut dyn FnMut(usize, usize)) -> anyhow::Result<PromptBook> {
    let mut prompts = Vec::new();
    for (index, text) in sentences.iter().enumerate() {
        let file = std::env::temp_dir().join(format!("samvad-{}.wav", std::process::id()));
        let status = Command::new("flite")
            .args(["-voice", "slt", "-t", text, "-o"])
            .arg(&file)
            .status()?;
        anyhow::ensure!(status.success(), "flite");
        let audio = samvad_media::wav::read(&std::fs::read(&file)?)?;
        let samples = samvad_media::resample::to_8k(&audio.samples, audio.sample_rate).context("resample")?;
        let mut mulaw = Vec::new();
        samvad_media::codec::encode_mulaw(&samples, &mut mulaw);
        prompts.push((
            text.clone(),
            Prompt {
                duration_ms: mulaw.len() as u64 / 8,
                mulaw: mulaw.into(),
            },
        ));
        progress(index + 1, sentences.len());
    }
    Ok(prompts.into_iter().collect())
}
