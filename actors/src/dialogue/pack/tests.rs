use super::*;
use crate::dialogue::{Context, Expectation, Interpreter};
use crate::domain::Intent;

const PROMPTS: &str = include_str!("../../../../prompts/en/prompts.yaml");
const LEXICON: &str = include_str!("../../../../prompts/en/lexicon.yaml");

#[test]
fn every_embedded_language_is_without_fault() {
    for (tag, prompts, lexicon, model) in EMBEDDED {
        let pack = LanguagePack::parse(prompts, lexicon).and_then(|pack| pack.with_model_prompts(model));
        let faults = pack.err().unwrap_or_default();
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{tag}:\n{}", faults.join("\n"));
        assert!(LanguagePack::embedded(&Language((*tag).into())).is_some());
    }
    assert!(LanguagePack::embedded(&Language("xx".into())).is_none());
}

#[test]
fn no_sentence_would_be_an_opt_out_if_it_came_back_as_an_echo() {
    for (tag, ..) in EMBEDDED {
        let pack = LanguagePack::embedded(&Language((*tag).into())).expect("embedded");
        let context = Context {
            expectation: Expectation::Consent,
            question: None,
        };
        for sentence in pack.sentences.values().flatten() {
            let meant = pack.lexicon().interpret(&context, sentence);
            assert_ne!(meant.intent, Intent::RemoveMe, "{tag}: {sentence}");
        }
    }
}

#[test]
fn faults_of_spellings_and_of_languages_understood_besides_are_named() {
    for (from, to, fault) in [
        (
            "variants:\n",
            "variants:\n  sure: [\"no way\"]\n",
            "`no way` is not one word",
        ),
        (
            "variants:\n",
            "variants:\n  sure: [okay]\n",
            "`okay` has variants of its own",
        ),
        ("variants:\n", "variants:\n  sure: [okey]\n", "`okey` stands for"),
        (
            "- language: hi\n",
            "- language: xx\n",
            "no lexicon for the language \"xx\"",
        ),
        (
            "except: [\"to\",",
            "except: [\"zebra\",",
            "excepts `zebra`, which is no entry of hi",
        ),
        (
            "      - \"nope\"\n",
            "      - \"nope\"\n      - \"yass\"\n      - \"yea\"\n",
            "has `yea`, which stands under",
        ),
        (
            "\nrules:\n",
            "\nrules:\n  odd: [\"(one\"]\n",
            "rules.odd: has a bracket",
        ),
        (
            "    also:\n",
            "    also:\n      - \"not <there>\"\n",
            "names the rule <there>",
        ),
        (
            "      - \"nope\"\n",
            "      - \"nope\"\n      - \"no (sir | madam)\"\n",
            "is a pattern where only phrases may stand",
        ),
        (
            "\nlanguages:\n  names:\n",
            "\nlanguages:\n  names:\n    xx: [\"(one | other)\"]\n",
            "`(one | other)` is a pattern where only phrases may stand",
        ),
        (
            "\n  phrases:\n    - \"{language}\"\n",
            "\n  phrases:\n    - \"[in {language}\"\n",
            "`[in english` has a bracket",
        ),
    ] {
        assert!(LEXICON.contains(from), "{from}");
        let faults = LanguagePack::parse(PROMPTS, &LEXICON.replacen(from, to, 1)).expect_err("faulty");
        let all = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert!(all.contains(fault), "{fault} in\n{all}");
    }
    let faults = LanguagePack::parse_beside(PROMPTS, LEXICON, |_| Some("a: b".to_owned())).expect_err("faulty");
    assert!(faults.iter().any(|fault| fault.place.contains("lexicon.yaml of hi")));
}

#[test]
fn every_fault_of_both_files_is_named_at_once() {
    let prompts = PROMPTS
        .replace("{organisation}.", "{organization}.")
        .replace("still_there:", "stil_there:");
    let lexicon = LEXICON.replace("- \"nope\"", "- \"yes\"");
    let faults = LanguagePack::parse(&prompts, &lexicon).expect_err("faulty");
    let all = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in [
        "greeting: has the placeholder {organization}",
        "stil_there: is not a",
        "still_there: is missing",
        "`yes`",
    ] {
        assert!(all.contains(part), "{part} in\n{all}");
    }
}

#[test]
fn nobody_is_greeted_by_name_where_the_pack_does_not_say_how() {
    let prompts = PROMPTS.replace("greeting_by_name:\n  - \"Hello {name}.\"\n", "");
    assert_ne!(prompts, PROMPTS);
    assert_eq!(LanguagePack::parse(&prompts, LEXICON).map(|_| ()), Ok(()));
}

#[test]
fn the_sentence_with_the_name_is_one_and_takes_no_other_from_the_greeting_than_its_salutation() {
    for (from, to) in [
        ("\"Hello {name}.\"", "\"Hello you.\""),
        ("\"Hello {name}.\"", "\"Hello {name}.\"\n  - \"How are you, {name}?\""),
        ("  - \"Hello.\"\n  - \"This is", "  - \"Hello, this is"),
        (
            "\"Hello.\"\n  - \"This is {organisation}.\"\n  - \"I am calling about {purpose}.\"",
            "\"Hello.\"",
        ),
    ] {
        let prompts = PROMPTS.replace(from, to);
        assert_ne!(prompts, PROMPTS, "{from}");
        let faults = LanguagePack::parse(&prompts, LEXICON).expect_err("faulty");
        assert!(
            faults.iter().all(|fault| fault.place.ends_with("greeting_by_name")),
            "{faults:?}"
        );
    }
}

#[test]
fn files_of_another_shape_are_refused_with_the_place() {
    for (prompts, lexicon) in [("[", LEXICON), (PROMPTS, "a: b"), ("", "")] {
        assert!(!LanguagePack::parse(prompts, lexicon).expect_err("faulty").is_empty());
    }
}
