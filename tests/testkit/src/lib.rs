//! Worlds, typed callers, conformance suites, the pair in one process.
