//! What parent and child say to each other over pipes: frames of a length (u32) and a body, little-endian
//! throughout. Requests carry all that is needed to answer them, so that any child can take over from another.

use std::io::{self, Read, Write};

/// Longest body of a frame. An utterance of a minute with a large grammar takes about 1 MiB.
pub const MAX_FRAME_BYTES: usize = 8 * 1024 * 1024;

const SETUP: u8 = 0;
const RECOGNIZE: u8 = 1;
const PREPARE: u8 = 2;
const HEARD: u8 = 3;
const PREPARED: u8 = 4;
const FAULT: u8 = 5;

/// Parent to child.
#[derive(Clone, PartialEq, Debug)]
pub enum Request {
    /// Once, first of all.
    Setup {
        /// Threads, each with its own decoders.
        threads: u16,
        /// Folder of the speech models.
        models: String,
    },
    /// Recognise an utterance.
    Recognize {
        /// Chosen by the parent; the reply repeats it.
        sequence: u64,
        /// The grammar's phrases.
        phrases: Vec<String>,
        /// True if anything may be said.
        free_text: bool,
        /// 8 kHz.
        samples: Vec<i16>,
    },
    /// Compile a grammar and say what is wrong with it.
    Prepare {
        /// As above.
        sequence: u64,
        /// The grammar's phrases.
        phrases: Vec<String>,
        /// True if anything may be said.
        free_text: bool,
    },
}

/// Child to parent.
#[derive(Clone, PartialEq, Debug)]
pub enum Response {
    /// An utterance was decoded.
    Heard {
        /// The request's.
        sequence: u64,
        /// Empty for a rejection.
        text: String,
        /// 0 to 1.
        confidence: f32,
        /// A guess at free speech.
        uncertain: bool,
    },
    /// A grammar is in order.
    Prepared {
        /// The request's.
        sequence: u64,
    },
    /// The request cannot be served.
    Fault {
        /// The request's.
        sequence: u64,
        /// Why, and if known the remedy.
        reason: String,
    },
}

impl Response {
    /// The request's number.
    pub fn sequence(&self) -> u64 {
        match self {
            Self::Heard { sequence, .. } | Self::Prepared { sequence } | Self::Fault { sequence, .. } => *sequence,
        }
    }
}

/// A body that is not what the protocol says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame between the server and its recogniser child is malformed: {0}")]
pub struct ProtocolError(&'static str);

/// Reads the body of the next frame; `None` where the stream ends between two frames.
pub fn read_frame(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::other(ProtocolError("it is longer than the limit")));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}

/// Writes a frame.
pub fn write_frame(writer: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len())
        .ok()
        .filter(|_| body.len() <= MAX_FRAME_BYTES)
        .ok_or_else(|| io::Error::other(ProtocolError("it is longer than the limit")))?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(body)?;
    writer.flush()
}

impl Request {
    /// The body of a frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Setup { threads, models } => {
                out.push(SETUP);
                out.extend(threads.to_le_bytes());
                out.extend(models.as_bytes());
            }
            Self::Recognize {
                sequence,
                phrases,
                free_text,
                samples,
            } => {
                put_grammar(&mut out, RECOGNIZE, *sequence, phrases, *free_text);
                out.reserve(samples.len() * 2);
                samples
                    .iter()
                    .for_each(|sample| out.extend_from_slice(&sample.to_le_bytes()));
            }
            Self::Prepare {
                sequence,
                phrases,
                free_text,
            } => put_grammar(&mut out, PREPARE, *sequence, phrases, *free_text),
        }
        out
    }

    /// Reads the body of a frame.
    pub fn decode(body: &[u8]) -> Result<Self, ProtocolError> {
        let mut rest = Cursor(body);
        let kind = rest.u8()?;
        match kind {
            SETUP => Ok(Self::Setup {
                threads: u16::from_le_bytes(rest.array()?),
                models: rest.text()?,
            }),
            RECOGNIZE | PREPARE => {
                let sequence = u64::from_le_bytes(rest.array()?);
                let free_text = rest.u8()? != 0;
                let length = u32::from_le_bytes(rest.array()?) as usize;
                let phrases = Cursor(rest.take(length)?).text()?;
                let phrases = phrases
                    .split('\n')
                    .filter(|phrase| !phrase.is_empty())
                    .map(str::to_owned)
                    .collect();
                if kind == PREPARE {
                    return Ok(Self::Prepare {
                        sequence,
                        phrases,
                        free_text,
                    });
                }
                let (pairs, odd) = rest.0.as_chunks::<2>();
                if !odd.is_empty() {
                    return Err(ProtocolError("half a sample"));
                }
                Ok(Self::Recognize {
                    sequence,
                    phrases,
                    free_text,
                    samples: pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect(),
                })
            }
            _ => Err(ProtocolError("an unknown kind of request")),
        }
    }
}

impl Response {
    /// The body of a frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Heard {
                sequence,
                text,
                confidence,
                uncertain,
            } => {
                out.push(HEARD);
                out.extend(sequence.to_le_bytes());
                out.extend(confidence.to_le_bytes());
                out.push(u8::from(*uncertain));
                out.extend(text.as_bytes());
            }
            Self::Prepared { sequence } => {
                out.push(PREPARED);
                out.extend(sequence.to_le_bytes());
            }
            Self::Fault { sequence, reason } => {
                out.push(FAULT);
                out.extend(sequence.to_le_bytes());
                out.extend(reason.as_bytes());
            }
        }
        out
    }

    /// Reads the body of a frame.
    pub fn decode(body: &[u8]) -> Result<Self, ProtocolError> {
        let mut rest = Cursor(body);
        let kind = rest.u8()?;
        let sequence = u64::from_le_bytes(rest.array()?);
        match kind {
            HEARD => Ok(Self::Heard {
                sequence,
                confidence: f32::from_le_bytes(rest.array()?),
                uncertain: rest.u8()? != 0,
                text: rest.text()?,
            }),
            PREPARED => Ok(Self::Prepared { sequence }),
            FAULT => Ok(Self::Fault {
                sequence,
                reason: rest.text()?,
            }),
            _ => Err(ProtocolError("an unknown kind of response")),
        }
    }
}

fn put_grammar(out: &mut Vec<u8>, kind: u8, sequence: u64, phrases: &[String], free_text: bool) {
    let phrases = phrases.join("\n");
    out.push(kind);
    out.extend(sequence.to_le_bytes());
    out.push(u8::from(free_text));
    // A grammar beyond 4 GiB cannot exist; a frame beyond the limit is refused when it is written.
    out.extend(u32::try_from(phrases.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend(phrases.as_bytes());
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ProtocolError> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(ProtocolError("it ends early"))?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        self.take(N)?.try_into().map_err(|_| ProtocolError("it ends early"))
    }

    fn u8(&mut self) -> Result<u8, ProtocolError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn text(&mut self) -> Result<String, ProtocolError> {
        let bytes = std::mem::take(&mut self.0);
        String::from_utf8(bytes.to_vec()).map_err(|_| ProtocolError("a text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_request_is_read_as_it_was_written(
            sequence: u64, free_text: bool, samples: Vec<i16>, phrases in prop::collection::vec("[a-z' ]{1,12}", 0..9)
        ) {
            for request in [
                Request::Setup { threads: 3, models: "/usr/share/a b".to_owned() },
                Request::Prepare { sequence, phrases: phrases.clone(), free_text },
                Request::Recognize { sequence, phrases, free_text, samples },
            ] {
                prop_assert_eq!(Request::decode(&request.encode()), Ok(request));
            }
        }

        #[test]
        fn a_response_is_read_as_it_was_written(sequence: u64, text: String, confidence in 0f32..1.0, uncertain: bool) {
            for response in [
                Response::Heard { sequence, text: text.clone(), confidence, uncertain },
                Response::Prepared { sequence },
                Response::Fault { sequence, reason: text },
            ] {
                prop_assert_eq!(Response::decode(&response.encode()), Ok(response));
            }
        }

        #[test]
        fn no_body_makes_the_reader_panic(body: Vec<u8>) {
            let _ = Request::decode(&body);
            let _ = Response::decode(&body);
            let _ = read_frame(&mut body.as_slice());
        }
    }

    #[test]
    fn a_frame_longer_than_the_limit_is_refused_before_it_is_read() {
        let mut bytes = u32::MAX.to_le_bytes().to_vec();
        bytes.extend([0; 10]);
        assert!(read_frame(&mut bytes.as_slice()).is_err());
        assert!(write_frame(&mut Vec::new(), &vec![0; MAX_FRAME_BYTES + 1]).is_err());
    }

    #[test]
    fn the_end_of_the_stream_between_frames_is_not_an_error_but_within_one_it_is() {
        assert_eq!(read_frame(&mut [].as_slice()).unwrap(), None);
        assert!(read_frame(&mut [5, 0, 0, 0, 1].as_slice()).is_err());
    }
}
