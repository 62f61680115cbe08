//! The carrier adapter against a server that answers as Twilio may, and its signatures against Twilio's own package.

#[cfg(test)]
mod api_double;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod oracle;
