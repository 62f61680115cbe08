//! Recordings written, read back, cut off and damaged.

use super::*;
use crate::codec::{MULAW_SILENCE, linear_to_mulaw};
use proptest::prelude::*;

/// A sweep on one side: its place in time can be told to the sample.
fn sweep(samples: usize, from_hz: f64, to_hz: f64) -> Vec<i16> {
    let length = samples as f64 / f64::from(LINE_RATE);
    (0..samples)
        .map(|index| {
            let at = index as f64 / f64::from(LINE_RATE);
            let cycles = from_hz * at + (to_hz - from_hz) * at * at / (2.0 * length);
            (8_000.0 * (2.0 * std::f64::consts::PI * cycles).sin()) as i16
        })
        .collect()
}

fn interleaved(left: &[i16], right: &[i16]) -> Vec<u8> {
    let pairs = left.iter().zip(right);
    pairs
        .flat_map(|(&left, &right)| [linear_to_mulaw(left), linear_to_mulaw(right)])
        .collect()
}

fn recording(interleaved: &[u8]) -> Vec<u8> {
    let mut writer = RecordingWriter::new(7).expect("an encoder");
    let mut file = Vec::new();
    for chunk in interleaved.chunks(700) {
        writer.push(chunk).expect("encoded");
        file.extend(writer.take());
    }
    file.extend(writer.finish().expect("finished"));
    file
}

fn energy(samples: &[i16]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() + 1.0
}

/// By how many samples `found` is later than `original`.
fn delay(original: &[i16], found: &[i16]) -> i64 {
    let product = |shift: i64| -> f64 {
        (200..original.len() as i64 - 200)
            .map(|at| f64::from(original[at as usize]) * f64::from(found[(at + shift) as usize]))
            .sum()
    };
    (-100..=100)
        .max_by(|a, b| product(*a).total_cmp(&product(*b)))
        .expect("a range")
}

#[test]
fn both_channels_come_back_at_their_time_and_to_the_sample_in_length() {
    let samples = 16_123;
    let (left, right) = (sweep(samples, 300.0, 1_500.0), sweep(samples, 2_500.0, 700.0));
    let read = read_recording(&recording(&interleaved(&left, &right))).expect("readable");
    assert!(read.complete);
    assert_eq!((read.left.len(), read.right.len()), (samples, samples));
    assert_eq!(delay(&left, &read.left), 0);
    assert_eq!(delay(&right, &read.right), 0);
}

#[test]
fn what_one_side_says_is_not_heard_on_the_other() {
    let samples = 16_000;
    let (loud, silent) = (sweep(samples, 300.0, 3_000.0), vec![0; samples]);
    let read = read_recording(&recording(&interleaved(&loud, &silent))).expect("readable");
    let leak_db = 10.0 * (energy(&read.right) / energy(&read.left)).log10();
    assert!(leak_db < -40.0, "the right side hears the left one at {leak_db:.1} dB");
    let read = read_recording(&recording(&interleaved(&silent, &loud))).expect("readable");
    let leak_db = 10.0 * (energy(&read.left) / energy(&read.right)).log10();
    assert!(leak_db < -40.0, "the left side hears the right one at {leak_db:.1} dB");
}

#[test]
fn a_recording_that_is_cut_off_plays_to_its_last_page() {
    let mut writer = RecordingWriter::new(1).expect("an encoder");
    writer.push(&vec![MULAW_SILENCE; 2 * 8_000 * 3]).expect("encoded");
    let mut file = writer.take();
    let whole = read_recording(&file).expect("readable");
    assert!(!whole.complete);
    assert!(
        (2_500..=3_000).contains(&whole.duration_ms()),
        "{} ms of 3 s are written",
        whole.duration_ms()
    );
    file.truncate(file.len() - 5);
    let cut = read_recording(&file).expect("readable");
    assert_eq!(whole.duration_ms() - cut.duration_ms(), 400);
}

#[test]
fn a_lost_page_is_silence_of_its_length() {
    let samples = 24_000;
    let tone = sweep(samples, 300.0, 1_500.0);
    let mut file = recording(&interleaved(&tone, &tone));
    let pages: Vec<usize> = (0..file.len() - 3)
        .filter(|&at| file[at..].starts_with(b"OggS"))
        .collect();
    let (from, to) = (pages[4], pages[5]);
    file.drain(from..to);
    let read = read_recording(&file).expect("readable");
    assert_eq!(read.left.len(), samples);
    assert!(read.complete);
    // Packets 40 to 59 were on it.
    assert_silent_alone(&read, &tone, 40 * PACKET_SAMPLES..60 * PACKET_SAMPLES);
}

/// Both channels hold the tone in its place, but for one stretch of the decoder's samples.
fn assert_silent_alone(read: &Recorded, tone: &[i16], silent: std::ops::Range<usize>) {
    let pre_skip = usize::from(StereoEncoder::new().expect("an encoder").delay().expect("a delay")) / 6;
    let silent = silent.start - pre_skip..silent.end - pre_skip;
    for side in [&read.left, &read.right] {
        assert!(
            side[silent.clone()].iter().all(|&sample| sample == 0),
            "silence in its place"
        );
        // The decoder needs a moment to find its way back.
        for heard in [0..silent.start, silent.end + PACKET_SAMPLES..tone.len()] {
            let (truth, found) = (&tone[heard.clone()], &side[heard.clone()]);
            assert_eq!(delay(truth, found), 0, "{heard:?}");
            assert!(energy(found) > 0.5 * energy(truth), "{heard:?}");
        }
    }
}

/// The file with its packets changed, by their index, in the same pages.
fn rewritten(file: &[u8], mut change: impl FnMut(usize, &mut ogg::Packet)) -> Vec<u8> {
    let (mut pages, mut out) = (PageWriter::new(7), Vec::new());
    for (index, mut packet) in ogg::packets(file).into_iter().enumerate() {
        change(index, &mut packet);
        assert!(pages.push(&packet.data));
        if let Some(granule) = packet.granule {
            pages.end_page(granule, packet.last, &mut out);
        }
    }
    out
}

#[test]
fn a_damaged_packet_within_a_page_is_silence_in_its_place() {
    let tone = sweep(24_000, 300.0, 1_500.0);
    let file = rewritten(&recording(&interleaved(&tone, &tone)), |index, packet| {
        // Behind the two headers. Two frames of 10 ms of the same length, in one byte.
        if index == 2 + 47 {
            packet.data = vec![0x95, 0];
        }
    });
    let read = read_recording(&file).expect("readable");
    assert_eq!((read.left.len(), read.complete), (24_000, true));
    assert_silent_alone(&read, &tone, 47 * PACKET_SAMPLES..48 * PACKET_SAMPLES);
}

#[test]
fn the_first_pages_of_a_recording_may_be_lost_as_well() {
    let tone = sweep(24_000, 300.0, 1_500.0);
    let mut file = recording(&interleaved(&tone, &tone));
    let page = |file: &[u8], number: usize| {
        let mut pages = (0..file.len() - 3).filter(|&at| file[at..].starts_with(b"OggS"));
        pages.nth(number).expect("a page")
    };
    let (from, to) = (page(&file, 2), page(&file, 3));
    file.drain(from..to);
    let read = read_recording(&file).expect("readable");
    assert_eq!(read.left.len(), 24_000);
    let later = 4_000..tone.len();
    assert_eq!(delay(&tone[later.clone()], &read.left[later]), 0);
}

#[test]
fn a_stream_that_was_cut_out_of_a_longer_one_begins_with_its_first_page() {
    let tone = sweep(16_123, 500.0, 500.0);
    let whole = recording(&interleaved(&tone, &tone));
    let cut = rewritten(&whole, |index, packet| {
        if index >= 2 {
            packet.granule = packet.granule.map(|granule| granule + 36_000 * 48_000);
        }
    });
    let (whole, cut) = (read_recording(&whole), read_recording(&cut));
    assert!(cut.expect("readable") == whole.expect("readable"));
}

#[test]
fn a_page_that_claims_to_be_hours_later_is_not_filled_up_with_hours_of_silence() {
    let whole = recording(&[0x20; 32_000]);
    for ahead in [3 * 3_600 * 48_000, u64::MAX / 2] {
        let file = rewritten(&whole, |index, packet| {
            if index == 2 + 39 {
                packet.granule = packet.granule.map(|granule| granule + ahead);
            }
        });
        let read = read_recording(&file).expect("readable");
        assert!(
            (2_000..2_100).contains(&read.duration_ms()),
            "{} ms, {ahead} ahead",
            read.duration_ms()
        );
    }
}

#[test]
fn many_gaps_are_filled_with_no_more_silence_than_one_may_have() {
    let mut timeline = Timeline {
        silence_left: 100,
        ..Timeline::new(2)
    };
    for page in 1..10 {
        timeline.push_silence(1);
        timeline.end_page(page * 41, false);
    }
    assert_eq!(timeline.samples.len(), 2 * (9 + 2 * 40));
}

#[test]
fn a_recording_of_nothing_is_a_good_file_of_no_length() {
    let read = read_recording(&recording(&[])).expect("readable");
    assert_eq!((read.duration_ms(), read.complete), (0, true));
}

#[test]
fn what_is_no_recording_is_refused_with_the_reason() {
    assert_eq!(read_recording(b"RIFF"), Err(RecordingError::NotOgg));
    let mut pages = PageWriter::new(1);
    let mut file = Vec::new();
    assert!(pages.push(b"\x80theora"));
    pages.end_page(0, false, &mut file);
    assert_eq!(read_recording(&file), Err(RecordingError::NotOpus));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// RFC 7845: granule positions never fall, and only the last page may cut.
    #[test]
    fn positions_count_every_sample_whatever_the_length(pairs in 0usize..20_000, fill: u8) {
        let file = recording(&vec![fill; 2 * pairs]);
        let packets = ogg::packets(&file);
        let pre_skip = u64::from(u16::from_le_bytes([packets[0].data[10], packets[0].data[11]]));
        let mut before = 0;
        for (index, packet) in packets.iter().enumerate().skip(2) {
            let audio = (index as u64 - 1) * 960;
            if let Some(granule) = packet.granule {
                prop_assert!(granule >= before);
                prop_assert!(packet.last || granule == audio);
                before = granule;
            }
        }
        prop_assert!(packets.last().is_some_and(|packet| packet.last));
        prop_assert_eq!(before, pre_skip + pairs as u64 * CLOCK_PER_SAMPLE);
        prop_assert_eq!(read_recording(&file).expect("readable").left.len(), pairs);
    }

    #[test]
    fn no_damage_makes_the_reader_panic(at: prop::sample::Index, change in 1u8.., cut: prop::sample::Index) {
        let mut file = recording(&vec![0x20; 9_000]);
        let at = at.index(file.len());
        file[at] ^= change;
        file.truncate(cut.index(file.len()));
        let _ = read_recording(&file);
    }
}
