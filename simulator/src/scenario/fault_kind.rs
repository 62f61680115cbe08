//! What the network can be made to do wrong. Each is described in docs/scenarios.md.

use std::collections::BTreeSet;

macro_rules! fault_kinds {
    ($($(#[$meaning:meta])* $variant:ident = $name:literal,)+) => {
        /// A fault that a scenario can ask for, by name for one caller or by probability for all.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum FaultKind {
            $($(#[$meaning])* $variant,)+
        }

        impl FaultKind {
            /// Every kind.
            pub const ALL: &[FaultKind] = &[$(Self::$variant,)+];

            /// Its name in a scenario file.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

fault_kinds! {
    /// The `initiated` callback arrives before the reply to the request that created the call.
    CallbackBeforeReply = "callback_before_reply",
    /// The media stream is up for a second before the `answered` callback is sent.
    MediaBeforeAnswered = "media_before_answered",
    /// The stream ends without a `stop` message.
    MissingStop = "missing_stop",
    /// Every three seconds the caller's audio stalls for 300 ms and then comes in a burst.
    Stall = "stall",
    /// Frames of 1 to 100 ms in place of 20 ms.
    OddFrames = "odd_frames",
    /// One media message in fifty is lost, so that numbers, chunks and timestamps have gaps.
    LostFrames = "lost_frames",
    /// Members that Twilio does not document, in messages and callbacks.
    UnknownFields = "unknown_fields",
    /// Events that Twilio does not document.
    UnknownEvents = "unknown_events",
    /// The members of every message in another order.
    VariedKeyOrder = "varied_key_order",
    /// Machine detection calls a person a machine, twenty seconds later than usual.
    LateMachineVerdict = "late_machine_verdict",
    /// The first request to create the call is refused with 429.
    RateLimited = "rate_limited",
    /// The call is placed and the reply is a 500.
    ServerErrorAfterPlacing = "server_error_after_placing",
    /// The call is placed and the reply does not come.
    TimeoutAfterPlacing = "timeout_after_placing",
    /// The caller hangs up at the moment of an update, which is refused with 21220.
    EndedBeforeUpdate = "ended_before_update",
    /// The play-out buffer holds only two seconds: the stream ends with 31931.
    BufferOverflow = "stream_error_31931",
    /// Two seconds of the caller's audio are discarded, as when the server reads too slowly (31930).
    AudioDiscarded = "stream_error_31930",
    /// Five seconds into the stream a frame of the server is taken as undecodable: the stream ends with 31950.
    UndecodableFrame = "stream_error_31950",
    /// Every status callback is sent twice.
    DuplicateCallbacks = "duplicate_callbacks",
    /// Status callbacks arrive in the order 1, 0, 3, 2.
    ReorderedCallbacks = "reordered_callbacks",
    /// Only the last status callback is sent.
    DroppedCallbacks = "dropped_callbacks",
    /// The last status callback is not sent.
    DroppedFinalCallback = "dropped_final_callback",
    /// Before each status callback comes a forged one without a signature. It must be refused.
    UnsignedCallbacks = "unsigned_callbacks",
    /// Before each status callback comes a forged one with a wrong signature. It must be refused.
    WronglySignedCallbacks = "wrongly_signed_callbacks",
    /// Before the stream somebody tries to connect without a signature. It must be refused.
    UnsignedUpgrade = "unsigned_upgrade",
    /// Before the stream somebody tries to connect with a wrong signature. It must be refused.
    WronglySignedUpgrade = "wrongly_signed_upgrade",
    /// The upgrade's signature covers the URL with a slash at its end, as Twilio sometimes does.
    SlashSignedUpgrade = "slash_signed_upgrade",
}

impl FaultKind {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// The faults of one call.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct FaultSet(BTreeSet<FaultKind>);

impl FaultSet {
    /// Adds one.
    pub(crate) fn insert(&mut self, kind: FaultKind) {
        self.0.insert(kind);
    }

    /// True if it is among them.
    pub(crate) fn has(&self, kind: FaultKind) -> bool {
        self.0.contains(&kind)
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|kind| kind.name()).collect()
    }
}
