//! A campaign in several languages: a script of its own for each, and what holds over all of them.

use super::{Script, hash, without_number};
use crate::dialogue::pack::LanguagePack;
use crate::domain::{Campaign, CampaignFault, Language};
use std::sync::Arc;

impl Script {
    /// Checks a campaign and renders everything it can say and hear in all of its languages; `translation_packs` gives
    /// the files of those besides its own.
    ///
    /// # Errors
    /// Every fault of the campaign at once; also a translation into a language that has no prompts, or no name in the
    /// lexicons.
    pub fn build_with(
        campaign: &Campaign,
        language_pack: &LanguagePack,
        mut translation_packs: impl FnMut(&Language) -> Option<LanguagePack>,
    ) -> Result<Self, Vec<CampaignFault>> {
        let mut faults = campaign.validate();
        if !faults.is_empty() {
            return Err(faults);
        }
        let of_several = !campaign.translations.is_empty();
        let mut built = vec![Self::of_one(campaign, language_pack, of_several, "language")];
        for language in campaign.translations.keys() {
            let field = format!("translations.{}", language.0);
            built.push(match (campaign.in_language(language), translation_packs(language)) {
                (Some(translated), Some(pack)) => Self::of_one(&translated, &pack, of_several, &field),
                _ => Err(vec![CampaignFault {
                    fault: format!("there are no prompts for the language {:?}", language.0),
                    remedy: "add its folder to the prompts, or remove the translation".to_owned(),
                    field,
                }]),
            });
        }
        let mut scripts = Vec::new();
        for one in built {
            match one {
                Ok(script) => scripts.push(script),
                Err(found) => faults.extend(found),
            }
        }
        let mut scripts = scripts.into_iter();
        let (Some(mut script), true) = (scripts.next(), faults.is_empty()) else {
            return Err(faults);
        };
        script.translations = scripts
            .map(|script| (script.campaign.language.clone(), Arc::new(script)))
            .collect();
        match script.unnamed_languages() {
            faults if faults.is_empty() => Ok(script.over_all_languages()),
            faults => Err(faults),
        }
    }

    /// The scripts of all its languages, its own first.
    pub fn in_all_languages(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.translations.values().map(Arc::as_ref))
    }

    /// The script of a language that was asked for, which may be a variety of it: `hi-IN` where `hi` is.
    pub fn speaking(self: &Arc<Self>, language: &Language) -> Option<Arc<Self>> {
        let all = || std::iter::once(self).chain(self.translations.values());
        let found = all()
            .find(|script| script.campaign.language == *language)
            .or_else(|| all().find(|script| script.campaign.language.is_kind_of(language)));
        found.cloned()
    }

    /// Languages that callers of another could not ask for.
    fn unnamed_languages(&self) -> Vec<CampaignFault> {
        let mut faults = Vec::new();
        if self.translations.is_empty() {
            return faults;
        }
        for script in self.in_all_languages() {
            let wanted = self.campaign.languages();
            for language in wanted.filter(|language| !script.lexicon.names_language(language)) {
                let spoken = &script.campaign.language.0;
                faults.push(CampaignFault {
                    field: format!("translations.{}", language.0),
                    fault: format!(
                        "the lexicon of language `{spoken}` does not say what {:?} is called",
                        language.0
                    ),
                    remedy: "add it to languages.names of its lexicon.yaml".to_owned(),
                });
            }
        }
        faults
    }

    /// With hashes over every language.
    fn over_all_languages(mut self) -> Self {
        if self.translations.is_empty() {
            return self;
        }
        let all = |own: &str, of: fn(&Self) -> &str| {
            let others = self.translations.values().map(|script| of(script));
            hash(&std::iter::once(own).chain(others).collect::<Vec<_>>())
        };
        self.pack_hash = all(&self.pack_hash, |script| &script.pack_hash);
        self.hashes.prompts = all(&self.hashes.prompts, |script| &script.hashes.prompts);
        self.hashes.lexicon = all(&self.hashes.lexicon, |script| &script.hashes.lexicon);
        let model_hash = all(self.model_hash.as_deref().unwrap_or_default(), |script| {
            script.model_hash.as_deref().unwrap_or_default()
        });
        self.model_hash = self.has_model_prompts().then_some(model_hash);
        self.fingerprint = hash(&[&without_number(&self.campaign).to_string(), &self.pack_hash]);
        self
    }
}
