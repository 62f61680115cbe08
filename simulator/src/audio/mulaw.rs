//! G.711 mu-law (ITU-T G.711, table 2a), as the telephone network carries it.

/// The mu-law byte of digital silence.
pub(crate) const SILENCE: u8 = 0xFF;

const BIAS: i32 = 0x84;
const LARGEST: i32 = 0x7FFF - BIAS;

static LINEAR: [i16; 256] = linear_table();

/// The linear sample of a mu-law byte.
pub(crate) fn decode(byte: u8) -> i16 {
    LINEAR[usize::from(byte)]
}

/// The mu-law byte nearest below a linear sample's magnitude.
pub(crate) fn encode(sample: i16) -> u8 {
    let sample = i32::from(sample);
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.abs().min(LARGEST) + BIAS;
    let exponent = 24 - magnitude.leading_zeros() as i32;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0F;
    !((sign | (exponent << 4) | mantissa) as u8)
}

const fn linear_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let code = !(index as u8);
        let exponent = (code >> 4) & 0x07;
        let mantissa = (code & 0x0F) as i32;
        let magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS;
        table[index] = if code & 0x80 == 0 { magnitude } else { -magnitude } as i16;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn silence_and_the_extremes_are_those_of_the_standard() {
        assert_eq!(decode(SILENCE), 0);
        assert_eq!(encode(0), SILENCE);
        assert_eq!(decode(0x80), 32_124);
        assert_eq!(decode(0x00), -32_124);
        assert_eq!(encode(i16::MAX), 0x80);
        assert_eq!(encode(i16::MIN), 0x00);
    }

    proptest! {
        #[test]
        fn encoding_a_decoded_byte_gives_a_byte_of_the_same_value(byte: u8) {
            prop_assert_eq!(decode(encode(decode(byte))), decode(byte));
        }

        #[test]
        fn a_sample_survives_within_the_step_of_its_segment(sample: i16) {
            let error = (i32::from(decode(encode(sample))) - i32::from(sample)).abs();
            let clipped = (i32::from(sample).abs() - 32_124).max(0);
            prop_assert!(error <= (i32::from(sample).abs() + 132) / 16 + clipped + 8, "{} of {}", error, sample);
        }
    }
}
