//! The telephone network: calls from the request that creates them to their last callback.

mod at_home;
mod call;
mod callbacks;
mod flow;
mod inbound;
mod registry;
mod world;

pub(crate) use call::rfc2822;
pub(crate) use call::{Call, CallRequest, CallStatus, Detection, Document, Order, StatusCallback};
pub(crate) use callbacks::Delivered;
pub(crate) use registry::Registry;
pub(crate) use world::World;
