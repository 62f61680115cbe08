//! Files of contacts, of numbers not to be called, and of a registry's answers: rows that can be used, and why the
//! others cannot.

mod formula;
mod language;
mod phone;
mod sheet;

pub use formula::harmless;
pub use language::{LanguageFault, read_language};
pub use phone::{NumberFault, Region, country_of, read_number};
pub use sheet::{RowText, Sheet};

use crate::ids::new_id;
use anyhow::bail;
use csv::StringRecord;
use samvad_actors::campaign::ZonedWindow;
use samvad_actors::domain::{CallingWindow, Campaign, ContactId, EmailAddress, PersonName, PhoneNumber};
use samvad_actors::ports::{ContactImport, NewContact};

const NUMBER: &[&str] = &[
    "phone",
    "phone_number",
    "phonenumber",
    "phone_no",
    "mobile",
    "mobile_number",
    "mobile_phone",
    "mobile_no",
    "telephone",
    "tel",
    "cell",
    "cell_phone",
    "msisdn",
    "number",
    "contact_number",
];
const EXTERNAL_ID: &[&str] = &["external_contact_id", "external_id", "customer_id", "reference"];
const NAME: &[&str] = &[
    "name",
    "full_name",
    "fullname",
    "contact_name",
    "person_name",
    "display_name",
];
const EMAIL: &[&str] = &["email", "e_mail", "email_address", "e_mail_address", "mail"];
const ZONE: &[&str] = &["zone", "time_zone", "timezone", "tz"];
const LANGUAGE: &[&str] = &["language", "lang", "locale"];
const PRIOR_CONSENT: &[&str] = &["has_prior_consent", "prior_consent", "consent"];
const DO_NOT_CALL: &[&str] = &[
    "do_not_call",
    "donotcall",
    "dnc",
    "do_not_contact",
    "opt_out",
    "opted_out",
];
const LISTED: &[&str] = &["listed", "registered", "on_registry", "dnd"];

/// Longest id of a contact at whoever sends it, in characters: longer ones do not fit into an index.
const LONGEST_EXTERNAL_ID: usize = 200;

/// Why a row is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// The column; empty if it is the row as a whole.
    pub column: String,
    /// What is wrong and what to do. Of the row it holds no more than the tag of a language.
    pub fault: String,
}

impl std::fmt::Display for RowFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column.is_empty() {
            true => f.write_str(&self.fault),
            false => write!(f, "{}: {}", self.column, self.fault),
        }
    }
}

/// A row of a contact file.
#[derive(Clone, Debug)]
pub struct ContactRow {
    /// A number that wants no calls, whatever else is wrong with its row.
    pub do_not_call: Option<PhoneNumber>,
    /// The contact.
    pub contact: Result<ContactImport, RowFault>,
}

/// Which column holds what.
#[derive(Clone, Debug)]
pub struct ContactColumns {
    names: Vec<String>,
    number: usize,
    external_id: Option<usize>,
    name: Option<usize>,
    email: Option<usize>,
    zone: Option<usize>,
    language: Option<usize>,
    prior_consent: Option<usize>,
    do_not_call: Option<usize>,
}

impl ContactColumns {
    /// Finds the columns by their names.
    ///
    /// # Errors
    /// If there is none for the number, or two of one meaning.
    pub fn find(sheet: &Sheet) -> anyhow::Result<Self> {
        Ok(Self {
            names: sheet.header().to_vec(),
            number: number_column(sheet)?,
            external_id: sheet.column(EXTERNAL_ID)?,
            name: sheet.column(NAME)?,
            email: sheet.column(EMAIL)?,
            zone: sheet.column(ZONE)?,
            language: sheet.column(LANGUAGE)?,
            prior_consent: sheet.column(PRIOR_CONSENT)?,
            do_not_call: sheet.column(DO_NOT_CALL)?,
        })
    }

    /// Columns that nothing is made of.
    pub fn unused(&self) -> Vec<&str> {
        let used = [
            Some(self.number),
            self.external_id,
            self.name,
            self.email,
            self.zone,
            self.language,
            self.prior_consent,
            self.do_not_call,
        ];
        let names = self.names.iter().enumerate();
        names
            .filter(|(index, _)| !used.contains(&Some(*index)))
            .map(|(_, name)| name.as_str())
            .collect()
    }

    /// Reads a row.
    pub fn read(&self, row: &StringRecord, campaign: &Campaign, region: Option<Region>) -> ContactRow {
        let number = read_number(row.get(self.number).unwrap_or_default(), region);
        let number = number.map_err(|fault| self.fault(self.number, fault.to_string()));
        let do_not_call = self.yes_or_no(row, self.do_not_call);
        ContactRow {
            do_not_call: match (&number, &do_not_call) {
                (Ok(number), Ok(true)) => Some(number.clone()),
                _ => None,
            },
            contact: number.and_then(|number| {
                do_not_call?;
                self.contact(row, number, campaign)
            }),
        }
    }

    fn contact(&self, row: &StringRecord, number: PhoneNumber, campaign: &Campaign) -> Result<ContactImport, RowFault> {
        let text = |column: Option<usize>| {
            let cell = column.and_then(|column| Some((column, row.get(column)?)));
            cell.filter(|(_, text)| !text.is_empty())
        };
        let name = text(self.name)
            .map(|(column, name)| PersonName::parse(name).map_err(|fault| self.fault(column, fault.to_string())));
        let email = text(self.email)
            .map(|(column, email)| EmailAddress::parse(email).map_err(|fault| self.fault(column, fault.to_string())));
        let zone = text(self.zone).map(
            |(column, zone)| match ZonedWindow::new(&CallingWindow::default(), zone) {
                Ok(_) => Ok(zone.to_owned()),
                Err(_) => {
                    let fault = "no name of the time zone database; write for example Asia/Kolkata, or leave it empty";
                    Err(self.fault(column, fault.to_owned()))
                }
            },
        );
        let language = text(self.language).map(|(column, language)| {
            read_language(language, campaign).map_err(|fault| self.fault(column, fault.to_string()))
        });
        let external_id = text(self.external_id).map(|(column, id)| {
            let fits = id.chars().count() <= LONGEST_EXTERNAL_ID && !id.chars().any(char::is_control);
            fits.then(|| id.to_owned()).ok_or_else(|| {
                let fault = "longer than 200 characters, or with control characters; write a shorter, plain one";
                self.fault(column, fault.to_owned())
            })
        });
        Ok(ContactImport {
            contact: NewContact {
                id: ContactId::new(new_id()),
                campaign: campaign.id.clone(),
                number,
                external_id: external_id.transpose()?,
                name: name.transpose()?,
                email: email.transpose()?,
                language: language.transpose()?,
            },
            zone: zone.transpose()?,
            prior_consent: self.yes_or_no(row, self.prior_consent)?,
        })
    }

    /// A cell that says yes or no; an empty one says no.
    fn yes_or_no(&self, row: &StringRecord, column: Option<usize>) -> Result<bool, RowFault> {
        let Some(column) = column else {
            return Ok(false);
        };
        yes_or_no(row.get(column).unwrap_or_default())
            .ok_or_else(|| self.fault(column, "neither yes nor no; write yes or no".to_owned()))
    }

    fn fault(&self, column: usize, fault: String) -> RowFault {
        let column = self.names.get(column).cloned().unwrap_or_default();
        RowFault { column, fault }
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" | "x" => Some(true),
        "no" | "n" | "false" | "f" | "0" | "" => Some(false),
        _ => None,
    }
}

fn number_column(sheet: &Sheet) -> anyhow::Result<usize> {
    match sheet.column(NUMBER)? {
        Some(column) => Ok(column),
        None => bail!(
            "the header has no column for the telephone number, but {}; name one phone_number, phone or mobile",
            sheet.header().join(", ")
        ),
    }
}

/// A file of numbers: reads the number of a row.
pub struct NumberColumn {
    name: String,
    column: usize,
}

impl NumberColumn {
    /// Finds the column by its name.
    ///
    /// # Errors
    /// As [`ContactColumns::find`].
    pub fn find(sheet: &Sheet) -> anyhow::Result<Self> {
        let column = number_column(sheet)?;
        let name = sheet.header()[column].clone();
        Ok(Self { name, column })
    }

    /// The number of a row.
    ///
    /// # Errors
    /// Why there is none.
    pub fn read(&self, row: &StringRecord, region: Option<Region>) -> Result<PhoneNumber, RowFault> {
        read_number(row.get(self.column).unwrap_or_default(), region).map_err(|fault| RowFault {
            column: self.name.clone(),
            fault: fault.to_string(),
        })
    }
}

/// A registry's answer: reads whether the number of a row is listed.
pub struct ListedColumn(usize);

impl ListedColumn {
    /// Finds the column by its name.
    ///
    /// # Errors
    /// If there is none, or two: whether a number is listed is never guessed.
    pub fn find(sheet: &Sheet) -> anyhow::Result<Self> {
        match sheet.column(LISTED)? {
            Some(column) => Ok(Self(column)),
            None => bail!(
                "the header has no column listed, but {}; a number counts as looked up only with listed yes or no",
                sheet.header().join(", ")
            ),
        }
    }

    /// Whether the number is listed.
    ///
    /// # Errors
    /// If the cell says neither yes nor no, or nothing.
    pub fn read(&self, row: &StringRecord) -> Result<bool, RowFault> {
        let text = row.get(self.0).filter(|text| !text.is_empty());
        text.and_then(yes_or_no).ok_or_else(|| RowFault {
            column: "listed".to_owned(),
            fault: "neither yes nor no; write what the registry answered".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_actors::domain::Language;
    use std::io::Write;

    fn campaign() -> Campaign {
        let file = std::path::Path::new("fixtures/campaigns/health_survey_bilingual.yaml");
        crate::campaign_files::load_campaign(file).expect("the example is valid")
    }

    fn read(text: &str) -> Vec<ContactRow> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        let mut sheet = Sheet::open(file.path()).expect("opens");
        let columns = ContactColumns::find(&sheet).expect("a number column");
        let region = Region::parse("IN").ok();
        std::iter::from_fn(|| sheet.next_row().expect("readable"))
            .map(|(_, row)| columns.read(&row.expect("whole"), &campaign(), region))
            .collect()
    }

    #[test]
    fn every_column_is_taken_by_its_names() {
        let rows = read(
            "Mobile;customer id;TZ;lang;consent;dnc;name;E-Mail\n\
             98123 45678;a-1;Asia/Dubai;hi;yes;;Asha;asha@Example.org\n",
        );
        let contact = rows[0].contact.as_ref().expect("a contact");
        assert_eq!(contact.contact.number.expose(), "+919812345678");
        assert_eq!(contact.contact.external_id.as_deref(), Some("a-1"));
        assert_eq!(contact.contact.name, PersonName::parse("Asha").ok());
        assert_eq!(contact.contact.email, EmailAddress::parse("asha@example.org").ok());
        assert_eq!(contact.zone.as_deref(), Some("Asia/Dubai"));
        assert_eq!(contact.contact.language, Some(Language("hi".to_owned())));
        assert!(contact.prior_consent && rows[0].do_not_call.is_none());
    }

    #[test]
    fn a_language_that_the_campaign_does_not_speak_is_refused_and_the_rest_of_the_file_is_not() {
        let rows = read("phone,language\n9812345678,HI-in\n9812345679,\n9812345670,ta\n");
        let language = |row: &ContactRow| {
            row.contact
                .as_ref()
                .ok()
                .map(|contact| contact.contact.language.clone())
        };
        assert_eq!(language(&rows[0]), Some(Some(Language("hi".to_owned()))));
        assert_eq!(language(&rows[1]), Some(None));
        let fault = rows[2].contact.as_ref().expect_err("not one of its languages");
        assert!(
            fault.column == "language" && fault.fault.contains("en or hi"),
            "{fault}"
        );
    }

    #[test]
    fn a_name_is_read_under_each_of_its_names_may_be_left_out_and_is_refused_if_it_is_none() {
        for header in NAME {
            let rows = read(&format!(
                "phone,{header}\n9812345678, Priya Sharma \n9812345679,\n9812345670,+1 555\n"
            ));
            let name = |row: &ContactRow| row.contact.as_ref().ok().map(|contact| contact.contact.name.clone());
            assert_eq!(name(&rows[0]), Some(PersonName::parse("Priya Sharma").ok()), "{header}");
            assert_eq!(name(&rows[1]), Some(None));
            let fault = rows[2].contact.as_ref().expect_err("no name");
            assert!(fault.column == *header && !fault.fault.contains("555"), "{fault}");
        }
    }

    #[test]
    fn an_address_is_read_under_each_of_its_names_may_be_left_out_and_is_refused_unseen_if_it_is_none() {
        for header in ["email", "E-Mail", "e_mail", "Email address", "E-mail address", "mail"] {
            let rows = read(&format!(
                "phone,{header}\n9812345678, asha@example.org \n9812345679,\n9812345670,asha.example.org\n\
                 9812345671,Asha <asha@example.org>\n"
            ));
            let email = |row: &ContactRow| row.contact.as_ref().ok().map(|contact| contact.contact.email.clone());
            assert_eq!(
                email(&rows[0]),
                Some(EmailAddress::parse("asha@example.org").ok()),
                "{header}"
            );
            assert_eq!(email(&rows[1]), Some(None));
            for row in &rows[2..] {
                let fault = row.contact.as_ref().expect_err("no address");
                let column = header.to_lowercase().replace(['-', ' '], "_");
                assert!(fault.column == column && !fault.fault.contains("asha"), "{fault}");
            }
        }
    }

    #[test]
    fn an_external_id_that_no_database_could_keep_is_refused_and_the_rest_of_the_file_is_not() {
        let long = "x".repeat(3_000);
        let fits = "\u{e4}".repeat(200);
        let rows = read(&format!(
            "phone,reference\n9812345678,{long}\n9812345679,a\u{1}b\n9812345670,{fits}\n"
        ));
        for row in &rows[..2] {
            let fault = row.contact.as_ref().expect_err("not an id");
            assert!(fault.column == "reference" && !fault.fault.contains("xxx"), "{fault}");
        }
        assert!(rows[2].contact.is_ok());
    }

    #[test]
    fn a_wish_for_no_calls_holds_though_the_row_is_wrong_otherwise() {
        let rows = read("phone,zone,do_not_call\n9812345678,Nowhere/Land,yes\n9812345679,,maybe\n");
        assert!(rows[0].do_not_call.is_some());
        assert!(rows[0].contact.as_ref().is_err_and(|fault| fault.column == "zone"));
        assert!(
            rows[1]
                .contact
                .as_ref()
                .is_err_and(|fault| fault.column == "do_not_call")
        );
    }
}
