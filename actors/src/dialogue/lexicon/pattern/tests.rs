//! Patterns.

use super::super::super::words::words;
use super::*;
use proptest::prelude::*;

fn read(entry: &str) -> Result<Pattern, PatternFault> {
    let texts = BTreeMap::from([
        (
            "thing".to_owned(),
            vec!["number".to_owned(), "<who> [and address]".to_owned()],
        ),
        ("who".to_owned(), vec!["name".to_owned()]),
    ]);
    let (rules, faults) = Rules::read(&texts, &Variants::default());
    assert_eq!(faults, []);
    Pattern::read(entry, &rules, &Variants::default())
}

fn covers(entry: &str, text: &str) -> bool {
    let text = words(text);
    read(entry).expect("a pattern").lengths(&text).contains(&text.len())
}

#[test]
fn words_are_left_out_or_exchanged_as_the_pattern_says() {
    let entry = "[please] (delete | take (off | out)) my <thing>";
    for said in [
        "please delete my number",
        "delete my name",
        "take off my name and address",
        "please take out my number",
    ] {
        assert!(covers(entry, said), "{said}");
    }
    for said in ["please my number", "take my number", "delete my and address", "please"] {
        assert!(!covers(entry, said), "{said}");
    }
}

#[test]
fn a_pattern_may_cover_more_or_fewer_of_the_first_words() {
    let pattern = read("stop [calling [me]]").expect("a pattern");
    let lengths = pattern.lengths(&words("stop calling me please"));
    assert_eq!(lengths, BTreeSet::from([1, 2, 3]));
    assert_eq!(pattern.first_words(), BTreeSet::from(["stop"]));
    let pattern = read("[please] [do] stop").expect("a pattern");
    assert_eq!(pattern.first_words(), BTreeSet::from(["please", "do", "stop"]));
}

#[test]
fn what_cannot_be_read_is_named() {
    for (entry, fault) in [
        ("(one", PatternFault::Unbalanced),
        ("one]", PatternFault::Unbalanced),
        ("(one]", PatternFault::Unbalanced),
        ("<one", PatternFault::Unbalanced),
        ("one >", PatternFault::Unbalanced),
        ("one ( | two)", PatternFault::Empty),
        ("one []", PatternFault::Empty),
        ("[one] [two]", PatternFault::MayBeNothing),
        ("[<any>] one", PatternFault::BeginsWithAny),
        ("[One] two", PatternFault::NotPlain("One".to_owned())),
        ("<nothing> two", PatternFault::NoRule("nothing".to_owned())),
        (&"(".repeat(5000), PatternFault::TooDeep),
    ] {
        assert_eq!(read(entry), Err(fault), "{entry}");
    }
}

#[test]
fn any_word_is_one_word() {
    assert!(covers("asked you [<any>] not to", "asked you yesterday not to"));
    assert!(covers("asked you [<any>] not to", "asked you not to"));
    assert!(!covers("asked you [<any>] not to", "asked you the other day not to"));
}

#[test]
fn rules_that_cannot_be_read_are_named() {
    for (list, fault) in [
        ("again <rule>", PatternFault::TooDeep),
        ("<other>", PatternFault::NoRule("other".to_owned())),
        ("(one", PatternFault::Unbalanced),
    ] {
        let texts = BTreeMap::from([("rule".to_owned(), vec![list.to_owned()])]);
        let (_, faults) = Rules::read(&texts, &Variants::default());
        assert_eq!(faults, [("rule".to_owned(), fault)], "{list}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_as_a_pattern_or_refused(entry in "[a-c\\[\\]()|<> ]{0,30}", text in "[a-c ]{0,20}") {
        let text = words(&text);
        if let Ok(pattern) = read(&entry) {
            let lengths = pattern.lengths(&text);
            prop_assert!(lengths.iter().all(|length| (1..=text.len()).contains(length)));
            prop_assert!(lengths.is_empty() || pattern.first_words().contains(text[0].as_str()));
        }
    }

    #[test]
    fn a_pattern_without_brackets_covers_its_own_words_alone(said in "[a-c]{1,3}( [a-c]{1,3}){0,4}", other in "[a-c ]{1,9}") {
        prop_assert!(covers(&said, &said));
        prop_assert_eq!(covers(&said, &other), words(&said) == words(&other));
    }
}
