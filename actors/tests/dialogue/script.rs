//! Grammars, sentences and fingerprints of a campaign.

use crate::harness::*;
use samvad_actors::dialogue::{Expectation, LanguagePack, Script, normalise};
use samvad_actors::domain::Campaign;
use std::collections::BTreeSet;

/// Installed by `pocketsphinx-en-us`, which the set-up of this project brings.
const DICTIONARY: &str = "/usr/share/pocketsphinx/model/en-us/cmudict-en-us.dict";

const EXPECTATIONS: [Expectation; 9] = [
    Expectation::Consent,
    Expectation::Question(0),
    Expectation::Question(1),
    Expectation::Question(2),
    Expectation::ConfirmAnswer(0),
    Expectation::ConfirmAnswer(1),
    Expectation::ConfirmAnswer(2),
    Expectation::Confirm,
    Expectation::Resume,
];

#[test]
fn every_word_of_every_grammar_is_in_the_recognisers_dictionary() {
    let dictionary = std::fs::read_to_string(DICTIONARY).expect("the package pocketsphinx-en-us is installed");
    let known: BTreeSet<&str> = dictionary
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for script in [&HEALTH_SCRIPT, &FEEDBACK_SCRIPT] {
        for grammar in script.grammars() {
            for word in grammar.phrases.iter().flat_map(|phrase| phrase.split(' ')) {
                assert!(known.contains(word), "{word}");
            }
        }
    }
}

#[test]
fn grammars_hold_each_plain_phrase_once_and_equal_ids_mean_equal_phrases() {
    let mut seen = std::collections::BTreeMap::new();
    for script in [&HEALTH_SCRIPT, &FEEDBACK_SCRIPT] {
        for expectation in EXPECTATIONS {
            let grammar = script.grammar(expectation);
            let unique: BTreeSet<_> = grammar.phrases.iter().collect();
            assert_eq!(unique.len(), grammar.phrases.len(), "{expectation:?}");
            assert!(grammar.phrases.iter().all(|phrase| normalise(phrase) == *phrase));
            assert!(
                grammar.phrases.iter().any(|phrase| phrase == "remove me"),
                "{expectation:?}"
            );
            let other = seen.insert(grammar.id.clone(), grammar.phrases.clone());
            assert!(other.is_none_or(|phrases| phrases == grammar.phrases));
        }
    }
    assert!(FEEDBACK_SCRIPT.grammar(Expectation::Question(2)).free_text);
    assert!(
        HEALTH_SCRIPT
            .grammar(Expectation::Question(0))
            .phrases
            .contains(&"four out of five".to_owned())
    );
    assert!(
        !HEALTH_SCRIPT
            .grammar(Expectation::Question(0))
            .phrases
            .contains(&"eight".to_owned())
    );
}

#[test]
fn l9_no_prompt_says_what_would_be_an_opt_out_if_it_were_heard() {
    let removal = ["remove me", "stop calling", "call me again", "do not call", "opt out"];
    for sentence in HEALTH_SCRIPT
        .fixed_sentences()
        .iter()
        .chain(&FEEDBACK_SCRIPT.fixed_sentences())
    {
        let plain = normalise(sentence);
        assert!(!removal.iter().any(|phrase| plain.contains(phrase)), "{sentence}");
    }
}

#[test]
fn no_sentence_has_a_placeholder_left() {
    for sentence in HEALTH_SCRIPT
        .fixed_sentences()
        .iter()
        .chain(&FEEDBACK_SCRIPT.fixed_sentences())
    {
        assert!(!sentence.contains(['{', '}']), "{sentence}");
    }
}

#[test]
fn a_fingerprint_changes_with_campaign_prompts_and_lexicon() {
    let base = pack();
    let campaign = Campaign::from_yaml(HEALTH).expect("fixture");
    let print = |campaign: &Campaign, prompts: &str, lexicon: &str| {
        let pack = LanguagePack::parse(prompts, lexicon).expect("pack");
        Script::build(campaign, &pack).expect("script").fingerprint().to_owned()
    };
    let original = print(&campaign, base.prompts_text(), base.lexicon_text());
    assert_eq!(original, HEALTH_SCRIPT.fingerprint());
    let mut renamed = campaign.clone();
    renamed.name.push('!');
    assert_ne!(print(&renamed, base.prompts_text(), base.lexicon_text()), original);
    assert_ne!(
        print(
            &campaign,
            &base.prompts_text().replace("Hello.", "Hi."),
            base.lexicon_text()
        ),
        original
    );
    assert_ne!(
        print(
            &campaign,
            base.prompts_text(),
            &base.lexicon_text().replace("- \"nope\"", "- \"nay\"")
        ),
        original
    );
}

#[test]
fn every_fault_of_a_campaign_is_named_at_once() {
    let faulty = HEALTH
        .replace("organisation: Riverside Health", "organisation: \" \"")
        .replace("max: 5", "max: 50")
        .replace("max_reprompts: 2", "max_reprompts: 9")
        .replace("label: in the afternoon", "label: morning");
    let faults = Campaign::from_yaml(&faulty).expect_err("faulty");
    let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "organisation",
            "max_reprompts",
            "questions[0].answer.max",
            "questions[2].answer.options[1]"
        ]
    );
    let faulty = HEALTH
        .replace("# hello_wait_ms: 900", "hello_wait_ms: 100")
        .replace("opening: after_hello", "opening: at_once");
    let faults = Campaign::from_yaml(&faulty).expect_err("faulty");
    assert!(
        faults.len() == 2 && faults.iter().all(|fault| fault.field == "hello_wait_ms"),
        "{faults:?}"
    );
    let short = Campaign::from_yaml("id: x").expect_err("incomplete");
    assert!(short[0].to_string().contains("missing field"));
}

#[test]
fn a_message_for_machines_is_written_as_a_field() {
    let campaign = Campaign::from_yaml(FEEDBACK).expect("fixture");
    let json = serde_json::to_string(&campaign).expect("json");
    assert!(json.contains(r#""voicemail":{"leave_message":"#));
    assert_eq!(serde_json::from_str::<Campaign>(&json).expect("back"), campaign);
}
