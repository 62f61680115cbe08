use super::*;
use proptest::prelude::*;
use samvad_actors::ports::ServiceKind;

const EXAMPLE: &str = include_str!("../../../prices.example.yaml");

/// A table that is valid.
pub(in crate::costs) fn table(text: &str) -> PriceTable {
    file::parse(text).expect("a table's shape").expect("no faults")
}

fn faults(text: &str) -> Vec<String> {
    let faults = file::parse(text).expect("a table's shape").expect_err("faults");
    faults.iter().map(ToString::to_string).collect()
}

fn malformed(text: &str) -> String {
    file::parse(text).expect_err("no table").to_string()
}

fn used(service: &str, model: &str) -> UsedService {
    UsedService {
        kind: ServiceKind::Recognition,
        service: service.to_owned(),
        model: model.to_owned(),
    }
}

fn minute() -> ServiceUse {
    ServiceUse {
        requests: 4,
        audio_ms: 60_000,
        ..ServiceUse::default()
    }
}

#[test]
fn prices_are_read_as_they_are_written_with_and_without_quotes() {
    let table =
        table("currency: EUR\nservices:\n  deepgram:\n    nova-3: { audio_minute: 0.0043, request: '0.000000001' }\n");
    assert_eq!(table.currency(), Some("EUR"));
    let cost = table.service_cost(&used("deepgram", "nova-3"), minute());
    assert_eq!(cost.known.decimal(9), "0.004300004");
    assert!(cost.complete);
}

#[test]
fn a_model_that_is_not_named_has_the_prices_of_the_star_and_a_service_that_is_not_named_has_none() {
    let table =
        table("currency: EUR\nservices: { deepgram: { nova-3: { audio_minute: 1 }, '*': { audio_minute: 2 } } }");
    let cost = |service, model| table.service_cost(&used(service, model), minute());
    assert_eq!(cost("deepgram", "nova-3").known.decimal(0), "1");
    assert_eq!(cost("deepgram", "nova-4").known.decimal(0), "2");
    assert!(!cost("sarvam", "saaras").complete);
}

#[test]
fn what_runs_here_is_free_unless_the_table_says_otherwise() {
    let free = PriceTable::default().service_cost(&used("embedded", "pocketsphinx"), minute());
    assert_eq!(free, Cost::NOTHING);
    let own = table("currency: EUR\nservices: { embedded: { '*': { audio_minute: 0.001 } } }");
    let cost = own.service_cost(&used("embedded", "pocketsphinx"), minute());
    assert_eq!(cost.known.decimal(3), "0.001");
}

#[test]
fn what_is_used_and_has_no_price_is_never_taken_for_free() {
    let table = table(
        "currency: EUR\nservices: { openai: { a: { characters_1000: 1 }, b: { input_tokens_million: 1 }, c: { request: 1 } } }",
    );
    let tokens = ServiceUse {
        requests: 1,
        input_tokens: 5,
        output_tokens: 7,
        ..ServiceUse::default()
    };
    assert!(!table.service_cost(&used("openai", "a"), minute()).complete);
    assert!(!table.service_cost(&used("openai", "b"), tokens).complete);
    assert!(
        table.service_cost(&used("openai", "c"), tokens).complete,
        "by the request"
    );
    assert!(!PriceTable::default().carrier_cost(Some("+91"), 1).complete);
    assert!(PriceTable::default().carrier_cost(Some("+91"), 0).complete);
}

#[test]
fn the_carrier_is_priced_by_country_else_by_the_star() {
    let table = table("currency: INR\ncarrier_minute:\n  +91: 0.7\n  '*': 5\n");
    assert_eq!(table.carrier_cost(Some("+91"), 3).known.decimal(1), "2.1");
    assert_eq!(table.carrier_cost(Some("+1"), 3).known.decimal(1), "15.0");
    assert_eq!(table.carrier_cost(None, 1).known.decimal(1), "5.0");
}

#[test]
fn every_fault_is_named_at_once_with_field_value_and_remedy() {
    let found = faults(
        "currency: euro
services:
  deepgram:
    nova-3: { audio_minute: -1, audio_hour: 0.2 }
    nova-3: { request: 1, request: 2 }
    empty: {}
  '': { '*': { request: 1e-3 } }
carrier_minute: { '+1415': 1, '91': 0.5, '+44': '1,5' }
",
    );
    let expected = [
        "currency: \"euro\"",
        "services.deepgram.nova-3.audio_minute: \"-1\"",
        "services.deepgram.nova-3: \"audio_hour\"",
        "services.deepgram.nova-3: \"request\" stands there twice",
        "services.deepgram: \"nova-3\" stands there twice",
        "services.deepgram.empty: \"\" has no price",
        "services: \"\" is no name",
        ".*.request: \"1e-3\"",
        "carrier_minute: \"+1415\"",
        "carrier_minute: \"91\"",
        "carrier_minute.+44: \"1,5\"",
    ];
    for one in expected {
        assert_eq!(
            found.iter().filter(|fault| fault.contains(one)).count(),
            1,
            "{one} in {found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert!(
        found.iter().all(|fault| fault.contains("; ")),
        "each has a remedy: {found:#?}"
    );
}

#[test]
fn an_unknown_field_or_another_shape_is_refused_with_its_place() {
    assert!(malformed("currency: EUR\nservice: {}\n").contains("service"));
    assert!(malformed("currency: EUR\nservices: { deepgram: 1 }\n").contains("line 2"));
    assert!(malformed("services: {}").contains("currency"));
    assert!(malformed("").contains("currency"), "an empty file");
    assert!(malformed("currency: [").contains("line"));
}

#[test]
fn the_example_explains_every_field_and_is_valid_and_claims_no_currency() {
    let table = table(EXAMPLE);
    assert_eq!(table.currency(), Some("XXX"), "no currency: its prices are nobody's");
    for field in [
        "audio_minute",
        "characters_1000",
        "input_tokens_million",
        "output_tokens_million",
        "request",
    ] {
        let explained = EXAMPLE
            .lines()
            .any(|line| line.starts_with('#') && line.contains(field));
        let used = EXAMPLE
            .lines()
            .any(|line| !line.starts_with('#') && line.contains(field));
        assert!(explained && used, "{field}");
    }
    assert!(EXAMPLE.contains("carrier_minute") && EXAMPLE.contains("EXAMPLE"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let fault = PriceTable::load(Path::new("no/such/prices.yaml")).expect_err("not there");
    assert!(fault.to_string().contains("no/such/prices.yaml") && fault.to_string().contains("SAMVAD_PRICES"));
}

proptest! {
    #[test]
    fn no_text_panics(text in "(currency|services|carrier_minute|\\*|EUR|[a-z0-9.:{}\\[\\]&'\" \n-]){0,60}") {
        let _ = file::parse(&text);
    }
}
