//! The layer-data executable.
