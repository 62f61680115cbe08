//! Campaigns and contacts from files: YAML and CSV, every fault named with its place and remedy.

use crate::contact_files::read_language;
use crate::ids::new_id;
use anyhow::{Context, bail};
use samvad_actors::dialogue::{LanguagePack, Script};
use samvad_actors::domain::{Campaign, CampaignFault, ContactId, EmailAddress, Language, PersonName, PhoneNumber};
use samvad_actors::ports::NewContact;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

/// Faults of a contact file that are shown one by one; the rest is counted.
const SHOWN_FAULTS: usize = 20;

/// Reads and validates a campaign file.
///
/// # Errors
/// If the file cannot be read or is no campaign; every invalid field is named.
pub fn load_campaign(path: &Path) -> anyhow::Result<Campaign> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the campaign {}", path.display()))?;
    let campaign: Campaign =
        serde_norway::from_str(&text).with_context(|| format!("{} is not a campaign", path.display()))?;
    let faults = campaign.validate();
    if !faults.is_empty() {
        let list: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
        bail!("the campaign {} is not valid:\n{}", path.display(), list.join("\n"));
    }
    Ok(campaign)
}

/// Reads contacts from CSV with a header: `phone_number` (E.164), and optionally `external_contact_id`, `name` (to greet
/// the person by), `email` (to write to them), `language` (to begin in; one of the campaign's) and `contact_id` (our own
/// id; made up if absent).
///
/// # Errors
/// If the file cannot be read, a column is missing, or a row is wrong; rows are named by their line.
pub fn load_contacts(path: &Path, campaign: &Campaign) -> anyhow::Result<Vec<NewContact>> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot read the contacts {}", path.display()))?;
    read_contacts(file, campaign).with_context(|| format!("the contacts {} are not usable", path.display()))
}

fn read_contacts(input: impl std::io::Read, campaign: &Campaign) -> anyhow::Result<Vec<NewContact>> {
    let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let header = csv.headers().context("the header line cannot be read")?.clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|cell| cell.trim_start_matches('\u{feff}') == name)
    };
    let Some(number_column) = column("phone_number") else {
        bail!("the header has no column phone_number; write one, for example: external_contact_id,phone_number");
    };
    let (external_column, id_column) = (column("external_contact_id"), column("contact_id"));
    let (name_column, email_column, language_column) = (column("name"), column("email"), column("language"));
    let (mut contacts, mut faults, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for record in csv.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                faults.push(error.to_string());
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let name = cell(&record, name_column)
            .map(|name| PersonName::parse(&name))
            .transpose();
        let name = match name {
            Ok(name) => name,
            Err(error) => {
                faults.push(format!("line {line}, name: {error}"));
                continue;
            }
        };
        let email = cell(&record, email_column)
            .map(|email| EmailAddress::parse(&email))
            .transpose();
        let email = match email {
            Ok(email) => email,
            Err(error) => {
                faults.push(format!("line {line}, email: {error}"));
                continue;
            }
        };
        let language = cell(&record, language_column)
            .map(|tag| read_language(&tag, campaign))
            .transpose();
        let language = match language {
            Ok(language) => language,
            Err(error) => {
                faults.push(format!("line {line}, language: {error}"));
                continue;
            }
        };
        match PhoneNumber::parse(record.get(number_column).unwrap_or_default()) {
            Err(error) => faults.push(format!("line {line}, phone_number: {error}")),
            Ok(number) if !seen.insert(number.clone()) => {
                faults.push(format!(
                    "line {line}, phone_number: the number stands in an earlier line; remove one"
                ));
            }
            Ok(number) => contacts.push(NewContact {
                id: ContactId::new(cell(&record, id_column).unwrap_or_else(new_id)),
                campaign: campaign.id.clone(),
                number,
                external_id: cell(&record, external_column),
                name,
                email,
                language,
            }),
        }
    }
    if faults.is_empty() {
        return Ok(contacts);
    }
    let more = faults.len().saturating_sub(SHOWN_FAULTS);
    let mut list = faults[..faults.len().min(SHOWN_FAULTS)].join("\n  ");
    if more > 0 {
        list.push_str(&format!("\n  and {more} more"));
    }
    bail!(
        "{} of {} rows are wrong:\n  {list}",
        faults.len(),
        faults.len() + contacts.len()
    )
}

/// A cell that is there and not empty.
fn cell(record: &csv::StringRecord, column: Option<usize>) -> Option<String> {
    column
        .and_then(|column| record.get(column))
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// Prompts and lexicon of a language: from a directory (`DIR/LANGUAGE/prompts.yaml`, `lexicon.yaml` and, if a language
/// model may be asked, `model.yaml`) if one is given, else the built-in ones.
///
/// # Errors
/// If there is none for the language, or it is not valid; every fault is named.
pub fn language_pack(language: &Language, prompts_dir: Option<&Path>) -> anyhow::Result<LanguagePack> {
    let Some(dir) = prompts_dir else {
        return LanguagePack::embedded(language).with_context(|| {
            format!(
                "there are no prompts for the language {:?}; built in are {}; for others set SAMVAD_PROMPTS_DIR",
                language.0,
                LanguagePack::embedded_languages()
                    .iter()
                    .map(|known| known.0.as_str())
                    .collect::<Vec<_>>()
                    .join(" and ")
            )
        });
    };
    // The tag is part of a path: a campaign file must not reach outside the directory.
    if !language.0.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        bail!("{:?} is not a language tag; write one such as en or hi", language.0);
    }
    let read = |name: &str| {
        let path = dir.join(&language.0).join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    // Of another language that is understood besides, the built-in lexicon serves where there is none here.
    let mut unreadable = None;
    let beside = |other: &Language| {
        let path = dir.join(&other.0).join("lexicon.yaml");
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let place = format!("cannot read {}", path.display());
                unreadable.get_or_insert(anyhow::Error::new(error).context(place));
                None
            }
        }
    };
    let mut pack = LanguagePack::parse_beside(&read("prompts.yaml")?, &read("lexicon.yaml")?, beside);
    if let Some(error) = unreadable {
        return Err(error);
    }
    if dir.join(&language.0).join("model.yaml").exists() {
        let model = read("model.yaml")?;
        pack = pack.and_then(|pack| pack.with_model_prompts(&model));
    }
    pack.map_err(|faults| {
        let list: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
        anyhow::anyhow!(
            "the prompts in {} are not valid:\n{}",
            dir.join(&language.0).display(),
            list.join("\n")
        )
    })
}

/// Builds the script of a campaign in all of its languages, with prompts as from [`language_pack`].
///
/// # Errors
/// What is wrong with the campaign or with the prompts of its languages.
pub fn build_script(campaign: &Campaign, prompts_dir: Option<&Path>) -> Result<Script, Vec<CampaignFault>> {
    let mut packs = BTreeMap::new();
    let mut faults = Vec::new();
    for language in campaign.languages() {
        match language_pack(language, prompts_dir) {
            Ok(pack) => {
                packs.insert(language, pack);
            }
            Err(error) => faults.push(CampaignFault {
                field: match *language == campaign.language {
                    true => "language".to_owned(),
                    false => format!("translations.{}", language.0),
                },
                fault: format!("cannot be spoken: {error:#}"),
                remedy: "add prompts for the language, or take another".to_owned(),
            }),
        }
    }
    match packs.remove(&campaign.language) {
        Some(own) if faults.is_empty() => Script::build_with(campaign, &own, |language| packs.remove(language)),
        _ => Err(faults),
    }
}

/// Checks that a campaign whose calls are recorded says so, and that one with translations can be spoken, in each of its
/// languages. Any other campaign passes.
///
/// # Errors
/// As [`build_script`].
pub fn check_languages(campaign: &Campaign, prompts_dir: Option<&Path>) -> Result<(), Vec<CampaignFault>> {
    if !campaign.recording && campaign.translations.is_empty() {
        return Ok(());
    }
    build_script(campaign, prompts_dir).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign() -> Campaign {
        load_campaign(Path::new("fixtures/campaigns/health_survey.yaml")).expect("the example is valid")
    }

    #[test]
    fn contacts_are_read_whatever_the_order_of_columns_and_with_a_byte_order_mark() {
        let text = "\u{feff}phone_number,name,external_contact_id,email\n\
                    +14155550101, Asha ,a-1, asha@Example.org\n+14155550102,Ravi,,\n";
        let contacts = read_contacts(text.as_bytes(), &campaign()).expect("valid");
        assert_eq!(contacts.len(), 2);
        assert_eq!(contacts[0].external_id.as_deref(), Some("a-1"));
        assert_eq!(contacts[1].external_id, None);
        assert_eq!(contacts[0].name, PersonName::parse("Asha").ok());
        assert_eq!(contacts[0].email, EmailAddress::parse("asha@example.org").ok());
        assert_eq!(contacts[1].email, None);
    }

    #[test]
    fn an_address_that_is_none_is_named_by_its_line_and_not_shown() {
        let text = "phone_number,email\n+14155550101,\n+14155550102,canary at example.org\n";
        let fault = read_contacts(text.as_bytes(), &campaign())
            .expect_err("no address")
            .to_string();
        assert!(
            fault.contains("line 3, email: an e-mail address with a blank"),
            "{fault}"
        );
        assert!(!fault.contains("canary") && fault.contains("1 of 2 rows"), "{fault}");
    }

    #[test]
    fn a_name_that_is_none_is_named_by_its_line_and_not_shown() {
        let text = "phone_number,name\n+14155550101,\n+14155550102,+1 555 canary\u{7}\n";
        let fault = read_contacts(text.as_bytes(), &campaign())
            .expect_err("no name")
            .to_string();
        assert!(
            fault.contains("line 3, name: a name with a control character"),
            "{fault}"
        );
        assert!(!fault.contains("canary"), "{fault}");
    }

    #[test]
    fn a_language_is_one_of_the_campaigns_or_its_line_is_named_with_the_remedy() {
        let bilingual = load_campaign(Path::new("fixtures/campaigns/health_survey_bilingual.yaml")).expect("valid");
        let text = "phone_number,language\n+14155550101,hi\n+14155550102,\n";
        let contacts = read_contacts(text.as_bytes(), &bilingual).expect("valid");
        let languages: Vec<_> = contacts.into_iter().map(|contact| contact.language).collect();
        assert_eq!(languages, [Some(Language("hi".to_owned())), None]);
        let fault = read_contacts(text.as_bytes(), &campaign())
            .expect_err("English only")
            .to_string();
        let expected = "line 2, language: the campaign does not speak \"hi\"; write en, leave it empty, or add it";
        assert!(fault.contains(expected), "{fault}");
    }

    #[test]
    fn every_wrong_row_is_named_by_its_line_and_no_number_is_shown() {
        let text = "phone_number\n+14155550101\n4155550102\n+14155550101\n";
        let fault = read_contacts(text.as_bytes(), &campaign())
            .expect_err("two rows are wrong")
            .to_string();
        assert!(
            fault.contains("2 of 3 rows") && fault.contains("line 3") && fault.contains("line 4"),
            "{fault}"
        );
        assert!(!fault.contains("5550102"), "{fault}");
    }

    #[test]
    fn a_missing_column_is_named_with_an_example() {
        let fault = read_contacts("number\n1\n".as_bytes(), &campaign())
            .expect_err("no column")
            .to_string();
        assert!(
            fault.contains("phone_number") && fault.contains("for example"),
            "{fault}"
        );
    }

    #[test]
    fn a_language_tag_cannot_leave_the_prompts_directory() {
        let fault = language_pack(&Language("../etc".into()), Some(Path::new("prompts"))).expect_err("refused");
        assert!(fault.to_string().contains("not a language tag"));
    }

    #[test]
    fn a_translation_without_prompts_is_refused_with_its_field_and_the_languages_there_are() {
        let file = Path::new("fixtures/campaigns/health_survey_bilingual.yaml");
        let mut campaign = load_campaign(file).expect("the example is valid");
        assert_eq!(check_languages(&campaign, None), Ok(()));
        assert_eq!(check_languages(&campaign, Some(Path::new("prompts"))), Ok(()));
        let hindi = campaign
            .translations
            .remove(&Language("hi".into()))
            .expect("translated");
        campaign.translations.insert(Language("xx".into()), hindi);
        let faults = check_languages(&campaign, None).expect_err("refused");
        let fault = faults[0].to_string();
        assert!(
            faults.len() == 1 && fault.starts_with("translations.xx: cannot be spoken") && fault.contains("en and hi"),
            "{fault}"
        );
    }

    #[test]
    fn what_a_language_model_is_told_may_be_left_out_of_a_prompts_directory_and_is_checked_where_it_is_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let english = dir.path().join("en");
        std::fs::create_dir(&english).expect("made");
        for name in ["prompts.yaml", "lexicon.yaml"] {
            std::fs::copy(Path::new("prompts/en").join(name), english.join(name)).expect("copied");
        }
        let load = || language_pack(&Language::default(), Some(dir.path()));
        assert!(load().expect("two files are enough").model_prompts().is_none());
        std::fs::copy("prompts/en/model.yaml", english.join("model.yaml")).expect("copied");
        assert!(load().expect("three files").model_prompts().is_some());
        std::fs::write(english.join("model.yaml"), "said: \"{words}\"").expect("written");
        let fault = load().expect_err("refused").to_string();
        assert!(fault.contains("model.yaml"), "{fault}");
        // Another language that is understood besides: as here, or as built in, but never the one in place of the other.
        std::fs::remove_file(english.join("model.yaml")).expect("removed");
        std::fs::create_dir(dir.path().join("hi")).expect("made");
        std::fs::write(dir.path().join("hi/lexicon.yaml"), b"\xff").expect("written");
        let fault = format!("{:#}", load().expect_err("refused"));
        assert!(fault.contains("hi/lexicon.yaml") && fault.contains("UTF-8"), "{fault}");
    }
}
