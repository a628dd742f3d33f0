//! The database of authorization.
