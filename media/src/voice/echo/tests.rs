use super::canceller::Canceller;
use super::delay::find_delay;
use super::far_end::FarEnd;
use super::*;
use crate::codec;
use proptest::prelude::*;

/// White noise of a given peak.
fn noise(samples: usize, peak: f32, mut state: u64) -> Vec<i16> {
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..samples).map(|_| (next() * peak) as i16).collect()
}

fn mulaw(samples: &[i16]) -> Bytes {
    let mut codes = Vec::new();
    codec::encode_mulaw(samples, &mut codes);
    codes.into()
}

/// What comes back of what is played, so many samples later and this much softer.
fn echo_of(played: &[i16], delay: usize, factor: f32) -> Vec<i16> {
    let late = std::iter::repeat_n(&0, delay).chain(played);
    late.take(played.len())
        .map(|&sample| (f32::from(sample) * factor) as i16)
        .collect()
}

fn sum(a: &[i16], b: &[i16]) -> Vec<i16> {
    a.iter().zip(b).map(|(a, b)| a.saturating_add(*b)).collect()
}

/// Levels, of a stretch of frames, of what is heard without `voice` and of what is left of that.
fn cancelled_db(canceller: &mut Canceller, far_end: &mut FarEnd, echo: &[i16], voice: &[i16]) -> (f32, f32) {
    let (mut before, mut after) = (0.0f32, 0.0f32);
    for (echo, voice) in echo
        .as_chunks::<FRAME_SAMPLES>()
        .0
        .iter()
        .zip(voice.as_chunks::<FRAME_SAMPLES>().0)
    {
        let _ = far_end.advance();
        let heard: [i16; FRAME_SAMPLES] = std::array::from_fn(|index| echo[index] + voice[index]);
        let computed = canceller.push(&heard, far_end, true);
        before += echo.iter().map(|&sample| f32::from(sample).powi(2)).sum::<f32>();
        let left = echo
            .iter()
            .zip(computed)
            .map(|(&echo, computed)| (f32::from(echo) - computed).powi(2));
        after += left.sum::<f32>();
    }
    (10.0 * before.log10(), 10.0 * after.log10())
}

#[test]
fn what_is_sent_is_played_without_a_gap_from_where_it_begins() {
    let samples: Vec<i16> = noise(1_000, 8_000.0, 1);
    let codes = mulaw(&samples);
    let mut far_end = FarEnd::new();
    far_end.sent(codes.slice(..333), 50);
    far_end.sent(codes.slice(333..), 7);
    let mut frames = 0;
    while far_end.advance() {
        frames += 1;
    }
    // 50 samples of silence, 1,000 of prompt, and the rest of the ninth frame.
    assert_eq!(frames, 9);
    let played: [f32; 1_152 + 128] = far_end.samples(0);
    let expected: Vec<f32> = codes
        .iter()
        .map(|&code| f32::from(codec::mulaw_to_linear(code)))
        .collect();
    assert_eq!(played[..50], [0.0; 50]);
    assert_eq!(played[50..1_050], expected[..]);
    assert!(played[1_050..].iter().all(|sample| *sample == 0.0));
}

#[test]
fn no_more_is_kept_of_what_is_sent_than_a_carrier_buffers() {
    let mut far_end = FarEnd::new();
    for _ in 0..100 {
        far_end.sent(vec![0; 80_000].into(), 0);
    }
    let mut frames = 0;
    while far_end.advance() {
        frames += 1;
    }
    assert_eq!(frames, 600 * 8_000 / FRAME_SAMPLES);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_delay_of_an_echo_is_found_under_noise_8_db_louder(delay in 0usize..6_100, seed in 1u64..1_000) {
        let played = noise(72 * FRAME_SAMPLES, 8_000.0, seed);
        let mut far_end = FarEnd::new();
        far_end.sent(mulaw(&played), 0);
        while far_end.advance() {}
        // The last `advance` played nothing.
        let heard = echo_of(&[&played[..], &[0; FRAME_SAMPLES]].concat(), delay, 0.1);
        let heard = sum(&heard, &noise(heard.len(), 2_000.0, seed + 1_000));
        let lately = heard[heard.len() - 2_048..].as_array().unwrap();
        prop_assert_eq!(find_delay(lately, &far_end).map(|fit| fit.delay), Some(delay));
    }

    /// Once in two hundred stretches noise fits somewhere by chance: that is why two must agree.
    #[test]
    fn what_is_no_echo_fits_nowhere_for_certain_nor_twice_at_one_delay(seed in 1u64..100_000) {
        let mut far_end = FarEnd::new();
        far_end.sent(mulaw(&noise(72 * FRAME_SAMPLES, 8_000.0, seed)), 0);
        while far_end.advance() {}
        let fits = [1_000_000, 2_000_000].map(|other| {
            find_delay(noise(2_048, 3_000.0, seed + other).as_array().unwrap(), &far_end)
        });
        prop_assert!(fits.iter().flatten().all(|fit| !fit.certain), "{:?}", fits);
        if let [Some(one), Some(two)] = fits {
            prop_assert!(one.delay.abs_diff(two.delay) > SAME_DELAY, "{:?}", fits);
        }
    }
}

#[test]
fn an_echo_is_taken_off_within_a_second_and_a_voice_changes_nothing_in_that() {
    let played = noise(256 * FRAME_SAMPLES, 6_000.0, 5);
    let codes = mulaw(&played);
    let (mut far_end, mut canceller) = (FarEnd::new(), Canceller::new(460));
    far_end.sent(codes, 0);
    let echo = echo_of(&played, 500, 0.14);
    let second = 64 * FRAME_SAMPLES;
    let quiet = vec![0; second];
    let stretch = |index: usize| &echo[index * second..(index + 1) * second];
    let _ = cancelled_db(&mut canceller, &mut far_end, stretch(0), &quiet);
    let (before, after) = cancelled_db(&mut canceller, &mut far_end, stretch(1), &quiet);
    assert!(after < before - 20.0, "{before} to {after}");
    // 20 dB above the echo.
    let voice = noise(second, 8_400.0, 6);
    let (before, after) = cancelled_db(&mut canceller, &mut far_end, stretch(2), &voice);
    assert!(after < before - 6.0, "while somebody speaks: {before} to {after}");
    let (before, after) = cancelled_db(&mut canceller, &mut far_end, stretch(3), &quiet);
    assert!(after < before - 20.0, "afterwards: {before} to {after}");
}

#[test]
fn a_filter_that_is_moved_goes_on_at_once() {
    let played = noise(192 * FRAME_SAMPLES, 6_000.0, 9);
    let (mut far_end, mut canceller) = (FarEnd::new(), Canceller::new(460));
    far_end.sent(mulaw(&played), 0);
    let second = 64 * FRAME_SAMPLES;
    let quiet = vec![0; second];
    let _ = cancelled_db(
        &mut canceller,
        &mut far_end,
        &echo_of(&played, 500, 0.14)[..second],
        &quiet,
    );
    canceller.set_delay(2_060, &far_end);
    let later = echo_of(&played, 2_100, 0.14);
    let few = 8 * FRAME_SAMPLES;
    let (before, after) = cancelled_db(
        &mut canceller,
        &mut far_end,
        &later[second..second + few],
        &quiet[..few],
    );
    assert!(after < before - 15.0, "{before} to {after}");
}
