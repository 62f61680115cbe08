//! `samvad evaluate`: scores what understands callers against labelled utterances.

mod labelled;
mod second_tier;

use self::labelled::Labelled;
use super::output::say;
use super::{existing_file, prompts_directory};
use crate::config::process_environment;
use clap::Args;
use samvad_actors::evaluation::{Counts, Report, Score, Tier, evaluate};
use std::path::PathBuf;
use std::process::ExitCode;

/// What to score.
#[derive(Args, Debug)]
pub(super) struct EvaluateArgs {
    /// Labelled utterances (CSV): language, phase, question_type, text, intent, value.
    #[arg(required = true, value_name = "FILE", value_parser = existing_file)]
    files: Vec<PathBuf>,
    /// A campaign whose questions the utterances answer, in its languages; may be given for each language.
    #[arg(long = "campaign", value_name = "FILE", value_parser = existing_file)]
    campaigns: Vec<PathBuf>,
    /// Prompts and lexicons in place of the built-in ones, as SAMVAD_PROMPTS_DIR.
    #[arg(long, value_name = "DIR")]
    prompts: Option<PathBuf>,
    /// Least accuracy of every language in percent; below it, or if consent or an opt-out is wrongly taken or missed,
    /// the exit status is 1.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    at_least: Option<f64>,
    /// Ask the language model of the settings (SAMVAD_LANGUAGE_MODEL) for what the lexicon leaves open, as a call does.
    /// The utterances go to its service, and it may cost money.
    #[arg(long)]
    with_model: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) const EXAMPLES: &str = "\
Examples:
  samvad evaluate fixtures/utterances/*.csv
  samvad evaluate mine.csv --campaign survey.yaml --at-least 98
  SAMVAD_LANGUAGE_MODEL=openai samvad evaluate mine.csv --with-model
  samvad evaluate mine.csv --json | jq '.together.wrong'";

/// A share in percent, as an argument.
fn percent(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "write a number from 0 to 100".to_owned())
}

pub(super) fn run(args: EvaluateArgs) -> anyhow::Result<ExitCode> {
    let environment = process_environment();
    let model = args.with_model.then(|| second_tier::open(&environment)).transpose()?;
    let prompts = prompts_directory(args.prompts, &environment);
    let mut labelled = Labelled::new(&args.campaigns, prompts)?;
    for file in &args.files {
        labelled.read(file)?;
    }
    let (utterances, lexicons, surveys) = labelled.into_parts();
    // The tiers in the order in which a call asks them.
    let mut tiers: Vec<Box<dyn Tier>> = vec![Box::new(lexicons)];
    if let Some(model) = model {
        tiers.push(Box::new(model.into_tier(surveys)));
    }
    let report = evaluate(&utterances, &mut tiers);
    second_tier::end_progress(args.with_model);
    if args.json {
        say!("{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        print(&report)?;
    }
    let enough = args.at_least.is_none_or(|least| report.together.reaches(least));
    Ok(if enough { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print(report: &Report) -> anyhow::Result<()> {
    for tier in &report.tiers {
        print_score(tier)?;
    }
    if report.tiers.len() > 1 {
        print_score(&report.together)?;
    }
    let wrong = &report.together.wrong;
    if !wrong.is_empty() {
        say!("\nNot as labelled:")?;
        say!(
            "  {:>4}  {:<8} {:<15} {:<24} {:<24} TEXT",
            "ROW",
            "LANGUAGE",
            "VERDICT",
            "LABEL",
            "TAKEN FOR"
        )?;
    }
    for wrong in wrong {
        let verdict = serde_json::to_value(wrong.verdict)?;
        let verdict = verdict.as_str().unwrap_or_default();
        say!(
            "  {:>4}  {:<8} {verdict:<15} {:<24} {:<24} {}",
            wrong.row,
            wrong.language,
            wrong.labels.expected,
            wrong.labels.got,
            wrong.text
        )?;
    }
    Ok(())
}

fn print_score(score: &Score) -> anyhow::Result<()> {
    say!("\n{}", score.tier)?;
    say!(
        "  {:<10} {:>10} {:>9} {:>9} {:>15} {:>17} {:>8} {:>14} {:>14} {:>14}",
        "LANGUAGE",
        "UTTERANCES",
        "ACCURACY",
        "CERTAIN",
        "RIGHT OF THOSE",
        "UNCERTAIN, RIGHT",
        "UNCLEAR",
        "CONSENT WRONG",
        "OPT-OUT WRONG",
        "OPT-OUT MISSED"
    )?;
    let total = score.total();
    let total = (score.languages.len() > 1).then_some(("all", &total));
    let languages = score.languages.iter().map(|(label, counts)| (label.as_str(), counts));
    for (label, counts) in languages.chain(total) {
        print_counts(label, counts)?;
    }
    for (reason, count) in &score.failures {
        say!("  gave nothing: {reason}, {count} times")?;
    }
    say!("\n  {:<24} {:<24} {:>5}", "LABEL", "TAKEN FOR", "COUNT")?;
    for (labels, count) in &score.confusion {
        say!("  {:<24} {:<24} {count:>5}", labels.expected, labels.got)?;
    }
    Ok(())
}

fn print_counts(label: &str, counts: &Counts) -> anyhow::Result<()> {
    let certain = counts.certain_right + counts.certain_wrong;
    let uncertain = counts.uncertain_right + counts.uncertain_wrong;
    say!(
        "  {label:<10} {:>10} {:>8.1}% {certain:>9} {:>14.1}% {:>17} {:>8} {:>14} {:>14} {:>14}",
        counts.utterances,
        counts.accuracy(),
        counts.certain_accuracy(),
        format!("{uncertain}, {}", counts.uncertain_right),
        counts.unclear_right + counts.not_understood,
        counts.consent_wrongly_taken,
        counts.opt_out_wrongly_taken,
        counts.opt_out_missed
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_number_of_percent() {
        assert_eq!(percent("98.5"), Ok(98.5));
        for text in ["", "all", "-1", "101", "NaN"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
