//! The Media Streams client: many streams, paced by the clock, each with a caller at its end.

mod live;
mod message;
mod pacer;
mod playout;
mod wire;

pub(crate) use live::{CallerLine, LiveStream, StreamEnd, StreamFinish, StreamSetup};
pub(crate) use message::Writer;
pub(crate) use pacer::Pacer;
pub(crate) use wire::Wire;
