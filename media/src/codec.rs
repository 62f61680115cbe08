//! G.711: the telephone network's companded 8-bit samples (ITU-T Recommendation G.711).
//!
//! Encoding follows the ITU-T software tool library (G.191): 16-bit samples lose their two lowest bits, negative ones
//! are taken as their one's complement. Both directions are table look-ups.

/// The mu-law code of silence.
pub const MULAW_SILENCE: u8 = 0xff;

static MULAW_TO_LINEAR: [i16; 256] = mulaw_decode_table();
static ALAW_TO_LINEAR: [i16; 256] = alaw_decode_table();
/// By 14-bit magnitude: 8 KiB stay in the first-level cache, a table over all 16-bit samples would not.
static MAGNITUDE_TO_MULAW: [u8; 8192] = mulaw_encode_table();

/// The 16-bit sample of a mu-law code.
#[inline]
pub fn mulaw_to_linear(code: u8) -> i16 {
    MULAW_TO_LINEAR[usize::from(code)]
}

/// The mu-law code nearest to a 16-bit sample.
#[inline]
pub fn linear_to_mulaw(sample: i16) -> u8 {
    let sign = sample >> 15;
    let magnitude = (sample ^ sign) as u16 >> 2;
    // The mask changes nothing, but spares the check of the bound.
    MAGNITUDE_TO_MULAW[usize::from(magnitude & 0x1fff)] ^ (sign as u8 & 0x80)
}

/// The 16-bit sample of an A-law code.
#[inline]
pub fn alaw_to_linear(code: u8) -> i16 {
    ALAW_TO_LINEAR[usize::from(code)]
}

/// Decodes mu-law, appending to `samples`.
pub fn decode_mulaw(codes: &[u8], samples: &mut Vec<i16>) {
    samples.extend(codes.iter().map(|&code| mulaw_to_linear(code)));
}

/// Encodes to mu-law, appending to `codes`.
pub fn encode_mulaw(samples: &[i16], codes: &mut Vec<u8>) {
    codes.extend(samples.iter().map(|&sample| linear_to_mulaw(sample)));
}

const fn mulaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let inverted = !(code as u8);
        let exponent = (inverted >> 4) & 7;
        let mantissa = (inverted & 15) as i16;
        let magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84;
        table[code] = if inverted & 0x80 == 0 { magnitude } else { -magnitude };
        code += 1;
    }
    table
}

const fn mulaw_encode_table() -> [u8; 8192] {
    let mut table = [0; 8192];
    let mut index = 0;
    while index < 8192 {
        let biased = if index + 33 > 0x1fff { 0x1fff } else { index + 33 };
        let mut segment = 1;
        while (biased >> 6) >> (segment - 1) != 0 {
            segment += 1;
        }
        let low = 0x0f - ((biased >> segment) & 0x0f);
        table[index] = (0x80 | ((8 - segment) << 4) | low) as u8;
        index += 1;
    }
    table
}

const fn alaw_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        let toggled = (code as u8) ^ 0x55;
        let exponent = (toggled >> 4) & 7;
        let mantissa = ((toggled & 15) as i16) << 4;
        let magnitude = match exponent {
            0 => mantissa + 8,
            _ => (mantissa + 0x108) << (exponent - 1),
        };
        table[code] = if toggled & 0x80 != 0 { magnitude } else { -magnitude };
        code += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mulaw_decoding_gives_the_values_of_g711_table_2() {
        // The ends of each segment of G.711 table 2a, 14-bit values times four.
        let golden = [
            (0x80, 32124),
            (0x8f, 16764),
            (0x90, 15996),
            (0x9f, 8316),
            (0xa0, 7932),
            (0xaf, 4092),
            (0xb0, 3900),
            (0xbf, 1980),
            (0xc0, 1884),
            (0xcf, 924),
            (0xd0, 876),
            (0xdf, 396),
            (0xe0, 372),
            (0xef, 132),
            (0xf0, 120),
            (0xfe, 8),
            (0xff, 0),
        ];
        for (code, value) in golden {
            assert_eq!(mulaw_to_linear(code), value, "code {code:#x}");
            assert_eq!(mulaw_to_linear(code & 0x7f), -value, "code {:#x}", code & 0x7f);
        }
    }

    #[test]
    fn alaw_decoding_gives_the_values_of_g711_table_1() {
        let golden = [
            (0xd5, 8),
            (0x55, -8),
            (0xaa, 32256),
            (0x2a, -32256),
            (0x80, 5504),
            (0xc5, 264),
        ];
        for (code, value) in golden {
            assert_eq!(alaw_to_linear(code), value, "code {code:#x}");
        }
    }

    #[test]
    fn every_mulaw_code_survives_a_round_trip_but_for_negative_zero() {
        for code in 0..=255u8 {
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(linear_to_mulaw(mulaw_to_linear(code)), expected, "code {code:#x}");
        }
    }

    #[test]
    fn extremes_are_clipped_and_not_wrapped() {
        assert_eq!(linear_to_mulaw(i16::MAX), 0x80);
        assert_eq!(linear_to_mulaw(i16::MIN), 0x00);
        assert_eq!(linear_to_mulaw(0), MULAW_SILENCE);
        assert_eq!(linear_to_mulaw(-1), 0x7f);
    }

    proptest! {
        #[test]
        fn mulaw_encoding_is_monotone(low: i16, high: i16) {
            let (low, high) = (low.min(high), low.max(high));
            prop_assert!(mulaw_to_linear(linear_to_mulaw(low)) <= mulaw_to_linear(linear_to_mulaw(high)));
        }

        #[test]
        fn mulaw_error_stays_within_half_a_step_of_its_segment(sample in -32_635i16..=32_635) {
            let back = mulaw_to_linear(linear_to_mulaw(sample));
            // A step is 8 in the first segment and doubles up to 1,024 in the last; 4 more for the two dropped bits.
            let bound = (i32::from(sample).abs() + 132) / 32 + 4;
            prop_assert!((i32::from(back) - i32::from(sample)).abs() <= bound);
        }

        #[test]
        fn slices_are_coded_sample_by_sample(codes: Vec<u8>) {
            let mut samples = Vec::new();
            decode_mulaw(&codes, &mut samples);
            let mut again = Vec::new();
            encode_mulaw(&samples, &mut again);
            let expected: Vec<u8> = codes.iter().map(|&code| if code == 0x7f { 0xff } else { code }).collect();
            prop_assert_eq!(again, expected);
        }
    }
}
