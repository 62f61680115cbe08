//! `samvad replay --from-audio`: a recorded call heard again, beside what its journal says.

use crate::app::rehear;
use crate::cli::output::say;
use crate::config::Settings;
use anyhow::{Context, bail};
use samvad_actors::dialogue::journal::{CallJournal, read};
use samvad_actors::dialogue::{Input, Millis, Output};
use samvad_actors::rehearing::Happening;
use samvad_media::codec::encode_mulaw;
use samvad_media::recording::read_recording;
use samvad_media::{resample, wav};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Width of a column, in characters.
const COLUMN: usize = 52;

/// What is heard again.
pub(super) struct FromAudio<'a> {
    pub(super) recording: &'a Path,
    /// `None`: it is looked for beside the recording.
    pub(super) journal: Option<&'a Path>,
    pub(super) prompts: Option<PathBuf>,
    pub(super) environment: BTreeMap<String, String>,
}

pub(super) fn run(args: FromAudio<'_>) -> anyhow::Result<ExitCode> {
    let settings = Settings::from_env(&args.environment)?;
    let journal_path = match args.journal {
        Some(path) => path.to_owned(),
        None => journal_of(args.recording)?,
    };
    let text = std::fs::read_to_string(&journal_path)
        .with_context(|| format!("cannot read the journal {}", journal_path.display()))?;
    let journal = read(&text).with_context(|| format!("{} cannot be used", journal_path.display()))?;
    let audio = caller_audio(args.recording)?;
    let heard_again =
        actix_web::rt::System::new().block_on(rehear(&settings, args.prompts.as_deref(), &journal, &audio))?;
    say!("{} s of the caller, {}", audio.len() / 8_000, journal_path.display())?;
    compare(&lines_of_journal(&journal), &lines_of_rehearing(&heard_again))
}

/// The caller's channel of a recording, as 8 kHz mu-law.
fn caller_audio(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = std::fs::read(path).with_context(|| format!("cannot read the recording {}", path.display()))?;
    let unusable = || format!("{} cannot be heard", path.display());
    let samples = if file.starts_with(b"RIFF") {
        let audio = wav::read_left(&file).with_context(unusable)?;
        resample::to_8k(&audio.samples, audio.sample_rate).with_context(unusable)?
    } else {
        read_recording(&file).with_context(unusable)?.left
    };
    let mut codes = Vec::with_capacity(samples.len());
    encode_mulaw(&samples, &mut codes);
    Ok(codes)
}

/// `recordings/ATTEMPT.ogg` has `journals/ATTEMPT.jsonl`; or the journal lies beside the recording.
fn journal_of(recording: &Path) -> anyhow::Result<PathBuf> {
    let name = recording.file_name().map(|name| name.to_string_lossy().into_owned());
    // `ATTEMPT.unconsented.ogg` too.
    let attempt = name
        .as_deref()
        .and_then(|name| name.split('.').next())
        .unwrap_or_default();
    let folder = recording.parent().unwrap_or(Path::new(""));
    let file = format!("{attempt}.jsonl");
    let candidates = [folder.join("../journals").join(&file), folder.join(&file)];
    match candidates.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => bail!(
            "the call's journal is neither at {} nor at {}; name it with --journal",
            candidates[0].display(),
            candidates[1].display()
        ),
    }
}

/// One line of what was heard or decided.
#[derive(Clone, PartialEq, Debug)]
struct Line {
    at_ms: Millis,
    text: String,
    /// Heard lines may differ and mean the same.
    decides: bool,
}

fn lines_of_journal(journal: &CallJournal) -> Vec<Line> {
    let inputs = journal.inputs.iter().filter_map(|(at, input)| heard(*at, input));
    let outputs = journal.outputs.iter().filter_map(|(at, output)| decided(*at, output));
    let mut lines: Vec<Line> = inputs.chain(outputs).collect();
    lines.sort_by_key(|line| (line.at_ms, line.decides));
    lines
}

fn lines_of_rehearing(happened: &[(Millis, Happening)]) -> Vec<Line> {
    let line = |(at, happening): &(Millis, Happening)| match happening {
        Happening::Input(input) => heard(*at, input),
        Happening::Output(output) => decided(*at, output),
    };
    happened.iter().filter_map(line).collect()
}

fn heard(at_ms: Millis, input: &Input) -> Option<Line> {
    let text = match input {
        Input::Recognized { text, .. } if text.is_empty() => "heard nothing it knows".to_owned(),
        Input::Recognized { text, .. } => format!("heard \"{text}\""),
        Input::RecognitionFailed { .. } => "no recognition".to_owned(),
        Input::Key { key } => format!("key {key}"),
        Input::Beep => "a beep".to_owned(),
        _ => return None,
    };
    Some(Line {
        at_ms,
        text,
        decides: false,
    })
}

fn decided(at_ms: Millis, output: &Output) -> Option<Line> {
    let text = match output {
        Output::RecordConsent(consent) if consent.granted => "CONSENT given".to_owned(),
        Output::RecordConsent(_) => "CONSENT refused".to_owned(),
        Output::RecordAnswer(answer) => format!("ANSWER {}: {:?}", answer.question + 1, answer.value),
        Output::SwitchLanguage { language } => format!("LANGUAGE {}", language.0),
        Output::AddDoNotCall => "DO NOT CALL".to_owned(),
        Output::RequestCallback { when, .. } => format!("CALLBACK {}", when.as_deref().unwrap_or("at another time")),
        Output::End { reason, outcome, .. } => format!("END {reason:?}: {outcome:?}"),
        _ => return None,
    };
    Some(Line {
        at_ms,
        text,
        decides: true,
    })
}

/// Prints both side by side and says whether every decision is the same.
fn compare(journal: &[Line], again: &[Line]) -> anyhow::Result<ExitCode> {
    say!("  {:<COLUMN$}  now", "in the call")?;
    let (mut heard, mut decided) = (0, 0);
    for (was, is) in side_by_side(journal, again) {
        let same = was.is_some() && is.is_some();
        let decides = was.or(is).is_some_and(|line| line.decides);
        heard += usize::from(!same && !decides);
        decided += usize::from(!same && decides);
        let show = |line: Option<&Line>| {
            line.map_or(String::new(), |line| {
                format!("{:>7.1} s  {}", line.at_ms as f64 / 1e3, line.text)
            })
        };
        let mark = if same { ' ' } else { '*' };
        say!("{mark} {:<COLUMN$}  {}", show(was), show(is))?;
    }
    let verdict = if decided == 0 {
        "the same decisions"
    } else {
        "OTHER DECISIONS"
    };
    say!("{verdict}: {decided} differ, and {heard} of what was heard")?;
    Ok(ExitCode::from(u8::from(decided > 0)))
}

/// Lines of equal text beside each other, as many as can be in their order (longest common subsequence); the others
/// alone.
fn side_by_side<'a>(left: &'a [Line], right: &'a [Line]) -> Vec<(Option<&'a Line>, Option<&'a Line>)> {
    let width = right.len() + 1;
    // How many can stand together from here on.
    let mut common = vec![0usize; (left.len() + 1) * width];
    for row in (0..left.len()).rev() {
        for column in (0..right.len()).rev() {
            common[row * width + column] = if left[row].text == right[column].text {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column, mut pairs) = (0, 0, Vec::new());
    while row < left.len() || column < right.len() {
        let (was, is) = (left.get(row), right.get(column));
        let pair = match (was, is) {
            (Some(a), Some(b)) if a.text == b.text => (was, is),
            (Some(_), Some(_)) if common[(row + 1) * width + column] < common[row * width + column + 1] => (None, is),
            (None, _) => (None, is),
            _ => (was, None),
        };
        row += usize::from(pair.0.is_some());
        column += usize::from(pair.1.is_some());
        pairs.push(pair);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<Line> {
        let line = |(at, text): (usize, &&str)| Line {
            at_ms: at as Millis * 1_000,
            text: (*text).to_owned(),
            decides: text.starts_with("ANSWER"),
        };
        texts.iter().enumerate().map(line).collect()
    }

    fn texts<'a>(pairs: &[(Option<&'a Line>, Option<&'a Line>)]) -> Vec<(&'a str, &'a str)> {
        let text = |line: Option<&'a Line>| line.map_or("", |line| line.text.as_str());
        pairs.iter().map(|(was, is)| (text(*was), text(*is))).collect()
    }

    #[test]
    fn equal_lines_stand_beside_each_other_and_others_alone() {
        let (call, now) = (
            lines(&["yes", "four", "ANSWER 4", "end"]),
            lines(&["yes", "for", "end"]),
        );
        assert_eq!(
            texts(&side_by_side(&call, &now)),
            [
                ("yes", "yes"),
                ("four", ""),
                ("ANSWER 4", ""),
                ("", "for"),
                ("end", "end")
            ]
        );
        assert_eq!(side_by_side(&[], &[]), []);
    }

    #[test]
    fn other_words_alone_are_no_other_decision() {
        let status = |again: &[&str]| compare(&lines(&["four", "ANSWER 4"]), &lines(again)).expect("said");
        assert_eq!(status(&["for", "ANSWER 4"]), ExitCode::SUCCESS);
        assert_eq!(status(&["four", "ANSWER 5"]), ExitCode::from(1));
        assert_eq!(status(&["four"]), ExitCode::from(1));
    }

    #[test]
    fn a_journal_is_found_in_the_folder_of_journals_or_beside_the_recording() {
        let scratch = tempfile::tempdir().expect("temporary directory");
        let recordings = scratch.path().join("recordings");
        for folder in ["recordings", "journals"] {
            std::fs::create_dir(scratch.path().join(folder)).expect("made");
        }
        let missing = journal_of(&recordings.join("a.ogg")).expect_err("none").to_string();
        assert!(missing.contains("--journal"), "{missing}");
        std::fs::write(recordings.join("a.jsonl"), "").expect("written");
        assert_eq!(
            journal_of(&recordings.join("a.ogg")).expect("beside"),
            recordings.join("a.jsonl")
        );
        std::fs::write(scratch.path().join("journals/a.jsonl"), "").expect("written");
        let found = journal_of(&recordings.join("a.unconsented.ogg")).expect("in journals");
        assert!(found.ends_with("journals/a.jsonl"));
    }
}
