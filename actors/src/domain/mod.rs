//! The words of the trade: campaigns, questions, intents, attempts, outcomes. Plain data, no behaviour that
//! depends on the world.

mod access;
mod answer;
mod attempt;
mod campaign;
mod email_address;
mod exclusion_reason;
mod ids;
mod intent;
mod lifecycle;
mod outcome;
mod person_name;
mod phone;
mod spoken_time;

pub use access::{ActorKind, ChangedBy, Permission, Role};
pub use answer::{Answer, AnswerValue, AnswerVia};
pub use attempt::{AttemptState, CarrierStatus, Mode};
pub use campaign::{
    CalendarDate, CalendarError, CallingWindow, Campaign, CampaignFault, CampaignLimits, ChoiceOption, DialingRules,
    EmailTemplate, EmailTemplates, FollowUp, LONGEST_SCRUB_AGE_DAYS, Language, Opening, QUESTION_COUNT, Question,
    QuestionKind, RetryPolicy, TimeOfDay, TranslatedQuestion, Translation, VoicemailPolicy, Weekday,
};
pub use email_address::{EmailAddress, EmailAddressError, LONGEST_EMAIL_ADDRESS};
pub use exclusion_reason::{ExclusionReason, ExclusionReasonError, LISTED, LONGEST_REASON};
pub use ids::{AccountSid, AttemptId, CallSid, CampaignId, ContactId, ImportId, StreamSid, TokenId, UserId};
pub use intent::Intent;
pub use lifecycle::{ContactState, Lifecycle};
pub use outcome::{AnsweredBy, ConsentEvidence, Disposition, EndReason, MachineVerdict, Outcome};
pub use person_name::{LONGEST_NAME, PersonName, PersonNameError};
pub use phone::{PhoneNumber, PhoneNumberError};
pub use spoken_time::{AskedTime, CallbackRequest, DaySpan, SpokenClock, SpokenDay, SpokenHours, SpokenTime};
