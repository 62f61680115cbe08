//! Which word in Devanagari one in Roman letters is likely to be.
//!
//! There is no one way to write Hindi in Roman letters ("hamesha", "hamesa", "hameshaa"). Words of both scripts are brought to
//! a key that keeps what all ways of writing share: consonants without doubling, the vowels i, u, e and o without
//! length; an a only at either end, because within a word nobody writes it alike.

/// The keys of a word in Devanagari; none if it has other letters. A nasal at its end may be written or not.
pub(super) fn of_devanagari(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let mut key = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let (first, last) = (at == 0, at + 1 == letters.len());
        let after_a = at > 0 && matches!(letters[at - 1], '\u{0905}' | '\u{0906}' | '\u{093E}');
        let sound = match u32::from(*letter) {
            // Written "ai" and "au", as other vowels are.
            0x0907 | 0x0908 if after_a => "e",
            0x0909 | 0x090A if after_a => "o",
            0x0905 | 0x0906 if first => "A",
            0x093E if last => "A",
            0x0905 | 0x0906 | 0x093E | 0x093C | 0x094D => "",
            0x0907 | 0x0908 | 0x093F | 0x0940 => "i",
            0x0909 | 0x090A | 0x0941 | 0x0942 => "u",
            0x090F | 0x0910 | 0x0947 | 0x0948 => "e",
            0x0911 | 0x0913 | 0x0914 | 0x0949 | 0x094B | 0x094C => "o",
            0x090B | 0x0943 => "ri",
            0x0901 | 0x0902 | 0x0919 | 0x091E | 0x0923 | 0x0928 => "n",
            0x0915 => "k",
            0x0916 => "K",
            0x0917 => "g",
            0x0918 => "G",
            0x091A | 0x091B => "C",
            0x091C => "j",
            0x091D => "J",
            0x091F | 0x0924 => "t",
            0x0920 | 0x0925 => "T",
            0x0921 | 0x0926 => "d",
            0x0922 | 0x0927 => "D",
            0x092A => "p",
            0x092B => "f",
            0x092C => "b",
            0x092D => "B",
            0x092E => "m",
            0x092F if first => "y",
            0x092F => "",
            0x0930 => "r",
            0x0932 => "l",
            0x0935 => "v",
            0x0936..=0x0938 => "s",
            0x0939 if last && !first => "",
            0x0939 => "h",
            _ => return Vec::new(),
        };
        key.push_str(sound);
    }
    let key = undoubled(&key);
    let ends_nasal = matches!(letters.last(), Some('\u{0901}' | '\u{0902}'));
    let without = ends_nasal.then(|| key.trim_end_matches('n').to_owned());
    std::iter::once(key)
        .chain(without)
        .filter(|key| !key.is_empty())
        .collect()
}

/// The key of a word in Roman letters; `None` if it has other signs or is too short to be told.
pub(super) fn of_roman(word: &str) -> Option<String> {
    const LEAST_LETTERS: usize = 3;
    if word.len() < LEAST_LETTERS || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    // What is written with two letters or more goes first.
    const SOUNDS: [(&str, &str); 24] = [
        ("chh", "C"),
        ("ch", "C"),
        ("kh", "K"),
        ("gh", "G"),
        ("jh", "J"),
        ("th", "T"),
        ("dh", "D"),
        ("ph", "f"),
        ("bh", "B"),
        ("sh", "s"),
        ("ee", "i"),
        ("oo", "u"),
        ("ai", "e"),
        ("ay", "e"),
        ("ei", "e"),
        ("au", "o"),
        ("ou", "o"),
        ("w", "v"),
        ("z", "j"),
        ("q", "k"),
        ("x", "ks"),
        ("c", "k"),
        ("y", ""),
        ("a", ""),
    ];
    let body = word.trim_end_matches('h');
    let body = if body.ends_with(['a', 'e', 'i', 'o', 'u']) {
        body
    } else {
        word
    };
    let mut key = String::new();
    let mut rest = body;
    while let Some(letter) = rest.chars().next() {
        let first = rest.len() == body.len();
        let begins_with_a = first && letter == 'a' && !rest.starts_with("ai") && !rest.starts_with("au");
        let ends_with_a = rest.bytes().all(|byte| byte == b'a');
        if begins_with_a || ends_with_a {
            key.push('A');
            rest = rest.trim_start_matches('a');
            continue;
        }
        if first && letter == 'y' {
            key.push('y');
            rest = &rest[1..];
            continue;
        }
        let found = SOUNDS.iter().find(|(written, _)| rest.starts_with(written));
        let (written, sound) = found.copied().unwrap_or((&rest[..1], &rest[..1]));
        key.push_str(sound);
        rest = &rest[written.len()..];
    }
    Some(undoubled(&key)).filter(|key| !key.is_empty())
}

fn undoubled(key: &str) -> String {
    let mut single = String::with_capacity(key.len());
    for letter in key.chars() {
        if !single.ends_with(letter) {
            single.push(letter);
        }
    }
    single
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_is_found_in_many_ways_of_writing_it() {
        for (word, written) in [
            ("हमेशा", &["hamesha", "hamesa", "hameshaa"][..]),
            ("ज़रूरत", &["zarurat", "jaroorat", "zaroorat", "jarurat"]),
            ("मतलब", &["matlab", "mtlab", "matalab"]),
            ("तुरंत", &["turant", "tooraant"]),
            ("आखिरी", &["akhiri", "aakhiri", "aakhiree"]),
            ("दरवाज़े", &["darwaze", "darvaaze", "darwaaje"]),
            ("संदेश", &["sandesh", "sandes"]),
            ("बताऊँगा", &["bataunga", "btaunga"]),
            ("कहीं", &["kahin", "kahi", "kaheen"]),
        ] {
            let keys = of_devanagari(word);
            for written in written {
                assert!(
                    of_roman(written).is_some_and(|key| keys.contains(&key)),
                    "{written}: {keys:?}"
                );
            }
        }
    }

    #[test]
    fn words_of_other_signs_and_the_shortest_have_no_key() {
        for word in ["", "to", "it's", "5", "नाम"] {
            assert_eq!(of_roman(word), None, "{word}");
        }
        assert!(of_devanagari("name").is_empty());
    }

    proptest! {
        #[test]
        fn every_word_has_a_key_or_none(word in "[a-z]{0,12}", other in "[\\u{0900}-\\u{097F}a-z]{0,8}") {
            let length = of_roman(&word).map_or(1, |key| key.len());
            prop_assert!((1..=2 * word.len().max(1)).contains(&length));
            prop_assert!(of_devanagari(&other).iter().all(|key| !key.is_empty()));
        }
    }
}
