//! A sheet of costs: what was used, at the prices of a table.

use super::money::Money;
use super::prices::PriceTable;
use samvad_actors::ports::{CallTotals, CallUse, CostTotals, ServiceTotal, ServiceUse, UsedService};

/// What something costs, as far as it has a price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// What is known of it.
    pub known: Money,
    /// Nothing in it is without a price, or of unknown length.
    pub complete: bool,
}

impl Cost {
    /// Of nothing.
    pub const NOTHING: Self = Self {
        known: Money::NOTHING,
        complete: true,
    };

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            known: self.known.plus(other.known),
            complete: self.complete && other.complete,
        }
    }

    fn sum(costs: impl IntoIterator<Item = Self>) -> Self {
        costs.into_iter().fold(Self::NOTHING, Self::plus)
    }
}

/// What was used of one model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceLine {
    /// Which.
    pub service: UsedService,
    /// Calls, or preparations, that used it.
    pub users: u64,
    /// How much.
    pub amount: ServiceUse,
    /// At which cost.
    pub cost: Cost,
}

impl ServiceLine {
    fn of(total: &ServiceTotal, prices: &PriceTable) -> Self {
        Self {
            service: total.service.clone(),
            users: total.users,
            amount: total.amount,
            cost: prices.service_cost(&total.service, total.amount),
        }
    }
}

/// The carrier's calls to one country.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CarrierLine {
    /// Its calling code; `None` if it is not known.
    pub country: Option<String>,
    /// Calls whose length is known.
    pub calls: u64,
    /// Minutes begun.
    pub minutes: u64,
    /// Answered calls whose length is not known: they leave the cost incomplete.
    pub unknown: u64,
    /// At which cost.
    pub cost: Cost,
}

/// The calls of one mode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// How many, and how real.
    pub calls: CallTotals,
    /// What they used of services.
    pub services: Vec<ServiceLine>,
    /// What they used of the carrier.
    pub carrier: Vec<CarrierLine>,
    /// All of it.
    pub total: Cost,
}

/// What a campaign's calls and preparations used, and cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sheet {
    /// Calls, a section for each mode.
    pub sections: Vec<Section>,
    /// Preparations, which serve calls of every mode.
    pub preparation: Vec<ServiceLine>,
    /// All of those.
    pub preparation_total: Cost,
}

impl Sheet {
    /// Puts prices to totals.
    pub fn of(totals: &CostTotals, prices: &PriceTable) -> Self {
        let section = |calls: &CallTotals| {
            let services = totals.services.iter().filter(|total| total.mode == Some(calls.mode));
            let services: Vec<_> = services.map(|total| ServiceLine::of(total, prices)).collect();
            let carrier = totals.carrier.iter().filter(|total| total.mode == calls.mode);
            let carrier = carrier.filter(|total| total.calls > 0 || total.unknown > 0);
            let carrier: Vec<_> = carrier
                .map(|total| CarrierLine {
                    country: total.country.clone(),
                    calls: total.calls,
                    minutes: total.minutes,
                    unknown: total.unknown,
                    cost: carrier_cost(prices, total.country.as_deref(), total.minutes, total.unknown),
                })
                .collect();
            let costs = services.iter().map(|line| line.cost);
            Section {
                calls: calls.clone(),
                total: Cost::sum(costs.chain(carrier.iter().map(|line| line.cost))),
                services,
                carrier,
            }
        };
        let preparation = totals.services.iter().filter(|total| total.mode.is_none());
        let preparation: Vec<_> = preparation.map(|total| ServiceLine::of(total, prices)).collect();
        Self {
            sections: totals.calls.iter().map(section).collect(),
            preparation_total: Cost::sum(preparation.iter().map(|line| line.cost)),
            preparation,
        }
    }
}

fn carrier_cost(prices: &PriceTable, country: Option<&str>, minutes: u64, unknown: u64) -> Cost {
    let cost = prices.carrier_cost(country, minutes);
    Cost {
        complete: cost.complete && unknown == 0,
        ..cost
    }
}

/// One call, with what it cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallLine {
    /// The call.
    pub call: CallUse,
    /// What it used, of all services together.
    pub amount: ServiceUse,
    /// What it cost, the carrier included.
    pub cost: Cost,
}

impl CallLine {
    /// Puts prices to a call.
    pub fn of(call: CallUse, prices: &PriceTable) -> Self {
        let services = call
            .services
            .iter()
            .map(|(service, amount)| prices.service_cost(service, *amount));
        let unknown = u64::from(call.minutes.is_none());
        let carrier = carrier_cost(prices, call.country.as_deref(), call.minutes.unwrap_or(0), unknown);
        let amounts = call.services.iter().map(|(_, amount)| *amount);
        Self {
            cost: Cost::sum(services).plus(carrier),
            amount: amounts.fold(ServiceUse::default(), ServiceUse::plus),
            call,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use samvad_actors::domain::{Mode, Outcome};
    use samvad_actors::ports::{CarrierTotal, ServiceKind};
    use std::collections::BTreeMap;

    const TABLE: &str = "
currency: XXX
services:
  deepgram:
    nova-3: { audio_minute: 0.0077 }
  openai:
    gpt: { input_tokens_million: 0.15, output_tokens_million: 0.6 }
    '*': { characters_1000: 0.0155 }
carrier_minute: { '+91': 0.0405, '+1': 0.013 }
";

    fn prices() -> PriceTable {
        super::super::prices::tests::table(TABLE)
    }

    fn used() -> impl Strategy<Value = (UsedService, ServiceUse)> {
        let services = prop_oneof![
            Just((ServiceKind::Recognition, "deepgram", "nova-3")),
            Just((ServiceKind::Recognition, "embedded", "pocketsphinx")),
            Just((ServiceKind::Synthesis, "openai", "tts")),
            Just((ServiceKind::Language, "openai", "gpt")),
            Just((ServiceKind::Language, "sarvam", "unpriced")),
        ];
        (services, 0_u64..5, 0_u64..400_000, 0_u64..2_000, 0_u64..9_000).prop_map(
            |((kind, service, model), requests, audio_ms, characters, tokens)| {
                let service = UsedService {
                    kind,
                    service: service.to_owned(),
                    model: model.to_owned(),
                };
                let is = |wanted, amount| if kind == wanted { amount } else { 0 };
                let amount = ServiceUse {
                    requests,
                    audio_ms: is(ServiceKind::Recognition, audio_ms),
                    characters: is(ServiceKind::Synthesis, characters),
                    input_tokens: is(ServiceKind::Language, tokens),
                    output_tokens: is(ServiceKind::Language, tokens / 7),
                };
                (service, amount)
            },
        )
    }

    fn call() -> impl Strategy<Value = CallUse> {
        let country = prop_oneof![Just(Some("+91")), Just(Some("+1")), Just(Some("+44")), Just(None)];
        let minutes = prop::option::of(0_u64..9);
        (country, minutes, prop::collection::vec(used(), 0..5)).prop_map(|(country, minutes, services)| CallUse {
            attempt: "a".into(),
            mode: Mode::Live,
            outcome: Outcome::Completed,
            ended_at_ms: 0,
            country: country.map(str::to_owned),
            minutes,
            services,
        })
    }

    /// What the database adds up of these calls.
    fn totals(calls: &[CallUse]) -> CostTotals {
        let mut services: BTreeMap<UsedService, (u64, ServiceUse)> = BTreeMap::new();
        let mut carrier: BTreeMap<Option<String>, (u64, u64, u64)> = BTreeMap::new();
        for call in calls {
            for (service, amount) in &call.services {
                let total = services.entry(service.clone()).or_default();
                *total = (total.0 + 1, total.1.plus(*amount));
            }
            let total = carrier.entry(call.country.clone()).or_default();
            match call.minutes {
                Some(minutes) => *total = (total.0 + 1, total.1 + minutes, total.2),
                None => total.2 += 1,
            }
        }
        let mode = Mode::Live;
        CostTotals {
            calls: vec![CallTotals {
                mode,
                attempts: calls.len() as u64,
                conversations: 0,
                without_use: 0,
                without_latency: 0,
                completed: calls.len() as u64,
            }],
            services: services
                .into_iter()
                .map(|(service, (users, amount))| ServiceTotal {
                    mode: Some(mode),
                    service,
                    users,
                    amount,
                })
                .collect(),
            carrier: carrier
                .into_iter()
                .map(|(country, (calls, minutes, unknown))| CarrierTotal {
                    mode,
                    country,
                    calls,
                    minutes,
                    unknown,
                })
                .collect(),
        }
    }

    proptest! {
        #[test]
        fn the_costs_of_all_calls_are_the_cost_of_their_totals_to_the_last_part(
            calls in prop::collection::vec(call(), 0..20),
        ) {
            let prices = prices();
            let sheet = Sheet::of(&totals(&calls), &prices);
            let apart = Cost::sum(calls.into_iter().map(|call| CallLine::of(call, &prices).cost));
            prop_assert_eq!(sheet.sections[0].total, apart);
        }

        #[test]
        fn lines_add_up_to_their_total(calls in prop::collection::vec(call(), 0..20)) {
            let section = &Sheet::of(&totals(&calls), &prices()).sections[0];
            let lines = section.services.iter().map(|line| line.cost);
            let all = Cost::sum(lines.chain(section.carrier.iter().map(|line| line.cost)));
            prop_assert_eq!(all, section.total);
        }
    }

    #[test]
    fn a_call_of_unknown_length_leaves_its_cost_open() {
        let call = CallUse {
            attempt: "a".into(),
            mode: Mode::Live,
            outcome: Outcome::Completed,
            ended_at_ms: 0,
            country: Some("+91".to_owned()),
            minutes: None,
            services: Vec::new(),
        };
        let line = CallLine::of(call.clone(), &prices());
        assert!(!line.cost.complete);
        let known = CallLine::of(
            CallUse {
                minutes: Some(2),
                ..call
            },
            &prices(),
        );
        assert!(known.cost.complete);
        assert_eq!(known.cost.known.decimal(4), "0.0810");
    }

    #[test]
    fn preparations_stand_apart() {
        let service = UsedService {
            kind: ServiceKind::Synthesis,
            service: "openai".to_owned(),
            model: "tts".to_owned(),
        };
        let total = ServiceTotal {
            mode: None,
            service,
            users: 2,
            amount: ServiceUse::of_text(&"a".repeat(2_000)),
        };
        let totals = CostTotals {
            services: vec![total],
            ..totals(&[])
        };
        let sheet = Sheet::of(&totals, &prices());
        assert_eq!(sheet.sections[0].total, Cost::NOTHING);
        assert_eq!(sheet.preparation_total.known.decimal(3), "0.031");
    }
}
