//! Labelled utterances are scored, and files that cannot be used are named row by row.

use super::server::{Conduct, KEY, LanguageServer};
use super::support::{fixture, run, samvad};
use std::collections::BTreeSet;
use std::process::Command;

const HEADER: &str = "language,phase,question_type,text,intent,value\n";
const FILES: [&str; 5] = ["en.csv", "hi.csv", "hi-Latn.csv", "held_out.csv", "strangers.csv"];

fn files() -> Vec<String> {
    FILES
        .iter()
        .map(|name| fixture(&format!("utterances/{name}")))
        .collect()
}

/// Every text of the labelled utterances.
fn texts() -> Vec<String> {
    let read = |path: String| {
        let mut csv = csv::Reader::from_path(path).expect("readable");
        let texts: Vec<String> = csv
            .records()
            .map(|row| row.expect("a row").get(3).expect("a text").to_owned())
            .collect();
        texts
    };
    files().into_iter().flat_map(read).collect()
}

#[test]
fn ninety_eight_of_a_hundred_utterances_are_understood_in_every_language_and_no_wish_is_mistaken() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let files = files();
    let mut args = vec!["evaluate", "--json"];
    args.extend(files.iter().map(String::as_str));
    let (out, err, status) = run(&mut samvad(directory.path(), &args));
    assert_eq!(status, Some(0), "{err}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let languages = report["together"]["languages"].as_object().expect("languages");
    assert_eq!(
        languages.keys().collect::<Vec<_>>(),
        ["en", "hi", "hi-Latn"].iter().collect::<Vec<_>>()
    );
    for (language, counts) in languages {
        let count = |name: &str| counts[name].as_f64().expect("a count");
        let certain = count("certain_right") / (count("certain_right") + count("certain_wrong"));
        assert!(certain >= 0.98, "{language}: {counts}");
        for harm in ["consent_wrongly_taken", "opt_out_wrongly_taken", "opt_out_missed"] {
            assert!(
                count(harm) == 0.0,
                "{language}: {harm}: {}",
                report["together"]["wrong"]
            );
        }
    }
}

#[test]
fn no_labelled_utterance_is_an_example_of_a_lexicon() {
    use samvad_actors::dialogue::normalise;
    let mut examples = BTreeSet::new();
    for language in ["en", "hi"] {
        let path = format!("{}/prompts/{language}/lexicon.yaml", env!("CARGO_MANIFEST_DIR"));
        let lexicon: serde_json::Value =
            serde_norway::from_str(&std::fs::read_to_string(path).expect("readable")).expect("YAML");
        let entries = lexicon["intents"].as_object().expect("intents").values();
        for list in entries.flat_map(|entry| entry.as_object().expect("an entry").values()) {
            let phrases = list.as_array().expect("a list").iter();
            examples.extend(phrases.map(|phrase| normalise(phrase.as_str().expect("text"))));
        }
    }
    let texts = texts();
    assert!(texts.len() >= 600, "{}", texts.len());
    let both: Vec<_> = texts
        .iter()
        .filter(|text| examples.contains(&normalise(text)))
        .collect();
    assert!(both.is_empty(), "{} of them: {both:#?}", both.len());
}

#[test]
fn results_are_printed_with_every_row_that_is_not_as_labelled() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("said.csv");
    let rows = "en,consent,,oh yes please,yes,\nen,consent,,certainly not,yes,\nhi-Latn,question,scale,chaar likh do,answer,4\n";
    std::fs::write(&file, format!("{HEADER}{rows}")).expect("written");
    let (out, err, status) = run(&mut samvad(directory.path(), &["evaluate", "said.csv"]));
    assert_eq!(status, Some(0), "{err}");
    for part in [
        "lexicon",
        "hi-Latn",
        "100.0%",
        "50.0%",
        "certain_wrong",
        "certainly not",
    ] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    let (_, _, status) = run(&mut samvad(
        directory.path(),
        &["evaluate", "said.csv", "--at-least", "98"],
    ));
    assert_eq!(status, Some(1));
}

#[test]
fn a_tag_that_has_prompts_of_its_own_is_a_language_and_any_other_is_of_the_part_before_the_hyphen() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let prompts = directory.path().join("prompts");
    for language in ["en", "hi", "en-IN"] {
        std::fs::create_dir_all(prompts.join(language)).expect("made");
        let from = format!("{}/prompts/{}", env!("CARGO_MANIFEST_DIR"), &language[..2]);
        for name in ["prompts.yaml", "lexicon.yaml"] {
            std::fs::copy(format!("{from}/{name}"), prompts.join(language).join(name)).expect("copied");
        }
    }
    let rows = "en-IN,consent,,yes,yes,\nen-GB,consent,,yes,yes,\nEN,consent,,yes,yes,\n";
    std::fs::write(directory.path().join("said.csv"), format!("{HEADER}{rows}")).expect("written");
    let evaluate = || {
        let args = ["evaluate", "said.csv", "--prompts", "prompts", "--at-least", "100"];
        run(&mut samvad(directory.path(), &args))
    };
    let (out, err, status) = evaluate();
    assert_eq!(status, Some(0), "{out}{err}");
    // What stands under the tag itself is what counts, and what is wrong in it is said.
    std::fs::write(prompts.join("en-IN/lexicon.yaml"), "intents: 5").expect("written");
    let (_, err, status) = evaluate();
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("row 2") && err.contains("en-IN"), "{err}");
}

#[test]
fn a_campaign_with_translations_is_one_of_each_of_its_languages() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let bilingual = std::fs::read_to_string(fixture("campaigns/health_survey_bilingual.yaml")).expect("readable");
    // An option that the example for Hindi has not.
    let bilingual = bilingual.replace("key: evening", "key: night");
    std::fs::write(directory.path().join("survey.yaml"), bilingual).expect("written");
    let rows = "en,question,choice,after work please,answer,night\nhi,question,choice,शाम को,answer,night\n\
                en,question,scale,better than my aunt would have it,answer,4\n\
                hi,question,scale,बुआ जी की पसंद से भी बढ़कर,answer,4\n";
    std::fs::write(directory.path().join("said.csv"), format!("{HEADER}{rows}")).expect("written");
    let server = LanguageServer::start();
    server.behave(Conduct::Understands(
        r#"{"intent": "unclear", "value": 4, "callback_words": null, "question_about_call": false}"#,
        "",
    ));
    let args = ["evaluate", "said.csv", "--campaign", "survey.yaml", "--with-model"];
    let (out, err, status) = run(with_settings(&mut samvad(directory.path(), &args), &server));
    assert_eq!(status, Some(0), "{err}");
    assert!(
        !out.contains("gave nothing") && !out.contains("Not as labelled"),
        "{out}"
    );
    assert_eq!(server.requests().len(), 2, "{out}");
}

/// One that the lexicon decides, and one that it leaves open.
const OPEN: &str = "en,question,scale,four,answer,4\nen,question,scale,better than my aunt would have it,answer,4\n";

fn with_model(server: &LanguageServer, file: &std::path::Path) -> (String, String, Option<i32>) {
    let directory = file.parent().expect("a directory");
    let mut command = samvad(directory, &["evaluate", "said.csv", "--with-model"]);
    run(with_settings(&mut command, server))
}

fn with_settings<'a>(command: &'a mut Command, server: &LanguageServer) -> &'a mut Command {
    command
        .env("SAMVAD_LANGUAGE_MODEL", "openai")
        .env("OPENAI_API_KEY", KEY)
        .env("OPENAI_BASE_URL", server.url())
        .env("SAMVAD_LANGUAGE_DEADLINE_MS", "1500")
}

#[test]
fn a_language_model_is_asked_for_what_the_lexicon_leaves_open_and_each_tier_is_printed_apart() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("said.csv");
    std::fs::write(&file, format!("{HEADER}{OPEN}")).expect("written");
    let server = LanguageServer::start();
    server.behave(Conduct::Understands(
        r#"{"intent": "unclear", "value": 4, "callback_words": null, "question_about_call": false}"#,
        "",
    ));
    let (out, err, status) = with_model(&server, &file);
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(server.requests().len(), 1);
    for part in ["lexicon", "language model", "together", "100.0%"] {
        assert!(out.contains(part), "{part} in\n{out}");
    }
    assert!(!out.contains("Not as labelled"), "{out}");
}

#[test]
fn a_model_that_fails_is_counted_and_its_key_is_shown_nowhere() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("said.csv");
    std::fs::write(&file, format!("{HEADER}{OPEN}")).expect("written");
    for (conduct, reason) in [
        (Conduct::Stalls, "no answer in time"),
        (Conduct::SendsGarbage, "cannot be used"),
        (Conduct::Refuses(401, "error_key", None), "refused"),
    ] {
        let server = LanguageServer::start();
        server.behave(conduct);
        let (out, err, status) = with_model(&server, &file);
        assert_eq!(status, Some(0), "{err}");
        assert!(
            out.contains(&format!("gave nothing: {reason}")) || out.contains(reason),
            "{reason} in\n{out}"
        );
        assert!(out.contains("not_understood"), "{out}");
        assert!(!out.contains(KEY) && !err.contains(KEY), "{out}{err}");
    }
    let (_, err, status) = run(&mut samvad(directory.path(), &["evaluate", "said.csv", "--with-model"]));
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("SAMVAD_LANGUAGE_MODEL"), "{err}");
}

#[test]
fn every_wrong_row_is_named_with_its_fault() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let rows = [
        "en,consent,,,yes,",
        "en,opening,,hello,yes,",
        "en,question,,four,answer,4",
        "en,question,rating,four,answer,4",
        "en,question,scale 5-1,four,answer,4",
        "en,question,scale,nine,answer,9",
        "en,question,scale,four,answer,four",
        "en,question,yes_no,yes,answer,maybe",
        "en,question,choice,noon,answer,noon",
        "en,consent,,four,answer,4",
        "en,consent,,yes,agreement,",
        "en,question,scale,four,answer,",
        "en,consent,,call me,call_later,whenever",
        "en,consent",
    ];
    let faults = [
        "row 2: text is empty",
        "row 3: phase: \"opening\" is not known",
        "row 4: question_type: is empty",
        "row 5: question_type: \"rating\" is not known",
        "row 6: question_type: \"5-1\" is no range",
        "row 7: value: 9 is not from 1 to 5",
        "row 8: value: \"four\" is no number",
        "row 9: value: \"maybe\" is neither yes nor no",
        "row 10: value: \"noon\" is no option; write one of morning, afternoon, evening",
        "row 11: value: \"4\" stands where no question is open",
        "row 12: intent: \"agreement\" is not known",
        "row 13: value: is empty",
        "row 14: value: \"whenever\" names no time",
        "row 15: 2 cells under 6 columns",
    ];
    std::fs::write(
        directory.path().join("bad.csv"),
        format!("{HEADER}{}\n", rows.join("\n")),
    )
    .expect("written");
    let (_, err, status) = run(&mut samvad(directory.path(), &["evaluate", "bad.csv"]));
    assert_eq!(status, Some(2), "{err}");
    for fault in faults {
        assert!(err.contains(fault), "{fault} in\n{err}");
    }
}

#[test]
fn a_file_that_holds_no_utterances_is_refused() {
    let directory = tempfile::tempdir().expect("temporary directory");
    for (text, part) in [
        ("", "empty"),
        ("language,text\n", "no column phase"),
        (HEADER, "has no utterance"),
        (
            "language,phase,question_type,text,intent,value\nxx,consent,,yes,yes,\n",
            "row 2",
        ),
    ] {
        std::fs::write(directory.path().join("bad.csv"), text).expect("written");
        let (_, err, status) = run(&mut samvad(directory.path(), &["evaluate", "bad.csv"]));
        assert_eq!(status, Some(2), "{err}");
        assert!(err.contains(part), "{part} in {err}");
    }
}
