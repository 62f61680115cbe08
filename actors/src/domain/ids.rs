//! Identifiers, each its own type so that one cannot stand where another is meant.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text as this id. Nothing is checked: ids come from our own generator or the carrier.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

id!(
    /// One try to reach one contact: our own UUID. It travels in the callback URL's path and in the media token.
    AttemptId
);
id!(
    /// A campaign: our own UUID, or a name chosen by a campaign file.
    CampaignId
);
id!(
    /// A contact of a campaign: our own UUID.
    ContactId
);
id!(
    /// The carrier's name for a call (Twilio: `CA` and 32 hexadecimal digits).
    CallSid
);
id!(
    /// The carrier's name for an account (Twilio: `AC` and 32 hexadecimal digits).
    AccountSid
);
id!(
    /// The carrier's name for a media stream (Twilio: `MZ` and 32 hexadecimal digits).
    StreamSid
);
id!(
    /// Somebody who signs in: our own UUID.
    UserId
);
id!(
    /// An API token: our own UUID. Not the token itself.
    TokenId
);
id!(
    /// One import of contacts or exclusions: our own UUID.
    ImportId
);
