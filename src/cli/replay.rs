//! `samvad replay`: feeds journals through the dialogue again, or a recording through all that listens.

mod audio;

use super::output::say;
use super::prompts_directory;
use crate::campaign_files::language_pack;
use crate::config::process_environment;
use anyhow::{Context, bail};
use clap::Args;
use samvad_actors::dialogue::journal::{DifferenceKind, ReplayReport, replay};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to replay.
#[derive(Args, Debug)]
pub(super) struct ReplayArgs {
    /// Journal files, or directories of them.
    #[arg(required_unless_present = "from_audio", value_name = "JOURNAL")]
    journals: Vec<PathBuf>,
    /// Plays the caller of a recorded call (Ogg Opus or WAV, caller left) through voice detection, the recogniser of
    /// the settings and the dialogue, and shows what is heard and decided beside what the call's journal says.
    #[arg(long, value_name = "RECORDING", conflicts_with = "journals")]
    from_audio: Option<PathBuf>,
    /// The journal of that call; looked for in ../journals and beside the recording if absent.
    #[arg(long, value_name = "FILE", requires = "from_audio")]
    journal: Option<PathBuf>,
    /// Prompts and lexicons in place of the built-in ones, as SAMVAD_PROMPTS_DIR.
    #[arg(long, value_name = "DIR")]
    prompts: Option<PathBuf>,
    /// Say nothing of journals that replay to the same decisions.
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let environment = process_environment();
    let prompts = prompts_directory(args.prompts, &environment);
    if let Some(recording) = &args.from_audio {
        return audio::run(audio::FromAudio {
            recording,
            journal: args.journal.as_deref(),
            prompts,
            environment,
        });
    }
    let mut files = Vec::new();
    for path in &args.journals {
        collect(path, &mut files)?;
    }
    if files.is_empty() {
        bail!("there are no journals (*.jsonl) in the directories named; a run keeps them in its folder journals");
    }
    let mut tally = Tally::default();
    for file in &files {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let mut no_pack = None;
        let replayed = replay(&text, |language| match language_pack(language, prompts.as_deref()) {
            Ok(pack) => Some(pack),
            Err(error) => {
                no_pack = Some(error);
                None
            }
        });
        if let Some(error) = no_pack {
            return Err(error);
        }
        match replayed {
            Ok(report) if report.is_same() => {
                if !args.quiet {
                    say!("{}: same ({})", file.display(), size(&report))?;
                }
            }
            Ok(report) => {
                tally.add(&report);
                say!("{}: DIFFERENT ({})", file.display(), size(&report))?;
                for difference in &report.differences {
                    say!("  line {}: {}", difference.line, difference.what)?;
                }
            }
            Err(fault) => {
                tally.unusable += 1;
                say!("{}: UNUSABLE: {fault}", file.display())?;
            }
        }
    }
    let differing = tally.all();
    say!(
        "{} replayed, {} the same, {differing} not{}",
        files.len(),
        files.len() - differing,
        tally.words()
    )?;
    Ok(if differing == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// How many journals are not the same, by the gravest reason.
#[derive(Default)]
struct Tally {
    decide: usize,
    altered: usize,
    material: usize,
    unusable: usize,
}

impl Tally {
    fn add(&mut self, report: &ReplayReport) {
        if report.has(DifferenceKind::Journal) {
            self.altered += 1;
        } else if report.has(DifferenceKind::Decision) {
            self.decide += 1;
        } else {
            self.material += 1;
        }
    }

    fn all(&self) -> usize {
        self.decide + self.altered + self.material + self.unusable
    }

    fn words(&self) -> String {
        let parts = [
            (self.decide, "decided otherwise"),
            (self.material, "decided the same with other prompts or another lexicon"),
            (self.altered, "altered since the call"),
            (self.unusable, "unusable"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        match parts.is_empty() {
            true => String::new(),
            false => format!(": {}", parts.join(", ")),
        }
    }
}

fn size(report: &ReplayReport) -> String {
    let cut = if report.complete {
        ""
    } else {
        ", cut off before its end"
    };
    format!("{} inputs, {} decisions{cut}", report.inputs, report.outputs)
}

/// A file as it is; of a directory every `*.jsonl` below it, in order of their names.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = std::fs::read_dir(path)
        .with_context(|| format!("cannot read the directory {}", path.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if entry.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(entry);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journals_are_found_in_folders_by_name_and_other_files_only_when_named() {
        let directory = tempfile::tempdir().expect("temporary directory");
        std::fs::create_dir(directory.path().join("b")).expect("made");
        for name in ["c.jsonl", "b/a.jsonl", "notes.txt"] {
            std::fs::write(directory.path().join(name), "").expect("written");
        }
        let mut files = Vec::new();
        collect(directory.path(), &mut files).expect("read");
        assert_eq!(
            files,
            [directory.path().join("b/a.jsonl"), directory.path().join("c.jsonl")]
        );
        collect(&directory.path().join("notes.txt"), &mut files).expect("named");
        assert_eq!(files.len(), 3);
    }
}
