//! What one 20 ms frame costs, stage by stage: `cargo bench -p samvad-media`.

use base64::Engine;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use samvad_media::listener::{Listener, ListenerConfig, ListenerSink};
use samvad_media::messages::{Inbound, parse_inbound, write_media};
use samvad_media::recording::RecordingWriter;
use samvad_media::resample::StreamResampler;
use samvad_media::tape::Tape;
use samvad_media::voice::{FRAME_SAMPLES, VoiceDetector};
use samvad_media::{codec, wav};
use std::hint::black_box;

const FRAME: usize = 160;

struct Nothing;

impl ListenerSink for Nothing {
    fn speech_started(&mut self, _: u32, _: u64) {}
    fn speech_audio(&mut self, _: u32, samples: &[i16]) {
        black_box(samples);
    }
    fn speech_sustained(&mut self, _: u32, _: u64) {}
    fn speech_ended(&mut self, _: u32, _: u64, _: u64) {}
    fn speech_discarded(&mut self, _: u32, _: u64) {}
    fn beep(&mut self, _: u64) {}
    fn fax(&mut self, _: u64) {}
}

fn recording(file: &str) -> Vec<i16> {
    let path = format!("{}/../fixtures/audio/{file}", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap_or_default();
    wav::read(&bytes).map(|audio| audio.samples).unwrap_or_default()
}

/// Whole messages as Twilio sends them.
fn messages(samples: &[i16]) -> Vec<String> {
    let message = |(index, frame): (usize, &[i16])| {
        let mut codes = Vec::new();
        codec::encode_mulaw(frame, &mut codes);
        let payload = base64::engine::general_purpose::STANDARD.encode(codes);
        format!(
            r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{}","payload":"{payload}"}},"streamSid":"MZ18ad3ab5a668481ce02b83e7395059f0"}}"#,
            index + 2,
            index + 1,
            index * 20
        )
    };
    samples.chunks_exact(FRAME).enumerate().map(message).collect()
}

fn listen(listener: &mut Listener, messages: &[String]) {
    for message in messages {
        if let Ok(Inbound::Media(frame)) = parse_inbound(message) {
            let _ = listener.push(&frame, &mut Nothing);
        }
    }
}

fn stages(criterion: &mut Criterion) {
    let speech = recording("20_free_service.wav");
    let texts = messages(&speech);
    let text = &texts[100];
    let mut group = criterion.benchmark_group("frame");
    group.bench_function("parse", |bencher| {
        bencher.iter(|| black_box(parse_inbound(black_box(text))))
    });
    let mut codes = Vec::new();
    codec::encode_mulaw(&speech[16_000..16_000 + FRAME], &mut codes);
    let payload = base64::engine::general_purpose::STANDARD.encode(&codes);
    let mut decoded = Vec::with_capacity(256);
    group.bench_function("base64 decode", |bencher| {
        bencher.iter(|| {
            decoded.clear();
            let _ = base64::engine::general_purpose::STANDARD.decode_vec(black_box(&payload), &mut decoded);
        });
    });
    let mut samples = Vec::with_capacity(FRAME);
    group.bench_function("mu-law decode", |bencher| {
        bencher.iter(|| {
            samples.clear();
            codec::decode_mulaw(black_box(&codes), &mut samples);
        });
    });
    let mut encoded = Vec::with_capacity(FRAME);
    group.bench_function("mu-law encode", |bencher| {
        bencher.iter(|| {
            encoded.clear();
            codec::encode_mulaw(black_box(&speech[16_000..16_000 + FRAME]), &mut encoded);
        });
    });
    let mut message = String::with_capacity(512);
    group.bench_function("write media", |bencher| {
        bencher.iter(|| {
            message.clear();
            write_media(&mut message, "MZ18ad3ab5a668481ce02b83e7395059f0", black_box(&codes));
        });
    });
    if let Ok(mut resampler) = StreamResampler::new(24_000, 8_000) {
        let input = vec![1_000i16; 480];
        let mut output = Vec::with_capacity(FRAME * 2);
        group.bench_function("resample 24 to 8 kHz", |bencher| {
            bencher.iter(|| {
                output.clear();
                let _ = resampler.push(black_box(&input), &mut output);
            });
        });
    }
    group.finish();
}

/// A detector's cost per 16 ms frame with the gate closed and open.
fn voice(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("voice, 16 ms");
    for (name, file) in [
        ("gate closed", "25_silence.wav"),
        ("gate open", "24_voicemail_human.wav"),
    ] {
        let samples = recording(file);
        let (frames, _) = samples.as_chunks::<FRAME_SAMPLES>();
        let mut detector = VoiceDetector::new();
        let mut next = 100;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                next = if next < 500 { next + 1 } else { 100 };
                black_box(detector.push(&frames[next], true, false))
            });
        });
    }
    // A speaker phone: the prompt comes back 120 ms later and 17 dB softer, under the caller's words.
    let speech = recording("24_voicemail_human.wav");
    let mut prompt = recording("20_free_service.wav");
    prompt.truncate(prompt.len() / FRAME_SAMPLES * FRAME_SAMPLES);
    let line: Vec<i16> = speech
        .iter()
        .zip(prompt.iter().cycle().skip(prompt.len() - 960))
        .map(|(&voice, &echo)| voice / 2 + echo / 7)
        .collect();
    for (name, samples) in [
        ("gate open, echo taken off", line),
        ("gate open, no echo while a prompt plays", speech),
    ] {
        let mut codes = Vec::new();
        codec::encode_mulaw(&prompt, &mut codes);
        let codes = bytes::Bytes::from(codes);
        let (frames, _) = samples.as_chunks::<FRAME_SAMPLES>();
        let mut detector = VoiceDetector::new();
        let (mut next, length) = (0, prompt.len() / FRAME_SAMPLES);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                if next % length == 0 {
                    next = 0;
                    detector.prompt_sent(codes.clone(), 0);
                }
                next += 1;
                black_box(detector.push(&frames[next - 1], false, false))
            });
        });
    }
    group.finish();
}

/// The whole way of a frame, averaged over a recording.
fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("listener, per frame");
    for (name, file) in [
        ("silent", "25_silence.wav"),
        ("line noise", "26_line_noise.wav"),
        ("speaking", "24_voicemail_human.wav"),
    ] {
        let texts = messages(&recording(file));
        group.throughput(Throughput::Elements(texts.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || Listener::new(ListenerConfig::default()),
                |mut listener| listen(&mut listener, &texts),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// What recording a second of a call costs: on the call's thread, and on the recorder's.
fn recorder(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("recording, per second of a call");
    let mut codes = Vec::new();
    codec::encode_mulaw(&recording("20_free_service.wav"), &mut codes);
    let mut second: Vec<u8> = codes.iter().copied().cycle().take(8_000).collect();
    for (name, seconds_ahead) in [("the tape", 0), ("the tape, a hundred pieces ahead", 10)] {
        group.bench_function(name, |bencher| {
            let (mut tape, mut at, mut sent) = (Tape::new(), 0, 0);
            let audio = bytes::Bytes::from(second.clone());
            // A sentence of a second, as it comes from a voice: in pieces of 100 ms, and its mark.
            let mut send = |tape: &mut Tape| {
                for piece in (0..audio.len()).step_by(800) {
                    tape.sent(audio.slice(piece..piece + 800));
                }
                tape.mark_sent(&sent.to_string());
                sent += 1;
                sent
            };
            for _ in 0..seconds_ahead {
                send(&mut tape);
            }
            bencher.iter(|| {
                let played = send(&mut tape) - 1 - seconds_ahead;
                for frame in second.chunks(160) {
                    tape.caller(at, frame);
                    at += 160;
                }
                tape.mark_returned(&played.to_string());
                black_box(tape.take(8_000))
            });
        });
    }
    let caller = second.clone();
    second.rotate_left(3_000);
    let both: Vec<u8> = caller
        .iter()
        .zip(&second)
        .flat_map(|(&left, &right)| [left, right])
        .collect();
    group.bench_function("Opus in Ogg, both speaking", |bencher| {
        let Ok(mut writer) = RecordingWriter::new(1) else {
            return;
        };
        bencher.iter(|| {
            let pushed = writer.push(&both);
            black_box((pushed.is_ok(), writer.take()))
        });
    });
    let silence = [0xff; 16_000];
    group.bench_function("Opus in Ogg, silence", |bencher| {
        let Ok(mut writer) = RecordingWriter::new(1) else {
            return;
        };
        bencher.iter(|| {
            let pushed = writer.push(&silence);
            black_box((pushed.is_ok(), writer.take()))
        });
    });
    group.finish();
}

criterion_group!(benches, stages, voice, whole, recorder);
criterion_main!(benches);
