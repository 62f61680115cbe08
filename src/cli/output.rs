//! What commands print. `println!` panics when the reader of a pipe has gone (`samvad demo | head`) or the disk is
//! full; here both are errors, and the first ends the command quietly.

use std::fmt::Arguments;
use std::io::{self, Write};

/// Standard output takes nothing more.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written: {0}")]
pub(super) struct OutputError(#[from] io::Error);

impl OutputError {
    /// Exit status of a command whose reader has gone: what a shell shows for a program that SIGPIPE ended.
    pub(super) const READER_GONE_STATUS: u8 = 141;

    /// True if whoever read the output wants no more of it: nothing has gone wrong.
    pub(super) fn reader_is_gone(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Writes a line to standard output; [`say!`] is its short form.
pub(super) fn line(text: Arguments<'_>) -> Result<(), OutputError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Writes to standard error, as it is. If nobody can read it, there is nobody to tell.
pub(super) fn note(text: Arguments<'_>) {
    let mut err = io::stderr().lock();
    let _ = err.write_fmt(text);
    let _ = err.flush();
}

/// `println!` that returns an [`OutputError`] in place of a panic.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::output::line(format_args!($($text)*))
    };
}
pub(super) use say;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_pipe_means_that_the_reader_has_gone() {
        let error = |kind| OutputError(io::Error::from(kind));
        assert!(error(io::ErrorKind::BrokenPipe).reader_is_gone());
        assert!(!error(io::ErrorKind::StorageFull).reader_is_gone());
    }

    #[test]
    fn the_error_is_found_below_what_was_said_of_it() {
        let error = anyhow::Error::from(OutputError(io::ErrorKind::BrokenPipe.into())).context("the run stopped");
        assert!(
            error
                .downcast_ref::<OutputError>()
                .is_some_and(OutputError::reader_is_gone)
        );
    }
}
