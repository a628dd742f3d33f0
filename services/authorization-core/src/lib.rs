//! The rules and use cases of authorization.
