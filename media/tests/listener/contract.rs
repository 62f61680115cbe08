//! The listener's contract: frames of any kind in, well-formed utterances out.

use crate::support::{Event, Heard, Notes, Recording, mulaw, patient};
use proptest::prelude::*;
use samvad_media::codec::MULAW_SILENCE;
use samvad_media::listener::{Listener, ListenerConfig};
use samvad_media::messages::{Inbound, MediaFrame, parse_inbound, write_media};

/// "remove me from your list": 600 to 2,277 ms of 3,477.
fn speech() -> Vec<u8> {
    mulaw(&Recording::named("09_remove_me.wav").samples)
}

/// The recording again and again, with its silences.
fn long_speech(times: usize) -> Vec<u8> {
    let words = &speech()[4_800..18_216];
    [&speech()[..4_800], &words.repeat(times), &[MULAW_SILENCE; 16_000]].concat()
}

fn push_all(listener: &mut Listener, audio: &[u8], size: usize, notes: &mut Notes) {
    let begin_ms = listener.media_ms();
    for (index, frame) in audio.chunks(size).enumerate() {
        listener.push_mulaw(Some(begin_ms + (index * size / 8) as u64), frame, notes);
    }
}

fn hear(audio: &[u8], size: usize) -> Notes {
    let mut notes = Notes::default();
    push_all(&mut Listener::new(patient()), audio, size, &mut notes);
    notes
}

fn ended(notes: &Notes) -> Vec<(u64, u64)> {
    notes
        .events
        .iter()
        .filter_map(|event| {
            if let Event::Ended(_, e, at) = *event {
                Some((e, at))
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn an_utterance_is_told_in_order_and_its_audio_runs_from_pre_roll_to_post_roll() {
    let audio = speech();
    let notes = hear(&audio, 160);
    let [
        Event::Started(1, began_ms),
        Event::Audio(1, first),
        Event::Sustained(1, sustained_ms),
        Event::Audio(1, rest),
        Event::Ended(1, ended_ms, at_ms),
    ] = notes.events.as_slice()
    else {
        panic!("{:?}", notes.events)
    };
    assert!(began_ms < sustained_ms && sustained_ms < ended_ms && ended_ms < at_ms);
    assert!((1_200..1_240).contains(&(at_ms - ended_ms)), "patience is 1,200 ms");
    let (from, to) = (*began_ms as usize - 300, *ended_ms as usize + 500);
    assert!(
        ((to - from) * 8).abs_diff(first + rest) <= 128,
        "{first} and {rest} samples"
    );
    let mut decoded = Vec::new();
    samvad_media::codec::decode_mulaw(&audio[from * 8..from * 8 + notes.audio.len()], &mut decoded);
    assert!(
        notes.audio == decoded,
        "the audio is what came in, without hole or repetition"
    );
}

#[test]
fn a_pause_shorter_than_the_patience_belongs_to_the_utterance_and_a_longer_one_ends_it() {
    let recording = mulaw(&Recording::named("21_free_pause.wav").samples);
    for (patience_ms, utterances) in [(1_200, 1), (700, 2)] {
        let mut listener = Listener::new(ListenerConfig::default());
        listener.set_patience_ms(patience_ms);
        let mut notes = Notes::default();
        push_all(&mut listener, &recording, 160, &mut notes);
        assert_eq!(
            ended(&notes).len(),
            utterances,
            "patience of {patience_ms} ms: {:?}",
            notes.events
        );
    }
}

#[test]
fn patience_takes_effect_in_the_middle_of_an_utterance() {
    let mut listener = Listener::new(ListenerConfig {
        patience_ms: 3_000,
        ..ListenerConfig::default()
    });
    let mut notes = Notes::default();
    push_all(&mut listener, &speech()[..20_000], 160, &mut notes);
    assert_eq!(ended(&notes), []);
    listener.set_patience_ms(0);
    push_all(&mut listener, &[MULAW_SILENCE; 1_600], 160, &mut notes);
    assert_eq!(ended(&notes).len(), 1, "even without patience 300 ms of silence end it");
}

#[test]
fn endless_speech_is_ended_by_force_and_goes_on_as_another_utterance() {
    let mut listener = Listener::new(ListenerConfig {
        max_utterance_ms: 4_000,
        ..ListenerConfig::default()
    });
    let mut notes = Notes::default();
    push_all(&mut listener, &long_speech(6), 160, &mut notes);
    let ended = ended(&notes);
    assert!(ended.len() >= 2, "{ended:?}");
    assert!((4_590..4_640).contains(&ended[0].1), "{ended:?}");
}

#[test]
fn flush_ends_an_open_utterance_and_else_does_nothing() {
    let mut listener = Listener::new(patient());
    let mut notes = Notes::default();
    listener.flush(&mut notes);
    push_all(&mut listener, &speech()[..12_000], 160, &mut notes);
    listener.flush(&mut notes);
    listener.flush(&mut notes);
    assert!(matches!(ended(&notes).as_slice(), [(ended_ms, at_ms)] if ended_ms <= at_ms && *at_ms <= 1_500));
}

#[test]
fn a_gap_is_silence_in_time_and_in_the_audio() {
    let audio = speech();
    let (before, after) = (&audio[..9_600], &audio[11_200..]);
    let mut listener = Listener::new(patient());
    let mut notes = Notes::default();
    push_all(&mut listener, before, 160, &mut notes);
    for (index, frame) in after.chunks(160).enumerate() {
        listener.push_mulaw(Some(1_400 + index as u64 * 20), frame, &mut notes);
    }
    assert_eq!(listener.stats().gap_ms, 200);
    assert_eq!(listener.media_ms(), audio.len() as u64 / 8);
    let whole = Heard::from(hear(&audio, 160));
    let heard = Heard::from(notes);
    assert_eq!(heard.utterances.len(), 1);
    assert!(
        heard.utterances[0].1.abs_diff(whole.utterances[0].1) <= 32,
        "{:?}",
        heard.utterances
    );
}

#[test]
fn a_gap_of_minutes_ends_the_utterance_and_is_skipped() {
    let mut listener = Listener::new(ListenerConfig {
        patience_ms: 60_000,
        ..ListenerConfig::default()
    });
    let mut notes = Notes::default();
    push_all(&mut listener, &speech()[..12_000], 160, &mut notes);
    listener.push_mulaw(Some(600_000), &[MULAW_SILENCE; 160], &mut notes);
    assert_eq!(listener.media_ms(), 600_020);
    assert!(
        matches!(ended(&notes).as_slice(), [(_, at_ms)] if (3_400..3_520).contains(at_ms)),
        "{:?}",
        notes.events
    );
    push_all(&mut listener, &speech(), 160, &mut notes);
    assert_eq!(ended(&notes).len(), 1);
    listener.flush(&mut notes);
    assert!(ended(&notes)[1].0 > 600_000);
}

#[test]
fn duplicates_and_late_frames_are_dropped_and_counted() {
    let audio = speech();
    let mut listener = Listener::new(patient());
    let mut notes = Notes::default();
    for (index, frame) in audio.chunks(160).enumerate() {
        let at_ms = index as u64 * 20;
        listener.push_mulaw(Some(at_ms), frame, &mut notes);
        listener.push_mulaw(Some(at_ms), frame, &mut notes);
        if index % 5 == 4 {
            listener.push_mulaw(Some(at_ms - 60), frame, &mut notes);
        }
    }
    let frames = audio.len().div_ceil(160) as u64;
    assert_eq!(listener.stats().frames, frames);
    assert_eq!(listener.stats().dropped_frames, frames + frames / 5);
    assert_eq!(notes.events, hear(&audio, 160).events);
}

#[test]
fn a_clock_that_has_gone_back_for_good_is_followed_after_half_a_second() {
    let mut listener = Listener::new(patient());
    let mut notes = Notes::default();
    for index in 0..100 {
        listener.push_mulaw(Some(500_000 + index * 20), &[MULAW_SILENCE; 160], &mut notes);
    }
    for index in 0..100 {
        listener.push_mulaw(Some(index * 20), &[MULAW_SILENCE; 160], &mut notes);
    }
    assert_eq!(listener.stats().dropped_frames, 25);
    assert_eq!(listener.media_ms(), 502_000 + 75 * 20);
}

#[test]
fn timestamps_may_be_absent_or_absurd() {
    let audio = speech();
    for timestamp in [None, Some(u64::MAX), Some(i64::MAX as u64)] {
        let mut listener = Listener::new(patient());
        let mut notes = Notes::default();
        for frame in audio.chunks(160) {
            listener.push_mulaw(timestamp, frame, &mut notes);
        }
        if timestamp.is_none() {
            assert_eq!(notes.events, hear(&audio, 160).events);
        }
        assert!(listener.media_ms() <= audio.len() as u64 / 8);
    }
}

#[test]
fn a_payload_that_is_not_base64_is_an_error_and_changes_nothing() {
    let audio = speech();
    let mut listener = Listener::new(patient());
    let mut notes = Notes::default();
    for (index, frame) in audio.chunks(160).enumerate() {
        let at_ms = Some(index as u64 * 20);
        let error = listener
            .push(&MediaFrame::from_payload(at_ms, "canary!"), &mut notes)
            .expect_err("no base64");
        assert_eq!(
            error.to_string(),
            "`media.payload` of the media message is not base64; send it as Twilio documents it"
        );
        let mut text = String::new();
        write_media(&mut text, "MZ", frame);
        let Ok(Inbound::Media(mut media)) = parse_inbound(&text) else {
            panic!("{text}")
        };
        media.timestamp_ms = at_ms;
        listener.push(&media, &mut notes).unwrap();
    }
    assert_eq!(notes.events, hear(&audio, 160).events);
}

#[test]
fn l9_frames_of_our_own_track_are_dropped() {
    let mut listener = Listener::new(patient());
    let frame = MediaFrame {
        track: "outbound".into(),
        ..MediaFrame::from_payload(Some(0), "////")
    };
    listener.push(&frame, &mut Notes::default()).unwrap();
    assert_eq!((listener.stats().dropped_frames, listener.media_ms()), (1, 0));
}

#[test]
fn unpadded_base64_is_understood() {
    let mut listener = Listener::new(patient());
    for payload in ["/38", "/38=", "", "/w", "/w=="] {
        listener
            .push(&MediaFrame::from_payload(None, payload), &mut Notes::default())
            .unwrap();
    }
    assert_eq!(listener.stats().frames, 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_size_of_the_frames_changes_nothing(size in prop_oneof![Just(8usize), Just(161), Just(27_816), 1usize..2_000]) {
        let audio = speech();
        let (notes, expected) = (hear(&audio, size), hear(&audio, 160));
        prop_assert_eq!(notes.events, expected.events);
        prop_assert!(notes.audio == expected.audio);
    }

    #[test]
    fn any_frames_give_well_formed_events(
        frames in proptest::collection::vec((any::<Option<u32>>(), 0usize..27_000, 0usize..3_000, 0u8..9), 0..60),
        max_utterance_ms in 0u32..5_000,
        pre_roll_ms: u32,
    ) {
        let audio = speech();
        let mut listener = Listener::new(ListenerConfig { max_utterance_ms, pre_roll_ms, ..ListenerConfig::default() });
        let mut notes = Notes::default();
        let mut reached_ms = 0;
        for (timestamp, from, length, change) in frames {
            let timestamp_ms = timestamp.map(|timestamp| u64::from(timestamp) % 30_000);
            listener.push_mulaw(timestamp_ms, &audio[from..(from + length).min(audio.len())], &mut notes);
            match change {
                0 => listener.set_prompt_playing(length % 2 == 0),
                1 => listener.set_patience_ms(length as u32),
                2 => listener.flush(&mut notes),
                3 => listener.prompt_sent(audio[..length].to_vec().into()),
                _ => {}
            }
            prop_assert!(listener.media_ms() >= reached_ms);
            reached_ms = listener.media_ms();
        }
        listener.flush(&mut notes);
        let mut open = None;
        for event in notes.events {
            match event {
                Event::Started(speech, began_ms) => {
                    prop_assert!(open.is_none());
                    open = Some((speech, began_ms));
                }
                Event::Audio(speech, _) | Event::Sustained(speech, _) => {
                    prop_assert_eq!(open.map(|open| open.0), Some(speech));
                }
                Event::Ended(speech, ended_ms, at_ms) => {
                    prop_assert!(open.is_some_and(|(of, began_ms)| of == speech && began_ms <= ended_ms));
                    prop_assert!(ended_ms <= at_ms && at_ms <= reached_ms);
                    open = None;
                }
                Event::Discarded(speech, _) => {
                    prop_assert_eq!(open.take().map(|open| open.0), Some(speech));
                }
                Event::Beep(at_ms) | Event::Fax(at_ms) => prop_assert!(at_ms <= reached_ms),
            }
        }
        prop_assert!(open.is_none());
    }
}
