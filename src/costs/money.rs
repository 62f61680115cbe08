//! Exact money: decimals in, sums without a rest, rounding where it is shown.

/// Digits after the decimal point of a price at most.
const PRICE_DECIMALS: usize = 9;
/// Digits before it at most.
const PRICE_DIGITS: usize = 6;
/// Parts of a nano-unit that [`Money`] counts in: a multiple of 60,000 (milliseconds of a minute), of 1,000 (characters)
/// and of 1,000,000 (tokens), so that no amount of anything leaves a rest.
const PARTS: u128 = 3_000_000;

/// A price per something, in nano-units of the currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Price(u64);

impl Price {
    /// Nothing.
    pub const FREE: Self = Self(0);

    /// Reads a decimal: up to six digits, and up to nine after a point. `None` for anything else, a sign, an exponent or
    /// a thousands separator included.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str, most: usize| {
            (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole, PRICE_DIGITS) || !digits(decimals, PRICE_DECIMALS) {
            return None;
        }
        let padded = format!("{whole}{decimals:0<PRICE_DECIMALS$}");
        padded.parse().ok().map(Self)
    }

    /// For so many milliseconds at this price a minute.
    pub fn of_minutes_ms(self, ms: u64) -> Money {
        self.times(ms, PARTS / 60_000)
    }

    /// For so many pieces at this price for `of`, which is 1, 1,000 or 1,000,000.
    pub fn of_pieces(self, pieces: u64, of: u32) -> Money {
        self.times(pieces, PARTS / u128::from(of.max(1)))
    }

    fn times(self, pieces: u64, parts: u128) -> Money {
        let nano = u128::from(self.0) * u128::from(pieces);
        Money(nano.saturating_mul(parts))
    }
}

/// An exact amount of money; stops at the largest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Money(u128);

impl Money {
    /// Nothing.
    pub const NOTHING: Self = Self(0);

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As a decimal with so many places, at most nine, rounded half up.
    pub fn decimal(self, places: u32) -> String {
        self.share(1, places)
    }

    /// The share of one of `of` as a decimal, rounded half up; `of` 0 counts as 1.
    pub fn share(self, of: u64, places: u32) -> String {
        let places = places.min(9);
        let unit = PARTS * 10_u128.pow(9 - places) * u128::from(of.max(1));
        // Half a unit more, without an overflow.
        let rounded = self.0 / unit + u128::from(self.0 % unit >= unit.div_ceil(2));
        let scale = 10_u128.pow(places);
        let (whole, decimals) = (rounded / scale, rounded % scale);
        match usize::try_from(places) {
            Ok(places @ 1..) => format!("{whole}.{decimals:0places$}"),
            _ => whole.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(text: &str) -> Price {
        Price::parse(text).expect("a price")
    }

    #[test]
    fn a_price_is_a_plain_decimal() {
        assert_eq!(price("0.0043"), Price(4_300_000));
        assert_eq!(price("12"), Price(12_000_000_000));
        assert_eq!(price("999999.999999999"), Price(999_999_999_999_999));
        for text in [
            "",
            ".",
            ".5",
            "5.",
            "-1",
            "+1",
            "1e-3",
            "1,5",
            "1_000",
            "0.1234567891",
            "1234567",
            "1.2.3",
            " 1",
            "NaN",
            "१",
        ] {
            assert_eq!(Price::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_unit_has_its_price() {
        assert_eq!(price("0.6").of_minutes_ms(90_000).decimal(4), "0.9000");
        assert_eq!(price("0.015").of_pieces(200, 1_000).decimal(4), "0.0030");
        assert_eq!(price("2.5").of_pieces(1_000_000, 1_000_000).decimal(2), "2.50");
        assert_eq!(price("0.01").of_pieces(3, 1).decimal(2), "0.03");
    }

    #[test]
    fn rounding_is_half_up_and_of_the_whole() {
        let half = price("0.00005").of_pieces(1, 1);
        assert_eq!(half.decimal(4), "0.0001");
        assert_eq!(half.decimal(5), "0.00005");
        assert_eq!(price("0.000049999").of_pieces(1, 1).decimal(4), "0.0000");
        assert_eq!(price("1").of_pieces(1, 1).share(3, 4), "0.3333");
        assert_eq!(price("2").of_pieces(1, 1).share(3, 0), "1");
        // A third of a millisecond's price added three times has no rest.
        let third = price("0.000000001").of_minutes_ms(20_000);
        assert_eq!(third.plus(third).plus(third), price("0.000000001").of_pieces(1, 1));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_a_price_reads_back(text in "[0-9.]{0,20}|\\PC{0,12}") {
            if let Some(price) = Price::parse(&text) {
                let shown = price.of_pieces(1, 1).decimal(9);
                prop_assert_eq!(Price::parse(&shown), Some(price));
            }
        }

        #[test]
        fn amounts_may_be_priced_together_or_apart(
            nano in 0_u64..1_000_000_000_000,
            amounts in prop::collection::vec(0_u64..1_000_000_000, 0..20),
        ) {
            let price = Price(nano);
            let sum: u64 = amounts.iter().sum();
            for of in [1, 1_000, 1_000_000] {
                let apart = amounts.iter().fold(Money::default(), |all, one| all.plus(price.of_pieces(*one, of)));
                prop_assert_eq!(apart, price.of_pieces(sum, of));
            }
            let apart = amounts.iter().fold(Money::default(), |all, one| all.plus(price.of_minutes_ms(*one)));
            prop_assert_eq!(apart, price.of_minutes_ms(sum));
        }

        #[test]
        fn the_largest_amounts_neither_panic_nor_wrap(nano in any::<u64>(), amount in any::<u64>(), of in any::<u64>()) {
            let most = Price(nano).of_pieces(amount, 1);
            prop_assert!(most.plus(most) >= most);
            prop_assert!(!most.share(of, 9).is_empty());
        }
    }
}
