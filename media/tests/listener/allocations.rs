//! The frame path does not allocate once it has found its sizes.

use crate::support::{Recording, mulaw};
use samvad_media::listener::{Listener, ListenerConfig, ListenerSink};
use samvad_media::messages::{Inbound, parse_inbound};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[expect(
    unsafe_code,
    reason = "a global allocator is unsafe by its trait; this one only counts and forwards"
)]
// SAFETY: every call is forwarded unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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
    let before = ALLOCATIONS.get();
    for text in &texts {
        let Ok(Inbound::Media(frame)) = parse_inbound(text) else {
            panic!("not a media message")
        };
        listener.push(&frame, &mut sink).unwrap();
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    assert!(sink.0 > 20_000, "there was speech");
}
