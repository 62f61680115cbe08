//! Values that are never printed.

use std::fmt;

/// A secret: `Debug` masks it, and there is no `Display` and no serialisation.
/// [`Secret::expose`] is the one way to the value.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one place that uses it; never for a log.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_in_debug_output_of_whatever_holds_it() {
        let held = [Secret::new("hunter2".to_owned())];
        assert_eq!(format!("{held:?} {held:#?}").matches("hunter2").count(), 0);
        assert_eq!(held[0].expose(), "hunter2");
    }
}
