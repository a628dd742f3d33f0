//! The authorization executable.
