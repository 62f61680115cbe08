//! The frame path does not allocate once it has found its sizes.

use crate::support::{Recording, mulaw};
use samvad_media::listener::{Listener, ListenerConfig, ListenerSink};
use samvad_media::messages::{Inbound, parse_inbound};
/// Counts samples without keeping them.
struct Count(usize);

impl ListenerSink for Count {
    fn speech_started(&mut self, _: u32, _: u64) {}
    fn speech_audio(&mut self, _: u32, samples: &[i16]) {
        self.0 += samples.len();
    }
    fn speech_sustained(&mut self, _: u32, _: u64) {}
    fn speech_ended(&mut self, _: u32, _: u64, _: u64) {}
    fn speech_discarded(&mut self, _: u32, _: u64) {}
    fn beep(&mut self, _: u64) {}
    fn fax(&mut self, _: u64) {}
}

#[test]
fn parsing_and_listening_do_not_allocate_in_silence_or_speech() {
    let texts: Vec<String> = mulaw(&Recording::named("20_free_service.wav").samples)
        .chunks(160)
        .enumerate()
        .map(|(index, frame)| {
            let mut text = String::new();
            samvad_media::messages::write_media(&mut text, "MZ", frame);
            text.replace(
                r#""media":{"#,
                &format!(r#""media":{{"track":"inbound","timestamp":"{}","#, index * 20),
            )
        })
        .collect();
    let mut listener = Listener::new(ListenerConfig::default());
    let mut sink = Count(0);
    let counted = allocation_counter::measure(|| {
        for text in &texts {
            let Ok(Inbound::Media(frame)) = parse_inbound(text) else {
                panic!("not a media message")
            };
            listener.push(&frame, &mut sink).unwrap();
        }
    });
    assert_eq!(counted.count_total, 0);
    assert!(sink.0 > 20_000, "there was speech");
}

#[test]
fn the_counter_counts() {
    // Else the test above would pass by counting nothing.
    assert!(allocation_counter::measure(|| drop(Listener::new(ListenerConfig::default()))).count_total > 0);
}
