//! Call journals on disk.
