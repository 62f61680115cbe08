//! What Hindi callers say, in both scripts and mixed with English, and what it means.

use super::*;
use crate::dialogue::LanguagePack;
use crate::domain::Language;
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

fn lexicon(tag: &str) -> Arc<Lexicon> {
    let pack = LanguagePack::embedded(&Language(tag.to_owned())).expect("embedded");
    Arc::clone(pack.lexicon())
}

static HINDI: LazyLock<Arc<Lexicon>> = LazyLock::new(|| lexicon("hi"));
static ENGLISH: LazyLock<Arc<Lexicon>> = LazyLock::new(|| lexicon("en"));

const SCALE: QuestionKind = QuestionKind::Scale { min: 1, max: 5 };
const HUNDRED: QuestionKind = QuestionKind::Number { min: 0, max: 100 };

fn consent(lexicon: &Lexicon, text: &str) -> Interpretation {
    let context = Context {
        expectation: Expectation::Consent,
        question: None,
    };
    lexicon.interpret(&context, text)
}

fn question(kind: &QuestionKind, text: &str) -> Interpretation {
    let context = Context {
        expectation: Expectation::Question(0),
        question: Some(kind),
    };
    HINDI.interpret(&context, text)
}

#[test]
fn l1_bare_answers_count_in_both_scripts_and_in_calls_of_either_language() {
    for (texts, intent) in [
        (
            ["हाँ", "हां", "haan", "han", "haa ji", "जी", "theek hai", "ok", "yes"],
            Intent::Yes,
        ),
        (
            ["नहीं", "नही", "nahi", "nahin", "nai", "ना", "जी नहीं", "nope", "no"],
            Intent::No,
        ),
    ] {
        for text in texts {
            for lexicon in [&*HINDI, &*ENGLISH] {
                let meant = consent(lexicon, text);
                assert_eq!((meant.intent, meant.certain), (intent, true), "{text}: {meant:?}");
            }
        }
    }
}

#[test]
fn l5_haan_haan_hmm_and_achha_only_show_that_one_listens() {
    for text in ["haan haan", "हाँ हाँ", "hmm", "हम्म", "achha", "अच्छा", "ji"] {
        assert!(consent(&HINDI, text).acknowledgement, "{text}");
    }
    for text in ["hmm", "achha", "अच्छा अच्छा"] {
        assert!(consent(&HINDI, text).is_unclear(), "{text}");
    }
}

#[test]
fn one_phrase_is_understood_in_every_spelling_and_form() {
    for text in [
        "दोबारा कॉल मत करना",
        "दुबारा फ़ोन मत कीजिएगा",
        "dobara call mat karna",
        "dubara phone mat kro",
        "suniye dobara call mat kijiye mujhe",
    ] {
        for lexicon in [&*HINDI, &*ENGLISH] {
            let meant = consent(lexicon, text);
            assert_eq!((meant.intent, meant.certain), (Intent::RemoveMe, true), "{text}");
        }
    }
}

#[test]
fn times_mean_the_same_in_hindi_in_english_and_in_a_mixture() {
    for (texts, english) in [
        (
            ["शाम को कॉल करो", "sham ko phone karna", "evening me call karo"],
            "in the evening",
        ),
        (["कल सुबह", "kal subah call karo", "tomorrow subah"], "tomorrow morning"),
        (
            ["सात बजे के बाद", "saat baje ke baad", "7 baje ke baad call karna"],
            "after seven",
        ),
        (
            ["कल छह बजे के बाद", "tomorrow 6 baje ke baad", "kal after six"],
            "tomorrow after six",
        ),
        (
            ["ढाई घंटे बाद", "dhai ghante baad", "ढाई घंटे के बाद कॉल करो"],
            "in two and a half hours",
        ),
        (
            ["साढ़े तीन घंटे बाद", "saadhe teen ghante baad", "3 hours and a half baad"],
            "in three and a half hours",
        ),
        (
            ["सवा चार बजे", "sava chaar baje", "sawa 4 baje call karo"],
            "at quarter past four",
        ),
        (["डेढ़ बजे", "dedh baje", "derh baje"], "at half past one"),
        (["पौने आठ बजे", "paune aath baje", "paune 8 baje"], "at seven forty five"),
    ] {
        let time = ENGLISH.time_named(english);
        assert!(time.is_some(), "{english}");
        for text in texts {
            let meant = consent(&HINDI, text);
            assert_eq!(meant.intent, Intent::CallLater, "{text}");
            assert_eq!(meant.when.and_then(|asked| asked.time), time, "{text}");
        }
    }
}

#[test]
fn a_time_is_kept_in_the_words_that_it_was_said_in() {
    let meant = consent(&HINDI, "shaam ko call karo");
    assert_eq!(meant.when.map(|asked| asked.words), Some("shaam ko".to_owned()));
}

#[test]
fn do_is_two_where_it_stands_for_a_number_and_give_where_it_follows_one() {
    for text in ["do", "दो", "do number", "2 dunga"] {
        assert_eq!(question(&SCALE, text).value, Some(AnswerValue::Scale(2)), "{text}");
    }
    for text in ["chaar de do", "char likh do", "चार लिख दो", "paanch me se chaar"] {
        let meant = question(&SCALE, text);
        assert_eq!(
            (meant.value, meant.certain),
            (Some(AnswerValue::Scale(4)), true),
            "{text}"
        );
    }
}

#[test]
fn every_number_to_a_hundred_is_read_as_it_is_said_in_hindi() {
    for value in 0..=100 {
        let said = HINDI.numbers().say(value).expect("said");
        assert_eq!(
            question(&HUNDRED, &said).value,
            Some(AnswerValue::Number(value)),
            "{said}"
        );
    }
}

#[test]
fn a_denial_that_follows_a_number_denies_it() {
    for text in ["chaar nahi", "चार नहीं", "four no"] {
        assert!(question(&SCALE, text).value.is_none(), "{text}");
    }
    assert_eq!(question(&SCALE, "nahi chaar").value, Some(AnswerValue::Scale(4)));
}

#[test]
fn neither_consent_nor_an_opt_out_comes_from_what_is_neither() {
    for text in [
        "haan nahi",
        "nahi nahi theek hai",
        "theek hai rakho",
        "ok bye",
        "na karo",
        "haan lekin abhi nahi",
        "mujhe nahi chahiye",
        "achha",
        "mera number mat hatao",
        "remove mat karo",
        "abhi call mat karo baad me karna",
        "call mat karo baad me karna",
        "shaam ko call mat karna subah karna",
        "mere paas do minute bhi nahi hai",
    ] {
        for lexicon in [&*HINDI, &*ENGLISH] {
            let meant = consent(lexicon, text);
            let binding = matches!(meant.intent, Intent::Yes | Intent::RemoveMe);
            assert!(!(binding && meant.certain), "{text}: {meant:?}");
        }
    }
}

#[test]
fn l16_he_is_not_at_home_is_no_voicemail_in_hindi() {
    for text in ["वो घर पर नहीं हैं", "wo abhi ghar par nahi hai", "papa bahar gaye hain"] {
        assert_ne!(consent(&HINDI, text).intent, Intent::Voicemail, "{text}");
    }
}

fn vocabulary() -> impl Strategy<Value = Vec<&'static str>> {
    let words = vec![
        "haan",
        "हाँ",
        "nahi",
        "नहीं",
        "ji",
        "theek",
        "hai",
        "mat",
        "call",
        "karo",
        "do",
        "chaar",
        "shaam",
        "ko",
        "baad",
        "mein",
        "abhi",
        "dobara",
        "number",
        "hata",
        "lekin",
        "kaun",
        "zebra",
        "six",
        "not",
        "remove",
        "।",
    ];
    prop::collection::vec(prop::sample::select(words), 0..10)
}

proptest! {
    #[test]
    fn no_text_whatever_makes_it_panic(text in "([\\u{0900}-\\u{097F}\\u{200C}\\u{200D} a-z0-9'-]|.){0,60}") {
        for lexicon in [&*HINDI, &*ENGLISH] {
            consent(lexicon, &text);
            lexicon.time_named(&text);
        }
        question(&SCALE, &text);
    }

    #[test]
    fn fillers_turn_no_no_into_a_yes_and_no_yes_into_an_opt_out(
        words in vocabulary(),
        fillers in prop::collection::vec(prop::sample::select(vec!["भाई", "ji", "to", "sir", "please", "achha"]), 1..4),
        before in any::<bool>(),
    ) {
        let (text, fillers) = (words.join(" "), fillers.join(" "));
        let filled = if before { format!("{fillers} {text}") } else { format!("{text} {fillers}") };
        let (plain, filled) = (consent(&HINDI, &text), consent(&HINDI, &filled));
        if plain.intent == Intent::No && plain.certain {
            prop_assert!(filled.intent != Intent::Yes);
        }
        if filled.intent == Intent::RemoveMe && filled.certain {
            prop_assert_eq!(plain.intent, Intent::RemoveMe);
        }
    }

    #[test]
    fn what_is_certainly_yes_holds_no_word_that_denies(words in vocabulary()) {
        let meant = consent(&HINDI, &words.join(" "));
        if meant.certain && meant.intent == Intent::Yes {
            for denial in ["nahi", "नहीं", "mat", "not", "zebra", "remove"] {
                prop_assert!(!words.contains(&denial), "{:?}", words);
            }
        }
    }

    #[test]
    fn joiners_and_full_stops_change_nothing(words in vocabulary()) {
        let text = words.join(" ");
        let marked = format!("{}।", text.replace('ा', "ा\u{200D}"));
        prop_assert_eq!(consent(&HINDI, &marked), consent(&HINDI, &text));
    }
}
