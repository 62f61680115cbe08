//! The carrier's end of a media socket, and a caller on it.

use actix::Addr;
use bytestring::ByteString;
use samvad_actors::runtime::{CallActor, CallCommand, Line, LineClosed, MediaText};
use samvad_media::codec::encode_mulaw;
use samvad_media::messages::write_media;
use samvad_media::resample::to_8k;
use samvad_media::wav;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::LazyLock;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

static YES: LazyLock<Vec<i16>> = LazyLock::new(|| {
    let recording = wav::read(include_bytes!("../../../fixtures/audio/01_yes.wav")).expect("WAV");
    to_8k(&recording.samples, recording.sample_rate).expect("resampled")
});

/// Samples in a frame of 20 ms.
const FRAME: usize = 160;

/// One message to the carrier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    Media(Vec<u8>),
    Mark(String),
    Clear,
}

impl Frame {
    fn read(text: &str) -> Self {
        let message: Value = serde_json::from_str(text).expect("JSON");
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        match message["event"].as_str() {
            Some("media") => Self::Media(decode_base64(&text(&message["media"]["payload"]))),
            Some("mark") => Self::Mark(text(&message["mark"]["name"])),
            Some("clear") => Self::Clear,
            other => panic!("the call sent {other:?}"),
        }
    }
}

/// RFC 4648, section 4.
fn decode_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter(|byte| *byte != b'=');
    let values = digits.map(|byte| ALPHABET.iter().position(|digit| *digit == byte).expect("base64") as u32);
    let values: Vec<u32> = values.collect();
    let bytes = values.chunks(4).flat_map(|group| {
        let bits = group.iter().fold(0, |bits, value| bits << 6 | value) << (6 * (4 - group.len()));
        bits.to_be_bytes()[1..group.len()].to_vec()
    });
    bytes.collect()
}

#[derive(Default)]
pub struct LineState {
    pub send_panics: Cell<bool>,
    pub closed_with: Cell<Option<u16>>,
    pub clears: Cell<u32>,
    pub media: Cell<u32>,
}

pub struct FakeLine {
    frames: UnboundedSender<String>,
    state: Rc<LineState>,
}

impl FakeLine {
    pub fn new() -> (Rc<Self>, FarEnd) {
        let (frames, received) = unbounded_channel();
        let state = Rc::new(LineState::default());
        let line = Rc::new(Self {
            frames,
            state: state.clone(),
        });
        (line, FarEnd { received, state })
    }
}

/// The other end of a [`FakeLine`].
pub struct FarEnd {
    received: UnboundedReceiver<String>,
    state: Rc<LineState>,
}

impl Line for FakeLine {
    fn send(&self, frame: String) {
        assert!(!self.state.send_panics.get(), "the line panics, as told");
        // The test may have let go of its end.
        let _ = self.frames.send(frame);
    }

    fn backlog_bytes(&self) -> usize {
        0
    }

    fn close(&self, code: u16, _reason: &'static str) {
        self.state.closed_with.set(self.state.closed_with.get().or(Some(code)));
    }
}

/// Somebody on the telephone: returns marks at once, presses keys, speaks.
pub struct Caller {
    pub call: Addr<CallActor>,
    pub state: Rc<LineState>,
    received: RefCell<UnboundedReceiver<String>>,
    time_ms: Cell<u64>,
    pub returns_marks: Cell<bool>,
}

impl Caller {
    pub fn new(call: Addr<CallActor>, end: FarEnd) -> Self {
        Self {
            call,
            state: end.state,
            received: RefCell::new(end.received),
            time_ms: Cell::new(0),
            returns_marks: Cell::new(true),
        }
    }

    /// Listens until a prompt has been sent whole, and returns its marks. False if the call is over before.
    #[expect(clippy::await_holding_refcell_ref, reason = "one task holds a caller")]
    pub async fn listen(&self) -> bool {
        let mut received = self.received.borrow_mut();
        loop {
            let Some(frame) = received.recv().await else {
                return false;
            };
            // What one prompt consists of is sent in one go, its marks last.
            if self.take(&frame) {
                while let Ok(frame) = received.try_recv() {
                    self.take(&frame);
                }
                return true;
            }
        }
    }

    /// True for a mark.
    fn take(&self, frame: &str) -> bool {
        let message: Value = serde_json::from_str(frame).expect("JSON");
        match message["event"].as_str() {
            Some("mark") => {
                if self.returns_marks.get() {
                    self.send(&json!({"event": "mark", "mark": message["mark"]}).to_string());
                }
                return true;
            }
            Some("clear") => self.state.clears.set(self.state.clears.get() + 1),
            Some("media") => self.state.media.set(self.state.media.get() + 1),
            other => panic!("the call sent {other:?}"),
        }
        false
    }

    /// What has been sent since this was last asked. No mark is returned for it.
    pub fn frames(&self) -> Vec<Frame> {
        let mut received = self.received.borrow_mut();
        std::iter::from_fn(|| received.try_recv().ok())
            .map(|text| Frame::read(&text))
            .collect()
    }

    pub fn return_mark(&self, name: &str) {
        self.send(&json!({"event": "mark", "mark": {"name": name}}).to_string());
    }

    pub fn send(&self, text: &str) {
        self.call.do_send(MediaText(ByteString::from(text)));
    }

    pub fn press(&self, key: char) {
        self.send(&json!({"event": "dtmf", "dtmf": {"digit": key.to_string()}}).to_string());
    }

    fn audio(&self, samples: &[i16]) {
        for frame in samples.chunks_exact(FRAME) {
            let at_ms = self.time_ms.get();
            self.time_ms.set(at_ms + 20);
            let mut mulaw = Vec::new();
            encode_mulaw(frame, &mut mulaw);
            let mut message = String::new();
            write_media(&mut message, "MZ1", &mulaw);
            let mut message: Value = serde_json::from_str(&message).expect("JSON");
            message["media"]["timestamp"] = json!(at_ms.to_string());
            self.send(&message.to_string());
        }
    }

    /// Says "yes", in no time, and is silent for long enough to be end-pointed.
    pub fn speak(&self) {
        self.audio(&YES);
        self.audio(&[0; 12_000]);
    }

    pub fn reset(&self) {
        self.call.do_send(LineClosed);
    }

    pub fn command(&self, command: CallCommand) {
        self.call.do_send(command);
    }

    /// Takes part in the survey by keys until the call is over.
    pub async fn answer(&self, keys: &str) {
        let mut keys = keys.chars();
        while self.listen().await {
            if let Some(key) = keys.next() {
                self.press(key);
            }
        }
    }
}
