//! Twilio Media Streams messages, after Twilio's page "Media Streams - WebSocket messages".
//!
//! Inbound messages are borrowed from the text they came in. Unknown fields and events are accepted, keys may come in
//! any order, numbers may be strings (as Twilio sends them) or numbers.

mod inbound;
mod outbound;

pub use inbound::{Inbound, MediaFrame, Start, parse_inbound};
pub use outbound::{write_clear, write_mark, write_media};

/// Why an inbound message cannot be used. Never contains text of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The text is not a JSON object of the documented shape.
    #[error(
        "not a Media Streams message: {fault} at line {line}, column {column}; send one JSON object per text frame"
    )]
    Json {
        /// What kind of fault it is.
        fault: &'static str,
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1.
        column: usize,
    },
    /// A field that the event needs is absent.
    #[error("the {event} message has no `{field}`; send it as Twilio documents it")]
    Missing {
        /// The event.
        event: &'static str,
        /// The field's path.
        field: &'static str,
    },
    /// A field has a value that cannot be used.
    #[error("`{field}` of the {event} message is not {expected}; send it as Twilio documents it")]
    Invalid {
        /// The event.
        event: &'static str,
        /// The field's path.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}
