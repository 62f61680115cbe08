//! The end of keeping.

/// What a purge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgeCounts {
    /// Transcript lines.
    pub transcript_lines: u64,
    /// Verbatim words removed from answers and consents (values stay).
    pub verbatims: u64,
    /// Names removed from contacts that are not called any more.
    pub names: u64,
    /// E-mail addresses removed from the same.
    pub email_addresses: u64,
    /// Whether what was removed may still stand in a log of the database, because somebody was reading. The next purge tries
    /// again.
    pub left_in_log: bool,
}
