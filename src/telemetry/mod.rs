//! Logs and figures without personal data.
