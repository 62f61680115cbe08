//! A recorded call: two telephone channels as Opus in Ogg (RFC 7845), written as the call runs.
//!
//! Every page holds whole packets and says where it ends, so that a file which stops after any page plays to there.

use crate::codec::mulaw_to_linear;
use crate::ogg::{self, PageWriter};
use crate::opus::{CLOCK_PER_SAMPLE, OpusDecoder, OpusError, PACKET_SAMPLES, StereoEncoder, packet_samples};
use crate::{LINE_RATE, SAMPLES_PER_MS};

/// Packets of 20 ms in a page: what a crash can cost, besides what is on its way.
const PACKETS_PER_PAGE: u64 = 20;
/// Begins the first and the second packet (RFC 7845, sections 5.1 and 5.2).
const HEAD_MAGIC: &[u8] = b"OpusHead";
const TAGS_MAGIC: &[u8] = b"OpusTags";
const VENDOR: &str = "samvad";
/// How much silence is filled in at most for what was lost when a recording is read, in samples: two hours, twice the
/// longest call. A position that lies farther ahead is not that of a loss.
const MOST_SILENCE: u64 = 2 * 3_600 * LINE_RATE as u64;

/// Writes a recording. What it has made so far is taken with [`RecordingWriter::take`].
#[derive(Debug)]
pub struct RecordingWriter {
    encoder: StereoEncoder,
    pages: PageWriter,
    pre_skip: u16,
    /// Samples given so far, a channel.
    given: u64,
    /// Packets made so far, and those of them that wait for the end of their page.
    packets: u64,
    waiting: u64,
    frame: Vec<i16>,
    out: Vec<u8>,
}

impl RecordingWriter {
    /// Begins a recording with its two header pages. `serial` names the stream within the file.
    ///
    /// # Errors
    /// [`OpusError`] if there is no encoder.
    pub fn new(serial: u32) -> Result<Self, OpusError> {
        let encoder = StereoEncoder::new()?;
        let pre_skip = encoder.delay()?;
        let mut pages = PageWriter::new(serial);
        let mut out = Vec::new();
        for header in [head(pre_skip), tags()] {
            // Both are far smaller than a page.
            let _fits = pages.push(&header);
            pages.end_page(0, false, &mut out);
        }
        Ok(Self {
            encoder,
            pages,
            pre_skip,
            given: 0,
            packets: 0,
            waiting: 0,
            frame: Vec::with_capacity(2 * PACKET_SAMPLES),
            out,
        })
    }

    /// Adds 8 kHz mu-law, left and right in turn.
    ///
    /// # Errors
    /// [`OpusError`]; the recording must end then.
    pub fn push(&mut self, interleaved: &[u8]) -> Result<(), OpusError> {
        for pair in interleaved.chunks_exact(2) {
            self.add(mulaw_to_linear(pair[0]), mulaw_to_linear(pair[1]))?;
        }
        Ok(())
    }

    /// Adds silence on both channels, in samples.
    ///
    /// # Errors
    /// [`OpusError`]; the recording must end then.
    pub fn push_silence(&mut self, samples: u64) -> Result<(), OpusError> {
        (0..samples).try_for_each(|_| self.add(0, 0))
    }

    /// Samples given so far, a channel.
    pub fn samples(&self) -> u64 {
        self.given
    }

    /// The pages that are complete and have not been taken.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Ends the recording at what was given, and gives the rest of its pages.
    ///
    /// # Errors
    /// [`OpusError`] if the last packets cannot be made.
    pub fn finish(mut self) -> Result<Vec<u8>, OpusError> {
        let end = u64::from(self.pre_skip) + self.given * CLOCK_PER_SAMPLE;
        // What the encoder still holds back comes out behind it.
        while self.packets == 0 || self.packets * PACKET_SAMPLES as u64 * CLOCK_PER_SAMPLE < end {
            self.frame.resize(2 * PACKET_SAMPLES, 0);
            self.encode()?;
        }
        // The granule position of the last page cuts off what was filled up (RFC 7845, section 4.4).
        self.pages.end_page(end, true, &mut self.out);
        Ok(self.out)
    }

    fn add(&mut self, left: i16, right: i16) -> Result<(), OpusError> {
        self.frame.extend([left, right]);
        self.given += 1;
        if self.frame.len() == 2 * PACKET_SAMPLES {
            self.encode()?;
        }
        Ok(())
    }

    fn encode(&mut self) -> Result<(), OpusError> {
        if self.waiting == PACKETS_PER_PAGE {
            self.end_page();
        }
        let packet = self.encoder.encode(&self.frame)?;
        self.frame.clear();
        let _fits = self.pages.push(packet);
        self.packets += 1;
        self.waiting += 1;
        Ok(())
    }

    /// The page before the last one ends with the packet before: the last page must hold what it cuts.
    fn end_page(&mut self) {
        let granule = self.packets * PACKET_SAMPLES as u64 * CLOCK_PER_SAMPLE;
        self.pages.end_page(granule, false, &mut self.out);
        self.waiting = 0;
    }
}

fn head(pre_skip: u16) -> Vec<u8> {
    let mut head = HEAD_MAGIC.to_vec();
    // Version 1, two channels.
    head.extend([1, 2]);
    head.extend(pre_skip.to_le_bytes());
    head.extend(LINE_RATE.to_le_bytes());
    // No gain, channel mapping family 0: left and right.
    head.extend([0, 0, 0]);
    head
}

fn tags() -> Vec<u8> {
    let mut tags = TAGS_MAGIC.to_vec();
    tags.extend((VENDOR.len() as u32).to_le_bytes());
    tags.extend(VENDOR.as_bytes());
    tags.extend(0u32.to_le_bytes());
    tags
}

/// A recording as it was read, at 8 kHz.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// The caller, or the only channel.
    pub left: Vec<i16>,
    /// The agent; as the left one if there is one channel only.
    pub right: Vec<i16>,
    /// Whether its end was written; false after a crash.
    pub complete: bool,
}

impl Recorded {
    /// Its length in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.left.len() as u64 / SAMPLES_PER_MS
    }
}

/// Why a file cannot be read as a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// There is no page of Ogg in it.
    #[error("it holds no Ogg page: it is no Ogg file, or damaged throughout")]
    NotOgg,
    /// The first packet is not that of Opus.
    #[error("it holds no Opus: its first packet is no OpusHead")]
    NotOpus,
    /// More than two channels, or a version to come.
    #[error("its Opus has {channels} channels in version {version}; one or two channels in version 1 are read")]
    Unsupported {
        /// Channels.
        channels: u8,
        /// Version of the encapsulation.
        version: u8,
    },
    /// libopus refused.
    #[error(transparent)]
    Opus(#[from] OpusError),
}

/// Reads an Ogg Opus file of one or two channels, ours or another's. What is damaged or lost is silence of its length,
/// in its place.
///
/// # Errors
/// [`RecordingError`] if there is nothing in it that could be read.
pub fn read_recording(file: &[u8]) -> Result<Recorded, RecordingError> {
    let packets = ogg::packets(file);
    let first = packets.first().ok_or(RecordingError::NotOgg)?;
    let head = first.data.strip_prefix(HEAD_MAGIC).ok_or(RecordingError::NotOpus)?;
    let &[version, channels, low, high, ..] = head else {
        return Err(RecordingError::NotOpus);
    };
    if version >> 4 != 0 || !(1..=2).contains(&channels) {
        return Err(RecordingError::Unsupported { channels, version });
    }
    let pre_skip = u16::from_le_bytes([low, high]) / CLOCK_PER_SAMPLE as u16;
    let channels = usize::from(channels);
    let mut decoder = OpusDecoder::new(channels == 2)?;
    let mut timeline = Timeline::new(channels);
    let audio = packets
        .iter()
        .skip(1)
        .filter(|packet| !packet.data.starts_with(TAGS_MAGIC));
    for packet in audio {
        match decoder.decode(&packet.data) {
            Ok(samples) => timeline.samples.extend(samples),
            Err(_) => timeline.push_silence(packet_samples(&packet.data)),
        }
        timeline.after_gap |= packet.after_gap;
        if let Some(granule) = packet.granule {
            timeline.end_page(granule / CLOCK_PER_SAMPLE, packet.last);
        }
    }
    let mut samples = timeline.samples;
    samples.drain(..(usize::from(pre_skip) * channels).min(samples.len()));
    let side = |offset: usize| samples.iter().skip(offset).step_by(channels).copied().collect();
    Ok(Recorded {
        left: side(0),
        right: side(channels - 1),
        complete: timeline.complete,
    })
}

/// What has been decoded, each page at its place.
struct Timeline {
    channels: usize,
    /// The channels in turn.
    samples: Vec<i16>,
    /// How much of that was there before the page that is being read.
    settled: usize,
    /// Pages are missing before the one that is being read.
    after_gap: bool,
    /// Which position of the stream is the first sample's, once a page tells.
    origin: Option<u64>,
    /// Silence that may still be filled in, in samples of a channel.
    silence_left: u64,
    complete: bool,
}

impl Timeline {
    fn new(channels: usize) -> Self {
        Self {
            channels,
            samples: Vec::new(),
            settled: 0,
            after_gap: false,
            origin: None,
            silence_left: MOST_SILENCE,
            complete: false,
        }
    }

    /// In samples of a channel.
    fn push_silence(&mut self, samples: usize) {
        self.samples.resize(self.samples.len() + samples * self.channels, 0);
    }

    /// The page that was read ends at a position of the stream, in samples. What lacks up to there was lost before it.
    fn end_page(&mut self, position: u64, is_last: bool) {
        let there = (self.samples.len() / self.channels) as u64;
        // A stream that was cut out of a longer one begins where its first page says (RFC 7845, section 4.5), unless
        // pages were lost before that.
        let first = if self.after_gap {
            0
        } else {
            position.saturating_sub(there)
        };
        let mut origin = *self.origin.get_or_insert(first);
        let missing = position.saturating_sub(origin).saturating_sub(there);
        if missing <= self.silence_left {
            self.silence_left -= missing;
            let lost = std::iter::repeat_n(0, missing as usize * self.channels);
            self.samples.splice(self.settled..self.settled, lost);
        } else {
            // Another clock: from here on it is the one that counts.
            origin += missing;
            self.origin = Some(origin);
        }
        if is_last {
            let end = position.saturating_sub(origin).saturating_mul(self.channels as u64);
            // Only samples of its own page are cut off (RFC 7845, section 4.4).
            match usize::try_from(end) {
                Ok(end) if end >= self.settled => self.samples.truncate(end),
                _ => {}
            }
            self.complete = true;
        }
        self.settled = self.samples.len();
        self.after_gap = false;
    }
}

#[cfg(test)]
#[path = "recording_tests.rs"]
mod tests;
