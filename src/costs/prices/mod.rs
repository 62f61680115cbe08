//! The table of prices: a YAML file, checked whole, every fault named.

mod file;

pub use file::{PriceFault, PriceFileError};

use super::money::{Money, Price};
use super::sheet::Cost;
use samvad_actors::ports::{ServiceUse, UsedService};
use std::collections::BTreeMap;
use std::path::Path;

/// In place of a model or a country: any that is not named.
const ANY: &str = "*";
/// What runs on this machine costs nothing unless the table says so.
const OWN: [&str; 2] = ["embedded", "fixed"];

/// What a model takes. It is charged by everything that has a price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rates {
    /// For a minute of audio.
    pub audio_minute: Option<Price>,
    /// For 1,000 characters.
    pub characters_1000: Option<Price>,
    /// For a million tokens read.
    pub input_tokens_million: Option<Price>,
    /// For a million tokens written.
    pub output_tokens_million: Option<Price>,
    /// For a request, or an utterance.
    pub request: Option<Price>,
}

impl Rates {
    const FREE: Self = Self {
        audio_minute: Some(Price::FREE),
        characters_1000: Some(Price::FREE),
        input_tokens_million: Some(Price::FREE),
        output_tokens_million: Some(Price::FREE),
        request: Some(Price::FREE),
    };

    /// What an amount costs. What was used and has no price leaves the cost incomplete, unless each request has one.
    pub fn cost(&self, amount: ServiceUse) -> Cost {
        let million = |price: Price, tokens| price.of_pieces(tokens, 1_000_000);
        let measures = [
            (
                amount.audio_ms,
                self.audio_minute.map(|price| price.of_minutes_ms(amount.audio_ms)),
            ),
            (
                amount.characters,
                self.characters_1000
                    .map(|price| price.of_pieces(amount.characters, 1_000)),
            ),
            (
                amount.input_tokens,
                self.input_tokens_million
                    .map(|price| million(price, amount.input_tokens)),
            ),
            (
                amount.output_tokens,
                self.output_tokens_million
                    .map(|price| million(price, amount.output_tokens)),
            ),
        ];
        let by_request = self.request.map(|price| price.of_pieces(amount.requests, 1));
        let mut cost = Cost {
            known: by_request.unwrap_or_default(),
            complete: true,
        };
        for (used, price) in measures {
            cost.known = cost.known.plus(price.unwrap_or_default());
            cost.complete &= used == 0 || price.is_some() || by_request.is_some();
        }
        cost
    }
}

/// Prices of services and of the carrier.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PriceTable {
    currency: Option<String>,
    /// By service and model.
    services: BTreeMap<String, BTreeMap<String, Rates>>,
    /// Per minute begun, by calling code.
    carrier_minute: BTreeMap<String, Price>,
}

impl PriceTable {
    /// Reads a file of prices.
    ///
    /// # Errors
    /// [`PriceFileError`]: it cannot be read, or every fault in it.
    pub fn load(path: &Path) -> Result<Self, PriceFileError> {
        file::load(path)
    }

    /// ISO 4217; `None` without a table.
    pub fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }

    /// What an amount of a model costs. A model that is not named has the prices of `*`; what has none is unpriced.
    pub fn service_cost(&self, service: &UsedService, amount: ServiceUse) -> Cost {
        let models = self.services.get(&service.service);
        let rates = models.and_then(|models| models.get(&service.model).or_else(|| models.get(ANY)));
        match rates {
            Some(rates) => rates.cost(amount),
            None if OWN.contains(&service.service.as_str()) => Rates::FREE.cost(amount),
            None => Cost {
                known: Money::default(),
                complete: amount == ServiceUse::default(),
            },
        }
    }

    /// What minutes of the carrier's cost to a country (its calling code with the plus sign), else to any.
    pub fn carrier_cost(&self, country: Option<&str>, minutes: u64) -> Cost {
        let named = country.and_then(|country| self.carrier_minute.get(country));
        match named.or_else(|| self.carrier_minute.get(ANY)) {
            Some(price) => Cost {
                known: price.of_pieces(minutes, 1),
                complete: true,
            },
            None => Cost {
                known: Money::default(),
                complete: minutes == 0,
            },
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
