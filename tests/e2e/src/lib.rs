//! End-to-end tests over the pair and the real executables.
