//! The language that a contact chose beforehand.

use samvad_actors::domain::{Campaign, Language};

/// Longest tag of a language (RFC 5646, section 4.4.1).
const LONGEST_TAG: usize = 35;

/// Why a text is not a language that a campaign can be spoken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LanguageFault {
    /// It is no tag.
    #[error("no language tag; write for example en or hi, or leave it empty")]
    NoTag,
    /// The campaign has no such language.
    #[error(
        "the campaign does not speak {tag:?}; write {}, leave it empty, or add it to the translations of the campaign",
        languages.join(" or ")
    )]
    NotSpoken {
        /// What was asked for.
        tag: String,
        /// What the campaign speaks.
        languages: Vec<String>,
    },
}

/// The campaign's language that a cell of a contact file means.
///
/// # Errors
/// If it means none.
pub fn read_language(text: &str, campaign: &Campaign) -> Result<Language, LanguageFault> {
    let is_tag = (1..=LONGEST_TAG).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_tag {
        return Err(LanguageFault::NoTag);
    }
    let found = campaign.language_of(&Language(text.to_owned())).cloned();
    found.ok_or_else(|| LanguageFault::NotSpoken {
        tag: text.to_owned(),
        languages: campaign.languages().map(|language| language.0.clone()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign_files::load_campaign;
    use std::path::Path;

    fn read(text: &str, campaign: &str) -> Result<String, LanguageFault> {
        let campaign = load_campaign(&Path::new("fixtures/campaigns").join(campaign)).expect("the example is valid");
        read_language(text, &campaign).map(|language| language.0)
    }

    #[test]
    fn a_campaigns_own_language_its_translations_and_their_varieties_are_read_as_the_campaign_calls_them() {
        for (text, language) in [("en", "en"), ("en-IN", "en"), ("hi", "hi"), ("Hi-Deva-IN", "hi")] {
            assert_eq!(
                read(text, "health_survey_bilingual.yaml"),
                Ok(language.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_plain_tag_means_the_variety_that_the_campaign_speaks() {
        let file = Path::new("fixtures/campaigns/health_survey.yaml");
        let mut campaign = load_campaign(file).expect("the example is valid");
        campaign.language = Language("en-IN".to_owned());
        assert_eq!(read_language("EN", &campaign), Ok(campaign.language.clone()));
        assert!(read_language("en-US", &campaign).is_err());
    }

    #[test]
    fn another_language_is_named_with_what_to_do_and_what_is_no_tag_is_not_shown() {
        let fault = read("ta", "health_survey_bilingual.yaml")
            .expect_err("not spoken")
            .to_string();
        assert!(
            fault.contains("\"ta\"") && fault.contains("en or hi") && fault.contains("translations"),
            "{fault}"
        );
        let fault = read("hi", "health_survey.yaml").expect_err("not spoken").to_string();
        assert!(fault.contains("write en, leave it empty"), "{fault}");
        for text in ["", "Hindi please", "हिंदी", "hi_IN", &"x".repeat(36)] {
            assert_eq!(
                read(text, "health_survey_bilingual.yaml"),
                Err(LanguageFault::NoTag),
                "{text}"
            );
        }
    }
}
