//! Campaigns in several languages: whoever asks for another one is spoken to in it from then on.

use crate::any_turns::turns;
use crate::harness::*;
use crate::journals::journal_of;
use crate::properties::check_of;
use proptest::prelude::*;
use samvad_actors::dialogue::journal::replay;
use samvad_actors::dialogue::{Expectation, LanguagePack, Millis, Output, Script};
use samvad_actors::domain::{AnswerValue, Campaign, EndReason, Intent, Language};

const SWITCHED: &str = "ठीक है, अब बातचीत हिंदी में होगी।";
const SWITCHED_BACK: &str = "All right, we will go on in English.";
const OFFERS: &str = "To go on in English, please say: English. हिंदी में बात करने के लिए कृपया कहिए: हिंदी।";
const WHO: &str = "यह रिवरसाइड हेल्थ की ओर से एक स्वचालित कॉल है।";
const CONSENT: &str = "क्या आपसे अभी तीन छोटे सवाल पूछे जा सकते हैं?";
const SCALE: &str = "एक से पाँच तक, जहाँ एक मतलब बिल्कुल नहीं और पाँच मतलब बहुत ज़्यादा, आप अपनी पिछली मुलाक़ात से कितने संतुष्ट रहे?";

fn bilingual() -> Call {
    let mut call = Call::begin(&BILINGUAL_SCRIPT);
    call.listen();
    call
}

fn bilingual_consented() -> Call {
    let mut call = bilingual();
    call.say("yes");
    call
}

/// The languages switched to, in their order.
fn switches(call: &Call) -> Vec<&str> {
    let switches = call.outputs.iter().filter_map(|(_, output)| match output {
        Output::SwitchLanguage { language } => Some(language.0.as_str()),
        _ => None,
    });
    switches.collect()
}

/// Says `text` for a second.
fn say(call: &mut Call, text: &str) {
    call.speak(text, 0.95, 1_000);
    call.listen();
}

#[test]
fn who_asks_at_the_consent_question_is_told_who_calls_and_asked_again_in_the_new_language() {
    for text in [
        "हिंदी में बोलिए",
        "hindi mein boliye",
        "हिंदी में बात कीजिए",
        "can you speak hindi",
        "Hindi please.",
        "I don't understand English, please speak Hindi.",
    ] {
        let mut call = bilingual();
        say(&mut call, text);
        assert_eq!(switches(&call), ["hi"], "{text}");
        let said = call.last_said();
        assert!(
            said.starts_with(SWITCHED) && said.contains(WHO) && said.contains(CONSENT),
            "{said}"
        );
        assert_eq!(call.consent(), None);
        say(&mut call, "हाँ जी");
        let consent = call.consent().expect("consent");
        assert_eq!(
            (consent.granted, consent.language.as_str(), consent.wording.as_str()),
            (true, "hi", CONSENT)
        );
        assert!(call.last_said().contains(SCALE));
    }
}

#[test]
fn a_survey_that_goes_on_in_another_language_has_the_same_answers() {
    let mut call = bilingual();
    say(&mut call, "हिंदी में बोलिए");
    for text in ["हाँ जी", "चार", "जी नहीं", "शाम को"] {
        say(&mut call, text);
    }
    assert_eq!(call.finish().0, EndReason::SurveyDone);
    let values = [
        AnswerValue::Scale(4),
        AnswerValue::YesNo(false),
        AnswerValue::Choice("evening".into()),
    ];
    assert_eq!(call.values(), values);
    assert!(
        call.spoken().last().is_some_and(|last| last == "नमस्ते।"),
        "the goodbye too"
    );
}

#[test]
fn who_asks_in_a_question_has_it_asked_again_and_keeps_what_was_agreed() {
    let mut call = bilingual_consented();
    say(&mut call, "हिंदी में बोलिए");
    assert!(call.last_said().starts_with(&format!("{SWITCHED} {SCALE} कृपया एक से")));
    assert_eq!(call.expectation(), Some(Expectation::Question(0)));
    let consent = call.consent().expect("given before");
    assert_eq!(consent.language, "en");
    assert!(consent.wording.starts_with("May I ask"), "{}", consent.wording);
    say(&mut call, "पाँच में से चार");
    assert_eq!(call.values(), [AnswerValue::Scale(4)]);
    call.press("1");
    call.listen();
    call.press("3");
    assert_eq!(call.finish().0, EndReason::SurveyDone);
    let evening = AnswerValue::Choice("evening".into());
    assert_eq!(
        call.values(),
        [AnswerValue::Scale(4), AnswerValue::YesNo(true), evening]
    );
}

#[test]
fn a_call_goes_back_to_the_language_it_began_in() {
    let mut call = bilingual_consented();
    say(&mut call, "हिंदी में बोलिए");
    say(&mut call, "english please");
    assert_eq!(switches(&call), ["hi", "en"]);
    let said = call.last_said();
    assert!(
        said.starts_with(SWITCHED_BACK) && said.contains("How satisfied"),
        "{said}"
    );
    say(&mut call, "four");
    say(&mut call, "can you speak hindi");
    assert!(call.last_said().contains("तीस मिनट"), "{}", call.last_said());
}

#[test]
fn an_answer_that_was_being_confirmed_is_asked_for_anew_and_consent_too() {
    let mut call = bilingual_consented();
    call.say_as("four", 0.7);
    call.listen();
    assert!(call.last_said().starts_with("Did I hear four?"));
    say(&mut call, "हिंदी में बोलिए");
    assert!(call.last_said().contains(SCALE));
    assert_eq!(call.expectation(), Some(Expectation::Question(0)));

    let mut call = bilingual();
    call.say_as("yes", 0.7);
    call.listen();
    assert!(call.last_said().starts_with("Did you say that I may ask"));
    say(&mut call, "हिंदी में बोलिए");
    assert!(call.last_said().contains(CONSENT));
    say(&mut call, "हाँ");
    assert_eq!(call.consent().map(|consent| consent.language), Some("hi".to_owned()));
}

#[test]
fn a_wish_that_was_being_confirmed_is_confirmed_in_the_new_language() {
    let mut call = bilingual();
    call.say_as("remove me", 0.7);
    call.listen();
    assert!(call.last_said().starts_with("Do you want your number taken off"));
    say(&mut call, "हिंदी में बोलिए");
    let said = call.last_said();
    assert!(
        said.starts_with(SWITCHED) && said.contains("क्या आपका नंबर हमारी सूची से"),
        "{said}"
    );
    say(&mut call, "हाँ");
    assert!(call.do_not_call());
    let consent = call.consent().expect("refused");
    assert_eq!(
        (consent.granted, consent.language.as_str()),
        (false, "en"),
        "it was asked in English alone"
    );
}

#[test]
fn who_names_no_language_or_one_there_is_not_hears_each_one_offered_in_its_own_words() {
    for text in [
        "can you speak tamil",
        "spanish please",
        "another language please",
        "i do not speak english",
        "my english is not good",
        "अंग्रेज़ी नहीं आती",
    ] {
        let mut call = bilingual_consented();
        say(&mut call, text);
        let said = call.last_said();
        assert!(
            said.starts_with(OFFERS) && said.contains("How satisfied"),
            "{text}: {said}"
        );
        assert!(switches(&call).is_empty());
        say(&mut call, "हिंदी");
        assert_eq!(switches(&call), ["hi"], "{text}");
    }
}

#[test]
fn the_language_that_is_spoken_already_is_no_change() {
    let mut call = bilingual_consented();
    say(&mut call, "english please");
    assert!(switches(&call).is_empty());
    assert!(call.last_said().starts_with("How satisfied"), "{}", call.last_said());
}

#[test]
fn a_campaign_in_one_language_says_so() {
    let mut call = Call::consented(&HEALTH_SCRIPT);
    say(&mut call, "हिंदी में बोलिए");
    assert!(
        call.last_said()
            .starts_with("I am sorry, I speak only English. How satisfied")
    );
    assert!(switches(&call).is_empty());
}

#[test]
fn a_switch_that_a_model_hears_goes_to_the_language_that_the_caller_named() {
    for (text, to) in [
        (
            "honestly this would be so much easier for me if it were in hindi you know",
            vec!["hi"],
        ),
        (
            "honestly all of this is so much easier for me in my mother's tongue you know",
            vec![],
        ),
    ] {
        let mut call = Call::with_model(&BILINGUAL_SCRIPT, [Model::Answers(300, means(Intent::SwitchLanguage))]);
        say(&mut call, text);
        assert_eq!(call.queries().len(), 1, "{text}");
        assert_eq!(switches(&call), to, "{text}");
        let said = call.last_said();
        assert!(
            said.starts_with(if to.is_empty() { OFFERS } else { SWITCHED }),
            "{said}"
        );
    }
}

#[test]
fn a_model_is_told_in_the_language_that_is_spoken() {
    let model = [Model::Answers(300, means(Intent::Unclear))];
    let mut call = Call::with_model(&BILINGUAL_SCRIPT, model);
    say(&mut call, "हिंदी में बोलिए");
    say(&mut call, "जी वो क्या है कि मेरी बहन बाज़ार गई है");
    let queries = call.queries();
    let hindi = BILINGUAL_SCRIPT.speaking(&Language("hi".into())).expect("Hindi");
    let (task, _) = hindi.understanding_task(&queries[0]).expect("model prompts");
    assert!(task.instructions.contains("रिवरसाइड हेल्थ"), "{}", task.instructions);
}

#[test]
fn what_was_said_before_the_switch_is_no_answer_after_it() {
    let mut call = bilingual_consented();
    // Two things in one breath: the second is still being recognised, as English, when the first is acted upon.
    let first = call.start_speech(600);
    call.wait(900);
    let second = call.start_speech(500);
    let recognized = |speech, text: &str| samvad_actors::dialogue::Input::Recognized {
        speech,
        text: text.into(),
        confidence: 0.95,
        uncertain: false,
    };
    call.wait(1_000);
    call.input(recognized(first, "hindi please"));
    call.wait(200);
    call.input(recognized(second, "four"));
    call.listen();
    assert_eq!(call.values(), []);
    assert_eq!(switches(&call), ["hi"]);
}

#[test]
fn who_was_not_understood_in_one_language_has_every_try_in_the_other() {
    let mut call = bilingual();
    for _ in 0..2 {
        say(&mut call, "zebra crossing");
    }
    say(&mut call, "हिंदी में बोलिए");
    for _ in 0..2 {
        say(&mut call, "zebra crossing");
        assert!(
            call.last_said().starts_with("माफ़ कीजिए, बात समझ में नहीं आई।"),
            "{}",
            call.last_said()
        );
    }
    say(&mut call, "हाँ जी");
    assert!(call.consent().is_some_and(|consent| consent.granted));
}

#[test]
fn going_to_and_fro_comes_to_an_end() {
    let mut call = bilingual();
    for turn in 0..40 {
        if call.dialogue.is_over() {
            return;
        }
        say(
            &mut call,
            if turn % 2 == 0 {
                "hindi please"
            } else {
                "english please"
            },
        );
    }
    call.finish();
}

#[test]
fn a_language_without_prompts_or_without_words_for_a_switch_is_refused_with_its_field() {
    let campaign = Campaign::from_yaml(&BILINGUAL.replacen("  hi:", "  ta:", 1)).expect("well formed");
    let faults = Script::build_with(&campaign, &pack(), LanguagePack::embedded).expect_err("refused");
    let fault = faults[0].to_string();
    assert!(
        fault.contains("translations.ta: there are no prompts for the language \"ta\""),
        "{fault}"
    );

    let campaign = Campaign::from_yaml(BILINGUAL).expect("valid");
    let silent = pack()
        .prompts_text()
        .replace("language_switched:\n  - \"All right, we will go on in English.\"\n", "");
    let silent = LanguagePack::parse(&silent, pack().lexicon_text()).expect("may be left out");
    let faults = Script::build_with(&campaign, &silent, LanguagePack::embedded).expect_err("refused");
    assert!(
        faults[0].to_string().contains("language: the prompts of language `en`"),
        "{faults:?}"
    );
    let faults = Script::build_with(&campaign, &pack(), |_| Some(silent.clone())).expect_err("refused");
    assert_eq!(faults[0].field, "translations.hi");

    let hindi = LanguagePack::embedded(&Language("hi".into())).expect("Hindi");
    let unnamed = Campaign::from_yaml(&BILINGUAL.replacen("  hi:", "  xx:", 1)).expect("well formed");
    let faults = Script::build_with(&unnamed, &pack(), |_| Some(hindi.clone())).expect_err("refused");
    let fault = faults[0].to_string();
    assert!(
        fault.starts_with("translations.xx: the lexicon of language `en` does not say what \"xx\" is called"),
        "{fault}"
    );

    let mut recorded = campaign.clone();
    recorded.recording = true;
    let unannounced = LanguagePack::embedded(&Language("hi".into())).expect("Hindi");
    let text = unannounced
        .prompts_text()
        .replace("recording_notice:\n  - \"यह कॉल रिकॉर्ड की जा रही है।\"\n", "");
    let unannounced = LanguagePack::parse(&text, unannounced.lexicon_text()).expect("may be left out");
    let faults = Script::build_with(&recorded, &pack(), |_| Some(unannounced.clone())).expect_err("refused");
    assert_eq!(faults[0].field, "recording", "every language announces it");
}

#[test]
fn a_script_has_the_hash_of_all_its_languages_and_speaks_nothing_more_in_one() {
    let campaign = Campaign::from_yaml(BILINGUAL).expect("valid");
    let hindi = LanguagePack::embedded(&Language("hi".into())).expect("Hindi");
    let other = LanguagePack::parse(
        &hindi.prompts_text().replace("ठीक है, अब", "अच्छा, अब"),
        hindi.lexicon_text(),
    );
    let other = other.expect("valid");
    let built = Script::build_with(&campaign, &pack(), |_| Some(other.clone())).expect("valid");
    assert_ne!(built.fingerprint(), BILINGUAL_SCRIPT.fingerprint());
    assert_ne!(built.hashes().prompts, BILINGUAL_SCRIPT.hashes().prompts);
    assert_eq!(built.hashes().lexicon, BILINGUAL_SCRIPT.hashes().lexicon);
    let own = campaign.in_language(&campaign.language).expect("its own");
    let alone = Script::build(&own, &pack()).expect("valid");
    let offered = |script: &Script| {
        script
            .fixed_sentences()
            .iter()
            .any(|sentence| sentence.contains("please say: English"))
    };
    assert!(offered(&BILINGUAL_SCRIPT) && !offered(&alone));
    assert_eq!(BILINGUAL_SCRIPT.in_all_languages().count(), 2);
}

const TEXTS: [&str; 16] = [
    "yes",
    "no",
    "four",
    "in the evening",
    "hindi please",
    "हिंदी में बोलिए",
    "english please",
    "अंग्रेज़ी में बोलिए",
    "तमिल में बोलिए",
    "i do not speak english",
    "हाँ जी",
    "चार",
    "शाम को",
    "remove me",
    "hold on",
    "zebra crossing",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn callers_who_change_languages_at_any_moment_never_break_the_laws_and_their_calls_replay(
        turns in turns(&TEXTS, 0.4..1.0),
    ) {
        let mut call = Call::begin(&BILINGUAL_SCRIPT);
        call.hear(turns);
        check_of(&BILINGUAL_SCRIPT, &[], &call.outputs)?;
        own_language_alone(&call.outputs)?;
        let journal = journal_of(&BILINGUAL_SCRIPT, &call.inputs, true);
        let report = replay(&journal, LanguagePack::embedded).expect("a journal");
        prop_assert!(report.is_same(), "{:?}", report.differences);
    }
}

/// After a switch nothing is said in the language of before but offers, and evidence is of a language consent was asked
/// for in.
fn own_language_alone(outputs: &[(Millis, Output)]) -> Result<(), TestCaseError> {
    let mut script = (*BILINGUAL_SCRIPT).clone();
    let mut asked_in = Vec::new();
    for (_, output) in outputs {
        match output {
            Output::SwitchLanguage { language } => {
                prop_assert_ne!(language, &script.campaign().language);
                script = BILINGUAL_SCRIPT.speaking(language).expect("one of its languages");
            }
            Output::Play { sentences, .. } => {
                let own = script.fixed_sentences();
                let foreign: Vec<_> = sentences.iter().filter(|said| !own.contains(said)).collect();
                prop_assert!(
                    foreign.iter().all(|said| OFFERS.contains(said.as_str())),
                    "{:?}",
                    foreign
                );
                asked_in.push(script.campaign().language.0.clone());
            }
            Output::RecordConsent(evidence) => {
                // Who asks to be removed before anything was said refuses in the language of the campaign.
                let first = BILINGUAL_SCRIPT.campaign().language.0.clone();
                let unasked = asked_in.is_empty() && !evidence.granted && evidence.language == first;
                prop_assert!(unasked || asked_in.contains(&evidence.language));
                let granted_elsewhere = evidence.granted && evidence.language != script.campaign().language.0;
                prop_assert!(!granted_elsewhere, "agreed to in a language it was not asked in");
            }
            _ => {}
        }
    }
    Ok(())
}
