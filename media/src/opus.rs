//! Opus (RFC 6716) by libopus: two telephone channels into packets, and packets of any stream back to 8 kHz.

use crate::LINE_RATE;
use audiopus::coder::{Decoder, Encoder};
use audiopus::packet::{Packet, nb_samples};
use audiopus::{Application, Bitrate, Channels, MutSignals, SampleRate};

/// Samples of one channel in a packet: 20 ms at 8 kHz.
pub const PACKET_SAMPLES: usize = 160;
/// Opus counts time at 48 kHz whatever it encodes (RFC 7845, section 4).
pub const CLOCK_PER_SAMPLE: u64 = 48_000 / LINE_RATE as u64;
/// Bits a second for both channels: at this the one is not heard in the other.
const BITRATE: i32 = 48_000;
/// Of 10; a telephone line gains nothing from more.
const COMPLEXITY: u8 = 1;
/// The largest packet of one frame (RFC 6716, section 3.2.1), with room for its table of contents.
const LARGEST_PACKET: usize = 1_276;
/// The longest packet, 120 ms, at 8 kHz.
const LONGEST_PACKET_SAMPLES: usize = 960;

/// libopus refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("libopus: {reason}")]
pub struct OpusError {
    /// Its word.
    pub reason: String,
}

impl From<audiopus::Error> for OpusError {
    fn from(error: audiopus::Error) -> Self {
        Self {
            reason: error.to_string(),
        }
    }
}

/// Encodes two channels at 8 kHz.
#[derive(Debug)]
pub struct StereoEncoder {
    encoder: Encoder,
    packet: Box<[u8; LARGEST_PACKET]>,
}

impl StereoEncoder {
    /// An encoder at the beginning of a stream.
    ///
    /// # Errors
    /// [`OpusError`] if there is no memory for it.
    pub fn new() -> Result<Self, OpusError> {
        // Without the speech coder: it is several times the work, and has no room of its own for a second speaker.
        let mut encoder = Encoder::new(SampleRate::Hz8000, Channels::Stereo, Application::LowDelay)?;
        encoder.set_bitrate(Bitrate::BitsPerSecond(BITRATE))?;
        encoder.set_complexity(COMPLEXITY)?;
        Ok(Self {
            encoder,
            packet: Box::new([0; LARGEST_PACKET]),
        })
    }

    /// How much later, in samples of the 48 kHz clock, the decoder gives what was put in: the stream's pre-skip
    /// (RFC 7845, section 4.2).
    ///
    /// # Errors
    /// [`OpusError`] if libopus does not say.
    pub fn delay(&self) -> Result<u16, OpusError> {
        let samples = u64::from(self.encoder.lookahead()?) * CLOCK_PER_SAMPLE;
        u16::try_from(samples).map_err(|_| OpusError {
            reason: format!("a delay of {samples} samples"),
        })
    }

    /// Encodes one packet: [`PACKET_SAMPLES`] pairs, left and right in turn.
    ///
    /// # Errors
    /// [`OpusError`], also for another number of samples.
    pub fn encode(&mut self, interleaved: &[i16]) -> Result<&[u8], OpusError> {
        if interleaved.len() != 2 * PACKET_SAMPLES {
            return Err(OpusError {
                reason: format!("{} samples are no packet of two channels", interleaved.len()),
            });
        }
        let length = self.encoder.encode(interleaved, self.packet.as_mut_slice())?;
        Ok(&self.packet[..length])
    }
}

/// How long a packet is by its first bytes, in samples of one channel at 8 kHz; none if they say nothing sound.
pub fn packet_samples(packet: &[u8]) -> usize {
    let samples = Packet::try_from(packet).and_then(|packet| nb_samples(packet, SampleRate::Hz8000));
    samples.map_or(0, |samples| samples.min(LONGEST_PACKET_SAMPLES))
}

/// Decodes a stream of any encoder to 8 kHz.
#[derive(Debug)]
pub struct OpusDecoder {
    decoder: Decoder,
    channels: usize,
    samples: Vec<i16>,
}

impl OpusDecoder {
    /// A decoder that gives one channel, or two in turn.
    ///
    /// # Errors
    /// [`OpusError`] if there is no memory for it.
    pub fn new(stereo: bool) -> Result<Self, OpusError> {
        let (channels, count) = if stereo {
            (Channels::Stereo, 2)
        } else {
            (Channels::Mono, 1)
        };
        Ok(Self {
            decoder: Decoder::new(SampleRate::Hz8000, channels)?,
            channels: count,
            samples: vec![0; LONGEST_PACKET_SAMPLES * count],
        })
    }

    /// The samples of a packet.
    ///
    /// # Errors
    /// [`OpusError`] for what is no packet.
    pub fn decode(&mut self, packet: &[u8]) -> Result<&[i16], OpusError> {
        let packet = Packet::try_from(packet)?;
        let room = MutSignals::try_from(self.samples.as_mut_slice())?;
        let decoded = self.decoder.decode(Some(packet), room, false)?;
        Ok(self.samples.get(..decoded * self.channels).unwrap_or_default())
    }
}
