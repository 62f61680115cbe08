//! From YAML to a table of prices.

use super::{ANY, PriceTable, Rates};
use crate::costs::money::Price;
use samvad_actors::domain::PhoneNumber;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// Longest name of a service or model.
const LONGEST_NAME: usize = 128;

/// What is wrong with one field.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {value:?} {fault}; {remedy}")]
pub struct PriceFault {
    /// Where, for example `services.deepgram.nova-3.audio_minute`.
    pub field: String,
    /// What stands there.
    pub value: String,
    /// What is wrong with it.
    pub fault: &'static str,
    /// What to write.
    pub remedy: &'static str,
}

/// Why there is no table of prices.
#[derive(Debug, thiserror::Error)]
pub enum PriceFileError {
    /// The file cannot be read.
    #[error("the prices {} cannot be read ({error}); see SAMVAD_PRICES", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is no YAML, or not of the shape of a table.
    #[error("{} is not a table of prices ({error}); prices.example.yaml shows one", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        error: serde_norway::Error,
    },
    /// Fields are wrong: all of them.
    #[error("the prices {} are not valid:\n{}", path.display(), list(faults))]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Each one.
        faults: Vec<PriceFault>,
    },
}

fn list(faults: &[PriceFault]) -> String {
    let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
    lines.join("\n")
}

pub(super) fn load(path: &Path) -> Result<PriceTable, PriceFileError> {
    let path = path.to_owned();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return Err(PriceFileError::Unreadable { path, error }),
    };
    match parse(&text) {
        Ok(Ok(table)) => Ok(table),
        Ok(Err(faults)) => Err(PriceFileError::Invalid { path, faults }),
        Err(error) => Err(PriceFileError::Malformed { path, error }),
    }
}

/// The file's shape. Scalars are taken as they are written: a price must not become a floating-point number on its way.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    currency: String,
    #[serde(default)]
    services: Entries<Entries<Entries<String>>>,
    #[serde(default)]
    carrier_minute: Entries<String>,
}

/// A table of the reader's own, so that a key that stands there twice is seen.
struct Entries<T>(Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with a value each")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

/// The table, or everything that is wrong with it.
pub(super) fn parse(text: &str) -> Result<Result<PriceTable, Vec<PriceFault>>, serde_norway::Error> {
    let file: PriceFile = serde_norway::from_str(text)?;
    let mut reading = Reading::default();
    let is_currency = file.currency.len() == 3 && file.currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_currency {
        let remedy = "write its three letters by ISO 4217, for example EUR";
        reading.fault("currency", &file.currency, "is no currency", remedy);
    }
    let services = reading.table("services", file.services, |reading, field, models| {
        reading.table(field, models, Reading::rates)
    });
    let carrier_minute = reading.table("carrier_minute", file.carrier_minute, |reading, field, text| {
        reading.price(field, &text)
    });
    for country in carrier_minute.keys() {
        if !is_country(country) {
            let remedy = "write a country's calling code, for example +91, or * for any other";
            reading.fault("carrier_minute", country, "is no calling code", remedy);
        }
    }
    Ok(match reading.faults.is_empty() {
        true => Ok(PriceTable {
            currency: Some(file.currency),
            services,
            carrier_minute,
        }),
        false => Err(reading.faults),
    })
}

/// `*`, or a calling code as numbers have one.
fn is_country(text: &str) -> bool {
    text == ANY || PhoneNumber::parse(&format!("{text}00000000")).is_ok_and(|number| number.calling_code() == text)
}

#[derive(Default)]
struct Reading {
    faults: Vec<PriceFault>,
}

impl Reading {
    fn fault(&mut self, field: &str, value: &str, fault: &'static str, remedy: &'static str) {
        self.faults.push(PriceFault {
            field: field.to_owned(),
            value: value.to_owned(),
            fault,
            remedy,
        });
    }

    fn table<T, U>(
        &mut self,
        field: &str,
        entries: Entries<T>,
        mut read: impl FnMut(&mut Self, &str, T) -> U,
    ) -> BTreeMap<String, U> {
        let mut table = BTreeMap::new();
        for (name, value) in entries.0 {
            if name.trim().is_empty() || name.len() > LONGEST_NAME {
                self.fault(field, &name, "is no name", "write up to 128 letters");
            }
            let value = read(self, &format!("{field}.{name}"), value);
            if table.contains_key(&name) {
                self.fault(field, &name, "stands there twice", "remove one of them");
            }
            table.insert(name, value);
        }
        table
    }

    fn rates(&mut self, field: &str, entries: Entries<String>) -> Rates {
        let mut rates = Rates::default();
        if entries.0.is_empty() {
            let remedy = "write what it is charged by, for example audio_minute, or leave the model out";
            self.fault(field, "", "has no price", remedy);
        }
        for (name, text) in entries.0 {
            let price = self.price(&format!("{field}.{name}"), &text);
            let rate = match name.as_str() {
                "audio_minute" => &mut rates.audio_minute,
                "characters_1000" => &mut rates.characters_1000,
                "input_tokens_million" => &mut rates.input_tokens_million,
                "output_tokens_million" => &mut rates.output_tokens_million,
                "request" => &mut rates.request,
                _ => {
                    let remedy = "write audio_minute, characters_1000, input_tokens_million, output_tokens_million or \
                                  request";
                    self.fault(field, &name, "is nothing that has a price", remedy);
                    continue;
                }
            };
            if rate.replace(price).is_some() {
                self.fault(field, &name, "stands there twice", "remove one of them");
            }
        }
        rates
    }

    fn price(&mut self, field: &str, text: &str) -> Price {
        Price::parse(text).unwrap_or_else(|| {
            let remedy = "write a decimal with up to six digits before the point and nine after it, for example 0.0125";
            self.fault(field, text, "is no price", remedy);
            Price::FREE
        })
    }
}
