//! One live stream, advanced by 20 ms at a time: read what the server sent, play, let the caller react, send.

use super::message::{FromServer, Json, Writer, read};
use super::playout::Playout;
use super::wire::{Received, Wire};
use crate::audio::{Clip, Line, Recording, TICK_MS, TICK_SAMPLES};
use crate::caller::{Act, Ear, Heard, Measures, Script};
use crate::scenario::{FaultKind, FaultSet};
use rand::RngExt;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::oneshot;

/// The kernel has not taken everything for so many ticks: from here on audio is discarded (31930).
const BLOCKED_TICKS: u32 = 50;

/// The caller with everything that outlives a stream: a call may have several, one after the other.
#[derive(Debug)]
pub(crate) struct CallerLine {
    pub script: Script,
    pub ear: Ear,
    pub line: Line,
    pub measures: Measures,
    pub recording: Option<Recording>,
    /// Ticks of media time so far.
    pub ticks: u64,
}

impl CallerLine {
    fn now_ms(&self) -> u64 {
        self.ticks * TICK_MS
    }
}

/// Why a stream ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum StreamEnd {
    /// The server closed the socket, with this code if any.
    ServerClosed(Option<u16>),
    /// The connection broke.
    Lost,
    /// The caller hung up.
    CallerHungUp,
    /// The caller heard nothing for too long and hung up.
    CallerGaveUp,
    /// The scenario tore the socket down.
    SocketReset,
    /// The network ends it: a request of the API, or the call's time limit.
    Asked,
    /// A fault of the stream, with Twilio's code.
    Error(u32, String),
}

/// A stream that has ended.
#[derive(Debug)]
pub(crate) struct StreamFinish {
    pub end: StreamEnd,
    pub caller: CallerLine,
    pub wire: Wire,
    /// Audio of the server that was not played.
    pub unplayed_ms: u64,
    /// What the server sent that it should not, in words.
    pub violations: Vec<String>,
    /// The server read too slowly and audio was discarded (31930).
    pub discarded: bool,
}

/// What a stream begins with.
#[derive(Debug)]
pub(crate) struct StreamSetup {
    pub wire: Wire,
    pub writer: Writer,
    pub parameters: Vec<(String, String)>,
    pub caller: CallerLine,
    pub faults: FaultSet,
    pub random: StdRng,
    pub playout_limit_ms: u64,
    pub dtmf_in_audio: bool,
    /// Set by the network when the stream has to end.
    pub asked_to_end: Arc<AtomicBool>,
    /// Where the end is reported.
    pub done: oneshot::Sender<StreamFinish>,
}

/// A stream in progress.
#[derive(Debug)]
pub(crate) struct LiveStream {
    setup: StreamSetup,
    playout: Playout,
    /// Ticks of this stream.
    ticks: u64,
    outbox: Vec<String>,
    /// Caller's audio that waits to fill a frame of odd size.
    odd: Vec<u8>,
    odd_size: usize,
    odd_sent: usize,
    violations: Vec<String>,
    discarded: bool,
    /// The fast way of writing media serves unless a fault changes the messages.
    plain: bool,
}

impl LiveStream {
    /// Begins with `connected` and `start`, which go out at the first tick.
    pub(crate) fn new(mut setup: StreamSetup) -> Self {
        let limit_ms = if setup.faults.has(FaultKind::BufferOverflow) {
            2_000
        } else {
            setup.playout_limit_ms
        };
        let plain = ![FaultKind::UnknownFields, FaultKind::VariedKeyOrder]
            .iter()
            .any(|kind| setup.faults.has(*kind));
        let start = setup.writer.start(&std::mem::take(&mut setup.parameters));
        let mut stream = Self {
            setup,
            playout: Playout::new(limit_ms),
            ticks: 0,
            outbox: Vec::new(),
            odd: Vec::new(),
            odd_size: TICK_SAMPLES,
            odd_sent: 0,
            violations: Vec::new(),
            discarded: false,
            plain,
        };
        stream.post(Writer::connected());
        stream.post(start);
        stream
    }

    /// Advances by 20 ms; gives the end if this was the last tick.
    pub(crate) fn tick(&mut self) -> Option<StreamEnd> {
        let end = self.advance();
        if end.as_ref().is_some_and(says_stop) && !self.setup.faults.has(FaultKind::MissingStop) {
            let stop = self.setup.writer.stop();
            self.post(stop);
        }
        if end.is_some() || !self.stalled() {
            for text in self.outbox.drain(..) {
                self.setup.wire.queue(text);
            }
        }
        self.setup.wire.flush();
        self.ticks += 1;
        self.setup.caller.ticks += 1;
        end
    }

    /// Reports the end and hands the connection back.
    pub(crate) fn finish(self, end: StreamEnd) {
        let finish = StreamFinish {
            end,
            caller: self.setup.caller,
            wire: self.setup.wire,
            unplayed_ms: self.playout.waiting_ms(),
            violations: self.violations,
            discarded: self.discarded,
        };
        // Nobody waits any more only if the simulator is being stopped.
        let _ = self.setup.done.send(finish);
    }

    fn advance(&mut self) -> Option<StreamEnd> {
        if let Some(end) = self.read_all() {
            return Some(end);
        }
        if self.setup.asked_to_end.load(Ordering::Relaxed) {
            return Some(StreamEnd::Asked);
        }
        if self.setup.faults.has(FaultKind::UndecodableFrame) && self.ticks == 250 {
            return Some(StreamEnd::Error(
                31950,
                "a frame is taken as undecodable, as the scenario has it".to_owned(),
            ));
        }
        let mut frame = [0; TICK_SAMPLES];
        let (filled, passed) = self.playout.tick(&mut frame);
        for name in passed {
            self.return_mark(&name);
        }
        let caller = &mut self.setup.caller;
        let now_ms = caller.now_ms();
        let played = &frame[..filled];
        let heard = caller.ear.tick(now_ms, played);
        let end = self.react(now_ms, heard);
        let caller = &mut self.setup.caller;
        caller.measures.tick(now_ms, filled > 0, &caller.ear);
        let spoken = caller.line.tick((filled > 0).then_some(played));
        if let Some(recording) = &mut caller.recording {
            recording.push(&spoken, Some(played));
        }
        self.send_audio(&spoken);
        if self.setup.faults.has(FaultKind::UnknownEvents) && self.ticks % 100 == 50 {
            let unknown = self.setup.writer.unknown();
            self.post(unknown);
        }
        end
    }

    fn read_all(&mut self) -> Option<StreamEnd> {
        loop {
            let text = match self.setup.wire.receive() {
                Received::Nothing => return None,
                Received::Closed(code) => return Some(StreamEnd::ServerClosed(code)),
                Received::Lost => return Some(StreamEnd::Lost),
                Received::Binary => return self.undecodable("the server sent a binary frame".to_owned()),
                Received::Text(text) => text,
            };
            match read(&text, self.setup.writer.stream_sid()) {
                Ok(FromServer::Media(audio)) => {
                    if self.playout.push(audio).is_err() {
                        return Some(StreamEnd::Error(
                            31931,
                            "more audio was sent than is buffered".to_owned(),
                        ));
                    }
                }
                Ok(FromServer::Mark(name)) => {
                    self.setup.caller.measures.marks_received += 1;
                    self.playout.mark(name);
                }
                Ok(FromServer::Clear) => self.clear(),
                Err(fault) => return self.undecodable(fault),
            }
        }
    }

    fn undecodable(&mut self, fault: String) -> Option<StreamEnd> {
        self.violations.push(fault.clone());
        Some(StreamEnd::Error(31950, fault))
    }

    fn clear(&mut self) {
        let caller = &mut self.setup.caller;
        caller.measures.cleared(caller.now_ms(), self.playout.waiting_ms());
        caller.ear.cut();
        for name in self.playout.clear() {
            self.return_mark(&name);
        }
    }

    fn return_mark(&mut self, name: &str) {
        self.setup.caller.measures.marks_returned += 1;
        let mark = self.setup.writer.mark(name);
        self.post(mark);
    }

    fn react(&mut self, now_ms: u64, heard: Heard) -> Option<StreamEnd> {
        let caller = &mut self.setup.caller;
        match caller.script.tick(now_ms, heard, &caller.ear)? {
            Act::Say(clip) => {
                caller.measures.says(now_ms, &clip);
                caller.line.play(clip);
                None
            }
            Act::Key { digit, last } => {
                if last {
                    caller.measures.keys(now_ms);
                }
                if self.setup.dtmf_in_audio {
                    caller.line.play(Arc::new(key_tone(digit)));
                }
                let dtmf = self.setup.writer.dtmf(digit);
                self.post(dtmf);
                None
            }
            Act::HangUp => Some(StreamEnd::CallerHungUp),
            Act::GiveUp => Some(StreamEnd::CallerGaveUp),
            Act::ResetSocket => Some(StreamEnd::SocketReset),
        }
    }

    fn send_audio(&mut self, spoken: &[u8; TICK_SAMPLES]) {
        if !self.setup.faults.has(FaultKind::OddFrames) {
            return self.send_frame(self.ticks * TICK_MS, spoken);
        }
        self.odd.extend_from_slice(spoken);
        while self.odd.len() >= self.odd_size {
            let frame: Vec<u8> = self.odd.drain(..self.odd_size).collect();
            self.send_frame(self.odd_sent as u64 / 8, &frame);
            self.odd_sent += frame.len();
            self.odd_size = self.setup.random.random_range(8..=800);
        }
    }

    fn send_frame(&mut self, timestamp_ms: u64, audio: &[u8]) {
        let faults = &self.setup.faults;
        let discarding = faults.has(FaultKind::AudioDiscarded) && (250..350).contains(&self.ticks);
        let lost = faults.has(FaultKind::LostFrames) && self.setup.random.random_range(0..50) == 0;
        let too_slow = self.setup.wire.blocked_ticks() > BLOCKED_TICKS;
        self.discarded |= discarding || too_slow;
        // What is lost has been numbered: the server sees the gap.
        let sent = !(discarding || lost || too_slow);
        if self.plain {
            let text = self.setup.writer.media_text(timestamp_ms, audio);
            self.outbox.extend(sent.then_some(text));
        } else {
            let media = self.setup.writer.media(timestamp_ms, audio);
            if sent {
                self.post(media);
            }
        }
    }

    /// Queues a message, changed as the faults have it.
    fn post(&mut self, mut message: Json) {
        if self.setup.faults.has(FaultKind::UnknownFields) {
            message.insert(
                "flavour",
                Json::object([("name", Json::text("new \"one\"")), ("since", Json::Number(2))]),
            );
        }
        if self.setup.faults.has(FaultKind::VariedKeyOrder) {
            message.shuffle(&mut self.setup.random);
        }
        self.outbox.push(message.write());
    }

    /// In the last 300 ms of every three seconds nothing is sent.
    fn stalled(&self) -> bool {
        self.setup.faults.has(FaultKind::Stall) && self.ticks % 150 >= 135
    }
}

/// Only an end from the telephone's side is announced; a socket that is gone or refused takes no message.
fn says_stop(end: &StreamEnd) -> bool {
    matches!(
        end,
        StreamEnd::CallerHungUp | StreamEnd::CallerGaveUp | StreamEnd::Asked
    )
}

/// The two tones of a key, after ITU-T Q.23.
fn key_tone(digit: char) -> Clip {
    let at = "123456789*0#".find(digit).unwrap_or(0);
    Clip::tone(
        &[
            [697.0, 770.0, 852.0, 941.0][at / 3],
            [1_209.0, 1_336.0, 1_477.0][at % 3],
        ],
        100,
        -13.0,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::{TICK_SAMPLES, decode};

    #[test]
    fn the_tones_of_a_key_are_those_of_the_standard() {
        let samples: Vec<f64> = key_tone('8')
            .mulaw()
            .iter()
            .map(|&byte| f64::from(decode(byte)))
            .collect();
        assert_eq!(samples.len(), 5 * TICK_SAMPLES);
        let power = |hertz: f64| {
            let turn = 2.0 * std::f64::consts::PI * hertz / 8_000.0;
            let part = |f: fn(f64) -> f64| -> f64 {
                samples
                    .iter()
                    .enumerate()
                    .map(|(index, sample)| sample * f(turn * index as f64))
                    .sum()
            };
            part(f64::sin).hypot(part(f64::cos))
        };
        assert!(power(852.0) > 20.0 * power(770.0) && power(1_336.0) > 20.0 * power(1_209.0));
    }
}
